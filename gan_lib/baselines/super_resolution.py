"""Enlarging without learning, wrapping Pillow.

Never in here: networks, measures, files.

Each takes a picture, float32 (height, width, 1 or 3) in [0, 1], and a scale; it gives the enlarged picture, float32
(scale * height, scale * width, channels) in [0, 1]. All of them round to 8 bit, as an image viewer does.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

Upscaler = Callable[[np.ndarray, int], np.ndarray]


def bicubic(small: np.ndarray, scale: int) -> np.ndarray:
    """A smooth curve through 4x4 neighbours.

    Args:
        small: float32 (height, width, 1 or 3) in [0, 1].
        scale: how many times larger, at least 1.

    Returns:
        The enlarged picture, float32 in [0, 1].

    Raises:
        ValueError: for another shape, dtype or scale.

    Source: Keys 1981, "Cubic Convolution Interpolation for Digital Image Processing".
    """
    return _resized(_checked(small, scale), scale, Image.Resampling.BICUBIC)


def lanczos(small: np.ndarray, scale: int) -> np.ndarray:
    """A windowed sinc over 6x6 neighbours: sharper than `bicubic`, with more ringing beside edges.

    Arguments, result and errors as `bicubic`.

    Source: Duchon 1979, "Lanczos Filtering in One and Two Dimensions".
    """
    return _resized(_checked(small, scale), scale, Image.Resampling.LANCZOS)


def back_projection(small: np.ndarray, scale: int, *, steps: int = 10, start: np.ndarray | None = None) -> np.ndarray:
    """Enlarges, makes small again, and adds what is missing, enlarged, until both agree.

    Args:
        small: float32 (height, width, 1 or 3) in [0, 1].
        scale: how many times larger, at least 1.
        steps: how often what is missing is added; the gain is nearly all in the first five.
        start: an enlarged picture to begin with, float32 (scale * height, scale * width, channels) in [0, 1], which
            becomes one that agrees with the small picture; the bicubic enlargement if None.

    Returns:
        The enlarged picture, float32 in [0, 1].

    Raises:
        ValueError: for another shape, dtype or scale, a negative number of steps, or a start of another size.

    Source: Irani and Peleg 1991, "Improving Resolution by Image Registration", for one picture.
    """
    small = _checked(small, scale)
    if steps < 0:
        raise ValueError(f"steps is {steps}; 0 or more was expected.")
    expected = (small.shape[0] * scale, small.shape[1] * scale, small.shape[2])
    if start is not None and np.shape(start) != expected:
        raise ValueError(f"The start has shape {np.shape(start)}; {expected} was expected.")
    channels = []
    for number, channel in enumerate(np.moveaxis(small, -1, 0)):
        large = _channel(channel, scale, channel.shape) if start is None else start[..., number].astype(np.float32)
        for _ in range(steps):
            missing = channel - _channel(large, 1 / scale, channel.shape)
            large = np.clip(large + _channel(missing, scale, channel.shape), 0, 1)
        channels.append(large)
    return np.rint(np.stack(channels, axis=-1) * 255).astype(np.float32) / np.float32(255)


UPSCALERS: dict[str, Upscaler] = {"bicubic": bicubic, "lanczos": lanczos, "back_projection": back_projection}


def _resized(small: np.ndarray, scale: int, resampling: Image.Resampling) -> np.ndarray:
    levels = np.rint(np.clip(small, 0, 1) * 255).astype(np.uint8)
    image = Image.fromarray(levels if levels.shape[-1] == 3 else levels[..., 0])
    large = np.asarray(image.resize((image.width * int(scale), image.height * int(scale)), resampling))
    return large.reshape(*large.shape[:2], small.shape[-1]) / np.float32(255)


def _channel(channel: np.ndarray, factor: float, small: tuple[int, int]) -> np.ndarray:
    """One channel, float32, with the bicubic filter: enlarged, or (factor below 1) scaled down to ``small``."""
    height, width = small if factor < 1 else (small[0] * int(factor), small[1] * int(factor))
    return np.asarray(Image.fromarray(channel).resize((width, height), Image.Resampling.BICUBIC))


def _checked(small: np.ndarray, scale: int) -> np.ndarray:
    small = np.asarray(small)
    if small.ndim != 3 or small.shape[-1] not in (1, 3) or 0 in small.shape or small.dtype.kind != "f":
        raise ValueError(
            f"A picture of dtype {small.dtype} and shape {small.shape} came; a float one in [0, 1] of shape "
            "(height, width, 1 or 3) was expected. Divide uint8 by 255."
        )
    if scale != int(scale) or scale < 1:
        raise ValueError(f"The scale is {scale}; a whole number, at least 1, was expected.")
    return small.astype(np.float32)
