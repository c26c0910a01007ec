"""Adam and its learning rates, new or gone on with from the stage before (supplement)."""

import copy

import torch

from modc.networks.network import Network


def optimizer(network: Network, settings: dict) -> torch.optim.Adam:
    """Return Adam over the parameters that this stage trains, each group with its own rate."""
    groups = [
        {"params": parameters, "initial_rate": rate}
        for parameters, rate in network.parameter_groups(settings)
    ]
    # One kernel on a GPU instead of hundreds.
    is_cuda = groups[0]["params"][0].is_cuda
    return torch.optim.Adam(groups, lr=settings["learning_rate"], fused=is_cuda)


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
