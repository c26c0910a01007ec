"""The query and candidate embeddings of a split, in memory and as the file that is scored."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from modc.atomic import atomic_path
from modc.data.device_images import DeviceImages
from modc.data.index import Index
from modc.data.label_counts import of_places
from modc.evaluation.embed import embed_rows


def embed_split(
    network: nn.Module,
    packed: dict[str, DeviceImages],
    index: Index,
    split: str,
    device: torch.device,
    batch: int,
    precision: torch.dtype = torch.float32,
) -> dict[str, np.ndarray]:
    """Return the arrays that `modc.evaluation.scores.score` takes for split "valid" or "test".

    query_embedding float32 (Q, D), query_attribute and query_value int64 (Q,), and the same three
    for the C candidates.
    """
    rows = {role: index.rows(split, role) for role in ("query", "candidate")}
    embeddings = embed_rows(network, packed, pd.concat(rows.values()), device, batch, precision)
    parts = np.split(embeddings, [len(rows["query"])])
    arrays = {}
    for (role, frame), part in zip(rows.items(), parts, strict=True):
        arrays[f"{role}_embedding"] = part
        arrays[f"{role}_attribute"] = frame["attribute"].to_numpy(np.int64)
        arrays[f"{role}_value"] = frame["value"].to_numpy(np.int64)
    return arrays


def write_embeddings(path: Path, arrays: dict[str, np.ndarray], index: Index, facts: dict) -> None:
    """Write `arrays` for `modc score`, with a JSON text `facts` that says where they come from."""
    spec = facts["spec"]
    described = {
        **spec["cell"],
        "method": spec["method"],
        "attribute_names": list(index.attributes),
        "generated": index.generated,
        "coverage": of_places(index.coverage, len(index.attributes), index.training_images),
        "index_sha256": index.sha256,
        "manifest_sha256": index.manifest_sha256,
        "epoch": facts["epoch"],
        "valid_MAP@all": facts["valid_MAP@all"],
        "key": facts["key"],
        "settings_chain": facts["settings_chain"],
        "stages": facts["stages"],
        "absent_values": facts["absent_values"],
        "provenance": facts["provenance"],
    }
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays, facts=np.array(json.dumps(described)))
