"""The fingerprint of the training code covers what training imports, and no more."""

import shutil
import subprocess
import sys

from modc import provenance
from modc.provenance import PACKAGE, imported_files


def names(module):
    return {path.relative_to(PACKAGE).as_posix() for path in imported_files(module)}


def test_training_reads_its_networks_losses_and_data_but_no_tables():
    found = names("modc.training.train")
    for expected in (
        "training/train.py",
        "training/modc.py",
        "networks/asen_pp.py",
        "losses/triplet.py",
        "data/triplets.py",
        "evaluation/metrics.py",
        "grid.py",
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


def test_a_template_that_changes_changes_their_fingerprint(tmp_path, monkeypatch):
    folder = tmp_path / "report" / "templates"
    shutil.copytree(provenance.PACKAGE / "report" / "templates", folder)
    before = provenance.templates.__wrapped__()
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path)
    assert provenance.templates.__wrapped__() == before
    with (folder / "style.css").open("a") as file:
        file.write("\n")
    assert provenance.templates.__wrapped__() != before
