"""Adam and its learning rates, new or gone on with from the stage before (supplement)."""

import copy

import torch
from torch import nn

from modc.networks.asen_pp import ASENpp


def optimizer(network: nn.Module, settings: dict) -> torch.optim.Adam:
    """Return Adam over the parameters that this stage trains.

    ASEN++'s first part trains its global branch; its later stages both branches, each with its own
    learning rate (the shared attribute embedding goes with the global branch).
    """
    rate = settings["learning_rate"]
    local = network.local_parameters() if isinstance(network, ASENpp) else []
    of_local = {id(parameter) for parameter in local}
    rest = [parameter for parameter in network.parameters() if id(parameter) not in of_local]
    groups = [{"params": rest, "initial_rate": rate}]
    if "local_learning_rate" in settings:
        groups.append({"params": local, "initial_rate": settings["local_learning_rate"]})
    # One kernel on a GPU instead of hundreds.
    return torch.optim.Adam(groups, lr=rate, fused=rest[0].is_cuda)


def inherit(adam: torch.optim.Adam, state: dict) -> None:
    """Take over the moments of each parameter from the Adam of the stage before.

    Parameters that are new in this stage, the predictor's, stand last and have none yet.
    """
    load(adam, {"state": state["state"], "param_groups": adam.state_dict()["param_groups"]})


def load(adam: torch.optim.Adam, state: dict) -> None:
    """Load a copy of `state`: torch would go on writing into the tensors that it was given."""
    adam.load_state_dict(copy.deepcopy(state))


def set_learning_rate(adam: torch.optim.Adam, settings: dict, epoch: int) -> float:
    """Set the rates of `epoch` of the schedule (from 0), initial x decay^(epoch // decay_every).

    A group that began later in the schedule, at its "begun", counts from there (A24).
    """
    for group in adam.param_groups:
        decays = (epoch - group.get("begun", 0)) // settings["decay_every"]
        group["lr"] = group["initial_rate"] * settings["decay"] ** decays
    return adam.param_groups[0]["lr"]
