"""Checkpoints of strangers: taken when they fit, refused with the key that does not."""

import argparse
import collections
import gzip
import io
import os
import struct
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from modc.cli import cli
from modc.errors import UserError
from modc.evaluation.embed_images import load_network
from modc.networks import public_checkpoints, safe_load
from modc.networks.asen_v2 import ASENv2
from modc.networks.build import build

from .conftest import public_content, public_state


@pytest.fixture
def altered(tmp_path):
    """Return a function that writes a public checkpoint after changing its state dict."""

    def write(network, change):
        state = public_state(network)
        change(state)
        path = tmp_path / "altered.pth.tar"
        torch.save(public_content(network, state), path)
        return path

    return write


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"weights")
    return buffer.getvalue()


def tarred(name: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    return buffer.getvalue()


def refused(path, network="ASENv2", attributes=8) -> str:
    with pytest.raises(UserError) as error:
        load_network(path, network, attributes)
    message = str(error.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


def test_a_missing_key_is_named_as_the_public_code_names_it(altered):
    path = altered("ASENv2", lambda state: state.pop("embeddingnet.fc1.bias"))
    assert "the key 'fc1.bias' is missing" in refused(path)
    path = altered("ASEN++", lambda state: state.pop("choices.local.attnnet.conv.bias"))
    assert "'choices.local.attnnet.conv.bias' is missing" in refused(path, "ASEN++")


def test_an_unexpected_key_is_named(altered):
    path = altered("ASENv2", lambda state: state.update({"embeddingnet.fc9.bias": torch.ones(1)}))
    assert "unexpected key 'fc9.bias' for ASENv2" in refused(path)


def test_a_wrong_shape_is_named(altered):
    path = altered("ASEN", lambda state: state.update({"embeddingnet.fc2.bias": torch.ones(3)}))
    assert "fc2.bias has shape (3,), expected (1024,)" in refused(path, "ASEN")


def test_another_number_of_attributes_is_a_wrong_shape(public_checkpoint):
    message = refused(public_checkpoint("ASENv2"), attributes=9)
    assert "attr_embedding.weight has shape (8, 512), expected (9, 512)" in message
    assert "number of attributes" in message


@pytest.mark.parametrize(("held", "asked"), [("ASEN", "ASENv2"), ("ASEN++", "ASEN")])
def test_another_network_is_named(public_checkpoint, held, asked):
    assert f"holds {held}, not {asked}; pass --network {held}" in refused(
        public_checkpoint(held), asked
    )


def test_asenpps_two_copies_of_its_attribute_embedding_must_agree(altered):
    key = "choices.local.attrnet.attr_embedding.weight"
    path = altered("ASEN++", lambda state: state.update({key: state[key] + 1}))
    assert "differ; they should be one tensor" in refused(path, "ASEN++")


def test_a_bare_state_dict_and_a_backbone_without_classifier_are_taken(tmp_path):
    state = public_state("ASENv2")
    for key in [key for key in state if ".fc." in key]:
        del state[key]
    torch.save(state, tmp_path / "bare.pt")
    network, size = load_network(tmp_path / "bare.pt", "ASENv2", 8)
    assert size == 224
    assert not network.training


@pytest.fixture
def narrow(monkeypatch) -> dict[str, torch.Tensor]:
    """The state dict of an ASENv2 with a small backbone, under its public keys."""
    monkeypatch.setattr(ASENv2, "published", {"backbone": "resnet10"})
    torch.manual_seed(0)
    state = build("ASENv2", ASENv2.published, 8).state_dict()
    ours = {ours: public for public, ours in ASENv2.public_prefixes.items()}
    named = {
        public + key.removeprefix(name): tensor
        for key, tensor in state.items()
        for name, public in ours.items()
        if key.startswith(name)
    }
    assert len(named) == len(state)
    return {f"embeddingnet.{key}": tensor for key, tensor in named.items()}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"state_dict": {f"module.{key}": value for key, value in state.items()}},
        lambda state: {
            "state_dict": {
                key.replace("embeddingnet.", "embeddingnet.module."): value
                for key, value in state.items()
            }
        },
        lambda state: {"model": {f"_orig_mod.module.{k}": v for k, v in state.items()}},
        lambda state: {
            "model_state_dict": collections.OrderedDict(state),
            "optimizer": {"lr": 1.0},
        },
        lambda state: {"state_dict": state, "prec": np.float64(0.6), "epoch": np.int64(200)},
        lambda state: {"state_dict": state, "prec": np.array([0.6, 0.7])},
        lambda state: {"state_dict": state, "args": argparse.Namespace(lr=1)},
        lambda state: {key: value.half() for key, value in state.items()},
        lambda state: {key: value.double() for key, value in state.items()},
    ],
)
def test_whatever_stands_around_the_weights_they_are_taken(tmp_path, narrow, wrap):
    torch.save(wrap(narrow), tmp_path / "wrapped.pt")
    found, _ = load_network(tmp_path / "wrapped.pt", "ASENv2", 8)
    for key, tensor in (
        public_checkpoints.restore(narrow, tmp_path, "ASENv2", 8).state_dict().items()
    ):
        assert torch.allclose(found.state_dict()[key], tensor, rtol=1e-3, atol=1e-6), key


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "an empty file"),
        (b"<html>not found</html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "git lfs pull"),
        (gzip.compress(b"weights"), "gzip"),
        (zipped("FashionAI.pth.tar", "DARN.pth.tar"), "FashionAI.pth.tar, DARN.pth.tar"),
        (tarred("FashionAI.pth.tar"), "FashionAI.pth.tar"),
        (struct.pack("<Q", 2) + b'{"a":{}}', "safetensors"),
        (bytes(1000), "truncated or not a PyTorch file"),
        (torch.nn.Linear(2, 2), "holds torch.nn.modules.linear.Linear"),
        ({"log": collections.defaultdict(list)}, "holds collections.defaultdict"),
        ({"key": "settings", "state": {}}, "model.pt"),
        ([1, 2], "expected a checkpoint dictionary, found list"),
        ({"epoch": 1}, "'epoch' is not a tensor"),
        ({"state_dict": {"encoder.weight": torch.ones(1)}}, "nor a public one of ASEN"),
    ],
    # Not by their bytes, since archives hold the time at which they were made.
    ids=lambda value: value if isinstance(value, str) else "file",
)
def test_a_foreign_file_is_refused(tmp_path, content, message):
    path = tmp_path / "foreign.pt"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    assert message in refused(path)


def test_a_truncated_file_is_refused(tmp_path, public_checkpoint):
    path = tmp_path / "cut.pt"
    data = public_checkpoint("ASENv2").read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert "truncated or not a PyTorch file" in refused(path)


def test_an_absent_file_is_named(tmp_path):
    assert "no such checkpoint" in refused(tmp_path / "absent.pt")


def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path):
    ran = tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return (os.mkdir, (str(ran),))

    path = tmp_path / "evil.pt"
    torch.save({"state_dict": Evil()}, path)
    assert "could run code" in refused(path, "ASEN")
    assert not ran.exists()


def test_a_forged_numpy_type_is_never_made(tmp_path):
    """With numpy's own types, this file reads memory at an address of its choice."""

    class Forged:
        def __init__(self, made, arguments, state):
            self.parts = (made, arguments, state)

        def __reduce__(self):
            return self.parts

    kind = Forged(np.dtype, ("O8", False, True), (3, "|", None, None, None, -1, -1, 0))
    reconstruct = np._core.multiarray._reconstruct
    state = (1, (1,), kind, False, b"A" * 8)
    forged = Forged(reconstruct, (np.ndarray, (0,), b"b"), state)
    twice = Forged(np.ndarray, (forged,), None)
    path = tmp_path / "forged.pt"
    torch.save({"state_dict": {"a": torch.ones(1)}, "prec": [forged, twice]}, path)
    content = safe_load.read(path)
    assert [type(one).__module__ for one in content["prec"]] == ["modc.networks.safe_load"] * 2
    assert "numpy" not in repr(content["prec"])


def test_the_command_line_embeds_with_a_public_checkpoint(tmp_path, public_checkpoint, pictures):
    output = tmp_path / "e.npz"
    call = ["embed", "--network", "ASEN++", "--attributes", "8", "--output", output]
    call += ["--checkpoint", public_checkpoint("ASEN++"), *pictures[2:]]
    done = CliRunner().invoke(cli, list(map(str, call)))
    assert done.exit_code == 0, done.output
    with np.load(output) as arrays:
        assert arrays["embedding"].shape == (2, 8, 2048)
        assert arrays["attention"].shape == (2, 8, 14, 14)
        assert arrays["images"].tolist() == [str(path) for path in pictures[2:]]
        assert np.allclose(arrays["attention"].sum(axis=(2, 3)), 1, atol=1e-5)
