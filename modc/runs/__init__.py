"""Runs as folders: checked against what they store, put together from several machines."""
