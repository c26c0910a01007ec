"""Reproduce Tables 1 to 5 of MODC (ECCV 2022): data, networks, training, evaluation, tables."""

__version__ = "0.1.0"
