"""The names of rows: a network, or a network under a method, and its ranking."""

from modc.grid import method_of


def row_name(config: dict, network: str, method: str, top_n: str = "") -> str:
    """Return the name of a row, such as ASEN or MODC(ASEN)_top1."""
    name = method_of(config, method).row_name(network)
    return f"{name}_top{top_n}" if top_n else name
