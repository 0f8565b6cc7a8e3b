"""Filling holes without learning, wrapping OpenCV and scikit-image.

Never in here: networks, measures, files.

Each takes a picture, float32 (height, width, 1 or 3) in [0, 1], and a mask, (height, width, 1), 1 where pixels are
missing; it gives the filled picture, float32 of the same shape in [0, 1], with known pixels bit by bit as they were.
What the picture has in its missing pixels is not looked at.

Both libraries are loaded when a baseline is called. OpenCV does not come with the library: Colab has one already, and a
second one beside it breaks it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np

# Found by tools/tune_baselines.py --inpainting, on training pictures; in pixels. For Navier-Stokes 20 is 0.03 dB better
# and takes twice as long.
_RADIUS = {"telea": 6.0, "navier_stokes": 12.0}

Inpainter = Callable[[np.ndarray, np.ndarray], np.ndarray]


def mean_fill(degraded: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Fills with the mean colour of all that is known.

    Args:
        degraded: float32 (height, width, 1 or 3) in [0, 1].
        mask: (height, width, 1), 1 where pixels are missing.

    Returns:
        The filled picture, float32 of the same shape, in [0, 1].

    Raises:
        ValueError: for other shapes, dtypes or values, or a mask without a known pixel.
    """
    degraded, missing = _checked(degraded, mask)
    return _pasted(np.broadcast_to(degraded[~missing].mean(axis=0), degraded.shape), degraded, missing)


def telea(degraded: np.ndarray, mask: np.ndarray, *, radius: float | None = None) -> np.ndarray:
    """Fills from the rim inwards: each pixel is a weighted mean of known neighbours, continued along their slopes.

    OpenCV works on 8 bit, so the fill has 256 levels.

    Args:
        degraded: float32 (height, width, 1 or 3) in [0, 1].
        mask: (height, width, 1), 1 where pixels are missing.
        radius: how far neighbours are, in pixels; None is tuned.

    Returns:
        The filled picture, float32 of the same shape, in [0, 1].

    Raises:
        ValueError: for other shapes, dtypes or values, or a mask without a known pixel.
        ImportError: if OpenCV cannot be imported; it says why, and what to install.

    Source: Telea 2004, "An Image Inpainting Technique Based on the Fast Marching Method".
    """
    return _opencv("INPAINT_TELEA", degraded, mask, _RADIUS["telea"] if radius is None else radius)


def navier_stokes(degraded: np.ndarray, mask: np.ndarray, *, radius: float | None = None) -> np.ndarray:
    """Lets lines of equal brightness flow into the hole, as in a fluid.

    Arguments, result and errors as `telea`.

    Source: Bertalmio, Bertozzi and Sapiro 2001, "Navier-Stokes, Fluid Dynamics, and Image and Video Inpainting".
    """
    return _opencv("INPAINT_NS", degraded, mask, _RADIUS["navier_stokes"] if radius is None else radius)


def biharmonic(degraded: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Fills with the smoothest surface that joins the rim: the one that is bent least.

    Its time grows faster than the number of missing pixels: a hole of 64x64 takes about a second.

    Args:
        degraded: float32 (height, width, 1 or 3) in [0, 1].
        mask: (height, width, 1), 1 where pixels are missing.

    Returns:
        The filled picture, float32 of the same shape, in [0, 1]; where it overshoots, it is clipped.

    Raises:
        ValueError: for other shapes, dtypes or values, or a mask without a known pixel.

    Source: Damelin and Hoang 2018, "On Surface Completion and Image Inpainting by Biharmonic Functions".
    """
    from skimage.restoration import inpaint_biharmonic

    degraded, missing = _checked(degraded, mask)
    if not missing.any():
        return degraded.copy()
    filled = inpaint_biharmonic(np.where(missing[..., None], 0, degraded), missing, channel_axis=-1)
    return _pasted(np.clip(filled, 0, 1), degraded, missing)


INPAINTERS: dict[str, Inpainter] = {
    "mean_fill": mean_fill,
    "telea": telea,
    "navier_stokes": navier_stokes,
    "biharmonic": biharmonic,
}


def _opencv(method: str, degraded: np.ndarray, mask: np.ndarray, radius: float) -> np.ndarray:
    degraded, missing = _checked(degraded, mask)
    if not radius > 0:
        raise ValueError(f"The radius is {radius}; a number of pixels above 0 was expected.")
    cv2 = _cv2()
    # OpenCV reads slopes across the rim, and so a little of what stands in the hole: it must not be the truth.
    levels = np.rint(mean_fill(degraded, mask) * 255).astype(np.uint8)
    filled = cv2.inpaint(levels, missing.astype(np.uint8), radius, getattr(cv2, method))
    return _pasted(filled.reshape(degraded.shape) / np.float32(255), degraded, missing)


def opencv_problem() -> str | None:
    """Why Telea and Navier-Stokes cannot be used here, or None where they can: OpenCV may be there and not load."""
    try:
        _cv2()
    except ImportError as error:
        return str(error)
    return None


def _cv2() -> ModuleType:
    try:
        import cv2
    except ImportError as error:
        raise ImportError(
            f"OpenCV, which Telea and Navier-Stokes need, cannot be imported ({error}). Run: python -m pip install "
            "opencv-python-headless (not on Colab, which has it)."
        ) from error
    return cv2


def _checked(degraded: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The picture as float32, and where it is missing, bool (height, width)."""
    degraded, mask = np.asarray(degraded), np.asarray(mask)
    if degraded.ndim != 3 or degraded.shape[-1] not in (1, 3) or 0 in degraded.shape or degraded.dtype.kind != "f":
        raise ValueError(
            f"A picture of dtype {degraded.dtype} and shape {degraded.shape} came; a float one in [0, 1] of shape "
            "(height, width, 1 or 3) was expected. Divide uint8 by 255."
        )
    if mask.shape != (*degraded.shape[:2], 1):
        raise ValueError(f"The mask has shape {mask.shape}; {(*degraded.shape[:2], 1)} was expected.")
    if not np.isin(mask, (0, 1)).all():
        raise ValueError(
            f"The mask has values from {mask.min()} to {mask.max()}; 0 and 1 were expected, 1 where pixels are "
            "missing. Divide one of 8 bit by 255, and round soft edges."
        )
    missing = mask[..., 0] == 1
    if missing.all():
        raise ValueError("All pixels are missing; there is nothing to fill them from. Is the mask inverted?")
    return degraded.astype(np.float32), missing


def _pasted(filled: np.ndarray, degraded: np.ndarray, missing: np.ndarray) -> np.ndarray:
    return np.where(missing[..., None], filled, degraded).astype(np.float32)
