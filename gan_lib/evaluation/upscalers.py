"""Methods of super-resolution to be measured: baselines and networks alike as functions of a small picture and a scale.

Never in here: pictures, protocols, measures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from gan_lib import baselines, images, restoring
from gan_lib import weights as released
from gan_lib.baselines import Upscaler
from gan_lib.networks.receptive_field import receptive_field
from gan_lib.restoring import SettingsError, tiles

# Our own methods, and the released weights of each by scale: those that `restore` uses.
_TASK = restoring.TASKS["super-resolution"]
_NETWORKS = {"gan_lib": _TASK.faithful, "gan_lib_sharp": _TASK.sharp}
SCALES = tuple(_TASK.faithful)
SUPER_RESOLUTION_METHODS = (*baselines.UPSCALERS, *_NETWORKS)

_TILE = 256  # small pixels; pictures up to this size are enlarged in one piece


def super_resolution_methods(
    names: Sequence[str] | None = None,
    *,
    weights: str | Path | None = None,
    scale: int = 4,
    tell: Callable[[str], None] = print,
) -> dict[str, Upscaler]:
    """The methods of `SUPER_RESOLUTION_METHODS`, ready to be called.

    Args:
        names: those that are wanted; None takes all, but for networks that there are none of for this scale, which are
            left out with a line.
        weights: NAME.weights.h5 with its card beside it, to be used for "gan_lib".
        scale: how many times larger.
        tell: gets those lines.

    Returns:
        Name -> (small, scale) -> large, as in `baselines`.

    Raises:
        SettingsError: for another scale than 4 or 2, a name that is none of them, a network that there is none of for
            this scale, or weights of another scale or for another task.
        WeightsError: if weights are missing that were asked for, or are damaged.
    """
    check_scale(scale)
    wanted = SUPER_RESOLUTION_METHODS if names is None else names
    unknown = sorted(set(wanted) - set(SUPER_RESOLUTION_METHODS))
    if unknown:
        raise SettingsError(
            f"There is no method {', '.join(unknown)}; known are {', '.join(SUPER_RESOLUTION_METHODS)}."
        )
    found: dict[str, Upscaler] = dict(baselines.UPSCALERS)
    for name in _NETWORKS:
        if name not in wanted:
            continue
        source = weights if weights is not None and name == "gan_lib" else _NETWORKS[name].get(scale)
        reason = None
        if source is None:
            reason = f"{name}, of which there is none for the scale {scale}"
        elif names is None and source is not weights and not (released.FOLDER / f"{source}.json").exists():
            reason = f"{name}, whose weights {source!r} are not in this version"
        if reason is None:
            found[name] = network_upscaler(_load(name, source, scale))
        elif names is None:
            tell(f"Left out: {reason}.")
        else:
            raise SettingsError(f"What was asked for is not there: {reason}.")
    return {name: found[name] for name in wanted if name in found}


def check_scale(scale: int) -> None:
    """SettingsError unless this is a scale that is measured."""
    if scale not in SCALES or not isinstance(scale, (int, np.integer)):
        raise SettingsError(f"The scale is {scale}; one of {', '.join(map(str, sorted(SCALES)))} was expected.")


def _load(name: str, source: str | Path, scale: int) -> keras.Model:
    """A network, after a look whether it is one for this task and scale."""
    model, card = released.load_model(source, precision="float32")
    inputs = [tensor.name for tensor in model.inputs]
    if inputs != ["small"]:
        raise SettingsError(
            f"The weights of {name} are of a network that takes {' and '.join(inputs)}; one that takes a small picture "
            "was expected. Name weights that were trained for super-resolution."
        )
    if "scale" not in card:
        raise SettingsError(
            f'The card of the weights of {name} has no "scale", and {scale} times was asked for. Add how many times '
            "larger the network makes pictures."
        )
    if card["scale"] != scale:
        raise SettingsError(
            f"The weights of {name} enlarge {card['scale']} times, and {scale} times was asked for. Take the scale "
            "that they were trained for."
        )
    return model


def network_upscaler(model: keras.Model, *, tile: int = _TILE) -> Upscaler:
    """A network as a method: pictures of any size, grey ones as well, in tiles with margins as wide as it sees.

    Args:
        model: from small pictures in [-1, 1] to large ones, as `networks.upscaler.upscaler` has them, for colour.
        tile: largest side that is computed in one piece, in pixels of the small picture.

    Returns:
        (small, scale) -> large, as in `baselines`, but not rounded. It raises a ValueError for another scale than the
        network's.

    Example:
        >>> from gan_lib.evaluation import evaluate_super_resolution
        >>> from gan_lib.networks.upscaler import upscaler
        >>> evaluate_super_resolution("my_photographs", methods={"mine": network_upscaler(upscaler())})
    """
    field = receptive_field(model)
    own = model.compute_output_shape((1, 8, 8, 3))[1] // 8

    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3])])
    def run(small):
        return tf.cast(model(small, training=False), tf.float32)

    def enlarge(small: np.ndarray, scale: int) -> np.ndarray:
        if scale != own:
            raise ValueError(f"The scale is {scale}; the network enlarges {own} times.")

        def work(part: np.ndarray) -> np.ndarray:
            part = np.broadcast_to(images.to_network(part), (*part.shape[:2], 3))
            large = images.from_network(run(part[None]).numpy()[0])
            return large if small.shape[-1] == 3 else large.mean(axis=-1, keepdims=True)

        whole = tiles.Region(0, 0, *small.shape[:2])
        return tiles.in_tiles(work, small, whole, tile=tile, multiple=field.multiple, margin=field.margin, scale=scale)

    return enlarge
