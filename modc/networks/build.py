"""A network from its name and the configuration's words for it."""

import inspect
import pkgutil
from functools import cache
from importlib import import_module

from modc import networks, plugins
from modc.errors import UserError
from modc.networks import backbone
from modc.networks.network import Network


def build(
    network: str, options: dict, attributes: int, weights: dict[str, str] | None = None
) -> Network:
    """Return `network` for so many attributes, on the CPU.

    network: as `find` takes it; options: what its constructor takes, as networks.<network> of
    config.yaml has it; weights: the start of each backbone by its name
    (`modc.networks.backbone.build`), "none" for those not named. What has no such start is drawn
    from torch's generator. Raises UserError for options that are not the network's.
    """
    found, start = find(network), weights or {}
    taken = [name for name in inspect.signature(found).parameters if name != "attributes"]
    for name in options:
        if name not in taken:
            raise UserError(f"networks: {network} takes no {name!r}; expected {', '.join(taken)}")
    # In the constructor's order, whatever the configuration's, since weights are drawn in turn.
    made = {
        name: backbone.build(options[name], start.get(options[name], "none"))
        if name.endswith("backbone")
        else options[name]
        for name in taken
        if name in options
    }
    try:
        return found(**made, attributes=attributes)
    except TypeError as error:
        raise UserError(f"networks: {network}: {error}; it takes {', '.join(taken)}") from None


def find(network: str) -> type[Network]:
    """Return the class of a network: a name of this package's, or package.module:Class.

    Raises UserError if there is none.
    """
    if ":" in network:
        return plugins.load(network, f"network {network}", Network)
    if network not in own():
        raise UserError(
            f"network {network!r} is unknown; expected {', '.join(own())}, or package.module:Class"
        )
    return own()[network]


@cache
def own() -> dict[str, type[Network]]:
    """Return the networks of this package by their names."""
    modules = [
        import_module(f"{networks.__name__}.{found.name}")
        for found in pkgutil.iter_modules(networks.__path__)
    ]
    return {one.name: one for module in modules for one in vars(module).values() if _is_named(one)}


def _is_named(one: object) -> bool:
    return isinstance(one, type) and issubclass(one, Network) and bool(one.name)
