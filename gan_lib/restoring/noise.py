"""How much noise a picture has, estimated from the picture itself.

Never in here: removing it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

# A picture larger than this is looked at in so many squares; more would cost memory and tell nothing new.
_LARGE = 4_000_000  # pixels
_SQUARES, _SIDE = 5, 512  # in each direction; pixels

_BLOCK = 8  # pixels
_SMOOTHEST = 0.02  # of all blocks; there is a bit of sky, wall or shadow in nearly every photograph
_FEWEST = 50  # blocks; fewer tell nothing
_DARKEST, _BRIGHTEST = 12 / 255, 243 / 255  # beyond these, noise is cut off at black or white


def estimate_sigma(picture: np.ndarray, convert: Callable[[np.ndarray], np.ndarray] | None = None) -> float:
    """Estimate the standard deviation of the noise, on the scale of [0, 255]: the larger of two estimates.

    The finest wavelet coefficients of a photograph are nearly all noise; their median is hardly moved by the few that
    are edges. That is accurate for noise which is independent from pixel to pixel. A camera, a scanner and JPEG smooth
    their noise, and there it finds a third of it; so the smoothest blocks of the picture are looked at as well, each
    freed from its own slope. Where fine texture covers everything, both take some of it for noise.

    Args:
        picture: (height, width, 1 or 3), uint8 in [0, 255] or float in [0, 1].
        convert: float32 picture in [0, 1] -> the colours to look at, such as sRGB.

    Returns:
        Sigma, averaged over the channels; 0 for pictures too small to tell.

    Source: Donoho and Johnstone 1994, "Ideal spatial adaptation by wavelet shrinkage", section 4.2, as in
    scikit-image; blocks from Olsen 1993, "Estimation of noise in images: an evaluation".
    """
    from skimage import restoration

    fine, smooth = [], []
    for part in _parts(picture):
        part = part.astype(np.float32) / (255 if part.dtype == np.uint8 else 1)
        part = part if convert is None else convert(part)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a channel of a few pixels or of one level has no median
            fine.append(np.nanmean(restoration.estimate_sigma(part, average_sigmas=False, channel_axis=-1)))
        smooth.append(_deviations(part))
    smooth = np.concatenate(smooth)
    fine = [sigma for sigma in fine if np.isfinite(sigma)]  # a black border tells nothing of the noise elsewhere
    found = [
        float(np.median(fine)) if fine else 0.0,
        float(np.quantile(smooth, _SMOOTHEST)) if len(smooth) >= _FEWEST else 0.0,
    ]
    return 255 * max(found)


def _deviations(picture: np.ndarray) -> np.ndarray:
    """The standard deviation within each block, after its best fitting plane is taken away; mean of the channels."""
    rows, columns, channels = picture.shape[0] // _BLOCK, picture.shape[1] // _BLOCK, picture.shape[2]
    cut = picture[: rows * _BLOCK, : columns * _BLOCK].reshape(rows, _BLOCK, columns, _BLOCK, channels)
    blocks = cut.transpose(0, 2, 4, 1, 3).reshape(rows * columns, channels, _BLOCK**2)
    level = blocks.mean(axis=-1)
    blocks = blocks[((level > _DARKEST) & (level < _BRIGHTEST)).all(axis=-1)]
    slope = np.mgrid[0:_BLOCK, 0:_BLOCK].reshape(2, -1) - (_BLOCK - 1) / 2
    planes = np.concatenate([np.ones((1, _BLOCK**2)), slope])
    planes = (planes / np.linalg.norm(planes, axis=1, keepdims=True)).astype(np.float32)  # at right angles already
    left = blocks - (blocks @ planes.T) @ planes
    return np.sqrt((left**2).sum(axis=-1) / (_BLOCK**2 - 3)).mean(axis=-1)


def _parts(picture: np.ndarray) -> list[np.ndarray]:
    height, width = picture.shape[:2]
    if height * width <= _LARGE:
        return [picture]
    tops = np.linspace(0, max(height - _SIDE, 0), _SQUARES).astype(int)
    lefts = np.linspace(0, max(width - _SIDE, 0), _SQUARES).astype(int)
    corners = {(int(top), int(left)) for top in tops for left in lefts}
    return [picture[top : top + _SIDE, left : left + _SIDE] for top, left in sorted(corners)]
