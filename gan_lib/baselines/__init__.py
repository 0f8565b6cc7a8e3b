"""Baselines: what people use without learning, wrapping scikit-image and OpenCV; what a network has to beat.

Never in here: networks, measures, files.
"""

from gan_lib.baselines.denoising import (
    DENOISERS,
    Denoiser,
    median,
    non_local_means,
    total_variation,
    wavelets,
)
from gan_lib.baselines.inpainting import INPAINTERS, Inpainter, biharmonic, mean_fill, navier_stokes, telea

__all__ = [
    "DENOISERS",
    "INPAINTERS",
    "Denoiser",
    "Inpainter",
    "biharmonic",
    "mean_fill",
    "median",
    "navier_stokes",
    "non_local_means",
    "telea",
    "total_variation",
    "wavelets",
]
