"""The paper's own numbers."""

# The numbers of the paper's tables (supplement).
TABLES = (1, 2, 3, 4, 5)
