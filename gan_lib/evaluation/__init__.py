"""A method, a folder, a named protocol -> a table of measures.

Never in here: training, figures, and the methods themselves (`baselines`, `networks`).
"""

from gan_lib.evaluation.denoising import add_noise, evaluate_denoising
from gan_lib.evaluation.inpainting import evaluate_inpainting, small_square
from gan_lib.evaluation.methods import (
    INPAINTING_METHODS,
    METHODS,
    denoising_methods,
    inpainting_methods,
    network_denoiser,
    network_inpainter,
)
from gan_lib.evaluation.pictures import EvaluationError, error_picture
from gan_lib.evaluation.report import as_table, check_apart, check_target, save_report
from gan_lib.evaluation.running import Case, Evaluation
from gan_lib.evaluation.super_resolution import evaluate_super_resolution, scaled_down
from gan_lib.evaluation.upscalers import SUPER_RESOLUTION_METHODS, network_upscaler, super_resolution_methods

__all__ = [
    "INPAINTING_METHODS",
    "METHODS",
    "SUPER_RESOLUTION_METHODS",
    "Case",
    "Evaluation",
    "EvaluationError",
    "add_noise",
    "as_table",
    "check_apart",
    "check_target",
    "denoising_methods",
    "error_picture",
    "evaluate_denoising",
    "evaluate_inpainting",
    "evaluate_super_resolution",
    "inpainting_methods",
    "network_denoiser",
    "network_inpainter",
    "network_upscaler",
    "save_report",
    "scaled_down",
    "small_square",
    "super_resolution_methods",
]
