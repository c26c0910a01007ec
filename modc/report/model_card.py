"""The README.md of an exported model: what it is, what it scored, and what it is not for."""

import yaml

from modc import datasets
from modc.networks import exported
from modc.networks.model_file import ModelFile
from modc.report.results import Result
from modc.report.uncertainty import Measure, plain_intervals, query_intervals

CITATION = (
    "Jiao, Xie, Gao, Wang, Sun: Fine-Grained Fashion Representation Learning by Online Deep "
    "Clustering. ECCV 2022."
)
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
    facts = model.facts
    sizes = ", ".join(f"{name} {side} px" for name, side in facts["sizes"].items())
    return f"""---
{yaml.safe_dump(front, sort_keys=False)}---

# {named}

Embeds an image once per attribute; images that share a value of an attribute lie close together in
its space.

```
{exported.command(network, "FOLDER")}
```

`embedding` in the .npz file has the shape (images, attributes, dim), of unit length. Attributes, in
order:

{attributes}

## Training

- Data: {cell.dataset} (`{dataset_class}`), {cell.labeled_percent} % of the labels\
{_labeled_images(facts)}, seed {cell.seed}
- Network: {cell.network}, {_options(model.architecture)}; {sizes}
- Method: {method}; the weights are of stage {facts["stage"]}, epoch {facts.get("epoch", "unknown")}
- Made by: {_made_by(model)}

{_stages(facts)}

`config.json` has the preprocessing and the fingerprints of settings, code and data.

## Scores

{_scores(result, config)}

## Limits

- One training; another seed gives other numbers.
- Scores on other datasets will be lower, and other attributes are not supported.
- The terms of the dataset may restrict the use of weights trained on it.

## Citation

{CITATION}
"""


def _labeled_images(facts: dict) -> str:
    count = facts.get("provenance", {}).get("labeled_images")
    return "" if count is None else f" ({count:,} training images)"


def _stages(facts: dict) -> str:
    """Return how each stage was trained and ended, as a table; rates and triplets of the last."""
    spec = facts.get("spec", {})
    lines = ["| stage | epochs | best epoch | ended by |", "|---|---|---|---|"]
    lines += [
        f"| {one['stage']} | {one['epochs']} | {one['best_epoch']} | {one['stopped']} |"
        for one in facts.get("stages", [])
    ]
    known = {"triplets_per_epoch": "triplets an epoch", "batch": "triplets a batch"}
    known |= {"margin": "margin", "learning_rate": "learning rate"}
    of_last = [f"{name} {spec[key]}" for key, name in known.items() if key in spec]
    return "\n".join([*lines, "", f"Last stage: {', '.join(of_last)}." if of_last else ""]).strip()


def _options(architecture: dict) -> str:
    return ", ".join(f"{key} {value}" for key, value in architecture.items()) or "default options"


def _made_by(model: ModelFile) -> str:
    made_by = model.facts.get("provenance", {})
    known = [f"{name} {made_by[name]}" for name in ("modc", "torch", "python") if name in made_by]
    return ", ".join([*known, *([str(made_by["device"])] if "device" in made_by else [])])


def _scores(result: Result, config: dict) -> str:
    """Return the scores of the plain ranking on the test split, as a table; others below it."""
    if result.scores is None:
        return f"None: {result.status}."
    unanswerable = config["evaluation"]["unanswerable"]
    over_queries = query_intervals([result], unanswerable).get(result.method, {})
    over_queries |= plain_intervals(result, unanswerable)
    divisor = config["evaluation"]["map_at_100"]

    def score(attribute: str, metric: str, *way: str) -> str:
        value = result.value(attribute, metric, *way)
        of_queries = f"{metric}/{divisor}" if metric == "MAP@100" else metric
        interval = over_queries.get(Measure(attribute, of_queries, *way))
        within = f" ({100 * interval.low:.2f} to {100 * interval.high:.2f})" if interval else ""
        return "–" if value is None else f"{100 * value:.2f}{within}"

    lines = [
        "Test split, in percent, ranked by the embeddings as `modc embed` writes them; in "
        "parentheses 95 % bootstrap intervals over queries."
    ]
    if result.not_comparable:
        lines.append(f"Not comparable with the paper: {result.not_comparable}.")
    lines += ["", f"| attribute | {' | '.join(_COLUMNS)} |", "|---|" + "---|" * len(_COLUMNS)]
    for attribute in [*result.scores["attribute_names"], "overall"]:
        shown = " | ".join(score(attribute, metric) for metric in _COLUMNS)
        lines.append(f"| {attribute} | {shown} |")
    if "Acc" in result.scores["overall"]:
        top1 = score("overall", "MAP@100", "known", "1")
        lines += [
            "",
            f"The paper ranks by cluster centers first. With them and with the query's label known "
            f"(top1), overall MAP@100 is {top1}; Acc is {score('overall', 'Acc')}. Neither the "
            f"centers nor the label is in this folder.",
        ]
    return "\n".join(lines)
