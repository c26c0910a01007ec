"""The page of a run: its content as plain data, and its rendering."""
