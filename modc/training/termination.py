"""SIGTERM, by which a cluster asks for its processor back: leave soon, with a checkpoint.

Slurm sends it before a time limit or a preemption, and kills what is still there 30 seconds later
(its KillWait).
"""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

STATUS = 128 + signal.SIGTERM


class Termination:
    """Within its context SIGTERM raises SystemExit, for an exit status of 143.

    At once, or where it is `put_off`, at the end of that. A second SIGTERM changes nothing, since
    the first one's checkpoint may be half written.
    """

    def __init__(self, name: str):
        """`name`: what the log calls the training."""
        self.name = name
        self._asked = self._put_off = False

    def __enter__(self) -> "Termination":
        self._before = signal.signal(signal.SIGTERM, self._note)
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        signal.signal(signal.SIGTERM, self._before)
        if kind is SystemExit:
            log.warning("%s: stopped by SIGTERM (exit status %d)", self.name, STATUS)

    @contextmanager
    def put_off(self) -> Iterator[None]:
        """Finish what is in this context first."""
        self._put_off = True
        try:
            yield
        finally:
            self._put_off = False
        if self._asked:
            raise SystemExit(STATUS)

    def _note(self, *_: object) -> None:
        if not self._asked:
            self._asked = True
            if not self._put_off:
                raise SystemExit(STATUS)
