def resnet50_feature(pretrained=True):
    assert not pretrained, "would download"
