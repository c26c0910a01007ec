"""`python -m modc.cli`, the same as `modc`."""

from modc.cli import main

if __name__ == "__main__":
    main()
