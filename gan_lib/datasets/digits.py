"""Handwritten digits of 28 x 28 pixels, from the best rung of the data ladder that is at hand.

Never in here: photographs, batches.

The ladder: ``mnist.npz`` in the data folder, Keras' cache, a download into the data folder, and at last the 1,797
digits that come inside scikit-learn, enlarged from 8 x 8. That last rung needs no file and no network.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan_lib import downloads, files
from gan_lib.datasets.batching import check_labels
from gan_lib.datasets.bundled_digits import bundled_digits
from gan_lib.datasets.places import DataError, data_folder, keras_cache

MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
# Published in the source of keras.datasets.mnist. It guards the download only: a file of your own may hold the same
# arrays packed in another way, so that one is judged by what is in it.
MNIST_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"

_SIDE = 28  # pixels
_KEYS = ("x_train", "y_train", "x_test", "y_test")


class Digits(NamedTuple):
    """Digits for training and for measuring, and where they come from.

    Attributes:
        train_images: uint8 (n, 28, 28, 1) in [0, 255], white strokes on black.
        train_labels: int32 (n,) in 0..9.
        test_images: uint8 (m, 28, 28, 1).
        test_labels: int32 (m,).
        rung: "mnist", "bundled-digits", or the stem of your own file's name.
        description: one sentence for the reader: what this is, and why not a higher rung.
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    rung: str
    description: str


def load_digits(source: str | os.PathLike = "auto") -> Digits:
    """Load handwritten digits from the best rung of the ladder, or from the one you name.

    Args:
        source: "auto" takes the first that is there: ``mnist.npz`` in the data folder, Keras' cache, a download into
            the data folder, the bundled digits. "mnist" does the same without the last rung and raises instead.
            "bundled" takes scikit-learn's digits. Anything else is the path of an ``.npz`` file with the keys
            ``x_train, y_train, x_test, y_test`` as ``keras.datasets.mnist`` has them.

    Returns:
        The digits; see ``Digits``. On the bundled rung both parts are moved and turned copies of few originals, never
        of the same ones: 12,000 training pictures of 1,438 originals and 2,000 test pictures of 359. The first and
        the second half of each part share no original either, so they can serve as two disjoint real sets.

    Raises:
        DataError: if a file that you placed there is not such a set; Keras' cache is passed over with a line instead.
        DownloadError: with source "mnist", if MNIST is nowhere and cannot be downloaded.

    Example:
        >>> digits = load_digits()
        >>> digits.train_images.shape[1:], digits.rung
        ((28, 28, 1), 'mnist')
    """
    if source == "bundled":
        return _bundled("scikit-learn's digits, as asked for")
    if source not in ("auto", "mnist"):
        return read_digits(source)
    own = data_folder() / "mnist.npz"
    if own.exists():
        return read_digits(own, rung="mnist", name="MNIST")
    cached = keras_cache() / "mnist.npz"
    if cached.is_file():
        try:
            return read_digits(cached, rung="mnist", name="MNIST")
        except DataError as error:
            print(f"Passing over Keras' cache: {error}")
    try:
        downloads.download(MNIST_URL, MNIST_SHA256, own)
    except downloads.DownloadError as error:
        if source == "mnist":
            raise
        print(f"MNIST is not at hand. {error} Going on with the bundled digits.")
        return _bundled("scikit-learn's digits, because MNIST is not at hand and could not be downloaded")
    return read_digits(own, rung="mnist", name="MNIST")


def read_digits(path: str | os.PathLike, *, rung: str | None = None, name: str | None = None) -> Digits:
    """Read and check an ``.npz`` file laid out as ``keras.datasets.mnist`` (Fashion-MNIST is, too).

    Args:
        path: the file, with uint8 arrays x_train, x_test (n, 28, 28) and whole numbers y_train, y_test (n,) in 0..9.
        rung: what ``Digits.rung`` says; the stem of the file's name if None.
        name: what the description calls the set; the name of the file if None.

    Raises:
        DataError: if the file is missing, broken, or holds something else.
    """
    path = files.expanded(path)
    return digits_of(_arrays_of(path), path, rung=rung or path.stem, name=name or path.name, way_out=_way_out(path))


def digits_of(arrays: dict[str, np.ndarray], origin: Path, *, rung: str, name: str, way_out: str) -> Digits:
    """Checks arrays laid out as ``keras.datasets.mnist`` and makes one record of them.

    Args:
        arrays: x_train, y_train, x_test, y_test.
        origin: the file or folder that they come from.
        rung: what ``Digits.rung`` says.
        name: what the description calls the set.
        way_out: what an error advises, one sentence.

    Raises:
        DataError: if shape, dtype, number or labels are wrong.
    """
    parts = []
    for part in ("train", "test"):
        pictures, labels = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if pictures.dtype != np.uint8 or pictures.shape[1:] not in ((_SIDE, _SIDE), (_SIDE, _SIDE, 1)):
            raise DataError(
                f"{origin}: expected x_{part} as uint8 of shape (n, {_SIDE}, {_SIDE}), got {pictures.dtype} of shape "
                f"{pictures.shape}. {way_out}"
            )
        labels = check_labels(labels, origin=f"y_{part} in {origin}")
        if len(labels) != len(pictures) or not len(labels):
            raise DataError(f"{origin}: {len(pictures)} pictures but {len(labels)} labels in {part}. {way_out}")
        parts += [pictures.reshape(-1, _SIDE, _SIDE, 1), labels]
    count = f"{len(parts[0]):,} training and {len(parts[2]):,} test pictures"
    return Digits(*parts, rung, f"{name}, {count}, from {origin}.")


def _arrays_of(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise DataError(f"{path} is not a file; expected an .npz file of digits, or one of 'auto', 'mnist', 'bundled'.")
    try:
        # Pickled objects could run code while they load, so they stay refused. NumPy takes for one whatever is no
        # archive, and advises to load it all the same, so the file is looked at before NumPy sees it.
        with path.open("rb") as opened:
            web_page = opened.read(512).lstrip().lower().startswith(downloads.WEB_PAGE)
            if zipfile.is_zipfile(opened):
                opened.seek(0)
                with np.load(opened, allow_pickle=False) as archive:
                    missing = [key for key in _KEYS if key not in archive.files]
                    if not missing:
                        return {key: archive[key] for key in _KEYS}
                problem = f"lacks {', '.join(missing)}; expected the keys {', '.join(_KEYS)}"
            else:
                problem = (
                    f"is no .npz file but {'a web page, often about a quota or a login' if web_page else 'broken'}"
                )
    except Exception as error:  # np.load raises a dozen kinds, depending on where the file is broken
        reason = "it holds Python objects" if "pickle" in str(error).lower() else error
        raise DataError(f"{path} cannot be read as an .npz file ({reason}). {_way_out(path)}") from error
    raise DataError(f"{path} {problem}. {_way_out(path)}")


def _way_out(path: Path) -> str:
    if path.name in ("mnist.npz", "fashion_mnist.npz"):
        return "Delete that file; the set is then looked for elsewhere and downloaded if need be."
    return "Correct the file, or name another."


def _bundled(what: str) -> Digits:
    train_images, train_labels, test_images, test_labels, originals = bundled_digits()
    description = (
        f"Bundled digits ({what}): {len(train_images):,} training pictures made from {originals[0]:,} originals and "
        f"{len(test_images):,} test pictures from {originals[1]:,} others."
    )
    return Digits(train_images, train_labels, test_images, test_labels, "bundled-digits", description)
