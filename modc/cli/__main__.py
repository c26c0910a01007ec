"""`python -m modc.cli`, the same as `modc`."""

from modc.cli import main

main()
