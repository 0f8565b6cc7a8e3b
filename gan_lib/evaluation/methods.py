"""Methods to be measured: baselines and networks alike as functions from a degraded picture to a restored one.

Never in here: pictures, noise, measures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from gan_lib import baselines, degradations, images
from gan_lib import weights as released
from gan_lib.baselines import Denoiser, Inpainter
from gan_lib.baselines.inpainting import opencv_problem
from gan_lib.networks.receptive_field import receptive_field
from gan_lib.restoring import SettingsError, tiles

# Our own methods and the released weights of each.
_DENOISERS = {"gan_lib": "denoiser", "gan_lib_sharp": "denoiser_sharp"}
_INPAINTERS = {"gan_lib": "inpainter", "gan_lib_sharp": "inpainter_sharp"}
METHODS = ("noisy", *baselines.DENOISERS, *_DENOISERS)
INPAINTING_METHODS = (*baselines.INPAINTERS, *_INPAINTERS)

_TILE = 1024  # pixels; pictures up to this size are restored in one piece


def denoising_methods(
    names: Sequence[str] | None = None,
    *,
    weights: str | Path | None = None,
    sigma: float | None = None,
    tell: Callable[[str], None] = print,
) -> dict[str, Denoiser]:
    """The methods of `METHODS`, ready to be called.

    Args:
        names: those that are wanted; None takes all, but for released weights that this version does not have yet,
            which are left out with a line.
        weights: NAME.weights.h5 with its card beside it, to be used for "gan_lib".
        sigma: what they will be measured with; a line says where a network was not trained for it.
        tell: gets those lines.

    Returns:
        Name -> (noisy, sigma) -> restored, as in `baselines`; "noisy" gives back what came.

    Raises:
        SettingsError: for a name that is none of them, or weights of a network for another task.
        WeightsError: if weights are missing that were asked for, or are damaged.
    """
    found: dict[str, Denoiser] = {"noisy": _unchanged} | baselines.DENOISERS
    for name, (model, card) in _networks(names, METHODS, _DENOISERS, weights, tell, masked=False).items():
        _warn_of_unseen(name, card, sigma, tell)
        found[name] = network_denoiser(model)
    return {name: found[name] for name in (METHODS if names is None else names) if name in found}


def inpainting_methods(
    names: Sequence[str] | None = None,
    *,
    weights: str | Path | None = None,
    tell: Callable[[str], None] = print,
) -> dict[str, Inpainter]:
    """The methods of `INPAINTING_METHODS`, ready to be called.

    Args:
        names: those that are wanted; None takes all, but for those that lack weights or a package here, which are left
            out with a line.
        weights: NAME.weights.h5 with its card beside it, to be used for "gan_lib".
        tell: gets those lines.

    Returns:
        Name -> (degraded, mask) -> restored, as in `baselines`.

    Raises:
        SettingsError: for a name that is none of them, or weights of a network for another task.
        WeightsError: if weights are missing that were asked for, or are damaged.
    """
    found: dict[str, Inpainter] = dict(baselines.INPAINTERS)
    problem = opencv_problem() if names is None else None
    if problem:
        tell(f"Left out: telea and navier_stokes. {problem}")
        found = {name: method for name, method in found.items() if name not in ("telea", "navier_stokes")}
    for name, (model, _) in _networks(names, INPAINTING_METHODS, _INPAINTERS, weights, tell, masked=True).items():
        found[name] = network_inpainter(model)
    return {name: found[name] for name in (INPAINTING_METHODS if names is None else names) if name in found}


def network_inpainter(model: keras.Model) -> Inpainter:
    """A network as a method, for scenes about as large as it was trained on.

    Args:
        model: from ``[degraded, mask]`` to the restored picture in [-1, 1], as `networks.inpainter.inpainter` has
            them; sides are multiples of what it halves.

    Returns:
        (degraded, mask) -> restored, as in `baselines`; known pixels come back bit by bit.
    """

    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3]), tf.TensorSpec([1, None, None, 1])])
    def run(degraded, mask):
        return tf.cast(model([degradations.remove(degraded, mask), mask], training=False), tf.float32)

    def inpaint(degraded: np.ndarray, mask: np.ndarray) -> np.ndarray:
        picture = np.broadcast_to(images.to_network(degraded), (*degraded.shape[:2], 3))
        filled = images.from_network(run(picture[None], mask[None]).numpy()[0])
        filled = filled if degraded.shape[-1] == 3 else filled.mean(axis=-1, keepdims=True)
        return np.where(mask > 0, filled, degraded)

    return inpaint


def _networks(
    names: Sequence[str] | None,
    known: Sequence[str],
    ours: dict[str, str],
    weights: str | Path | None,
    tell: Callable[[str], None],
    *,
    masked: bool,
) -> dict[str, tuple[keras.Model, dict]]:
    """Our networks among the methods that are wanted, with their cards.

    Raises:
        SettingsError: for a name that is not known, or weights of a network for another task: one for inpainting has
            an input called "mask", a denoiser one called "noise_level", of the same shape.
        WeightsError: if weights are missing that were asked for, or are damaged.
    """
    unknown = sorted(set(names or ()) - set(known))
    if unknown:
        raise SettingsError(f"There is no method {', '.join(unknown)}; known are {', '.join(known)}.")
    found = {}
    for name, source in ours.items():
        given = weights is not None and name == "gan_lib"
        if names is not None and name not in names:
            continue
        if names is None and not given and not (released.FOLDER / f"{source}.json").exists():
            tell(f"Left out: {name}, whose weights {source!r} are not in this version.")
            continue
        model, card = released.load_model(weights if given else source, precision="float32")
        inputs = [tensor.name for tensor in model.inputs]
        expected = "mask" if masked else "noise_level"
        if expected not in inputs:
            raise SettingsError(
                f"The weights of {name} are of a network that takes {' and '.join(inputs)}; one that takes {expected} "
                "was expected. Name weights that were trained for this task."
            )
        found[name] = model, card
    return found


def network_denoiser(model: keras.Model, *, tile: int = _TILE) -> Denoiser:
    """A network as a method: pictures of any size, grey ones as well.

    It works as `restoring` does: in tiles with margins as wide as the network sees, mirrored beyond the edges. What
    comes in is not clipped, which `restore` would do.

    Args:
        model: from ``[noisy, noise_level]``, or from ``noisy`` alone, to the restored picture, as
            `networks.denoiser.denoiser` has them, for pictures in colour.
        tile: largest side that is computed in one piece, in pixels.

    Returns:
        (noisy, sigma) -> restored, as in `baselines`.

    Raises:
        ValueError: if the model has a layer whose reach is not known.

    Example:
        >>> from gan_lib.evaluation import evaluate_denoising
        >>> from gan_lib.networks.denoiser import denoiser
        >>> evaluate_denoising("my_photographs", methods={"mine": network_denoiser(denoiser())})
    """
    field = receptive_field(model)

    # As a graph TensorFlow frees each layer's result as soon as it can; called directly, Keras keeps all of them.
    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3]), tf.TensorSpec([])])
    def run(noisy, sigma):
        inputs = [noisy, degradations.noise_map(noisy, sigma)][: len(model.inputs)]
        return tf.cast(model(inputs if len(inputs) > 1 else inputs[0], training=False), tf.float32)

    def denoise(noisy: np.ndarray, sigma: float) -> np.ndarray:
        def work(part: np.ndarray) -> np.ndarray:
            part = np.broadcast_to(images.to_network(part, clip=False), (*part.shape[:2], 3))
            part = images.from_network(run(part[None], tf.constant(sigma, tf.float32)).numpy()[0], clip=False)
            return part if noisy.shape[-1] == 3 else part.mean(axis=-1, keepdims=True)

        whole = tiles.Region(0, 0, *noisy.shape[:2])
        return tiles.in_tiles(work, noisy, whole, tile=tile, multiple=field.multiple, margin=field.margin)

    return denoise


def _warn_of_unseen(name: str, card: dict, sigma: float | None, tell: Callable[[str], None]) -> None:
    low, high = card.get("trained_sigma", (0, np.inf))
    if sigma is not None and not low <= sigma <= high:
        tell(f"Note: {name} was trained for sigma {low:g} to {high:g}, and is measured here at {sigma:g}.")


def _unchanged(noisy: np.ndarray, sigma: float) -> np.ndarray:
    return noisy
