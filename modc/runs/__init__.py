"""Whole runs: verified against their stored files, and merged from several machines."""
