import pytest
from made_tables import attribute_table, published, table_of
from made_trainings import drawn_numbers, small_grid, write_trainings

from modc.report.layout import page
from modc.report.results import collect
from modc.report.tables import Source
from modc.report.verdicts import COMMON_SEEDS

SHAPES = {1: (6, 9), 2: (6, 10), 3: (9, 9), 4: (9, 8), 5: (9, 8)}


@pytest.fixture
def lay_out(config):
    def make(of, number):
        source = of if isinstance(of, Source) else Source(collect(of, config), config)
        return page(table_of(number, source), f"table{number}", config)

    return make


def texts(rows):
    return {row.label: [entry.text for entry in row.entries] for row in rows}


@pytest.mark.parametrize("number", SHAPES)
@pytest.mark.parametrize("source", ["whole_source", "empty_source"])
def test_shape_is_the_papers(lay_out, request, number, source):
    laid_out = lay_out(request.getfixturevalue(source), number)
    rows, columns = SHAPES[number]
    assert len(laid_out.columns) == columns
    assert list(laid_out.parts) == ["Ours", "Published", "Difference", "Verdict"]
    for part in laid_out.parts.values():
        assert len(part) == rows
        assert {len(row.entries) for row in part} == {columns}


def test_rows_and_columns_of_table_1(lay_out, empty_source):
    laid_out = lay_out(empty_source, 1)
    assert [row.label for row in laid_out.parts["Published"]] == [
        "ASEN",
        "MODC(ASEN)_top1",
        "ASENv2",
        "MODC(ASENv2)_top1",
        "ASEN++",
        "MODC(ASEN++)_top1",
    ]
    assert laid_out.columns[0] == ("MAP@100", "skirt length")
    assert laid_out.columns[-1] == ("MAP@100", "overall")
    published = texts(laid_out.parts["Published"])
    assert published["ASEN"][0] == "72.20"
    assert published["MODC(ASEN++)_top1"][-1] == "80.29"


def test_columns_of_tables_3_and_4(lay_out, empty_source):
    metrics = ["MAP@100", "MAP@all", "Recall@100"]
    assert lay_out(empty_source, 3).columns == [
        (f"{percent} % of the labels", metric) for percent in (1, 5, 50) for metric in metrics
    ]
    assert lay_out(empty_source, 4).columns == [
        (f"{percent} % of the labels", metric)
        for percent in (100, 10)
        for metric in [*metrics, "Acc"]
    ]


def test_rows_of_table_4_are_grouped_by_what_is_known(lay_out, empty_source):
    rows = lay_out(empty_source, 4).parts["Published"]
    assert [row.group for row in rows] == [""] * 3 + ["unknown"] * 3 + ["known"] * 3
    assert rows[3].label == "MODC(ASEN)_top1, unknown"
    assert rows[0].entries[3].text == ""  # a baseline has no Acc


def test_modc_that_was_not_run_is_shown_as_that(lay_out, write_run, config):
    folder = write_run(config)
    for path in folder.rglob("modc/scores.json"):
        path.unlink()
    laid_out = lay_out(folder, 3)
    for part in ("Ours", "Difference"):
        for row in laid_out.parts[part]:
            if row.label.startswith("MODC"):
                assert {entry.text for entry in row.entries} == {"–"}
            else:
                assert "–" not in {entry.text for entry in row.entries}
    assert any(note.startswith("– MODC(ASEN) 1 %, ") for note in laid_out.notes)


@pytest.mark.parametrize("number", SHAPES)
def test_best_published_numbers(lay_out, empty_source, number):
    laid_out = lay_out(empty_source, number)
    rows = laid_out.parts["Published"]
    for column in range(len(laid_out.columns)):
        values = {row.label: row.entries[column].text for row in rows if row.entries[column].text}
        best = max(map(float, values.values()))
        for row in rows:
            entry = row.entries[column]
            if not entry.text:
                continue
            network = row.label.removeprefix("MODC(").split(")")[0]
            own = [float(v) for k, v in values.items() if k in (network,) or f"({network})" in k]
            assert entry.best_of_all == (float(entry.text) == best)
            assert entry.best_of_network == (float(entry.text) == max(own))


def test_best_of_ours_where_there_is_a_choice(lay_out, write_run, config):
    folder = write_run(config)
    for path in folder.rglob("modc/scores.json"):
        path.unlink()
    entries = [row.entries[-1] for row in lay_out(folder, 1).parts["Ours"]]
    values = [float(entry.text) for entry in entries[::2]]
    assert [entry.best_of_all for entry in entries[::2]] == [v == max(values) for v in values]
    # A baseline alone is not the best of its network.
    assert not any(entry.best_of_network for entry in entries)


def test_differences_have_signs(lay_out, whole_source):
    laid_out = lay_out(whole_source, 1)
    parts = [laid_out.parts[name] for name in ("Ours", "Published", "Difference")]
    for ours, papers, difference in zip(*parts, strict=True):
        for a, b, c in zip(ours.entries, papers.entries, difference.entries, strict=True):
            if a.text == "–":
                continue
            assert c.text[0] in "+-"
            assert float(c.text) == pytest.approx(float(a.text) - float(b.text), abs=0.011)


def test_drawn_images_are_said_loudly(lay_out, write_run, config):
    laid_out = lay_out(write_run(config, generated=True), 2)
    assert laid_out.title.endswith("NOT COMPARABLE TO THE PAPER")
    assert laid_out.notes[0].startswith("NOT COMPARABLE TO THE PAPER: drawn images, not DARN.")
    baseline = laid_out.parts["Difference"][0]
    assert all(entry.text.endswith("†") for entry in baseline.entries)


def test_real_data_are_not_called_incomparable(lay_out, whole_source):
    laid_out = lay_out(whole_source, 2)
    assert "COMPARABLE" not in " ".join([laid_out.title, *laid_out.notes])
    assert not any("†" in e.text for row in laid_out.parts["Difference"] for e in row.entries)


def test_notes_name_what_was_not_run(lay_out, empty_source):
    notes = lay_out(empty_source, 1).notes
    names = ", ".join(f"{n} 100 %, MODC({n}) 100 %" for n in ("ASEN", "ASENv2", "ASEN++"))
    assert f"– {names}: not run." in notes


def test_notes_name_divisor_seeds_and_settings(lay_out, write_run, config):
    config["grid"]["seeds"] = [0, 1]
    config["evaluation"]["map_at_100"] = "min"
    laid_out = lay_out(write_run(config), 1)
    notes = "\n".join(laid_out.notes)
    assert "divides by the smaller of 100 and the number of relevant items" in notes
    assert "mean ± standard deviation over seeds 0, 1" in notes
    assert "50 + 20 epochs, MODC up to 50, then 50 per stage); images" in notes
    assert "Labeled images: 900 at 100 %." in notes
    config["methods"]["modc"]["warm_up"]["ASEN++"] = "apart"
    other = "\n".join(lay_out(write_run(config), 1).notes)
    assert "MODC up to 50 + 20 warm-up epochs, then 50, then 50 per stage); images" in other
    assert " ± " in laid_out.parts["Ours"][0].entries[0].text


@pytest.mark.parametrize("empty", [False, True])
def test_dataset_that_the_paper_does_not_have(write_run, config, tmp_path, empty):
    config["grid"]["datasets"] = ["FashionMNIST"]
    folder = tmp_path if empty else write_run(config)
    frame = attribute_table("FashionMNIST", collect(folder, config), config)
    laid_out = page(frame, "FashionMNIST", config)
    assert list(laid_out.parts) == ["Ours"]
    assert [row.label for row in laid_out.parts["Ours"]] == [
        f"{label}, 100 %"
        for network in ("ASEN", "ASENv2", "ASEN++")
        for label in (
            network,
            f"MODC({network})_top1, known",
            f"MODC({network})_top2, known",
            f"MODC({network})_top1, unknown",
            f"MODC({network})_top2, unknown",
        )
    ]
    assert laid_out.columns[-4:] == [
        ("MAP@100", "overall"),
        ("MAP@all", "overall"),
        ("Recall@100", "overall"),
        ("Acc", "overall"),
    ]
    assert "published" not in "\n".join(laid_out.notes)


def test_published_tables_are_all_here():
    assert list(published()["table"].unique()) == [f"table{number}" for number in SHAPES]


def test_further_seeds_are_named_where_the_grid_trains_them(lay_out, write_run, config):
    of_asen = {"dataset": "FashionAI", "network": "ASEN", "labeled_percent": [100], "seeds": [1]}
    config["grid"]["networks"] = ["ASEN"]
    config["grid"]["extra_seeds"] = [of_asen | {"network": "ASENv2"}]
    folder = write_run(config)
    assert "Ours: one seed (0)." in lay_out(folder, 1).notes
    config["grid"]["extra_seeds"].append(of_asen | {"labeled_percent": [10, 50, 100]})
    (note,) = (n for n in lay_out(folder, 1).notes if n.startswith("Ours: "))
    assert note.startswith("Ours: one seed (0)")
    assert note.endswith(" ASEN at 10, 50, 100 % (further seeds 1).")


def test_a_note_tells_a_measured_spread_from_a_configured_one(lay_out, write_run, config):
    extra = {"dataset": "FashionAI", "network": "ASENv2", "labeled_percent": [10], "seeds": [1]}
    config["grid"]["extra_seeds"] = [extra]
    entry = {"attribute": "overall", "metric": "MAP@100", "sd": 0.004, "dof": 6}
    config["report"]["training_sd"] = [
        entry | {"dataset": "FashionAI", "labels": "below 5", "source": "an earlier run"},
        entry | {"dataset": "DARN", "labels": "100", "source": "another run"},
    ]
    folder = write_run(config)
    notes = [n for n in lay_out(folder, 3).notes if n.startswith("Standard deviation between")]
    assert ["from an earlier run" in note.partition(" at ")[0] for note in notes] == [True, False]
    assert "1 %: 0.40 to 0.40 points with 6 degrees" in notes[0] and " 5 %: " not in notes[0]
    # A source that no number of the table rests on is not named.
    assert not any("another run" in note for note in lay_out(folder, 1).notes)


def test_copies_and_gains_of_common_seeds_have_notes(
    lay_out, write_cell, scores_of, config, tmp_path
):
    small_grid(config)
    number = drawn_numbers()

    def absent(cell, method):
        if cell.network == "ASEN":  # all seeds are one training
            return 0.5
        return None if (method, cell.seed) == ("baseline", 1) else number(cell, method)

    write_trainings(config, absent, scores_of, write_cell)
    notes = "\n".join(lay_out(tmp_path, 1).notes)
    assert "ASEN 100 %, MODC(ASEN) 100 %: identical runs, counted once: seeds 0, 1, 2." in notes
    assert f"MODC(ASENv2) 100 %: gain {COMMON_SEEDS}: 0, 2." in notes
