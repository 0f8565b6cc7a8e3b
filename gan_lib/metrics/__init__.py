"""Measures: (restored, clean) or (generated, real) in, a number out, without a gradient.

Losses, which are there to be differentiated, are in `gan_lib.losses`.
"""

from gan_lib.metrics.classes import ClassScore
from gan_lib.metrics.generation import GenerationScore, classifier_score, frechet_distance, judge
from gan_lib.metrics.handwriting import slant, thickness
from gan_lib.metrics.restoration import Pictures, checkerboard, hole_psnr, hole_ssim, perceptual_distance, psnr, ssim
from gan_lib.metrics.super_resolution import downscaled_error, psnr_y, ssim_y, studio_luma

__all__ = [
    "ClassScore",
    "GenerationScore",
    "Pictures",
    "checkerboard",
    "classifier_score",
    "downscaled_error",
    "frechet_distance",
    "hole_psnr",
    "hole_ssim",
    "judge",
    "perceptual_distance",
    "psnr",
    "psnr_y",
    "slant",
    "ssim",
    "ssim_y",
    "studio_luma",
    "thickness",
]
