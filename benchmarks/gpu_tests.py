"""A plugin of pytest (`-p gpu_tests`): trainings of the tests go to the device $MODC_TEST_DEVICE.

Those within pytest's process; those from the command line lease a card as always. Packed images of
a test may be trained on by both the CPU and a GPU, which those of a run never are: each device gets
its own.
"""

import os
from functools import wraps

import torch


def pytest_configure(config) -> None:
    """Replace the device of a lease."""
    from modc.data.device_images import DeviceImages
    from modc.training import train

    name = os.environ["MODC_TEST_DEVICE"]
    device = torch.device("cuda", 0) if name == "cuda" else torch.device(name)
    train.torch_device = lambda leased: device
    for method in ("gather", "send"):
        setattr(DeviceImages, method, _of_own(getattr(DeviceImages, method)))


def _of_own(method):
    """Return a method of DeviceImages that is called on the images of its device argument."""

    @wraps(method)
    def called(images, *arguments, **named):
        given = (*arguments, *named.values())
        device = next(str(one) for one in given if isinstance(one, torch.device))
        own = images.__dict__.setdefault("of_device", {device: images})
        if device not in own:
            own[device] = type(images)(images.array)
        return method(own[device], *arguments, **named)

    return called
