"""The tables of a run made again and compared with those that it has."""

from pathlib import Path
from tempfile import TemporaryDirectory

from modc.report import ablation, render
from modc.report.files import ABLATION_FILES, table_files
from modc.runs.checked import CHANGED, MISSING, OTHER_LAYOUT, UNCHANGED, Checked
from modc.runs.differences import have_the_same_numbers, of_files


def check_tables(run: Path, config: dict) -> list[Checked]:
    """Return the state of each file of `table_files`, and of the ablation's where there are some.

    They are rendered from the run's scores into a temporary folder; the run is only read.
    """
    with TemporaryDirectory(prefix="modc-") as name:
        made = Path(name)
        render.render_all(run, config, made)
        found = [_compare(f"tables/{file}", run, made / file) for file in table_files(config)]
        if any((run / "ablation" / file).exists() for file in ABLATION_FILES):
            ablation.render(run, config, made)
            found += [_compare(f"ablation/{file}", run, made / file) for file in ABLATION_FILES]
    return found


def _compare(name: str, run: Path, made: Path) -> Checked:
    try:
        stored = (run / name).read_bytes()
    except FileNotFoundError:
        return Checked(name, MISSING)
    except OSError as error:
        return Checked(name, CHANGED, [f"cannot be read: {error.strerror}"])
    now, kind = made.read_bytes(), made.suffix
    details = [difference.told("stored", "now") for difference in of_files(stored, now, kind)]
    if details and have_the_same_numbers(stored, now, kind):
        return Checked(name, OTHER_LAYOUT, [details[0] if kind == ".csv" else "the same numbers"])
    return Checked(name, CHANGED if details else UNCHANGED, details)
