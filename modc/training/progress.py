"""A line of progress every few seconds: step, loss, images a second, time left."""

import logging
import time

from torch import Tensor

from modc.readable import duration
from modc.training.heartbeat import Heartbeat

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Counts the steps of a stage and says now and then how far it is."""

    def __init__(
        self,
        name: str,
        epochs: int,
        steps: int,
        images_per_step: float,
        done: int,
        heartbeat: Heartbeat,
    ):
        """`done` steps were made by an earlier process; the rate counts this one's alone."""
        self.heartbeat, self.score = heartbeat, None
        self.name, self.epochs, self.steps, self.images_per_step = (
            name,
            epochs,
            steps,
            images_per_step,
        )
        self.first = self.done = done
        self.begun = self.spoken = time.monotonic()
        self._beat(None, None)

    def step(self, loss: Tensor) -> None:
        """Count one step; `loss` is turned into a number only when a line is due."""
        self.done += 1
        if time.monotonic() - self.spoken >= SECONDS_BETWEEN_LINES:
            epoch, step = divmod(self.done - 1, self.steps)
            self.say(
                f"epoch {epoch + 1}/{self.epochs} step {step + 1}/{self.steps}",
                float(loss.detach()),
            )

    def epoch(self, row: dict[str, float]) -> None:
        """Say how an epoch ended; row: its row of curve.csv."""
        self.score = row["valid_MAP@all"]
        self.say(f"epoch {row['epoch']}/{self.epochs} done", row["loss"], _in_words(row))

    def say(self, where: str, loss: float, text: str = "") -> None:
        """Log one line."""
        self.spoken = time.monotonic()
        seconds = self.spoken - self.begun
        made = max(1, self.done - self.first)
        left = (self.epochs * self.steps - self.done) * seconds / made
        rate = made * self.images_per_step / max(seconds, 1e-9)
        log.info(
            "%s: %s, loss %.4f%s, %.0f images/s, %s left",
            self.name,
            where,
            loss,
            text,
            rate,
            duration(left),
        )
        self._beat(rate, seconds / made * self.steps)

    def _beat(self, rate: float | None, seconds_an_epoch: float | None) -> None:
        self.heartbeat.beat(
            epochs=self.epochs,
            epochs_done=self.done / self.steps,
            images_per_second=rate,
            seconds_an_epoch=seconds_an_epoch,
            valid_MAP_all=self.score,
        )


def _in_words(row: dict[str, float]) -> str:
    """Return the loss by term and the percentages of an epoch, as they go on a log line."""
    percentages = {
        name: value for name, value in row.items() if name.startswith(("share_", "valid_"))
    }
    others = ("epoch", "learning_rate", "loss", *percentages)
    terms = ", ".join(f"{name} {value:.4f}" for name, value in row.items() if name not in others)
    named = {
        name.replace("valid_", "validation ").replace("_", " "): value
        for name, value in percentages.items()
    }
    return f" ({terms})" + "".join(f", {name} {100 * value:.2f}" for name, value in named.items())
