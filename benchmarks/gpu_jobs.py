"""Several trainings on one card at once: images/s of all together, beside one alone."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import gpu_stages
from gpu_speed import per_second, random_images
from gpu_step import Context

from modc.training.determinism import be_deterministic
from modc.training.probe import endless_batches, made_up_task
from modc.training.train import set_up, train_batch

COUNTS = (1, 2, 3)
STAGES = (("ASENv2", "warm_up"), ("ASEN++", "pseudo_clusters"))
# Before all begin together, each trains for so long; then for so long together.
SETTLED, TIMED = 2.0, 6.0
POLL = 0.02


def jobs(context: Context) -> Iterator[dict]:
    """Train one stage in one, two and three processes at once."""
    for network, stage in STAGES[:1] if context.small else STAGES:
        alone = None
        for count in COUNTS[:2] if context.small else COUNTS:
            row = {"network": network, "stage": stage, "jobs": count}
            rates, why = together(context, network, stage, count)
            if why:
                yield {**row, "note": why}
                continue
            alone = alone or rates[0]
            yield {
                **row,
                "images/s, all": sum(rates),
                "images/s, slowest": min(rates),
                "of one alone": sum(rates) / alone,
            }


def together(context: Context, network: str, stage: str, count: int) -> tuple[list[float], str]:
    """Return the images/s of each of so many trainings at once, or why there are none."""
    folder = Path(context.work) / f"jobs-{time.time():.2f}"
    folder.mkdir(parents=True)
    described = json.dumps(asdict(context))
    code = "import gpu_jobs; gpu_jobs.main()"
    arguments = [sys.executable, "-c", code, described, network, stage, str(folder)]
    processes = [subprocess.Popen([*arguments, str(number)]) for number in range(count)]
    try:
        for process, number in zip(processes, range(count), strict=True):
            while not (folder / f"{number}.ready").exists():
                if process.poll() is not None:
                    return [], f"job {number + 1} of {count} ended with {process.returncode}"
                time.sleep(POLL)
        (folder / "go").touch()
        for process in processes:
            if process.wait():
                return [], f"a job of {count} ended with {process.returncode}"
    finally:
        for process in processes:
            process.kill()
            process.wait()
    return [float((folder / f"{number}.rate").read_text()) for number in range(count)], ""


def main() -> None:
    """Be one of the trainings: get ready, wait for the others, train, write images/s."""
    described, network, stage, folder, number = sys.argv[1:]
    context, folder = Context(**json.loads(described)), Path(folder)
    be_deterministic()
    machine = gpu_stages.machine(context.device)
    spec = gpu_stages.spec(gpu_stages.config(context.small), network, stage)
    learner = set_up(made_up_task(spec, random_images(spec.sizes, context)), machine)
    batches = endless_batches(learner)
    images = spec.batch_size * spec.images_per_triplet
    settled, timed = (0.0, 0.2) if context.small else (SETTLED, TIMED)

    def step() -> None:
        train_batch(learner, next(batches))

    per_second(step, images, settled, machine)
    (folder / f"{number}.ready").touch()
    while not (folder / "go").exists():
        time.sleep(POLL / 10)
    (folder / f"{number}.rate").write_text(str(per_second(step, images, timed, machine)))
