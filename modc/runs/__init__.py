"""Whole runs: checked against what they store, merged from several machines."""
