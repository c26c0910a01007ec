"""How long chains of work take on several devices, one piece a device at a time."""

import heapq


def makespan(chains: list[list[float]], devices: int) -> float:
    """Return the seconds until all is done; chains: the seconds of pieces that follow each other.

    List scheduling: a device that is free takes the next piece of the chain with the most work
    left, among those whose piece before is done. Not always the shortest possible, and at most
    twice that.
    """
    # (when its next piece may start, work left, chain, number of its next piece)
    waiting = [(0.0, -sum(chain), number, 0) for number, chain in enumerate(chains) if chain]
    heapq.heapify(waiting)
    ready: list[tuple[float, int, int]] = []
    free = [0.0] * devices
    end = 0.0
    while waiting or ready:
        now = heapq.heappop(free)
        if not ready and waiting:
            now = max(now, waiting[0][0])
        while waiting and waiting[0][0] <= now:
            _, left, number, piece = heapq.heappop(waiting)
            heapq.heappush(ready, (left, number, piece))
        left, number, piece = heapq.heappop(ready)
        seconds = chains[number][piece]
        end = max(end, now + seconds)
        heapq.heappush(free, now + seconds)
        if piece + 1 < len(chains[number]):
            heapq.heappush(waiting, (now + seconds, left + seconds, number, piece + 1))
    return end
