"""A picture to try the restoration on for those who have none at hand: bundled, held out from training, and damaged.

Never in here: the restoration itself.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gan_lib import datasets, degradations, images, metrics

PICTURE, SIGMA = "chelsea", 25.0
_SEED = (0, 25)


def bundled_picture() -> Path:
    """The undamaged picture, where scikit-image keeps it."""
    return datasets.bundled_paths("held-out")[PICTURE]


def damaged_picture(folder: Path, *, overwrite: bool = False) -> Path:
    """Write a bundled picture with Gaussian noise of sigma 25 into a folder, rounded to 8 bit as a file has to be.

    Args:
        folder: where to write it.
        overwrite: whether an older one may be replaced.

    Returns:
        Its path.

    Raises:
        FileExistsError: if it is there already and may not be replaced.
        PictureError: if it cannot be written.
    """
    path = Path(folder) / f"{PICTURE}_noisy.png"
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} is there already. Add --overwrite to replace it, or name a folder with -o.")
    noisy = degradations.gaussian_noise(images.to_network(_clean())[np.newaxis], SIGMA, seed=_SEED)[0]
    return images.save_image(path, images.to_uint8(images.from_network(noisy.numpy())))


def psnr_against(path: Path) -> float:
    """PSNR in decibels of a picture file against the bundled picture that `damaged_picture` damaged."""
    return float(metrics.psnr(images.load_image(path), _clean())[0])


def _clean() -> np.ndarray:
    return datasets.bundled_photographs("held-out")[PICTURE]
