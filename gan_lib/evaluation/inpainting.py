"""The protocol "inpaint": small whole scenes with a hole, measured inside of the hole and as a whole.

Never in here: how a method works, figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from gan_lib import degradations, images, metrics
from gan_lib.baselines import Inpainter
from gan_lib.evaluation.methods import inpainting_methods
from gan_lib.evaluation.pictures import Pictures, sources
from gan_lib.evaluation.running import Evaluation, Problem, check_seed, judging_network, run_protocol
from gan_lib.restoring import SettingsError

SIDE = 128  # pixels
MASKS = ("centre", "free-form")


def small_square(picture: np.ndarray, side: int = SIDE) -> np.ndarray:
    """A picture as the protocol has it: the shorter side scaled to ``side``, and the middle square of that.

    Pillow's bicubic filter is used, which is antialiased. A picture that is smaller is enlarged.

    Args:
        picture: uint8 (height, width, 3 or 1).
        side: in pixels.

    Returns:
        uint8 (side, side, 3 or 1).
    """
    picture = np.asarray(picture)
    height, width = picture.shape[:2]
    scale = side / min(height, width)
    size = max(side, round(width * scale)), max(side, round(height * scale))
    image = Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)
    small = np.asarray(image.resize(size, Image.Resampling.BICUBIC)).reshape(size[1], size[0], -1)
    top, left = (size[1] - side) // 2, (size[0] - side) // 2
    return small[top : top + side, left : left + side]


def evaluate_inpainting(
    pictures: Pictures = None,
    *,
    mask: str = "centre",
    methods: Sequence[str] | Mapping[str, Inpainter] | None = None,
    weights: str | Path | None = None,
    seed: int = 0,
    worst: int = 0,
    progress: bool = False,
    tell: Callable[[str], None] = print,
) -> Evaluation:
    """Measures how well holes are filled.

    Each picture becomes a scene of 128x128 pixels (`small_square`). "centre" takes out the middle 64x64; "free-form"
    strokes that cover 10 to 30 %, drawn from the picture's index. A method fills the hole; whatever it does to known
    pixels is undone. Then all is clipped and rounded to 8 bit. ``hole_psnr`` and ``hole_ssim`` count the missing
    pixels alone, ``psnr``, ``ssim`` and the perceptual distance the whole scene. Means are taken over the pictures,
    and of the time per megapixel, after a trial run, the median.

    Args:
        pictures: a folder, a list of files, name -> uint8 (height, width, 3), or None for the bundled held-out
            pictures. What cannot be read, or is smaller than 16x16 pixels, is named and left out.
        mask: "centre" or "free-form".
        methods: names out of `INPAINTING_METHODS`, or name -> (degraded, mask) -> restored, as `network_inpainter`
            and `baselines` have them; None takes all that are there.
        weights: NAME.weights.h5 with its card beside it, measured as "gan_lib" instead of the released weights.
        seed: of the strokes; 0 draws them from the picture's index alone.
        worst: how many of the worst pictures of each method are kept.
        progress: whether to show a progress bar.
        tell: gets a line for everything that is left out.

    Returns:
        The measures; see `Evaluation`.

    Raises:
        SettingsError: for another mask, a negative seed, an unknown method, or weights of a network for another task.
        EvaluationError: if not one picture can be measured, or a method gives no picture.
        DataError: if there is no such folder or no picture in it.
        WeightsError: if weights are damaged, or missing though they were asked for.

    Example:
        >>> from gan_lib.evaluation import as_table
        >>> print(as_table(evaluate_inpainting(mask="free-form", methods=["telea", "biharmonic"]).report))
    """
    if mask not in MASKS:
        raise SettingsError(f"The mask is {mask!r}; one of {', '.join(MASKS)} was expected.")
    check_seed(seed)
    found = sources(pictures, grey=False, tell=tell)
    if not isinstance(methods, Mapping):
        methods = inpainting_methods(methods, weights=weights, tell=tell)
    judge = judging_network(tell)

    def problem(clean: np.ndarray, index: int) -> Problem:
        hole = degradations.MASKS[mask](SIDE, SIDE, (seed, index) if seed else index)
        scene = small_square(clean)
        degraded = degradations.remove(images.to_network(scene)[None], hole[None])[0]
        # Known pixels exactly as in the file, the hole as the networks expect it: the mean of what is known.
        degraded = np.where(hole > 0, images.from_network(degraded).numpy(), scene / np.float32(255))
        inputs = (degraded.astype(np.float32), hole)
        return Problem(scene, inputs, inputs)

    def measures(restored: np.ndarray, problem: Problem) -> dict[str, float | None]:
        scene, hole = problem.clean, problem.inputs[1]
        restored = np.where(hole > 0, restored, scene)
        inside = (float(measure(restored, scene, hole)[0]) for measure in (metrics.hole_psnr, metrics.hole_ssim))
        whole = (float(measure(restored, scene)[0]) for measure in (metrics.psnr, metrics.ssim))
        distance = None if judge is None else float(metrics.perceptual_distance(judge, restored, scene)[0])
        return dict(
            zip(("hole_psnr", "hole_ssim", "psnr", "ssim", "perceptual"), (*inside, *whole, distance), strict=True)
        )

    return run_protocol(
        found,
        methods,
        problem=problem,
        measures=measures,
        rank_by="hole_psnr",
        told={"task": "inpaint", "protocol": _protocol(mask, seed), "mask": mask, "seed": seed},
        worst=worst,
        progress=progress,
        tell=tell,
    )


def _protocol(mask: str, seed: int) -> str:
    hole = "the middle 64x64 pixels missing"
    if mask == "free-form":
        drawn = f"seed {seed} and the picture's index" if seed else "the picture's index"
        hole = f"10 to 30 % missing in 2 to 4 strokes of 4 to 10 pixels, drawn from {drawn}"
    return f"shorter side scaled to {SIDE} pixels (bicubic, antialiased), middle square, {hole}; means over pictures"
