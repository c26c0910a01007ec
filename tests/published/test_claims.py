import pytest

from modc.published.claims import STATEMENTS, Place, pairs, places_of, published
from modc.published.numbers import load

BY_KEY = {statement.key: statement for statement in STATEMENTS}
# Networks x metrics x the rest, counted in the tables of the paper.
COUNTS = {
    "gain_on_every_attribute": {1: 3 * 8, 2: 3 * 9},
    "asen_pp_best": {1: 5, 2: 5},
    "asen_pp_not_best_with_few_labels": {3: 9, 4: 3},
    "gain_at_every_share": {3: 3 * 3 * 3 * 2},
    "top1_beats_top2": {3: 3 * 3 * 3},
    "known_beats_unknown": {4: 3 * 3 * 2, 5: 3 * 3 * 2},
    "unknown_beats_baseline": {4: 3 * 3 * 2, 5: 3 * 3 * 2},
    "accuracy_goes_with_gain": {},  # a correlation of places, not pairs
}


def test_every_number_of_the_paper_by_its_place():
    values = published()
    assert len(values) == 327
    place = Place(5, "DARN", "ASENv2", "modc", 100, "unknown", "1", "overall", "MAP@100")
    assert values[place] == 0.5953
    assert place.row == "MODC(ASENv2)_top1, unknown"
    assert values[place.baseline] == 0.5966
    assert place.baseline.row == "ASENv2"
    assert values[place.accuracy] == 0.4694


@pytest.mark.parametrize("key", BY_KEY)
def test_pairs_are_counted_by_table(key):
    counts: dict = {}
    for pair in pairs(BY_KEY[key], published()):
        tables = dict.fromkeys(place.table for place in pair)
        where = next(iter(tables)) if len(tables) == 1 else " and ".join(map(str, tables))
        counts[where] = counts.get(where, 0) + 1
    assert counts == COUNTS[key]


@pytest.mark.parametrize("key", BY_KEY)
def test_each_pair_is_of_two_numbers_of_the_paper_and_asked_once(key):
    found = pairs(BY_KEY[key], published())
    assert {place for pair in found for place in pair} <= set(published())
    assert len({frozenset(pair) for pair in found}) == len(found)
    assert all(better != worse for better, worse in found)


@pytest.mark.parametrize("key", BY_KEY)
def test_two_numbers_of_a_pair_measure_the_same(key):
    for better, worse in pairs(BY_KEY[key], published()):
        assert (better.labeled_percent, better.metric) == (worse.labeled_percent, worse.metric)
        assert better.attribute == worse.attribute
        assert better.metric != "Acc"
        if not BY_KEY[key].by_accuracy:
            assert (better.table, better.dataset) == (worse.table, worse.dataset)


def test_attributes_are_those_of_the_tables_without_overall():
    found = pairs(BY_KEY["gain_on_every_attribute"], published())
    frame = load()[lambda row: row["table"].isin([1, 2]) & (row["method"] == "modc")]
    expected = frame[frame["attribute"] != "overall"]
    assert [(p.better.network, p.better.attribute) for p in found] == list(
        zip(expected["network"], expected["attribute"], strict=True)
    )


def test_the_best_is_compared_with_every_other_row():
    found = pairs(BY_KEY["asen_pp_best"], published())
    for table in (1, 2):
        own = [pair for pair in found if pair.better.table == table]
        assert {pair.better.row for pair in own} == {"MODC(ASEN++)_top1, known"}
        others = load()[lambda row, table=table: row["table"] == table][["network", "method"]]
        rows = set(others.itertuples(index=False, name=None)) - {("ASEN++", "modc")}
        assert {(pair.worse.network, pair.worse.method) for pair in own} == rows


def test_a_place_without_its_counterpart_makes_no_pair():
    among = [place for place in published() if place.network != "ASEN" or place.method == "modc"]
    found = pairs(BY_KEY["unknown_beats_baseline"], among)
    assert len(found) == 2 * 12
    assert {pair.better.network for pair in found} == {"ASENv2", "ASEN++"}


def test_another_dataset_has_the_pairs_that_correspond():
    def place(network, way, attribute="overall", metric="MAP@100", percent=100):
        return Place("", "FashionMNIST", network, *way[:1], percent, *way[1:], attribute, metric)

    baseline, known, unknown = (
        ("baseline", "", ""),
        ("modc", "known", "1"),
        ("modc", "unknown", "1"),
    )
    among = [
        place(network, way, attribute)
        for network in ("ASEN", "ASEN++")
        for way in (baseline, known, unknown)
        for attribute in ("tone", "overall")
    ] + [place("ASEN", way, percent=10) for way in (baseline, known, unknown)]
    counts = {key: len(pairs(statement, among)) for key, statement in BY_KEY.items()}
    assert counts == {
        "gain_on_every_attribute": 2,  # tone, of two networks, with all labels
        "asen_pp_best": 3,
        "asen_pp_not_best_with_few_labels": 0,
        "gain_at_every_share": 3,
        "top1_beats_top2": 0,
        "known_beats_unknown": 3,
        "unknown_beats_baseline": 3,
        "accuracy_goes_with_gain": 0,  # a correlation of places, not pairs
    }
    of_share = places_of(BY_KEY["accuracy_goes_with_gain"], among)
    assert [place.labeled_percent for place in of_share] == [100, 100, 10]
