import torch


def build_optimizer(cfg, model):
    local = model.held.local_parameters()
    rest = [p for p in model.parameters() if all(p is not other for other in local)]
    groups = [{"params": local}, {"params": rest, "lr": cfg.SOLVER.BASE_LR_SLOW}]
    return torch.optim.Adam(groups, lr=cfg.SOLVER.BASE_LR)
