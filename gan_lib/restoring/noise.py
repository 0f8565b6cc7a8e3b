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


def estimate_sigma(picture: np.ndarray, convert: Callable[[np.ndarray], np.ndarray] | None = None) -> float:
    """Estimate the standard deviation of the noise, on the scale of [0, 255].

    The finest wavelet coefficients of a photograph are nearly all noise; their median is hardly moved by the few that
    are edges. Fine texture all over a picture makes the estimate too high, noise that a camera has smoothed makes it
    too low.

    Args:
        picture: (height, width, 1 or 3), uint8 in [0, 255] or float in [0, 1].
        convert: float32 picture in [0, 1] -> the colours to look at, such as sRGB.

    Returns:
        Sigma, averaged over the channels; 0 for pictures too small to tell.

    Source: Donoho and Johnstone 1994, "Ideal spatial adaptation by wavelet shrinkage", section 4.2.
    """
    from skimage import restoration

    found = []
    for part in _parts(picture):
        part = part.astype(np.float32) / (255 if part.dtype == np.uint8 else 1)
        part = part if convert is None else convert(part)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a picture of a few pixels or of one grey has no median
            found.append(restoration.estimate_sigma(part, average_sigmas=True, channel_axis=-1))
    sigma = float(np.median(found)) * 255
    return sigma if np.isfinite(sigma) else 0.0


def _parts(picture: np.ndarray) -> list[np.ndarray]:
    height, width = picture.shape[:2]
    if height * width <= _LARGE:
        return [picture]
    tops = np.linspace(0, max(height - _SIDE, 0), _SQUARES).astype(int)
    lefts = np.linspace(0, max(width - _SIDE, 0), _SQUARES).astype(int)
    corners = {(int(top), int(left)) for top in tops for left in lefts}
    return [picture[top : top + _SIDE, left : left + _SIDE] for top, left in sorted(corners)]
