"""What a released network can do to a picture, one record for each task.

How a picture is cut into tiles, read and written is the same for all tasks and not here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from gan_lib import degradations


class Task(NamedTuple):
    """One thing to do to pictures.

    Attributes:
        name: as on the command line.
        faithful: name of the released weights that stay close to what is there.
        sharp: name of the released weights that add what looks right.
        inputs: a tile, float32 (1, height, width, 3) in [-1, 1], and sigma -> the inputs of the network; None where a
            network takes more than that, and is called elsewhere (`holes`).
        scale: how many times larger the result is.
        made: what the network did, for people who find the picture later.
    """

    name: str
    faithful: str
    sharp: str
    inputs: Callable[[tf.Tensor, tf.Tensor], list[tf.Tensor]] | None
    scale: int
    made: str


TASKS = {
    "denoise": Task(
        name="denoise",
        faithful="denoiser",
        sharp="denoiser_sharp",
        inputs=lambda tile, sigma: [tile, degradations.noise_map(tile, sigma)],
        scale=1,
        made="removed noise",
    ),
    "inpaint": Task(
        name="inpaint",
        faithful="inpainter",
        sharp="inpainter_sharp",
        inputs=None,
        scale=1,
        made="filled holes",
    ),
}
