"""The jobs of a run: what each reads, what it does, and where its results go.

The workflow declares them and the commands do them. Both ask here, so that a step done by hand
reads and writes the same files.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from modc import ablation, cost, datasets, grid, paths, provenance
from modc.ablation import Variant
from modc.cell import Cell
from modc.errors import UserError
from modc.stage import StageSpec, fingerprint


@dataclass(frozen=True)
class Fetching:
    """What fetches a dataset, or the part of it that lists its images; part: "" for all of it."""

    name: str
    dataset: str
    part: str
    before: list[Path]
    files: list[Path]
    fetched_by: dict

    @property
    def log(self) -> Path:
        """The job's log inside the run's folder."""
        return paths.dataset_log("fetch", self.dataset, "listing" if self.part == "listing" else "")


@dataclass(frozen=True)
class Packing:
    """What packs a dataset in one pass over its images; before: the forms that are packed first."""

    name: str
    dataset: str
    forms: list[str]
    before: list[str]

    @property
    def log(self) -> Path:
        """The job's log inside the run's folder."""
        part = self.name.removeprefix(f"pack_{self.dataset}").removeprefix("_")
        return paths.dataset_log("pack", self.dataset, part)


@dataclass(frozen=True)
class Training:
    """The job that trains a method's own stages of a cell in a row.

    config: the run's; variant: the alternative of an assumption under which it is trained, None in
    the run itself; last: the stage to end with, None for the method's last. What a variant has in
    common with the run is not trained again.
    """

    config: dict
    cell: Cell
    method: str
    variant: Variant | None = None
    last: str | None = None

    @property
    def settings(self) -> dict:
        """The configuration that the job works under."""
        return self.variant.config if self.variant else self.config

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages to train; none if the run has them all.

        Raises UserError if `last` is no stage that this method trains.
        """
        own = grid.own_stages(self.settings, self.cell, self.method)
        if self.last is not None:
            if self.last not in own:
                raise UserError(
                    f"stage {self.last}: {self.method} of {self.cell.name} trains {', '.join(own)}"
                )
            own = own[: own.index(self.last) + 1]
        return tuple(stage for stage in own if not self._is_the_runs(stage))

    def stage_folder(self, stage: str) -> Path:
        """Return where the files of a stage lie, also of one that another job trains."""
        return self._root(stage) / stage_folder(self.settings, self.cell, self.method, stage)

    def checkpoint(self, stage: str) -> Path:
        """Return the file from which a stage of this job goes on."""
        return self._root(stage) / paths.checkpoint(self.cell, self.method, stage)

    @property
    def initial(self) -> Path | None:
        """The model that the first stage starts from (A2); None where there is none before it."""
        previous = self._previous
        return self.stage_folder(previous) / self._following if previous else None

    def spec(self, stage: str) -> StageSpec:
        """Return what a stage of this job is trained from."""
        return grid.stage_spec(self.settings, self.cell, self.method, stage)

    @property
    def embeddings(self) -> Path:
        """The test split by the method's last stage."""
        last = grid.last_stage(self.settings, self.cell, self.method)
        return self.stage_folder(last) / paths.EMBEDDINGS

    @property
    def index(self) -> Path:
        """The folder of the dataset's index."""
        return paths.index_folder(self._dataset)

    @property
    def packed(self) -> Path:
        """The folder of the dataset's packed images."""
        return paths.packed_folder(self._dataset)

    @property
    def labeled(self) -> Path:
        """The file of the labeled part."""
        part = grid.labeled_part(self.settings, self.cell)
        return paths.labeled_part(
            self._dataset, part["rule"], part["at_least"], part["seed"], self.cell.labeled_percent
        )

    @property
    def assume(self) -> str:
        """The option of `modc train` that names the variant, "" in the run itself."""
        named = self.variant
        return f"--assume {named.assumption}={named.alternative}" if named else ""

    @property
    def inputs(self) -> dict[str, Path]:
        """The files whose change trains anew, by what they are."""
        files = {"index": self.index / paths.INDEX, "labeled": self.labeled}
        public = self.spec(self.stages[0]).public_checkpoint
        if self._previous:
            # A job declares the files of its last stage alone.
            made_under = self._made_under(self._previous)
            method = grid.trained_by(self.settings, self.cell, self.method, self._previous)
            last = grid.own_stages(made_under, self.cell, method)[-1]
            folder = self._root(self._previous) / paths.stage_folder(self.cell, method, last)
            files["initial"] = folder / self._following
        elif public:
            files["public"] = Path(public)
        return files

    @property
    def packed_marks(self) -> list[Path]:
        """The marks of the packed images that the stages read."""
        specs = map(self.spec, self.stages)
        forms = {form for spec in specs for form in grid.packed_forms(spec).values()}
        return [paths.packed_mark(self.packed, form.name) for form in sorted(forms)]

    @property
    def fingerprint(self) -> str:
        """A fingerprint of what the stages read of the configuration."""
        return fingerprint([self.spec(stage).fingerprint for stage in self.stages])

    @property
    def code(self) -> str:
        """A fingerprint of the code that can change the models."""
        spec = self.spec(self.stages[0])
        return provenance.training_code(spec.network_class, spec.method_class)

    @property
    def priority(self) -> float:
        """A number that rises with the images that the cell still has to train: longest first.

        Below 0, that of all other jobs, which are short and would wait for cores behind trainings.
        """
        left = cost.images_left(self.settings, self.cell, self.method, self.stages[0])
        return -1 / (1 + left / 1e9)

    @property
    def _dataset(self) -> Path:
        return paths.dataset_folder(self.config, self.cell.dataset)

    @property
    def _previous(self) -> str | None:
        found = grid.previous_stage(self.settings, self.cell, self.method, self.stages[0])
        return found and found[1]

    @property
    def _following(self) -> str:
        return paths.following_model(self.settings)

    def _is_the_runs(self, stage: str) -> bool:
        """Return whether a variant's model of a stage is that of the run itself."""
        is_variant = self.variant is not None
        return is_variant and ablation.same_model(
            self.config, self.variant, self.cell, self.method, stage
        )

    def _made_under(self, stage: str) -> dict:
        return self.config if self._is_the_runs(stage) else self.settings

    def _root(self, stage: str) -> Path:
        run = paths.run_folder(self.config)
        if self.variant is None or self._is_the_runs(stage):
            return run
        return run / paths.variant_folder(self.variant.name)


def stage_folder(config: dict, cell: Cell, method: str, stage: str) -> Path:
    """Return where a stage of a method's chain lies: with the method that trains it."""
    return paths.stage_folder(cell, grid.trained_by(config, cell, method, stage), stage)


def fetchings(config: dict) -> Iterator[Fetching]:
    """Yield the jobs that fetch the datasets. What lists a dataset's images is fetched first."""
    for name in config["datasets"]:
        own = datasets.of(config, name)
        listing = own.listing_paths
        if listing:
            yield Fetching(f"fetch_{name}_listing", name, "listing", [], listing, {})
        part, before = "images" if listing else "", listing if own.fetches_by_listing else []
        yield Fetching(f"fetch_{name}", name, part, before, own.paths, own.fetched_by())


def packings(config: dict, variants: Iterable[Variant]) -> Iterator[Packing]:
    """Yield the jobs that pack the datasets.

    What only a variant reads (A20, A21) is packed apart, after the others, since one job at a time
    writes to a folder.
    """
    variants = list(variants)
    for name in config["datasets"]:
        own = [form.name for form in grid.forms_of_dataset(config, name)]
        yield Packing(f"pack_{name}", name, own, [])
        others = [form.name for form in ablation.other_forms(config, variants, name)]
        if others:
            yield Packing(f"pack_{name}_ablation", name, others, own)


def coverage_inputs(config: dict, dataset: str) -> list[Path]:
    """Return what the coverage of a dataset that has a manifest is made of."""
    index = paths.index_folder(paths.dataset_folder(config, dataset))
    return [index / paths.INDEX, index / paths.COUNTS]


def scores_of(config: dict) -> list[Path]:
    """Return the scores from which a run's tables are made."""
    return _scores(config, paths.run_folder(config), grid.cells(config))


def ablation_scores(config: dict, variants: Iterable[Variant]) -> list[Path]:
    """Return the scores from which the ablation's table is made, the run's own first."""
    run = paths.run_folder(config)
    folders = [run, *(run / paths.variant_folder(variant.name) for variant in variants)]
    cells = ablation.ablation_cells(config)
    return [path for folder in folders for path in _scores(config, folder, cells)]


def _scores(config: dict, folder: Path, cells: Iterable[Cell]) -> list[Path]:
    methods = grid.methods(config)
    return [folder / paths.scores(cell, method) for cell in cells for method in methods]
