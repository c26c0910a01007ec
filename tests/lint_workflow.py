"""Snakemake's own linter, but for its demand of a conda environment or container a rule.

The environment is made by `make`, from requirements.lock.
"""

import subprocess
import sys

EXEMPT = "Specify a conda environment or container for each rule."


def main() -> None:
    """Print every complaint and its place; exit with status 1 if there is one."""
    done = subprocess.run(["snakemake", "--lint"], capture_output=True, text=True)
    place, places, complaints = "", 0, []
    for line in done.stderr.splitlines():
        if line.startswith("Lints for "):
            place, places = line.removeprefix("Lints for "), places + 1
        elif line.startswith("    * ") and EXEMPT not in line:
            complaints.append(f"{place} {line.strip()}")
    if not places:  # every rule draws at least the exempt demand, so the linter did not run
        sys.exit(done.stderr or "snakemake --lint said nothing")
    print("\n".join(complaints) or f"snakemake --lint: {places} rules, no complaint")
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main()
