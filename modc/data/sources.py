"""The layouts that a dataset's folder can have, by their name in the configuration."""

from modc.data import darn, fashion_mnist, fashionai

# Each reads (folder, missing_images) to an Index.
FORMATS = {
    "fashionai": fashionai.read,
    "darn": darn.read,
    "fashion_mnist": fashion_mnist.read,
}
