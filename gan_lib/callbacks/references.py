"""Labels that samples are drawn with, and real pictures that they are compared with: checked, and as many as there are.

The comparison itself is in `signals`.
"""

import keras
import numpy as np

from gan_lib import datasets, images
from gan_lib.training import GAN


def checked_labels(labels: np.ndarray) -> np.ndarray:
    """Labels as an array of integers (count,).

    Raises:
        ValueError: if they are anything else.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or not len(labels) or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"The labels have shape {labels.shape} and dtype {labels.dtype}; whole numbers of shape (count,) were "
            "expected."
        )
    return labels


def labels_in_turn(labels: np.ndarray, count: int) -> np.ndarray:
    """Labels again and again, until there are ``count``.

    Raises:
        ValueError: if they are no whole numbers, or so many that there is no second sample of one.
    """
    labels = checked_labels(labels)
    classes, sizes = np.unique(np.resize(labels, count), return_counts=True)
    expected = len(np.unique(labels))
    if len(classes) < expected or sizes.min() < 2:
        raise ValueError(
            f"{count} samples are drawn for {expected} classes; at least 2 of each were expected, since samples are "
            "compared within their class. Give a larger count or fewer labels."
        )
    return np.resize(labels, count)


def labels_to_draw(generator: keras.Model, labels: np.ndarray | None, count: int) -> np.ndarray | None:
    """Labels as a generator can take them, int32 (count,), or None for one that takes none.

    A label out of range would not be noticed later: an embedding on a GPU does not fail for it.

    Raises:
        ValueError: if labels came and the generator takes none, or the other way round; if they are no whole numbers,
            out of range, or not ``count``.
    """
    conditional = len(generator.inputs) > 1
    if labels is None and not conditional:
        return None
    if labels is None or not conditional:
        came, way_out = ("none came", "Give one for each picture") if conditional else ("some came", "Leave them out")
        raise ValueError(f"{generator.name} takes {'labels' if conditional else 'no labels'}, but {came}. {way_out}.")
    tables = [layer.input_dim for layer in generator.layers if isinstance(layer, keras.layers.Embedding)]
    classes = min(tables, default=np.iinfo(np.int32).max)
    labels = datasets.check_labels(labels, classes, origin="the labels to draw")
    if len(labels) != count:
        raise ValueError(f"{len(labels)} labels came for {count} pictures; one for each was expected.")
    return labels


def _checked_real(real: np.ndarray) -> np.ndarray:
    real = np.asarray(real)
    if real.ndim < 2 or len(real) < 16:
        raise ValueError(f"Real pictures of shape {real.shape} came; at least 16 of them, (count, ...), were expected.")
    if real.dtype == np.uint8:
        return images.to_network(real)
    if not np.issubdtype(real.dtype, np.floating) or not np.isfinite(real).all():
        raise ValueError(f"Real pictures of {real.dtype} came; uint8, or finite floats in [-1, 1], were expected.")
    if real.ndim > 2 and real.min() >= 0:
        raise ValueError(
            f"The real pictures lie in [{real.min():.2g}, {real.max():.2g}], but floats in [-1, 1] were expected. "
            "Bring them there with images.to_network."
        )
    return real.astype(np.float32)


def some_real(
    real: np.ndarray, labels: np.ndarray | None, count: int, drawn: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Chooses about ``count`` real pictures, always the same, and evenly from the classes.

    Distances to a nearest neighbour depend on how many there are, so samples are compared with as many.

    Args:
        real: uint8 or float in [-1, 1], (some number, ...), at least 16.
        labels: integers (that number,), or None.
        count: how many to choose.
        drawn: the labels that samples are drawn with; pictures of other classes are left out. None for all.

    Returns:
        Pictures as float32 in [-1, 1], and their labels or None.

    Raises:
        ValueError: if they cannot be used.
    """
    order = np.random.default_rng(0).permutation(len(real))
    real = _checked_real(real)
    if labels is None:
        return real[order[:count]], None
    labels = checked_labels(labels)
    if len(labels) != len(real):
        raise ValueError(f"{len(labels)} labels came with {len(real)} real pictures; one for each was expected.")
    if drawn is not None:
        missing = np.setdiff1d(drawn, labels)
        if len(missing):
            raise ValueError(
                f"There are no real pictures of {', '.join(map(str, missing))} among the classes to draw; some of each "
                "were expected. Give some, or do not draw them."
            )
        order = order[np.isin(labels[order], drawn)]
    classes, sizes = np.unique(labels[order], return_counts=True)
    each = -(-count // len(classes))
    if each < 2 or sizes.min() < 2:
        raise ValueError(
            f"Of class {classes[sizes.argmin()]} there are {sizes.min()} real pictures, and {count} samples are drawn "
            f"for {len(classes)} classes; at least 2 of each were expected. Give more pictures or a larger count."
        )
    chosen = np.concatenate([order[labels[order] == label][:each] for label in classes])
    return real[chosen], labels[chosen]


def check_fit(model: GAN, real: np.ndarray | None, labels: np.ndarray | None) -> None:
    """Compares pictures and labels with what a scheme's generator makes and takes.

    Raises:
        ValueError: if they do not go together.
    """
    if model.conditional and labels is None:
        raise ValueError(
            "This generator takes labels, but the monitor has none. Give it real_labels with the real pictures, or "
            "labels to draw with."
        )
    if not model.conditional and labels is not None:
        raise ValueError("The monitor got labels, but this generator takes none. Leave them out.")
    labels_to_draw(model.generator, labels, 0 if labels is None else len(labels))
    expected = tuple(model.generator.outputs[0].shape[1:])
    if real is not None and real.shape[1:] != expected:
        raise ValueError(
            f"The monitor got real pictures of shape {real.shape[1:]}, but the generator makes {expected}. Give it "
            "pictures as they go into the training."
        )
