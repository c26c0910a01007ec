"""Keep what a training step frees for the next one, instead of giving it back to the system.

A step allocates the same activations as the one before. glibc gives large ones back each time, and
the system then has to clear the pages anew: a tenth of a step on a CPU (docs/performance.md).
"""

import ctypes

# Of glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4
MIB = 2**20
KEPT = {M_MMAP_MAX: 0, M_TRIM_THRESHOLD: -1}
# What glibc's own adjustment comes to when large blocks are freed again and again.
RETURNED = {M_MMAP_MAX: 65536, M_MMAP_THRESHOLD: 32 * MIB, M_TRIM_THRESHOLD: 64 * MIB}


def keep_freed_memory(keep: bool = True) -> bool:
    """Set it for this process; return whether it could be, which is so with glibc alone."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = KEPT if keep else RETURNED
    done = [mallopt(option, value) for option, value in settings.items()]
    return all(done)
