"""A method, a folder, a named protocol -> a table of measures.

Never in here: training, figures, and the methods themselves (`baselines`, `networks`).
"""

from gan_lib.evaluation.denoising import Case, Evaluation, add_noise, evaluate_denoising
from gan_lib.evaluation.methods import METHODS, denoising_methods, network_denoiser
from gan_lib.evaluation.pictures import EvaluationError, error_picture
from gan_lib.evaluation.report import as_table, save_report

__all__ = [
    "METHODS",
    "Case",
    "Evaluation",
    "EvaluationError",
    "add_noise",
    "as_table",
    "denoising_methods",
    "error_picture",
    "evaluate_denoising",
    "network_denoiser",
    "save_report",
]
