"""The losses, each under its own name."""
