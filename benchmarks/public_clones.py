"""The public code itself, run from a clone of its repository.

github.com/Maryeon/asen for ASEN and ASENv2, github.com/Maryeon/asenpp for ASEN++ (its second stage,
as config/FashionAI sets it). Networks, losses, images, crops and, of ASEN++, the training step are
the clone's own functions. What lies around them in ASEN's main.py, which needs a visdom server, is
done here: the optimizer and its step. Weights are drawn; none are downloaded.
"""

import importlib
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np
import public_way
import torch
from public_way import BATCH, MARGIN, RATE, PublicWay, as_pillow, endless, normalized, prepared
from torch import nn

from modc.errors import UserError
from modc.networks.public_checkpoints import restore
from modc.training.groups import Images

# A network -> its class in asen's model.py.
ASEN_NAMES = {"ASEN": "ASENet", "ASENv2": "ASENet_V2"}
# What a clone's own modules begin with.
OWN = {"model", "resnet", "image_loader", "modules"}
# The packages whose name is not that of what they hold.
PACKAGES = {"cv2": "opencv-python-headless"}
SILENT = logging.getLogger(__name__)
TRAIN_NAMES, TRAIN_LABELS = "filenames_train.txt", "label_train.txt"
TEST_ROWS = "query_test.txt"


def cloned(
    repository: Path,
    network: str,
    attributes: int,
    size: int,
    device: torch.device,
    files: list[Path],
) -> PublicWay:
    """Return `network` as the clone in `repository` trains it.

    files: what `batches` and `singles` draw from; lists that describe them are written beside them.
    Raises UserError if it is no such clone, a package that it needs is missing, or it cannot embed
    images of `size` pixels.
    """
    address = "github.com/Maryeon/" + ("asenpp" if network == "ASEN++" else "asen")
    if str(repository) not in sys.path:
        sys.path.insert(0, str(repository))  # stays: workers may import it anew
    try:
        way = (Asenpp if network == "ASEN++" else Asen)(
            repository, network, attributes, size, device, files
        )
        way.embed(way.singles_of(_noise(size, device)))
    except Exception as error:  # foreign code may raise anything
        missing = (getattr(error, "name", None) or "").partition(".")[0]
        if isinstance(error, ModuleNotFoundError) and missing not in OWN:
            raise UserError(
                f"--public-repo {repository} needs {missing}, which is not installed: "
                f"pip install {PACKAGES.get(missing, missing)}"
            ) from None
        reason = str(error).partition("\n")[0]
        raise UserError(
            f"--public-repo {repository} cannot run {network} at {size} pixels "
            f"({type(error).__name__}: {reason}); expected a clone of {address}"
            + ("" if network == "ASEN++" else ", which takes 224 pixels alone")
        ) from None
    return way


class Asen:
    """ASEN and ASENv2 of a clone of asen."""

    cudnn_benchmark = True  # main.py sets it
    test_batch = BATCH

    def __init__(
        self,
        repository: Path,
        network: str,
        attributes: int,
        size: int,
        device: torch.device,
        files: list[Path],
    ):
        self.repository, self.name, self.attributes = repository, network, attributes
        self.size, self.device, self.files = size, device, files
        model, resnet = importlib.import_module("model"), importlib.import_module("resnet")
        self.image_loader = importlib.import_module("image_loader")
        self.embedding = model.get_model(ASEN_NAMES[network])(
            resnet.resnet50_feature(pretrained=False), n_attributes=attributes, embedding_size=1024
        )
        self.network = model.get_model("Tripletnet")(self.embedding).to(device)
        self.criterion = nn.MarginRankingLoss(margin=MARGIN)
        self.adam = torch.optim.Adam(self.network.parameters(), lr=RATE)

    def batches(self) -> Iterator[tuple]:
        """Yield anchors, negatives, positives and attributes."""
        root, folder = describe(self.files, self.attributes)
        dataset = self.image_loader.TripletImageLoader(
            root, folder, public_way.TRIPLETS, transform=prepared(self.size, flip=True)
        )
        return endless(dataset, self.device, batch_size=BATCH, shuffle=True, drop_last=True)

    def step(self, batch: tuple) -> float:
        """Train on anchors, negatives, positives and attributes."""
        self.network.train()
        with cuda_is(self.device):
            unlike, like = self.network(*(part.to(self.device) for part in batch))
        return public_way.update(self.adam, self.criterion(unlike, like, -torch.ones_like(unlike)))

    def singles(self) -> Iterator[tuple]:
        """Yield images, attributes, and what else the clone says of them."""
        root, folder = describe(self.files, self.attributes)
        dataset = self.image_loader.ImageLoader(
            root, folder, TRAIN_NAMES, "test", "query", transform=prepared(self.size)
        )
        return endless(dataset, self.device, batch_size=BATCH, shuffle=True, drop_last=True)

    @torch.no_grad()
    def embed(self, batch: tuple) -> np.ndarray:
        """Return the embeddings; unlike main.py, without a graph and the whole batch at once."""
        self.network.eval()
        with cuda_is(self.device):
            found = self.embedding(*(part.to(self.device) for part in batch[:2]))
        return found.cpu().numpy()

    def triplets_of(self, roles: list[Images]) -> tuple:
        """Return the pixels in the clone's order, and the attributes."""
        anchor, positive, negative = (normalized(images) for images in roles)
        return anchor, negative, positive, roles[0].attribute

    def singles_of(self, images: Images) -> tuple:
        """Return the pixels and the attributes."""
        return normalized(images), images.attribute

    def ours(self) -> nn.Module:
        """Return our network with these weights."""
        content = {"state_dict": self.network.state_dict()}
        return restore(content, self.repository, self.name, self.attributes)


class Asenpp:
    """ASEN++ of a clone of asenpp."""

    cudnn_benchmark = False  # main.py leaves torch's default

    def __init__(
        self,
        repository: Path,
        network: str,
        attributes: int,
        size: int,
        device: torch.device,
        files: list[Path],
    ):
        self.repository, self.attributes = repository, attributes
        self.device, self.files = device, files
        part = {
            name: importlib.import_module(f"modules.{name}")
            for name in (
                *("config", "model", "model.model", "loss", "solver", "engine.trainer"),
                *("engine.evaluation", "data.datasets", "data.samplers", "data.transforms"),
            )
        }
        self.part = part
        self.config = cfg = part["config"].cfg.clone()
        for file in ("FashionAI.yaml", "s2.yaml"):
            cfg.merge_from_file(str(repository / "config" / "FashionAI" / file))
        cfg.DEVICE = str(device)
        cfg.INPUT.GLOBAL_SIZE, cfg.INPUT.LOCAL_SIZE = size, size // 2
        cfg.DATA.NUM_ATTRIBUTES = attributes
        cfg.DATA.ATTRIBUTES.NAME = names(attributes)
        cfg.DATA.ATTRIBUTES.NUM = [2] * attributes
        self.test_batch = cfg.DATA.TEST_BATCHSIZE
        backbone = part["model.model"].get_model
        with patch.object(
            part["model.model"], "get_model", lambda name, pretrained: backbone(name, False)
        ):
            self.network = part["model"].build_model(cfg).to(device)
        self.whole = part["data.transforms"].GlobalTransform(cfg)
        self.crop = part["data.transforms"].LocalTransform(cfg)
        self.criterion = part["loss"].build_loss(cfg)
        self.adam = part["solver"].build_optimizer(cfg, self.network)

    def batches(self) -> Iterator[tuple]:
        """Yield anchors, positives, negatives, as Pillow's images, and attributes."""
        self._describe()
        data = self.part["data.datasets"]
        sampler = self.part["data.samplers"].TripletSampler(self.config)
        how = {"collate_fn": data.triplet_collate_fn, "batch_sampler": sampler}
        return endless(data.BaseDataSet(self.config, "TRAIN"), self.device, **how)

    def step(self, batch: tuple) -> float:
        """Train on one batch with the clone's `do_train`, as if it were an epoch."""
        trainer, meters = self.part["engine.trainer"], []
        meter = trainer.AverageMeter

        def noted() -> object:
            meters.append(meter())
            return meters[-1]

        with cuda_is(self.device), patch.object(trainer, "AverageMeter", noted):
            trainer.do_train(
                *(self.config, self.network, [batch], self.whole, self.crop),
                *(self.adam, self.criterion, self.device, SILENT, 1),
            )
        return meters[0].val  # the first that it makes is of the whole loss

    def singles(self) -> Iterator[tuple]:
        """Yield images, as Pillow's, attributes and values."""
        self._describe()
        data = self.part["data.datasets"]
        sampler = self.part["data.samplers"].ImageSampler(self.config, TEST_ROWS)
        how = {"collate_fn": data.image_collate_fn, "batch_sampler": sampler}
        return endless(data.BaseDataSet(self.config, "TRAIN"), self.device, **how)

    def embed(self, batch: tuple) -> np.ndarray:
        """Return the embeddings of both branches, weighted."""
        self.network.eval()
        images, attribute, *_ = batch
        with cuda_is(self.device):
            found = self.part["engine.evaluation"].process_batch(
                *(self.network, images, attribute.to(self.device), self.whole, self.crop),
                *(self.device, self.config.SOLVER.BETA),
            )
        return found.cpu().numpy()

    def triplets_of(self, roles: list[Images]) -> tuple:
        """Return the detail squares, from which both views are made, and the attributes."""
        return *(as_pillow(images.details) for images in roles), roles[0].attribute

    def singles_of(self, images: Images) -> tuple:
        """Return the same of single images."""
        return as_pillow(images.details), images.attribute

    def ours(self) -> nn.Module:
        """Return our network with these weights."""
        content = {"model": self.network.state_dict()}
        return restore(content, self.repository, "ASEN++", self.attributes)

    def _describe(self) -> None:
        self.config.DATA.BASE_PATH, self.config.DATA.DATASET = describe(self.files, self.attributes)


@contextmanager
def cuda_is(device: torch.device) -> Iterator[None]:
    """Let `.cuda()` leave tensors and modules where they are while `device` is no GPU.

    The public code calls it in the middle of a pass.
    """
    if device.type == "cuda":
        yield
        return
    with (
        patch.object(torch.Tensor, "cuda", lambda tensor, *_, **__: tensor),
        patch.object(nn.Module, "cuda", lambda module, *_, **__: module),
    ):
        yield


def describe(files: list[Path], attributes: int) -> tuple[str, str]:
    """Write the lists by which the public code finds images and labels; return where they are.

    Each attribute has two values, which alternate from image to image. The rows to embed repeat the
    images until they fill a few batches. Returned are the folder above and the name of that of the
    images.
    """
    folder = files[0].parent
    every = names(attributes)
    meta = {folder.name: {"ATTRIBUTES": every, "ATTRIBUTES_NUM": dict.fromkeys(every, 2)}}
    (folder.parent / "meta.json").write_text(json.dumps(meta))
    (folder / TRAIN_NAMES).write_text("".join(f"{file.name}\n" for file in files))
    labels = (
        f"{number} " + " ".join(f"{attribute} {number % 2}" for attribute in range(attributes))
        for number in range(len(files))
    )
    (folder / TRAIN_LABELS).write_text("\n".join(labels) + "\n")
    rows = (
        f"{number % len(files)} {number % attributes} {number % len(files) % 2}\n"
        for number in range(8 * public_way.ASEN_PP_TEST_BATCH)
    )
    (folder / TEST_ROWS).write_text("".join(rows))
    return str(folder.parent), folder.name


def names(attributes: int) -> list[str]:
    """Return a name for each attribute."""
    return [f"attribute {number}" for number in range(attributes)]


def _noise(size: int, device: torch.device) -> Images:
    """Return two images of noise, with which a clone is tried."""
    numbers, generator = np.zeros(2, np.int64), torch.Generator().manual_seed(0)
    pixels, details = (
        torch.randint(0, 256, (2, 3, side, side), dtype=torch.uint8, generator=generator).to(device)
        for side in (size, 2 * size)
    )
    return Images(numbers, numbers, pixels, details, torch.from_numpy(numbers).to(device))
