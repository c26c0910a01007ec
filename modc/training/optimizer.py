"""Adam and its learning rates, new or gone on with from the stage before (supplement)."""

import copy

import torch
from torch import nn

from modc.networks.network import Network
from modc.stage import StageSpec


def optimizer(
    network: Network, objective: nn.Module, spec: StageSpec, before: dict | None = None
) -> torch.optim.Adam:
    """Return Adam over the parameters that this stage trains, each group with its own rate.

    before: "optimizer" and "epochs" of the stage before, to go on with; None to start anew, as
    MODC(ASEN++) does after its warm-up (supplement).
    """
    groups = [
        {"params": parameters, "initial_rate": rate}
        for parameters, rate in network.parameter_groups(spec)
    ]
    new = list(objective.parameters())
    if new:
        groups.append({"params": new, "initial_rate": spec.learning_rate})
        if objective.starts_at_initial_rate:
            last = before["optimizer"]["param_groups"][-1] if before else {}
            groups[-1]["begun"] = last.get("begun", before["epochs"] if before else 0)
    # One kernel on a GPU instead of hundreds.
    is_cuda = groups[0]["params"][0].is_cuda
    adam = torch.optim.Adam(groups, lr=spec.learning_rate, fused=is_cuda)
    if before:
        names = dict(objective.named_parameters())
        known = {name: part.shape for name, part in before["objective"].items() if name in names}
        is_same = known == {name: part.shape for name, part in names.items()}
        inherit(adam, before["optimizer"], without=0 if is_same else len(new))
    return adam


def inherit(adam: torch.optim.Adam, state: dict, without: int = 0) -> None:
    """Take over the moments of each parameter from the Adam of the stage before.

    without: how many parameters at the end are others than they were. What is new in this stage,
    such as the predictor, has no moments yet.
    """
    groups = adam.state_dict()["param_groups"]
    count = sum(len(group["params"]) for group in groups) - without
    moments = {number: own for number, own in state["state"].items() if number < count}
    load(adam, {"state": moments, "param_groups": groups})


def load(adam: torch.optim.Adam, state: dict) -> None:
    """Load a copy of `state`: torch would go on writing into the tensors that it was given."""
    adam.load_state_dict(copy.deepcopy(state))


def set_learning_rate(adam: torch.optim.Adam, spec: StageSpec, epoch: int) -> float:
    """Set the rates of `epoch` of the schedule (from 0), initial x decay^(epoch // decay_every).

    A group that began later in the schedule, at its "begun", counts from there (A24).
    """
    for group in adam.param_groups:
        decays = (epoch - group.get("begun", 0)) // spec.decay_every
        group["lr"] = group["initial_rate"] * spec.decay**decays
    return adam.param_groups[0]["lr"]
