"""The configuration: merged, checked, and refused with the key and what is allowed there."""

import sys
from pathlib import Path

import pytest
import yaml

from modc import config, grid
from modc.errors import UserError

REPOSITORY = Path(__file__).resolve().parents[1]


def loaded(tmp_path, **override):
    path = tmp_path / "override.yaml"
    path.write_text(yaml.safe_dump(override))
    return config.load([REPOSITORY / "config.yaml", path])


@pytest.mark.parametrize("name", [path.stem for path in (REPOSITORY / "configs").glob("*.yaml")])
def test_every_shipped_configuration_is_valid(name):
    merged = config.load([REPOSITORY / "config.yaml", REPOSITORY / "configs" / f"{name}.yaml"])
    assert merged["run"] == name


def test_the_preview_trains_a_tenth_of_the_papers_epochs(tmp_path):
    paper = config.load([REPOSITORY / "config.yaml"])
    preview = config.load([REPOSITORY / "config.yaml", REPOSITORY / "configs" / "preview.yaml"])
    assert preview["report"]["not_comparable"] and not preview["grid"]["extra_seeds"]

    def epochs(loaded: dict) -> list[int]:
        return [
            grid.stage_spec(loaded, cell, method, stage).epochs
            for cell in grid.cells(loaded)
            if cell.seed == 0
            for method in grid.methods(loaded)
            for stage in grid.stages(loaded, cell, method)
        ]

    assert epochs(preview) == [-(-number // 10) for number in epochs(paper)]


def test_the_baselines_are_the_six_rows_of_tables_1_and_2():
    loaded = config.load([REPOSITORY / "config.yaml", REPOSITORY / "configs" / "baselines.yaml"])
    own = {(cell.dataset, cell.network, cell.labeled_percent) for cell in grid.cells(loaded)}
    networks = ("ASEN", "ASENv2", "ASEN++")
    assert own == {(name, n, 100) for name in ("FashionAI", "DARN") for n in networks}
    assert grid.methods(loaded) == ("baseline",)


def test_a_written_configuration_reads_back_equal(tmp_path):
    merged = config.load([REPOSITORY / "config.yaml"])
    config.write(tmp_path / "merged.yaml", merged)
    assert config.load([tmp_path / "merged.yaml"]) == merged


def test_an_override_replaces_single_keys_and_whole_lists(tmp_path):
    merged = loaded(tmp_path, training={"margin": 0.3}, grid={"seeds": [1, 2]})
    assert merged["training"]["margin"] == 0.3
    assert merged["training"]["batch"] == 16
    assert merged["grid"]["seeds"] == [1, 2]
    assert merged["grid"]["datasets"] == ["FashionAI", "DARN"]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"trainig": {}}, "unknown key 'trainig' (did you mean 'training'?); allowed: "),
        ({"training": {"bach": 1}}, "training: unknown key 'bach' (did you mean 'batch'?)"),
        ({"training": {"batch": "many"}}, "training.batch: 'many' is not of type 'integer'"),
        ({"threads": 2.0}, "threads: 2.0 is not of type 'integer'"),
        ({"training": {"margin": float("nan")}}, "training.margin: nan is not of type 'number'"),
        ({"datasets": {1: {}}}, "datasets.1: a key that is no text"),
        ({"training": {"precision": "fast"}}, "allowed: auto, float32, bfloat16"),
        ({"training": {"margin": -1}}, "training.margin: -1 is less than the minimum of 0"),
        ({"networks": {"ASEN": {"backbone": "resnet5"}}}, "did you mean 'resnet50'?"),
        ({"grid": {"labeled_percent": {"DARN": [0]}}}, "grid.labeled_percent.DARN.0: 0 is less"),
        ({"grid": {"seeds": []}}, "grid.seeds: [] should be non-empty"),
        (
            {"datasets": {"DARN": {"comparable_coverage": 95}}},
            "datasets.DARN.comparable_coverage: 95 is greater than the maximum of 1; expected a "
            "fraction from 0 to 1",
        ),
        ({"run": "../elsewhere"}, "run: '../elsewhere' does not match"),
        (
            {"training": {"stages": {"ASEN": {"warm_up": {"local_learning_rate": 0.1}}}}},
            "training.stages.ASEN.warm_up: unknown key 'local_learning_rate'",
        ),
        (
            {"training": {"stages": {"ASEN": {"warm_up": {"learning_rate": "2e-4"}}}}},
            "write 2.0e-4, not 2e-4",
        ),
    ],
)
def test_a_wrong_key_type_or_value_is_named_with_what_is_allowed(tmp_path, override, message):
    with pytest.raises(UserError) as error:
        loaded(tmp_path, **override)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_the_coverage_from_which_a_number_is_comparable_must_be_given(tmp_path):
    text = (REPOSITORY / "config.yaml").read_text().replace("    comparable_coverage: 0.95\n", "")
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(
        UserError, match=r"datasets\.DARN: the key 'comparable_coverage' is missing"
    ):
        config.load([tmp_path / "config.yaml"])


def test_a_dataset_of_the_grid_needs_its_labeled_percent(tmp_path):
    text = (REPOSITORY / "config.yaml").read_text().replace("    FashionMNIST: [100]\n", "")
    (tmp_path / "config.yaml").write_text(text)
    (tmp_path / "more.yaml").write_text("grid: {datasets: [FashionMNIST]}\n")
    with pytest.raises(UserError, match="grid.labeled_percent does not describe"):
        config.load([tmp_path / "config.yaml", tmp_path / "more.yaml"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("run: [", "line 1: not valid YAML"),
        ("- a\n- b\n", "expected a mapping"),
        ("run: a\nrun: b\n", "line 2: not valid YAML: the key 'run' stands twice"),
    ],
)
def test_a_file_that_is_no_configuration_is_named(tmp_path, text, message):
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        config.load([path])
    assert str(error.value).startswith(str(path))
    assert message in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"absent\.yaml: no such configuration file"):
        config.load([tmp_path / "absent.yaml"])


def test_numbers_of_the_command_line_are_numbers(tmp_path):
    written = config.load([REPOSITORY / "config.yaml"])
    given = config.merge(
        written,
        {
            "run": "7",
            "grid": {"seeds": ["0", "1"], "labeled_percent": {"FashionAI": ["1"]}},
            "download": {"backoff": "1e-1", "attempts": "2", "keep_originals": "True"},
        },
    )
    found = config.from_command_line(given)
    config.check(found)
    assert found["run"] == "7" and found["grid"]["seeds"] == [0, 1]
    assert found["grid"]["labeled_percent"]["FashionAI"] == [1]
    download = found["download"]
    assert (download["backoff"], download["attempts"], download["keep_originals"]) == (0.1, 2, True)
    assert config.from_command_line(written) == written


@pytest.mark.parametrize("seeds", [["0", "one"], "0", ["1.5"], ["nan"]])
def test_what_is_no_such_number_is_still_a_mistake(seeds):
    given = config.merge(config.load([REPOSITORY / "config.yaml"]), {"grid": {"seeds": seeds}})
    with pytest.raises(UserError, match="grid.seeds"):
        config.check(config.from_command_line(given))


def test_without_jsonschema_a_configuration_loads_unchecked_and_says_so_once(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    config._warn_unchecked.cache_clear()
    assert loaded(tmp_path, training={"bach": 1})["training"]["bach"] == 1
    assert loaded(tmp_path)["run"] == "paper"
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "pip install jsonschema" in caplog.text
    with pytest.raises(UserError, match="the key 'labeled_part' is missing"):
        config.load([REPOSITORY / "configs" / "smoke.yaml"])


SPREAD = {
    "dataset": "FashionAI",
    "labels": "100",
    "attribute": "neck_design",
    "metric": "MAP@100",
    "sd": 0.003,
    "dof": 6,
    "source": "an earlier run",
}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (
            [SPREAD | {"attribute": "neck_desing"}],
            "report.training_sd: FashionAI has no attribute 'neck_desing' (did you mean "
            "'neck_design'?); allowed: skirt_length",
        ),
        (
            [SPREAD, SPREAD | {"sd": 0.004}],
            "report.training_sd: two entries for FashionAI, 100, neck_design, MAP@100; leave one",
        ),
        ([SPREAD | {"source": " "}], "report.training_sd.0.source: ' ' does not match"),
    ],
)
def test_a_spread_from_elsewhere_is_of_one_place_and_has_a_source(tmp_path, entries, message):
    with pytest.raises(UserError) as error:
        loaded(tmp_path, report={"training_sd": entries})
    assert message in str(error.value) and "\n" not in str(error.value)
    fitting = [SPREAD, SPREAD | {"labels": "from 5"}, SPREAD | {"attribute": "overall"}]
    assert loaded(tmp_path, report={"training_sd": fitting})["report"]["training_sd"] == fitting
