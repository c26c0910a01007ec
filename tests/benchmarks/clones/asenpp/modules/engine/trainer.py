import torch


class AverageMeter:
    val = None

    def update(self, val, n=1):
        self.val = val


def do_train(cfg, model, data_loader, gt, lt, optimizer, criterion, device, logger, epoch):
    losses, others = AverageMeter(), AverageMeter()
    model.train()
    for *roles, attribute in data_loader:
        attribute = attribute.cuda()
        whole, local = [], []
        for images in roles:
            vector, attention = model(torch.stack([gt(i) for i in images]), attribute)
            pairs = zip(images, attention.detach().numpy(), strict=True)
            crops = torch.stack([lt(image, mask) for image, mask in pairs])
            whole.append(vector)
            local.append(model(crops, attribute, level="local")[0])
        apart = [
            1 - torch.cosine_similarity(*pair).mean() for pair in zip(whole, local, strict=True)
        ]
        others.update(criterion(*whole).item())
        loss = criterion(*whole) + cfg.SOLVER.LOCAL_WEIGHT * criterion(*local)
        loss = loss + cfg.SOLVER.ALIGN_WEIGHT * sum(apart)
        losses.update(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        logger.info("%d of %d", epoch, len(data_loader))
