"""Pictures between their three ranges: uint8 [0, 255], float [0, 1] and the networks' float32 [-1, 1].

Never in here: files, randomness, resizing.

``to_network`` and ``from_network`` are the only two ways in and out of the range that networks see. Everything here
works on NumPy arrays and on TensorFlow tensors, inside ``tf.data`` as well; TensorFlow is loaded only if a tensor
comes in, so whoever has a tensor has loaded it already.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf

    Picture = TypeVar("Picture", np.ndarray, tf.Tensor)
else:
    Picture = TypeVar("Picture")

# Resizing and sums in float32 leave [0, 1] by a hair; a wrong range leaves it by much more.
_TOLERANCE = 1e-3


def to_network(picture: Picture, *, clip: bool = True) -> Picture:
    """Bring a picture, or a batch, into the range that networks see.

    Args:
        picture: any shape; uint8 in [0, 255], or float in [0, 1].
        clip: whether floats have to keep to [0, 1]; without it they may leave it, such as colours that sRGB cannot
            show, and leave [-1, 1] then.

    Returns:
        float32 in [-1, 1], same shape; a tensor if a tensor came in, else an array.

    Raises:
        TypeError: for any other dtype.
        ValueError: for float values outside [0, 1] (arrays and eager tensors; within ``tf.data`` no value is known
            while the graph is built, so there only the dtype is checked).

    Example:
        >>> to_network(np.array([0, 255], np.uint8))
        array([-1.,  1.], dtype=float32)
    """
    tf = tensorflow_of(picture)
    if tf is None:
        picture = np.asarray(picture)
        if clip or not _is_float(picture.dtype):
            check_picture(picture)
        if picture.dtype == np.uint8:
            return picture.astype(np.float32) / np.float32(127.5) - np.float32(1)
        picture = picture.astype(np.float32)
        return (np.clip(picture, 0, 1) if clip else picture) * np.float32(2) - np.float32(1)
    if picture.dtype == tf.uint8:
        return tf.cast(picture, tf.float32) / 127.5 - 1.0
    if clip or not picture.dtype.is_floating:
        _check_tensor(picture)
    picture = tf.cast(picture, tf.float32)
    return (tf.clip_by_value(picture, 0.0, 1.0) if clip else picture) * 2.0 - 1.0


def from_network(picture: Picture, *, clip: bool = True) -> Picture:
    """Bring what a network made back to [0, 1]. A value outside [-1, 1] is clipped, as a display would do.

    Args:
        picture: any shape; float in [-1, 1] (float32, or the float16 or bfloat16 of mixed precision).
        clip: without it values outside [-1, 1] come out outside [0, 1].

    Returns:
        float32 in [0, 1], same shape; a tensor if a tensor came in, else an array.

    Raises:
        TypeError: for integers, which cannot come from a network.

    Example:
        >>> from_network(np.array([-1.0, 0.0, 1.7], np.float32))
        array([0. , 0.5, 1. ], dtype=float32)
    """
    tf = tensorflow_of(picture)
    if tf is None:
        picture = np.asarray(picture)
        floating = _is_float(picture.dtype)
    else:
        floating = picture.dtype.is_floating
    if not floating:
        raise TypeError(
            f"Expected a float picture in [-1, 1] as networks make it, got {_name(picture)}; "
            "a uint8 picture is in no need of from_network."
        )
    if tf is None:
        picture = picture.astype(np.float32) * np.float32(0.5) + np.float32(0.5)
        return np.clip(picture, 0, 1) if clip else picture
    picture = tf.cast(picture, tf.float32) * 0.5 + 0.5
    return tf.clip_by_value(picture, 0.0, 1.0) if clip else picture


def to_uint8(picture: Picture) -> Picture:
    """Round a float picture to 8 bit: what a file stores and what is measured.

    Args:
        picture: any shape; float in [0, 1]. A uint8 picture comes back unchanged.

    Returns:
        uint8 in [0, 255], same shape. Rounded to the nearest step; cutting off instead would darken each picture by
        half a step.

    Raises:
        TypeError: for any other dtype.
        ValueError: for values outside [0, 1].

    Example:
        >>> to_uint8(np.array([0.0, 0.5, 1.0], np.float32))
        array([  0, 128, 255], dtype=uint8)
    """
    tf = tensorflow_of(picture)
    if tf is None:
        picture = np.asarray(picture)
        check_picture(picture)
        if picture.dtype == np.uint8:
            return picture
        return np.rint(np.clip(picture.astype(np.float32), 0, 1) * np.float32(255)).astype(np.uint8)
    if picture.dtype == tf.uint8:
        return picture
    _check_tensor(picture)
    return tf.cast(tf.round(tf.clip_by_value(tf.cast(picture, tf.float32), 0.0, 1.0) * 255.0), tf.uint8)


def check_picture(picture: np.ndarray) -> None:
    """Raise unless an array is uint8, or float within [0, 1] (give or take 0.001 of rounding).

    Raises:
        TypeError: for any other dtype.
        ValueError: for NaN, infinity or values outside [0, 1]; the message guesses the usual mistake.
    """
    if picture.dtype == np.uint8:
        return
    if not _is_float(picture.dtype):
        raise TypeError(
            f"Expected a picture as uint8 in [0, 255] or float in [0, 1], got {picture.dtype}; "
            "16-bit pictures are divided by 65535, masks of True and False become .astype('float32')."
        )
    if picture.size == 0:
        return
    low, high = float(picture.min()), float(picture.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError("Expected a picture in [0, 1], got NaN or infinity in it; look for where it was computed.")
    if low < -_TOLERANCE or high > 1 + _TOLERANCE:
        raise ValueError(
            f"Expected a float picture in [0, 1], got values from {low:.4g} to {high:.4g}; {_guess(low, high)}."
        )


def _guess(low: float, high: float) -> str:
    if low >= -_TOLERANCE and 2 < high <= 256:
        return "this looks like 0 to 255 kept as float: divide by 255, or keep it as uint8"
    if low >= -_TOLERANCE and 256 < high <= 65535:
        return "this looks like a 16-bit picture kept as float: divide by 65535"
    if low >= -1.1 and high <= 1.1:
        return "this looks like the networks' range [-1, 1]: call from_network first"
    return "clip it with np.clip(picture, 0, 1) if the overshoot is meant to be there"


def tensorflow_of(picture):
    """The module ``tensorflow`` if the picture is one of its tensors, else None. Never imports it."""
    tf = sys.modules.get("tensorflow")
    # ``is_tensor`` may be missing while TensorFlow is still being imported by another thread.
    return tf if tf is not None and hasattr(tf, "is_tensor") and tf.is_tensor(picture) else None


def _check_tensor(picture) -> None:
    if not picture.dtype.is_floating:
        raise TypeError(
            f"Expected a picture as uint8 in [0, 255] or float in [0, 1], got {_name(picture)}; "
            "16-bit pictures are divided by 65535, masks of True and False become tf.cast(mask, tf.float32)."
        )
    if hasattr(picture, "numpy"):  # eager: the values are known
        check_picture(picture.numpy())


def _is_float(dtype: np.dtype) -> bool:
    # bfloat16 comes from the package ml_dtypes, which NumPy does not count among its floats.
    return np.issubdtype(dtype, np.floating) or dtype.name == "bfloat16"


def _name(picture) -> str:
    return getattr(picture.dtype, "name", str(picture.dtype))
