"""The file of embeddings says which data its numbers rest on."""

import numpy as np
import pandas as pd

from modc.data.index import LABEL_COLUMNS, Index
from modc.data.label_counts import count
from modc.evaluation.scores import read_facts
from modc.evaluation.split_embeddings import write_embeddings

LABELS = [
    ("train", "train", 0, 0, 1),
    ("train", "train", 0, 1, 0),  # one picture, two labels
    ("train", "train", 1, 1, 0),
    ("valid", "query", 2, 0, 0),
    ("test", "query", 3, 0, 0),
    ("test", "query", 4, 1, 0),
    ("test", "candidate", 5, 0, 1),
    ("test", "candidate", 6, 1, 2),
]
THERE = [True, True, False, False, True, True, False, True]


def test_it_names_the_manifest_and_what_each_number_rests_on(tmp_path):
    labels = pd.DataFrame(LABELS, columns=LABEL_COLUMNS)
    index = Index(
        dataset="FashionAI",
        attributes=("a", "b"),
        values=(2, 3),
        images=pd.DataFrame({"split": ["train", "test", "test", "test"], "path": list("0346")}),
        labels=labels[THERE],
        coverage=count(labels, np.array(THERE)),
        missing={"train": 1, "valid": 1, "test": 1},
        manifest_sha256="ab" * 32,
    )
    facts = dict.fromkeys(
        ("epoch", "valid_MAP@all", "key", "settings_chain", "stages", "absent_values", "provenance")
    )
    cell = {"dataset": "FashionAI", "network": "ASEN", "labeled_percent": 1, "seed": 0}
    facts["spec"] = {"cell": cell, "method": "baseline"}
    write_embeddings(tmp_path / "test.npz", {"query_embedding": np.zeros((1, 2))}, index, facts)
    found = read_facts(tmp_path / "test.npz")
    assert found["manifest_sha256"] == "ab" * 32 and found["index_sha256"] == index.sha256
    assert found["coverage"] == {
        "attributes": [
            {"train": [1, 1], "query": [1, 1], "candidate": [1, 0]},
            {"train": [2, 1], "query": [1, 1], "candidate": [1, 1]},
        ],
        "overall": {"train": [2, 1], "query": [2, 2], "candidate": [2, 1]},
    }
