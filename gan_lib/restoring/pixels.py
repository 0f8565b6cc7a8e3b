"""A picture's way into a network and back: its dtype, channels and colour profile, and those that a network knows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from gan_lib import images


def colours_of(picture: np.ndarray) -> int:
    """How many channels of (height, width, channels) are colour, alpha left out: 1 or 3."""
    return 3 if picture.shape[-1] > 2 else 1


def fitting(profile: images.ColourProfile | None, colours: int) -> images.ColourProfile | None:
    """The profile, if it is one for so many channels of colour."""
    return profile if profile is not None and profile.colours == colours else None


def as_float(part: np.ndarray) -> np.ndarray:
    """uint8 in [0, 255] or float in [0, 1] -> float32 in [0, 1]."""
    return part.astype(np.float32) / (255 if part.dtype == np.uint8 else 1)


def through(
    run: Callable[[np.ndarray], tf.Tensor], part: np.ndarray, profile: images.ColourProfile | None
) -> tuple[np.ndarray, np.ndarray]:
    """What a network is shown of a tile, and what it answers.

    Args:
        run: the network, float32 (1, height, width, 3) to float32 (1, height', width', 3), both in [-1, 1].
        part: the tile with its margin, float32 (height, width, 1 or 3) in [0, 1].
        profile: in which its colours are meant, if not in sRGB.

    Returns:
        Both float32 in sRGB, with as many channels as the part: what was shown on the scale of [-1, 1], the answer on
        that of [0, 1]. With a profile of colours they may go beyond, since there are colours outside of sRGB.

    Raises:
        MemoryError: if the tile is too large for the memory.
    """
    clip = profile is None or profile.colours == 1  # there are colours outside of sRGB, but no grey
    shown = images.to_network(part if profile is None else profile.to_srgb(part), clip=clip)
    try:
        answer = run(np.broadcast_to(shown, (*shown.shape[:2], 3))[None]).numpy()[0]
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError("The memory does not suffice; take smaller tiles.") from error
    answer = images.from_network(answer, clip=clip)
    if part.shape[-1] == 1:
        answer = answer.mean(axis=-1, keepdims=True)
    return shown, answer


def as_it_was(result: np.ndarray, dtype: np.dtype, grey: bool) -> np.ndarray:
    """float32 in [0, 1] -> the dtype of the picture; of a grey picture that was saved in colour with equal channels."""
    if grey and result.shape[-1] == 3:  # after the profile, which may round each channel by itself
        result = np.broadcast_to(result.mean(axis=-1, keepdims=True), result.shape)
    return images.to_uint8(result) if dtype == np.uint8 else result.astype(dtype)
