"""Our own model files: what is saved is restored, and nothing else is taken for one."""

import pytest
import torch

from modc.errors import UserError
from modc.evaluation.embed_images import load_network
from modc.networks import model_file
from modc.networks.build import build

ARCHITECTURES = {
    "ASEN": {"backbone": "resnet10"},
    "ASENv2": {"backbone": "resnet10"},
    "ASEN++": {"global_backbone": "resnet10", "local_backbone": "resnet18", "global_weight": 0.7},
}


def made(network: str, sizes: dict | None = None) -> model_file.ModelFile:
    drawn = build(network, ARCHITECTURES[network], 3)
    facts = {"key": "k", "stage": "warm_up", "sizes": sizes or {"image": 64, "detail": 128}}
    return model_file.ModelFile(
        network, ARCHITECTURES[network], ("a", "b", "c"), drawn.state_dict(), facts
    )


@pytest.mark.parametrize("network", ARCHITECTURES)
def test_a_saved_model_is_restored(tmp_path, network):
    model = made(network)
    model_file.save(tmp_path / "model.pt", model)
    loaded = model_file.load(tmp_path / "model.pt")
    assert (loaded.network, loaded.attributes, loaded.facts) == (
        network,
        ("a", "b", "c"),
        model.facts,
    )
    restored, size = load_network(tmp_path / "model.pt", network, 3)
    assert size == 64
    assert not restored.training
    for key, tensor in restored.state_dict().items():
        assert torch.equal(tensor, model.state_dict[key])
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]


def test_what_does_not_fit_is_named(tmp_path):
    path = tmp_path / "model.pt"
    model_file.save(path, made("ASEN"))
    with pytest.raises(UserError, match="holds ASEN, not ASENv2"):
        load_network(path, "ASENv2", 3)
    with pytest.raises(UserError, match="knows 3 attributes, not 8: a, b, c"):
        load_network(path, "ASEN", 8)
    model_file.save(path, made("ASEN++", sizes={"image": 64}))
    with pytest.raises(UserError, match="closer look is not trained yet"):
        load_network(path, "ASEN++", 3)


def test_damaged_parts_are_named(tmp_path):
    path = tmp_path / "model.pt"
    model = made("ASENv2")
    content = {"format": model_file.FORMAT, **vars(model), "attributes": ["a", "b", "c"]}
    for part in ("network", "architecture", "attributes", "state_dict", "facts"):
        torch.save({**content, part: None}, path)
        with pytest.raises(UserError, match=r"model\.pt: damaged model file"):
            model_file.load(path)
    torch.save({**content, "attributes": ["a"]}, path)
    with pytest.raises(UserError, match="do not fit ASENv2"):
        model_file.restore(model_file.load(path))


def test_another_file_is_no_model_of_ours(tmp_path):
    path = tmp_path / "model.pt"
    torch.save({"format": "modc model 0"}, path)
    with pytest.raises(UserError, match="not a model file of this project"):
        model_file.load(path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match="truncated or not a PyTorch file"):
        model_file.load(path)
