import json
import shutil
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner

from modc import config as configuration
from modc import provenance
from modc.cli.report import figures, report, tables
from modc.report.files import table_files
from modc.runs import rerender
from modc.runs.rerender import check_rendered, unchecked
from modc.runs.verify import Verified, text, verify

NAME = "FashionAI/ASEN/10/seed-0/modc"


def states(checks) -> dict[str, str]:
    return {check.name: check.state for check in checks}


def broken(verified) -> list[str]:
    return [check.name for check in verified.broken]


def altered(run: Path, config: dict) -> dict[str, str]:
    """Return the files that changed or are missing."""
    return states(c for c in check_rendered(run, config) if c.state in ("changed", "missing"))


def replace_in(path: Path, old: str, new: str) -> None:
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new, 1))


@pytest.fixture(scope="module")
def rendered_run(unchanged, tmp_path_factory) -> Path:
    """A run with tables, figures and page, as the workflow leaves it."""
    run = tmp_path_factory.mktemp("rendered") / "made"
    shutil.copytree(unchanged, run)
    options = ["--config", str(run / "config.yaml"), "--results", str(run)]
    for command in (tables, figures, report):
        result = CliRunner().invoke(command, options)
        assert result.exit_code == 0
    return run


@pytest.fixture(scope="module")
def verified_and_again(rendered_run) -> tuple[Verified, dict[str, dict[str, bytes]]]:
    """What verifying it finds, and what it renders again by command; the run must not change."""
    again = {}
    before = {path: path.stat().st_mtime_ns for path in rendered_run.rglob("*")}
    with pytest.MonkeyPatch.context() as patch:
        render = rerender._rendered

        def rendered(run, config, command):
            again[command] = render(run, config, command)
            return again[command]

        patch.setattr(rerender, "_rendered", rendered)
        verified = verify(rendered_run, configuration.load([rendered_run / "config.yaml"]))
    assert {path: path.stat().st_mtime_ns for path in rendered_run.rglob("*")} == before
    return verified, again


@pytest.fixture
def run(rendered_run, verified_and_again, tmp_path, monkeypatch) -> Path:
    """A copy of it to tamper with, and no need to render again each time."""
    _, again = verified_and_again
    monkeypatch.setattr(rerender, "_rendered", lambda run, config, command: again[command])
    return shutil.copytree(rendered_run, tmp_path / "made")


@pytest.fixture
def other_code(edit):
    """Return a function that makes other code the one that wrote files, as they are now."""

    def change(run: Path, command: str, *files: str) -> None:
        note = run / "rendered" / f"{command}.json"
        hashes = {file: sha256((run / file).read_bytes()).hexdigest() for file in files}
        edit(note, code="0123", sha256=json.loads(note.read_text())["sha256"] | hashes)

    return change


def test_a_rendered_run_holds(verified_and_again, config):
    verified, _ = verified_and_again
    assert not verified.broken
    found = states(verified.files)
    again = {f"tables/{file}" for file in table_files(config)}
    again |= {"report.html", "results.csv", "tables/summary.txt"}
    assert {found[name] for name in again} == {"unchanged"}
    assert found["figures/labels-fashionai.csv"] == "unchanged"
    for file in ("figures/labels-fashionai.svg", "figures/figures.json"):
        assert found[file] == "as written"
    assert [one.state for one in verified.scores] == ["unchanged"] * 4


def test_a_read_only_run_elsewhere_holds(run, modc):
    folders = [run, *(path for path in run.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        status, out, err = modc("verify", run, "--json")
    finally:
        for folder in folders:
            folder.chmod(0o755)
    found = json.loads(out)
    assert status == 0 and not err and found["holds"] and not found["broken"]
    assert len(found["scores"]) == 4


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("tables/table4.csv", "0.", "1."),
        ("tables/table4.csv", "ASENv2", "SENv2"),
        ("tables/table4.md", "ASENv2", "SENv2"),
        ("tables/table4.tex", "ASENv2", "SENv2"),
        ("tables/claims.csv", "ASEN", "SEN"),
        ("tables/stages.csv", "0.5", "0.6"),
        ("tables/summary.txt", "ASENv2", "SENv2"),
        ("report.html", "FashionAI", "FashionBI"),
        ("figures/labels-fashionai.csv", "FashionAI", "FashionBI"),
        ("figures/labels-fashionai.svg", "FashionAI", "FashionBI"),
        ("figures/figures.json", "FashionAI", "FashionBI"),
    ],
)
def test_an_altered_file_is_found(run, config, file, old, new):
    replace_in(run / file, old, new)
    assert altered(run, config) == {file: "changed"}


def test_an_altered_mean_or_image_is_found_wherever_it_is_shown(
    rendered_run, tmp_path, config, edit
):
    run = shutil.copytree(rendered_run, tmp_path / "made")
    replace_in(run / "figures" / "labels-fashionai.svg", "FashionAI", "FashionBI")
    path = run / "cells" / NAME / "scores.json"
    edit(path, overall={**json.loads(path.read_text())["overall"], "Acc": 0.125})
    verified = verify(run, config)
    found = broken(verified)
    first, second, third, *_ = text(run, verified).splitlines()
    assert first.startswith(f"changed {NAME}: ")
    assert second.startswith("changed figures/labels-fashionai.svg: ")
    assert third.startswith(f"and {len(found) - 2} files ")
    assert {NAME, "tables/table4.csv", "report.html", "figures/labels-fashionai.svg"} <= {*found}


def test_a_page_older_than_the_figures_says_so(run, config, edit):
    edit(run / "rendered" / "report.json", written="2026-01-01T00:00:00+00:00")
    replace_in(run / "report.html", "FashionAI", "FashionBI")
    (found,) = (one for one in check_rendered(run, config) if one.state == "changed")
    assert "modc report" in found.details[0]


@pytest.mark.parametrize(
    ("file", "is_noted"),
    [
        ("tables/table5.tex", True),
        ("tables/table5.tex", False),
        ("report.html", True),
        ("figures/labels-fashionai.csv", False),
        ("figures/labels-fashionai.svg", True),
    ],
)
def test_a_missing_file_is_found(run, config, file, is_noted):
    if not is_noted:
        shutil.rmtree(run / "rendered")
    (run / file).unlink()
    assert altered(run, config) == {file: "missing"}


def test_rounding_and_line_ends_do_not_count(run, config):
    path = run / "tables" / "table1.csv"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    replace_in(run / "tables" / "stages.csv", "0.5", "0.50000000000001")
    assert not altered(run, config)


def test_of_other_code_texts_are_compared_by_hash_and_csv_files_by_value(run, config, other_code):
    files = ["tables/table4.md", "tables/table4.csv"]
    replace_in(run / files[0], "ASENv2", "SENv2")
    other_code(run, "tables", *files)
    verified = verify(run, config)
    assert not verified.broken and "code of tables other" in verified.remarks
    assert states(verified.files)[files[0]] == "as written"
    replace_in(run / files[1], "ASENv2", "SENv2")
    other_code(run, "tables", files[1])
    replace_in(run / "tables" / "table4.tex", "ASENv2", "SENv2")
    assert altered(run, config).keys() == {files[1], "tables/table4.tex"}


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b'{"code": 1, "sha256": []}', b"\xff"),
        *(b'{"code": "", "sha256": {"%s": ""}}' % file for file in (b"/dev/zero", b"a/../../b")),
    ],
)
def test_without_a_readable_note_each_difference_counts(run, config, content):
    (run / "rendered" / "tables.json").write_bytes(content)
    replace_in(run / "tables" / "table4.md", "ASENv2", "SENv2")
    verified = verify(run, config)
    assert broken(verified) == ["tables/table4.md"] and "code of tables unknown" in verified.remarks


def test_what_cannot_be_checked_is_named(run, config):
    (run / "coverage").mkdir()
    for own in ("tables/table6.md", "figures/own.png"):
        (run / own).write_bytes(b"mine")
    found = unchecked(run, check_rendered(run, config))
    assert found == ["coverage/", "tables/table6.md", "figures/own.png"]
    (run / "rendered" / "figures.json").unlink()
    assert "figures/labels-fashionai.svg" in unchecked(run, check_rendered(run, config))


def test_a_run_that_was_not_rendered_fails_only_a_strict_check(make_run, modc, data):
    _, manifest_sha256, index_sha256 = data
    run = make_run(manifest_sha256=manifest_sha256, index_sha256=index_sha256)
    assert modc("verify", run)[0] == 0
    assert modc("verify", run, "--strict")[0] == 1


def test_a_run_that_never_ran_has_fewer_results(make_run, config):
    config["grid"]["seeds"] = [0, 1]
    verified = verify(make_run(), config)
    assert len(verified.scores) == 4 and not verified.broken


def test_results_outside_the_grid_are_named(make_run, config):
    config["grid"]["labeled_percent"]["FashionAI"] = [100]
    verified = verify(make_run(), config)
    assert len(verified.scores) == 2 and f"{NAME} outside the grid" in verified.unchecked


def test_other_settings_are_named_by_key(make_run, config):
    run = make_run()
    config["methods"]["modc"]["pseudo_label_confidence"] = 0.5
    config["evaluation"]["unanswerable"] = "exclude"
    verified = verify(run, config)
    by_state = states(verified.origins)
    assert by_state["settings of scoring"] == "other"
    assert "settings of training other" in verified.remarks
    (scoring,) = (one for one in verified.origins if one.name == "settings of scoring")
    assert scoring.details == ("4 results", "unanswerable: zero stored, exclude here")


def test_other_code_and_packages_are_remarks(make_run, config, edit):
    run = make_run()
    path = run / "cells" / NAME / "scores.json"
    stored = json.loads(path.read_text())
    edit(
        path,
        provenance=stored["provenance"] | {"code": "0123", "torch": "1.0"},
        scoring=stored["scoring"] | {"code": "4567", "numpy": "1.0"},
    )
    verified = verify(run, config)
    assert not verified.broken
    expected = {
        f"{what} of {by} other" for what in ("code", "packages") for by in ("training", "scoring")
    }
    assert expected <= set(verified.remarks)


def test_other_code_is_one_line_with_the_trainings_that_it_made(make_run, config, edit):
    run = make_run()
    for path in run.rglob("scores.json"):
        edit(path, provenance={**json.loads(path.read_text())["provenance"], "code": "0123"})
    origins = verify(run, config).origins
    (code,) = (one for one in origins if one.name == "code of training")
    assert code.state == "other" and code.details[0] == "4 results"
    assert [one.partition(": 0123")[0] for one in code.details[1:]] == [
        "ASEN baseline",
        "ASEN modc",
    ]


@pytest.mark.parametrize("nothing", [None, [], "x", {}])
def test_what_scores_do_not_say_is_unknown(make_run, config, nothing):
    verified = verify(make_run(scoring=nothing, provenance=nothing, index_sha256=None), config)
    assert not verified.broken
    for what in ("code of training", "code of scoring", "index of FashionAI"):
        assert f"{what} unknown" in verified.remarks


def test_the_data_that_made_it(make_run, config, data):
    folder, manifest_sha256, index_sha256 = data
    run = make_run(manifest_sha256=manifest_sha256, index_sha256=index_sha256)
    kinds = [f"{kind} of FashionAI" for kind in ("manifest", "index")]
    found = states(verify(run, config).origins)
    assert [found[kind] for kind in kinds] == ["same", "same"]
    with (folder / "manifest.csv").open("a") as file:
        file.write("1.jpg,ok,3,ab,1,1\n")
    found = states(verify(run, config).origins)
    assert [found[kind] for kind in kinds] == ["other", "same"]


def test_other_or_no_data(make_run, config, request):
    run = make_run()
    kinds = [f"{kind} of FashionAI" for kind in ("manifest", "index")]
    assert [states(verify(run, config).origins)[kind] for kind in kinds] == ["unknown"] * 2
    request.getfixturevalue("data")
    assert [states(verify(run, config).origins)[kind] for kind in kinds] == ["other"] * 2


def test_the_ablation_is_checked_too(make_run, config):
    config["ablation"] |= {"assumptions": ["A4"]}
    config["ablation"]["cell"] = {"dataset": "FashionAI", "network": "ASEN", "labeled_percent": 10}
    run = make_run()
    shutil.copytree(run / "cells", run / "ablation" / "A4-margin" / "cells")
    name = f"ablation/A4-margin/{NAME}"
    assert states(verify(run, config).scores)[name] == "unchanged"
    (run / "ablation" / "A4-margin" / "cells" / NAME / "queries.csv").unlink()
    assert broken(verify(run, config)) == [name]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda run: run.rename(run.with_name("gone")), "no such folder"),
        (lambda run: (run / "config.yaml").unlink(), "no such configuration file"),
        (lambda run: (run / "config.yaml").write_text("run: made\n"), "pass --config"),
        (lambda run: shutil.rmtree(run / "cells"), "neither tables nor scores"),
    ],
)
def test_mistakes_end_in_one_line(make_run, modc, spoil, message):
    run = make_run()
    spoil(run)
    status, out, err = modc("verify", run)
    assert status == 1 and not out
    assert err.startswith(f"modc: error: {run}") and message in err and "\n" not in err


def test_another_configuration_may_be_given(make_run, modc, config, tmp_path):
    config["training"]["batch"] = 7
    configuration.write(tmp_path / "other.yaml", config)
    _, out, _ = modc("verify", make_run(), "--config", tmp_path / "other.yaml")
    assert "settings of training other" in out


def test_software_of_this_machine_is_compared_by_version_alone(make_run, config, monkeypatch):
    run = make_run()
    here = provenance.software()
    monkeypatch.setattr(provenance, "software", lambda: here | {"machine": "another"})
    assert states(verify(run, config).origins)["packages of training"] == "same"
