"""The methods: the interface, and what each is. The configuration says which class is which."""

from modc import plugins
from modc.errors import UserError
from modc.methods.method import Method


def class_of(named: str, name: str) -> type[Method]:
    """Return the class of a method, given as package.module:Class, by its name."""
    found = plugins.load(named, f"methods.{name}.class", Method)
    for needed in ("stages", "recipe", "objective"):
        if getattr(found, needed) is getattr(Method, needed):
            raise UserError(
                f"methods.{name}.class: {named}: has no {needed}, which it has to define"
            )
    return found


def of(config: dict, name: str) -> Method:
    """Return the method that the configuration calls `name`.

    Raises UserError for an unknown name.
    """
    if name not in config["methods"]:
        known = ", ".join(config["methods"])
        raise UserError(f"{name}: no method of the configuration; expected one of {known}")
    return class_of(config["methods"][name]["class"], name)(name, config)
