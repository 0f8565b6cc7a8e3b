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
    path = _free(Path(folder) / f"{PICTURE}_noisy.png", overwrite)
    noisy = degradations.gaussian_noise(images.to_network(_clean())[np.newaxis], SIGMA, seed=_SEED)[0]
    return images.save_image(path, images.to_uint8(images.from_network(noisy.numpy())))


def scratched_picture(folder: Path, *, overwrite: bool = False) -> tuple[Path, Path]:
    """Write a bundled picture with scratches and a stroke across it into a folder, and the mask of that damage.

    Args:
        folder: where to write both.
        overwrite: whether older ones may be replaced.

    Returns:
        The paths of the picture and of the mask.

    Raises:
        FileExistsError: if one is there already and may not be replaced.
        PictureError: if one cannot be written.
    """
    paths = [_free(Path(folder) / f"{PICTURE}_{name}.png", overwrite) for name in ("scratched", "mask")]
    clean = _clean()
    height, width = clean.shape[:2]
    lost = degradations.scratches(height, width, 1, count=(5, 5), thickness=(2.0, 4.0))
    stroke = {"strokes": (1, 1), "thickness": (12.0, 18.0), "missing": (0.01, 0.2)}
    lost = np.maximum(lost, degradations.free_form(height, width, 2, **stroke))
    images.save_image(paths[0], np.where(lost > 0, np.uint8(255), clean))
    images.save_image(paths[1], images.to_uint8(lost))
    return paths[0], paths[1]


def psnr_against(path: Path, mask: Path | None = None) -> float:
    """PSNR in decibels of a picture file against the bundled picture that was damaged; with a mask, of its hole."""
    picture, clean = images.load_image(path), _clean()
    if mask is None:
        return float(metrics.psnr(picture, clean)[0])
    hole = np.float32(images.load_image(mask, mode="grey") > 127)
    return float(metrics.hole_psnr(picture, clean, hole)[0])


def _free(path: Path, overwrite: bool) -> Path:
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} is there already. Add --overwrite to replace it, or name a folder with -o.")
    return path


def _clean() -> np.ndarray:
    return datasets.bundled_photographs("held-out")[PICTURE]
