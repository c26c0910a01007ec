"""The page of a run: what it says, as plain data, and how it is rendered."""
