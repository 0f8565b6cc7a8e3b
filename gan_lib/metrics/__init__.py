"""Measures: (restored, clean) or (generated, real) in, a number out, without a gradient.

Losses, which are there to be differentiated, are in `gan_lib.losses`.
"""

from gan_lib.metrics.generation import GenerationScore, classifier_score, frechet_distance, judge
from gan_lib.metrics.restoration import Pictures, hole_psnr, hole_ssim, perceptual_distance, psnr, ssim

__all__ = [
    "GenerationScore",
    "Pictures",
    "classifier_score",
    "frechet_distance",
    "hole_psnr",
    "hole_ssim",
    "judge",
    "perceptual_distance",
    "psnr",
    "ssim",
]
