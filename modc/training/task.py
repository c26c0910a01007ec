"""A training task: all that training one stage depends on, and the files it ends in."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from modc import paths, provenance
from modc.data.device_images import DeviceImages
from modc.data.index import Index
from modc.errors import UserError
from modc.networks import model_file
from modc.stage import StageSpec, fingerprint


@dataclass(frozen=True)
class Task:
    """One stage of one cell.

    packed: the images by the names of the spec's `sizes`; labeled: the image ids of the labeled
    part; initial: the model that the stage starts from, None for a first stage; output: a folder
    for model.pt (the epoch with the best validation MAP@all), last.pt, curve.csv and curve.png;
    resume: the checkpoint; embeddings: where the test split's embeddings go, None for a stage that
    is not evaluated; public_checkpoint: the file of public weights that is this stage's model
    instead of a training (A15).
    """

    spec: StageSpec
    index: Index
    packed: dict[str, DeviceImages]
    labeled: np.ndarray
    initial: model_file.ModelFile | None
    output: Path
    resume: Path
    embeddings: Path | None = None
    public_checkpoint: Path | None = None

    @property
    def labeled_sha256(self) -> str:
        """The hash that names the labeled part."""
        return sha256(np.asarray(self.labeled, "<i8").tobytes()).hexdigest()

    def check(self) -> None:
        """Raise UserError if the parts do not belong together."""
        spec, index = self.spec, self.index
        if index.dataset != spec.cell.dataset:
            raise UserError(
                f"{self.spec}: the index is of {index.dataset}; expected {spec.cell.dataset}"
            )
        outside = np.setdiff1d(self.labeled, index.rows("train", "train")["image"])
        if len(outside):
            raise UserError(
                f"{self.spec}: the labeled part names image {outside[0]}, which is no training "
                f"image of this index; run `modc subset` again"
            )
        if self.initial is None:
            return
        facts = self.initial.facts
        expected = {
            "network": (self.initial.network, spec.cell.network),
            "backbones": (self.initial.architecture, dict(spec.architecture)),
            "attributes": (self.initial.attributes, index.attributes),
            "stage": (facts.get("stage"), spec.before),
            "index": (facts.get("index_sha256"), index.sha256),
            "labeled part": (facts.get("labeled_sha256"), self.labeled_sha256),
        }
        for what, (found, wanted) in expected.items():
            if found != wanted:
                raise UserError(
                    f"{self.spec}: the initial model's {what}: {_short(found)}; expected "
                    f"{_short(wanted)}"
                )

    @property
    def code(self) -> str:
        """The fingerprint of the code that can change the model."""
        return provenance.training_code(self.spec.network_class, self.spec.method_class)

    def key(self) -> str:
        """Return what names the resulting model: spec, code, data and starting point."""
        return fingerprint(
            {
                "spec": self.spec.plain(),
                "code": self.code,
                "index": self.index.sha256,
                "labeled": self.labeled_sha256,
                # Best and last model of a stage have one key and differ in their epoch.
                "initial": [self.initial.facts[name] for name in ("key", "epoch")]
                if self.initial
                else None,
                "public": sha256(self.public_checkpoint.read_bytes()).hexdigest()
                if self.public_checkpoint
                else None,
            }
        )

    def parts(self) -> tuple[pd.DataFrame, np.ndarray | None]:
        """Return the labeled rows, and int64 (N, 2) image and attribute of the unlabeled ones.

        The latter is None for a stage that reads none. An unlabeled image keeps its attributes and
        loses its values, or loses both and may be looked at for every attribute (A9).
        """
        rows = self.index.rows("train", "train")
        labeled = rows["image"].isin(self.labeled)
        unlabeled = None
        if self.spec.unlabeled is not None:
            hidden = rows.loc[~labeled, ["image", "attribute"]].drop_duplicates().to_numpy(np.int64)
            if self.spec.unlabeled.hidden_labels == "value_and_attribute":
                images, attributes = np.unique(hidden[:, 0]), np.arange(len(self.index.attributes))
                hidden = np.stack(np.meshgrid(images, attributes, indexing="ij"), axis=-1)
            unlabeled = hidden.reshape(-1, 2)
        return rows[labeled].reset_index(drop=True), unlabeled

    def absent_values(self) -> list[tuple[str, int]]:
        """Return attribute and value of what has no labeled image and so no center."""
        rows = self.index.rows("train", "train")
        rows = rows[rows["image"].isin(self.labeled)]
        present = set(rows[["attribute", "value"]].itertuples(index=False, name=None))
        return [
            (name, value)
            for attribute, name in enumerate(self.index.attributes)
            for value in range(self.index.values[attribute])
            if (attribute, value) not in present
        ]

    def results(self) -> list[Path]:
        """Return the files that the training ends in."""
        names = (paths.MODEL, paths.LAST, paths.CURVE, paths.CURVE_IMAGE)
        models = [self.output / name for name in names]
        return models + ([self.embeddings] if self.embeddings else [])

    def finished(self, key: str) -> bool:
        """Return whether the files are all there and were made under `key`."""
        return self.made_under(key, self.results())

    def made_under(self, key: str, files: Iterable[Path]) -> bool:
        """Return whether the files, in the order of `results`, are there and made under `key`."""
        files = list(files)
        if not all(path.exists() for path in files):
            return False
        try:
            return model_file.load(files[0]).facts.get("key") == key
        except UserError:
            return False

    def facts(
        self,
        key: str,
        device: torch.device,
        precision: torch.dtype,
        state: dict,
        stopped: str,
    ) -> dict:
        """Return what a model file says of its origin; state: the training's at its end."""
        is_gpu = device.type == "cuda"
        return {
            "key": key,
            "stage": self.spec.stage,
            "spec": self.spec.plain(),
            # Of this stage and all before, so that a table can tell whether they still hold.
            "settings_chain": [
                *(self.initial.facts["settings_chain"] if self.initial else []),
                self.spec.fingerprint,
            ],
            "sizes": dict(self.spec.sizes),
            "index_sha256": self.index.sha256,
            "labeled_sha256": self.labeled_sha256,
            # How this stage and all before ended.
            "stages": [
                *(self.initial.facts["stages"] if self.initial else []),
                {
                    "stage": self.spec.stage,
                    "epochs": state["epoch"],
                    "best_epoch": state["best_epoch"],
                    "stopped": stopped,
                    "seconds": round(state["seconds"], 1),
                    "first": _validation(state["curve"][0]),
                    "best": _validation(state["curve"][state["best_row"]]),
                    "last": _validation(state["curve"][-1]),
                },
            ],
            "absent_values": self.absent_values(),
            "provenance": {
                "code": self.code,
                "device": torch.cuda.get_device_name(device) if is_gpu else "cpu",
                "precision": str(precision).removeprefix("torch."),
                "threads": torch.get_num_threads(),
                "training_seconds": round(state["seconds"], 1),
                "labeled_images": len(self.labeled),
                **provenance.software(),
            },
        }

    def save(self, name: str, state_dict: dict, training: dict, facts: dict) -> None:
        """Write one of the model files."""
        model = model_file.ModelFile(
            self.spec.cell.network,
            dict(self.spec.architecture),
            self.index.attributes,
            state_dict,
            facts,
            training,
        )
        model_file.save(self.output / name, model)


def _validation(row: dict) -> dict:
    return {name.removeprefix("valid_"): row[name] for name in row if name.startswith("valid_")}


def _short(value: object) -> str:
    if isinstance(value, tuple | list):
        return f"{len(value)} ({', '.join(map(str, value[:3]))}, ...)"
    return str(value)
