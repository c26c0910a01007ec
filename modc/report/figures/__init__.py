"""The figures of a run: the paper's Figures 1 and 2, learning curves, labels, and gains."""
