import torch


def build_loss(cfg):
    def loss(ref, pos, neg):
        similar, unlike = (torch.cosine_similarity(ref, other) for other in (pos, neg))
        return (cfg.SOLVER.MARGIN - similar + unlike).clamp_min(0).mean()

    return loss
