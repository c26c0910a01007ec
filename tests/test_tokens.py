"""What of a file is fingerprinted: nothing that computes nothing, and all else."""

import shutil
import subprocess
import sys

import pytest

from modc.tokens import meaning

SOURCE = '''"""A module."""
import math


def area(radius):
    """Return the area."""
    # Of a circle.
    return f"{math.pi * radius ** 2:.{3}f} {'m' + f'{2}'}"


class Empty:
    """Nothing."""

    def one(self): "Return 1."; return 1
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# Of a circle.", "# Of any circle,\n    # or none."),
        ("    # Of a circle.\n", ""),
        ("Return the area.", "Return it,\n\n    in m2.\n    "),
        ('    """Return the area."""\n', ""),
        ('"""A module."""\n', ""),
        ("import math\n\n\n", "import math\n\n"),
    ],
)
def test_words_and_space_mean_nothing(old, new):
    assert old in SOURCE
    assert meaning(SOURCE.replace(old, new)) == meaning(SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("** 2", "** 3"),
        (".{3}f", ".{4}f"),
        ("f'{2}'", "f'{3}'"),
        ("'m'", "'n'"),
        ("math.pi", "math.e"),
        ("return 1", "return 2"),
        ("def area(radius):", "def area(radius, unit=1):"),
        ("    return f", "    if radius:\n        return f"),
    ],
)
def test_what_computes_means_something(old, new):
    assert old in SOURCE
    assert meaning(SOURCE.replace(old, new)) != meaning(SOURCE)


def test_a_string_with_fields_is_one_word_in_every_python():
    words = meaning(SOURCE).splitlines()
    assert "f\"{math.pi * radius ** 2:.{3}f} {'m' + f'{2}'}\"" in words


@pytest.mark.parametrize("minor", range(11, 20))
def test_every_python_here_gives_the_same(minor):
    other = shutil.which(f"python3.{minor}")
    if other is None or subprocess.run([other, "-c", ""], capture_output=True).returncode:
        pytest.skip("not installed")
    code = "import sys; from modc.tokens import meaning; print(meaning(sys.stdin.read()))"
    found = subprocess.run(
        [other, "-c", code], input=SOURCE, capture_output=True, text=True, check=True, cwd="."
    )
    assert found.stdout == meaning(SOURCE) + "\n"
    assert sys.version_info >= (3, 11)
