"""A picture to try the restoration on for those who have none at hand: bundled, held out from training, and damaged.

Never in here: the restoration itself.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from gan_lib import datasets, degradations, images, metrics
from gan_lib.restoring.enlarging import bicubic

PICTURE, SIGMA = "chelsea", 25.0
_SEED = (0, 25)


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


def smaller_picture(folder: Path, scale: int = 4, *, overwrite: bool = False) -> Path:
    """Write a bundled picture into a folder, made smaller with Pillow's bicubic.

    Args:
        folder: where to write it.
        scale: how many times smaller; rows and columns that do not make up a pixel are cut off at the lower right.
        overwrite: whether an older one may be replaced.

    Returns:
        Its path.

    Raises:
        FileExistsError: if it is there already and may not be replaced.
        PictureError: if it cannot be written.
    """
    path = _free(Path(folder) / f"{PICTURE}_small.png", overwrite)
    clean = _cropped(scale)
    size = clean.shape[1] // scale, clean.shape[0] // scale
    return images.save_image(path, np.asarray(Image.fromarray(clean).resize(size, Image.Resampling.BICUBIC)))


def psnr_enlarged(small: Path, enlarged: Path, scale: int = 4) -> tuple[float, float]:
    """PSNR in decibels against the bundled picture that was made smaller, over all three channels.

    Returns:
        First of bicubic interpolation of the small picture, then of the enlarged one.
    """
    pictures = bicubic(images.load_image(small), scale), images.load_image(enlarged)
    interpolated, made = (float(metrics.psnr(picture, _cropped(scale))[0]) for picture in pictures)
    return interpolated, made


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


def _cropped(scale: int) -> np.ndarray:
    clean = _clean()
    return clean[: clean.shape[0] // scale * scale, : clean.shape[1] // scale * scale]


def _clean() -> np.ndarray:
    return datasets.bundled_photographs("held-out")[PICTURE]
