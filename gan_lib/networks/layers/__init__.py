"""Layers that the papers need and Keras lacks.

Whole networks do not belong here: each paper has a file of its own beside this folder.
"""

from gan_lib.networks.layers.latents import CategoricalCode
from gan_lib.networks.layers.normalisation import SpectralNormalization
from gan_lib.networks.layers.pixels import BicubicUpscale, PixelShuffle, PixelUnshuffle
from gan_lib.networks.layers.places import ChannelwiseDense, PullPush

__all__ = [
    "BicubicUpscale",
    "CategoricalCode",
    "ChannelwiseDense",
    "PixelShuffle",
    "PixelUnshuffle",
    "PullPush",
    "SpectralNormalization",
]
