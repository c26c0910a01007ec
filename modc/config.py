"""One configuration: files merged in order, then checked against config.schema.yaml."""

import difflib
import logging
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml

from modc import plugins
from modc.atomic import write_text
from modc.errors import UserError

log = logging.getLogger(__name__)

SCHEMA = Path(__file__).with_name("config.schema.yaml")


def load(paths: list[Path]) -> dict:
    """Return the checked configuration of `paths`, later files overriding single keys.

    Raises UserError naming the file, the key, and what is allowed there.
    """
    config: dict = {}
    for path in paths:
        config = merge(config, _read(Path(path)))
    config = plugins.with_folders(config, paths)
    check(config, name=" + ".join(str(path) for path in paths))
    return config


def write(path: Path, config: dict) -> None:
    """Write `config` as one file that `load` reads back equal."""
    # Not as JSON, which is no YAML where a number is 1e-05: there it would come back as text.
    write_text(path, yaml.safe_dump(config, sort_keys=False))


def merge(base: dict, override: dict) -> dict:
    """Return `base` with `override` laid over it: mappings merge, everything else is replaced."""
    merged = dict(base)
    for key, value in override.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def from_command_line(config: dict) -> dict:
    """Return the configuration as Snakemake has it after --config, with its numbers as such.

    Snakemake reads `--config 'grid={seeds: [0, 1]}'` as a list of texts.
    """
    from modc.config_schema import with_numbers

    plugins.make_importable(config)
    return with_numbers(config, _schema_of(config))


def check(config: dict, name: str = "config.yaml") -> None:
    """Raise UserError if a key, type or value of `config` is not what the schema allows.

    Without the package jsonschema, only sections that are missing are noticed.
    """
    _check_keys(config, name)
    plugins.make_importable(config)
    mistake = _mistake(config) or next(
        (mistake for find in (_unknown_names, _training_sds) for mistake in find(config)), None
    )
    if mistake:
        raise UserError(f"{name}: {mistake}")
    for dataset in config["grid"]["datasets"]:
        if dataset not in config["grid"]["labeled_percent"]:
            raise UserError(
                f"{name}: grid.datasets names {dataset!r}, which grid.labeled_percent does not "
                f"describe; add it there or remove it here"
            )
    _check_shown_cell(config, name)
    for network in config["grid"]["networks"]:
        _check_recipes(config, network, name)
    from modc import methods

    for method in config["grid"]["methods"]:
        for problem in methods.of(config, method).mistakes():
            raise UserError(f"{name}: {problem}")
    _check_chains(config, name)


def _check_chains(config: dict, name: str) -> None:
    from modc import grid

    for cell in grid.cells(config):
        for method in grid.methods(config):
            try:
                grid.check_chain(config, cell, method)
            except UserError as error:
                raise UserError(f"{name}: {error}") from None


def _check_shown_cell(config: dict, name: str) -> None:
    """Raise UserError if the grid has no cell for Figures 1 and 2: which come last."""
    from modc import grid

    if not grid.cells_to_show(config):
        named = config["report"]["figures"].items()
        said = ", ".join(f"{key} {value}" for key, value in named if value != "auto")
        raise UserError(
            f"{name}: report.figures: the grid has no cell of {said}; name one of its datasets, "
            f"networks, labeled percentages and seeds, or auto"
        )


def _check_recipes(config: dict, network: str, name: str) -> None:
    if network not in config["training"]["stages"]:
        raise UserError(
            f"{name}: grid.networks names {network!r}, which training.stages does not describe; "
            f"add it there or remove it here"
        )
    stages = config["training"]["stages"][network]
    first = config["networks"][network].get("detail_from")
    if first is not None and first not in stages:
        raise UserError(
            f"{name}: networks.{network}.detail_from: {first!r}; expected one of "
            f"training.stages.{network}: {', '.join(stages)}"
        )
    if first is not None or "class" in config["networks"][network]:
        return
    recipes = {"training": config["training"]}
    recipes |= {f"methods.{key}": config["methods"][key] for key in config["grid"]["methods"]}
    for where, section in recipes.items():
        own = section.get("stages", {}).get(network, {})
        _check_rates(own, f"{where}.stages.{network}", name)


def _check_rates(recipes: dict, where: str, name: str) -> None:
    """Raise UserError if the recipes of a network of one branch have a rate for a second one."""
    if "local_learning_rate" in recipes:
        raise UserError(f"{name}: {where}: unknown key 'local_learning_rate'")
    for key, recipe in recipes.items():
        if isinstance(recipe, dict):
            _check_rates(recipe, f"{where}.{key}", name)


def _unknown_names(config: dict) -> Iterator[str]:
    """Yield a line for each name of a dataset, network or method that the configuration lacks."""
    grid, report = config["grid"], config["report"]
    cell, figures = config["ablation"]["cell"], report["figures"]
    networks = {name: one for name, one in config["networks"].items() if name != "weights"}
    datasets = [
        *(("grid.datasets", dataset) for dataset in grid["datasets"]),
        *(("grid.labeled_percent", dataset) for dataset in grid["labeled_percent"]),
        *(("grid.extra_seeds", extra["dataset"]) for extra in grid["extra_seeds"]),
        *(
            (f"networks.{network}.public_checkpoints", dataset)
            for network, settings in networks.items()
            for dataset in settings.get("public_checkpoints", {})
        ),
        ("report.figures.dataset", figures.get("dataset", "auto")),
        *(("report.training_sd", one["dataset"]) for one in report["training_sd"]),
        ("ablation.cell.dataset", cell["dataset"]),
    ]
    of_networks = [
        *(("grid.networks", network) for network in grid["networks"]),
        *(("grid.extra_seeds", extra["network"]) for extra in grid["extra_seeds"]),
        ("report.figures.network", figures.get("network", "auto")),
        ("ablation.cell.network", cell["network"]),
    ]
    of_methods = [("grid.methods", method) for method in grid["methods"]]
    for kind, named, known in (
        ("dataset", datasets, list(config["datasets"])),
        ("network", of_networks, list(networks)),
        ("method", of_methods, list(config["methods"])),
    ):
        for key, one in named:
            if one in known or (one == "auto" and key.startswith("report.figures.")):
                continue
            close = difflib.get_close_matches(one, known, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            yield (
                f"{key}: no {kind} {one!r}{hint}; {kind}s describes {', '.join(known)}: name one "
                f"of them, or add it there"
            )


def _training_sds(config: dict) -> Iterator[str]:
    """Yield a line for each entry of report.training_sd that nothing reads or that stands twice."""
    from modc import datasets

    seen = set()
    for one in config["report"]["training_sd"]:
        settings = config["datasets"][one["dataset"]]
        known = [*datasets.class_of(settings, one["dataset"]).attributes, "overall"]
        if one["attribute"] not in known:
            close = difflib.get_close_matches(one["attribute"], known, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            yield (
                f"report.training_sd: {one['dataset']} has no attribute {one['attribute']!r}"
                f"{hint}; allowed: {', '.join(known)}"
            )
        place = tuple(one[key] for key in ("dataset", "labels", "attribute", "metric"))
        if place in seen:
            yield f"report.training_sd: two entries for {', '.join(place)}; leave one"
        seen.add(place)


def _mistake(config: dict) -> str | None:
    try:
        import jsonschema  # noqa: F401
    except ModuleNotFoundError:
        _warn_unchecked()
        missing = [key for key in _schema()["required"] if key not in config]
        return f"the key {missing[0]!r} is missing" if missing else None
    from modc.config_schema import first_mistake

    return first_mistake(config, _schema_of(config))


@cache
def _schema() -> dict:
    return yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))


def _schema_of(config: dict) -> dict:
    """Return the schema with the keys that only a dataset's or a method's own class knows.

    Raises UserError where a class cannot be loaded.
    """
    from modc import datasets, methods

    schema = _schema()
    own: dict[str, dict] = {"datasets": {}, "methods": {}}
    for name, settings in _with_class(config, "datasets"):
        own["datasets"][name] = datasets.class_of(settings, name).own_settings
    for name, settings in _with_class(config, "methods"):
        own["methods"][name] = methods.class_of(settings["class"], name).own_settings
    properties = dict(schema["properties"])
    for section, kind in (("datasets", "dataset"), ("methods", "method")):
        common = schema["$defs"][kind]
        entries = {
            name: {
                **common,
                "properties": {**common["properties"], **further},
                # Of a method all keys are needed.
                "required": [*common["required"], *(further if kind == "method" else ())],
            }
            for name, further in own[section].items()
        }
        properties[section] = {**properties[section], "properties": entries}
    return {**schema, "properties": properties}


def _with_class(config: dict, section: str) -> Iterator[tuple[str, dict]]:
    entries = config.get(section)
    for name, settings in entries.items() if isinstance(entries, dict) else ():
        if isinstance(settings, dict) and isinstance(settings.get("class"), str):
            yield name, settings


@cache
def _warn_unchecked() -> None:
    log.warning(
        "the configuration is not checked against its schema: jsonschema is not installed "
        "(pip install jsonschema)"
    )


def _check_keys(config: dict, name: str, where: str = "") -> None:
    for key, value in config.items():
        if not isinstance(key, str):
            raise UserError(f"{name}: {where}{key}: a key that is no text; put it in quotes")
        if isinstance(value, dict):
            _check_keys(value, name, f"{where}{key}.")


def _read(path: Path) -> dict:
    try:
        config = yaml.load(path.read_text(encoding="utf-8"), Loader=UniqueKeys)
    except FileNotFoundError:
        raise UserError(f"{path}: no such configuration file") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not a text file; expected YAML in UTF-8") from None
    except TypeError:
        raise UserError(f"{path}: a key that is a list or a mapping; expected text") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "cannot be read"
        raise UserError(f"{path}{where}: not valid YAML: {problem}") from None
    if not isinstance(config, dict):
        raise UserError(f"{path}: expected a mapping of settings such as 'run: paper'")
    return config


class UniqueKeys(yaml.SafeLoader):
    """YAML that refuses a key given twice, where plain YAML takes the last one silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        """Return the mapping of a node. Raises ConstructorError at a key that stands twice."""
        seen = set()
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":  # "<<" is no key of its own
                continue
            name = self.construct_object(key)
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {name!r} stands twice", problem_mark=key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep)
