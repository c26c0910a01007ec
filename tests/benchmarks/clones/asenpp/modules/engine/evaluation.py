import torch


@torch.no_grad()
def process_batch(model, x, a, gt, lt, device, beta=0.6):
    vector, attention = model(torch.stack([gt(image) for image in x]), a, level="global")
    crops = [lt(image, mask) for image, mask in zip(x, attention.numpy(), strict=True)]
    local, _ = model(torch.stack(crops), a, level="local")
    return model.held.similarity_embedding(vector, local)
