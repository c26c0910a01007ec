"""The README.md of an exported model: what it is, what it scored, and what it is not for."""

import yaml

from modc import datasets
from modc.networks.model_file import ModelFile
from modc.report.results import Result
from modc.report.uncertainty import Measure, query_intervals

_COLUMNS = ("MAP@100", "MAP@all", "Recall@100")


def card(model: ModelFile, network: str, result: Result, config: dict) -> str:
    """Return the model card as Markdown.

    network: as `modc embed --network` takes it; result: of the model's cell and method, which may
    have no scores.
    """
    cell, method = result.cell, result.method
    named = f"{cell.network}, {method}, {cell.dataset}"
    front = {
        "library_name": "modc",
        "tags": ["image-retrieval", "fashion", "attribute-specific-embedding"],
        "datasets": [cell.dataset],
    }
    attributes = "\n".join(f"{n}. {name}" for n, name in enumerate(model.attributes))
    dataset_class = datasets.of(config, cell.dataset).settings["class"]
    sizes = ", ".join(f"{name} {side} px" for name, side in model.facts["sizes"].items())
    return f"""---
{yaml.safe_dump(front, sort_keys=False)}---

# {named}

Embeds an image once per attribute; images that share a value of an attribute lie
close together in its space.

```
modc embed --network {network} --checkpoint FOLDER --attributes {len(model.attributes)} \
--output embedded.npz IMAGE...
```

`embedding` in the .npz file has the shape (images, attributes, dim), of unit length. Attributes, in
order:

{attributes}

## Training

- Data: {cell.dataset} (`{dataset_class}`), {cell.labeled_percent} % of the labels, seed {cell.seed}
- Network: {cell.network}, {_options(model.architecture)}; {sizes}
- Method: {method}, stage {model.facts["stage"]}, epoch {model.facts.get("epoch", "unknown")}
- Made by: {_made_by(model)}

`config.json` has the preprocessing and the fingerprints of settings, code and data.

## Scores

{_scores(result, config)}

## Limits

- One training; another seed gives other numbers.
- The images were those of one dataset: expect less on others, and nothing on attributes
  not listed above.
- The terms of the dataset may restrict the use of weights trained on it.
"""


def _options(architecture: dict) -> str:
    return ", ".join(f"{key} {value}" for key, value in architecture.items()) or "default options"


def _made_by(model: ModelFile) -> str:
    made_by = model.facts.get("provenance", {})
    known = [f"{name} {made_by[name]}" for name in ("modc", "torch", "python") if name in made_by]
    return ", ".join([*known, *([str(made_by["device"])] if "device" in made_by else [])])


def _scores(result: Result, config: dict) -> str:
    """Return the scores on the test split with their intervals over queries, as a table."""
    if result.scores is None:
        return f"None: {result.status}."
    unanswerable = config["evaluation"]["unanswerable"]
    over_queries = query_intervals([result], unanswerable).get(result.method, {})
    divisor = config["evaluation"]["map_at_100"]
    has_centers = "Acc" in result.scores["overall"]
    # With centers, those of the ranking that the paper reports first.
    way = ("known", "1") if has_centers else ("", "")
    lines = [f"| attribute | {' | '.join(_COLUMNS)} |", "|---|" + "---|" * len(_COLUMNS)]
    for attribute in [*result.scores["attribute_names"], "overall"]:
        shown = []
        for metric in _COLUMNS:
            value = result.value(attribute, metric, *way)
            of_queries = f"{metric}/{divisor}" if metric == "MAP@100" else metric
            interval = over_queries.get(Measure(attribute, of_queries, *way))
            within = f" ({100 * interval.low:.2f} to {100 * interval.high:.2f})" if interval else ""
            shown.append("–" if value is None else f"{100 * value:.2f}{within}")
        lines.append(f"| {attribute} | {' | '.join(shown)} |")
    ranking = "prioritized retrieval, top1, query label known" if has_centers else "plain ranking"
    note = (
        f"Test split, in percent, {ranking}; in parentheses 95 % bootstrap intervals over queries."
    )
    if has_centers:
        plain = result.value("overall", "MAP@100") or 0
        note += f" MAP@100 overall of the plain ranking, without centers: {100 * plain:.2f}."
    if result.not_comparable:
        note += f" Not comparable with the paper: {result.not_comparable}."
    return "\n".join([note, "", *lines])
