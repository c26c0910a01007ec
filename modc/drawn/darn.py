"""DARN with drawn garments, which a web server on this machine gives away."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from modc.datasets.darn import DARN, Addresses
from modc.drawn.dataset import Drawn

log = logging.getLogger(__name__)


class DrawnDARN(Drawn, DARN):
    """A list of URLs of drawn garments, some of which fail as old URLs do, and split files."""

    options = tuple(option for option in DARN.options if option.name != "splits")

    def write(self, images: int, seed: int) -> None:
        """Draw so many images from a seed."""
        # It needs packages that nothing else does.
        from modc.drawn.garments import write_darn

        write_darn(self.folder, images, seed)

    @contextmanager
    def addresses(self) -> Iterator[Addresses]:
        """Serve the drawn images; return where their host is then."""
        from modc.drawn.garments import HOST
        from modc.drawn.server import serve

        log.info("drawn images, served from this machine")
        with serve(self.folder) as place:
            yield {HOST: place}
