"""Fashion-MNIST: clothes, shoes and bags of 28 x 28 pixels, from the best rung of its ladder that is at hand.

Never in here: digits, except as what is taken where no clothes can be had; batches.

The ladder: ``fashion_mnist.npz`` in the data folder, the four files as Zalando publishes them in its folder
``fashion-mnist``, the same in Keras' cache, and a download into the data folder. No package brings these pictures
along, so at last come the digits, which are always there.
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path

import numpy as np

from gan_lib import downloads, files
from gan_lib.datasets.digits import Digits, digits_of, load_digits, read_digits
from gan_lib.datasets.places import DataError, data_folder, keras_cache

# What a label means, in the order of the labels.
FASHION_CLASSES = (
    "T-shirt",
    "trousers",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "trainer",
    "bag",
    "ankle boot",
)
FASHION_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
# Key -> file and sha256, where keras.datasets.fashion_mnist has them from; the files are Zalando's own.
FASHION_FILES = {
    "x_train": ("train-images-idx3-ubyte.gz", "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
    "y_train": ("train-labels-idx1-ubyte.gz", "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    "x_test": ("t10k-images-idx3-ubyte.gz", "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
    "y_test": ("t10k-labels-idx1-ubyte.gz", "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
}
FOLDER = "fashion-mnist"  # in the data folder as in Keras' cache

_RUNG, _NAME = "fashion_mnist", "Fashion-MNIST"
_MOST_BYTES = 100_000_000  # twice what the largest file holds; a file that unpacks to more is something else


def load_fashion(source: str | os.PathLike = "auto") -> Digits:
    """Load Fashion-MNIST from the best rung of its ladder, or the digits where it is nowhere.

    Args:
        source: "auto" takes the first that is there: ``fashion_mnist.npz`` or the folder ``fashion-mnist`` in the data
            folder, Keras' cache, a download into the data folder (31 MB), and at last `load_digits`, which is said in a
            line. "fashion" does the same without the digits and raises instead. Anything else is the path of an
            ``.npz`` file, or of a folder with the four files.

    Returns:
        White things on black in the record of `load_digits`; ``rung`` is "fashion_mnist" if these are clothes, whose
        labels `FASHION_CLASSES` names, and otherwise says which digits they are.

    Raises:
        DataError: if a file that you placed there is not such a set; Keras' cache is passed over with a line instead.
        DownloadError: with source "fashion", if the set is nowhere and cannot be downloaded.

    Example:
        >>> clothes = load_fashion()
        >>> clothes.train_images.shape[1:], clothes.rung
        ((28, 28, 1), 'fashion_mnist')

    Source: Xiao, Rasul and Vollgraf 2017, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
    Algorithms".
    """
    if source not in ("auto", "fashion"):
        return read_fashion(source)
    own, folder, cached = fashion_places().values()
    if own.exists():
        return read_fashion(own)
    if is_complete(folder):
        return read_fashion(folder)
    if is_complete(cached):
        try:
            return read_fashion(cached)
        except DataError as error:
            print(f"Passing over Keras' cache: {error}")
    try:
        for name, sha256 in FASHION_FILES.values():
            downloads.download(FASHION_URL + name, sha256, folder / name)
        return read_fashion(folder)
    except downloads.DownloadError as error:
        if source == "fashion":
            raise
        print(f"{_NAME} is not at hand. {error} Going on with digits.")
    digits = load_digits()
    return digits._replace(description=f"Digits, because {_NAME} is not at hand: {digits.description}")


def read_fashion(path: str | os.PathLike) -> Digits:
    """Read and check Fashion-MNIST.

    Args:
        path: an ``.npz`` file with the keys of ``keras.datasets.mnist``, or a folder with the four files that
            ``keras.datasets.fashion_mnist`` downloads.

    Raises:
        DataError: if a file is missing, broken, or holds something else.
    """
    path = files.expanded(path)
    if not path.is_dir():
        return read_digits(path, rung=_RUNG, name=_NAME)
    arrays = {key: _idx_array(path / name) for key, (name, _) in FASHION_FILES.items()}
    return digits_of(arrays, path, rung=_RUNG, name=_NAME, way_out=_way_out(path))


def fashion_places() -> dict[str, Path]:
    """Where Fashion-MNIST is looked for on this machine, in this order: what the place is called -> file or folder."""
    return {
        "data folder": data_folder() / "fashion_mnist.npz",
        "data folder, Zalando's files": data_folder() / FOLDER,
        "Keras' cache": keras_cache() / FOLDER,
    }


def is_complete(folder: Path) -> bool:
    """Whether all four files are there; after a download that broke off they are not, and it is gone on with."""
    return all((folder / name).is_file() for name, _ in FASHION_FILES.values())


def _idx_array(path: Path) -> np.ndarray:
    """The array in a gzipped IDX file: two zeros, 8 for uint8, how many axes, the length of each, then the values."""
    try:
        with gzip.open(path, "rb") as opened:
            data = opened.read(_MOST_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read as a gzip file ({error}). {_way_out(path.parent)}") from error
    axes = data[3] if data[:3] == b"\0\0\x08" and len(data) >= 4 else 0
    shape = np.frombuffer(data[4 : 4 + 4 * axes], ">u4").tolist() if len(data) >= 4 + 4 * axes else []
    values = data[4 + 4 * axes :]
    if not shape or math.prod(shape) != len(values):
        raise DataError(f"{path} is no whole IDX file of uint8 numbers. {_way_out(path.parent)}")
    return np.frombuffer(values, np.uint8).reshape(shape)


def _way_out(folder: Path) -> str:
    return f"Delete the folder {folder}; the set is then looked for elsewhere and downloaded if need be."
