"""The fingerprint of the training code covers what training imports, and no more."""

import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest

from modc import provenance
from modc.provenance import PACKAGE, imported_files


def names(module):
    return {path.relative_to(PACKAGE).as_posix() for path in imported_files(module)}


def test_training_reads_its_networks_losses_and_data_but_no_tables():
    found = names("modc.training.train")
    for expected in (
        "training/train.py",
        "training/batches.py",
        "networks/network.py",
        "losses/triplet.py",
        "data/triplets.py",
        "evaluation/metrics.py",
        "stage.py",
    ):
        assert expected in found
    assert not [name for name in found if name.startswith(("report/", "published/"))]
    assert not any(name.startswith("cli") for name in found)


def test_the_files_are_those_that_python_really_imports():
    code = (
        "import sys, modc.training.train\n"
        "print('\\n'.join(m.__file__ for n, m in sys.modules.items() if n.startswith('modc.')))"
    )
    imported = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(imported) <= {str(path) for path in imported_files("modc.training.train")}


def test_what_is_left_out_is_there():
    assert all(provenance._file(name) for name in provenance.WITHOUT_NUMBERS)


@cache
def meaning_of(text: str) -> bytes:
    return provenance.meaning(text).encode()


# Without what it remembers by path.
IMPORTED_NAMES = provenance._imported_names.__wrapped__


@cache
def names_in(text: str) -> list[str]:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        return IMPORTED_NAMES(Path(file.name))


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the package whose files are fingerprinted, without what is remembered of others."""
    folder = tmp_path / "modc"
    # Remembered by what is in a file, so that an edit makes one anew and not all.
    for name, made in (("_meaning", meaning_of), ("_imported_names", names_in)):
        monkeypatch.setattr(provenance, name, lambda path, made=made: made(path.read_text("utf-8")))
    shutil.copytree(PACKAGE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "PACKAGE", folder)

    def forget():
        for function in vars(provenance).values():
            if hasattr(function, "cache_clear"):
                function.cache_clear()

    forget()
    yield folder, forget
    monkeypatch.undo()
    forget()


NETWORKS = ("ASEN", "ASENv2", "ASEN++", "CSN")
METHODS = {"baseline": "modc.methods.baseline:Baseline", "modc": "modc.methods.modc:Modc"}


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("losses/triplet.py", "margin - similar", "2 * margin - similar", NETWORKS),
        ("losses/triplet.py", "a scalar.", "one number.", ()),
        ("networks/csn.py", "MASK_SD = 0.9", "MASK_SD = 0.8", ("CSN",)),
        ("networks/csn.py", "# The masks", "# All masks", ()),
        ("networks/attention.py", "channels // 2", "channels // 4", ("ASEN", "ASENv2", "ASEN++")),
        ("learning_curve.py", "2 if", "3 if", ()),
        ("plot_style.py", "DPI = 100", "DPI = 90", ()),
        ("training/progress.py", "LINES = 10.0", "LINES = 5.0", ()),
        ("lock.py", "import", "import os\nimport", ()),
        ("evaluation/metrics.py", "def ", "X = 1\ndef ", NETWORKS),
    ],
)
def test_a_model_is_trained_again_where_what_it_is_made_by_changed(copy, file, old, new, changed):
    folder, forget = copy
    before = {name: provenance.training_code(name) for name in NETWORKS}
    source = (folder / file).read_text()
    assert old in source
    (folder / file).write_text(source.replace(old, new, 1))
    forget()
    after = {name: provenance.training_code(name) for name in NETWORKS}
    assert {name for name in NETWORKS if before[name] != after[name]} == set(changed)


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("methods/modc_objective.py", "total / len(views)", "total", {"modc"}),
        ("methods/modc.py", '_apart"', '_alone"', {"modc"}),
        ("clustering/centers.py", "1e-6", "1e-5", {"modc"}),
        ("losses/self_supervision.py", "BOTTLENECK = 4", "BOTTLENECK = 2", {"modc"}),
        ("methods/baseline.py", "stages of the warm-up", "stages", set()),
        ("methods/baseline.py", "trained[-1:]", "trained[-2:]", {"baseline"}),
        ("methods/objective.py", "/ len(terms)", "", {"baseline", "modc"}),
    ],
)
def test_code_of_a_method_trains_its_models_again_alone(copy, file, old, new, changed):
    folder, forget = copy

    def codes() -> dict[str, str]:
        return {name: provenance.training_code("ASEN", named) for name, named in METHODS.items()}

    before = codes()
    source = (folder / file).read_text()
    assert old in source
    (folder / file).write_text(source.replace(old, new, 1))
    forget()
    after = codes()
    assert {name for name in METHODS if before[name] != after[name]} == changed


@pytest.mark.parametrize(
    ("file", "old", "new", "changes"),
    [
        ("datasets/fashionai.py", "import", "import os\nimport", True),
        ("data/split_files.py", "import", "import os\nimport", True),
        ("fetch/web.py", "import", "import os\nimport", False),
        ("datasets/darn.py", "import", "import os\nimport", False),
    ],
)
def test_an_index_is_made_anew_where_its_datasets_code_changed(copy, file, old, new, changes):
    folder, forget = copy
    named = "modc.datasets.fashionai:FashionAI"
    before = provenance.index_code(named)
    source = (folder / file).read_text()
    assert old in source
    (folder / file).write_text(source.replace(old, new, 1))
    forget()
    assert (provenance.index_code(named) != before) is changes


def test_another_network_changes_nothing(copy):
    folder, forget = copy
    before = {name: provenance.training_code(name) for name in NETWORKS}
    source = (folder / "networks" / "csn.py").read_text()
    (folder / "networks" / "other.py").write_text(source.replace('name = "CSN"', 'name = "X"'))
    forget()
    assert {name: provenance.training_code(name) for name in NETWORKS} == before
    assert provenance.training_code("X") not in before.values()


@pytest.mark.parametrize("place", ["outside_one.py", "outside_many/net.py"])
def test_a_file_outside_is_part_of_its_network(copy, tmp_path, monkeypatch, place):
    file = tmp_path / place
    file.parent.mkdir(exist_ok=True)
    file.write_text("A = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    name = place.removesuffix(".py").replace("/", ".") + ":Net"
    before = provenance.training_code(name), provenance.training_code("ASEN")
    _, forget = copy
    forget()
    file.write_text("A = 1  # one\n")
    assert provenance.training_code(name) == before[0]
    forget()
    file.write_text("A = 2\n")
    after = provenance.training_code(name), provenance.training_code("ASEN")
    assert after[0] != before[0] and after[1] == before[1]


def test_a_template_that_changes_changes_their_fingerprint(tmp_path, monkeypatch):
    folder = tmp_path / "report" / "templates"
    shutil.copytree(provenance.PACKAGE / "report" / "templates", folder)
    before = provenance.templates.__wrapped__()
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path)
    assert provenance.templates.__wrapped__() == before
    with (folder / "style.css").open("a") as file:
        file.write("\n")
    assert provenance.templates.__wrapped__() != before


def test_what_a_file_outside_imports_of_this_package_is_part_of_it(copy, tmp_path, monkeypatch):
    folder, forget = copy
    for place, text in (
        ("mine/__init__.py", ""),
        ("mine/a/loss.py", "A = 1\n"),
        ("mine/b/loss.py", "from modc.clustering.centers import similarities\n"),
    ):
        file = tmp_path / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)

    def code() -> str:
        forget()
        return provenance.class_code("mine.b.loss:Loss")

    seen = [code()]
    (tmp_path / "mine/a/loss.py").write_text("A = 2\n")
    seen.append(code())
    centers = folder / "clustering" / "centers.py"
    centers.write_text(centers.read_text().replace("1e-6", "1e-5"))
    seen.append(code())
    centers.with_name("memory_bank.py").write_text("")
    assert len(set(seen)) == 3 and code() == seen[-1]
