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
from gan_lib.baselines.super_resolution import UPSCALERS, Upscaler, back_projection, bicubic, lanczos

__all__ = [
    "DENOISERS",
    "INPAINTERS",
    "UPSCALERS",
    "Denoiser",
    "Inpainter",
    "Upscaler",
    "back_projection",
    "bicubic",
    "biharmonic",
    "lanczos",
    "mean_fill",
    "median",
    "navier_stokes",
    "non_local_means",
    "telea",
    "total_variation",
    "wavelets",
]
