"""Methods to be measured: baselines and networks alike as functions from (noisy picture, sigma) to a restored one.

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
from gan_lib.baselines import Denoiser
from gan_lib.networks.receptive_field import receptive_field
from gan_lib.restoring import SettingsError, tiles

# Our own methods and the released weights of each.
_RELEASED = {"gan_lib": "denoiser", "gan_lib_sharp": "denoiser_sharp"}
METHODS = ("noisy", *baselines.DENOISERS, *_RELEASED)

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
        SettingsError: for a name that is none of them.
        WeightsError: if weights are missing that were asked for, or are damaged.
    """
    unknown = sorted(set(names or ()) - set(METHODS))
    if unknown:
        raise SettingsError(f"There is no method {', '.join(unknown)}; known are {', '.join(METHODS)}.")
    found: dict[str, Denoiser] = {}
    for name in METHODS if names is None else names:
        if name in _RELEASED:
            given = weights is not None and name == "gan_lib"
            source = weights if given else _RELEASED[name]
            if names is None and not given and not (released.FOLDER / f"{source}.json").exists():
                tell(f"Left out: {name}, whose weights {source!r} are not in this version.")
                continue
            model, card = released.load_model(source, precision="float32")
            _warn_of_unseen(name, card, sigma, tell)
            found[name] = network_denoiser(model)
        else:
            found[name] = _unchanged if name == "noisy" else baselines.DENOISERS[name]
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
        >>> evaluate_denoising("my_photographs", methods={"mine": network_denoiser(model)})
    """
    field = receptive_field(model)
    margin = field.margin
    core_of_part = slice(margin, -margin or None)

    # As a graph TensorFlow frees each layer's result as soon as it can; called directly, Keras keeps all of them.
    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3]), tf.TensorSpec([])])
    def run(noisy, sigma):
        inputs = [noisy, degradations.noise_map(noisy, sigma)][: len(model.inputs)]
        return tf.cast(model(inputs if len(inputs) > 1 else inputs[0], training=False), tf.float32)

    def denoise(noisy: np.ndarray, sigma: float) -> np.ndarray:
        restored = np.empty_like(noisy)
        whole = tiles.Region(0, 0, *noisy.shape[:2])
        for place in tiles.tiles(whole, tile, field.multiple):
            part = tiles.cut_out(noisy, place, margin)
            part = np.broadcast_to(images.to_network(part, clip=False), (*part.shape[:2], 3))
            part = run(part[None], tf.constant(sigma, tf.float32)).numpy()[0]
            part = images.from_network(part[core_of_part, core_of_part], clip=False)
            inside, core = tiles.overlap(place, whole)
            restored[inside] = part[core] if noisy.shape[-1] == 3 else part[core].mean(axis=-1, keepdims=True)
        return restored

    return denoise


def _warn_of_unseen(name: str, card: dict, sigma: float | None, tell: Callable[[str], None]) -> None:
    low, high = card.get("trained_sigma", (0, np.inf))
    if sigma is not None and not low <= sigma <= high:
        tell(f"Note: {name} was trained for sigma {low:g} to {high:g}, and is measured here at {sigma:g}.")


def _unchanged(noisy: np.ndarray, sigma: float) -> np.ndarray:
    return noisy
