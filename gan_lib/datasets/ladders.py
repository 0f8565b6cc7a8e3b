"""Which rungs of the data ladders are at hand on this machine, without loading or downloading them.

Never in here: reading a set for training.
"""

from __future__ import annotations

import importlib.util
from typing import NamedTuple

from gan_lib import downloads
from gan_lib.datasets.digits import MNIST_URL, read_digits
from gan_lib.datasets.fashion import FASHION_FILES, FASHION_URL, fashion_places, is_complete, read_fashion
from gan_lib.datasets.folders import find_photographs
from gan_lib.datasets.photographs import FLOWERS_URL
from gan_lib.datasets.places import PHOTOGRAPH_FOLDERS, DataError, data_folder, keras_cache

REACH_SECONDS = 5.0


class Rung(NamedTuple):
    """One rung: its name, whether it could be used now, and a few words on where it is or why it cannot."""

    name: str
    at_hand: bool
    told: str


def digit_rungs(*, look_at_network: bool = True) -> list[Rung]:
    """The rungs for digits, the one that `load_digits` tries first at the top.

    Args:
        look_at_network: False leaves the download out of it, as if there were no internet.
    """
    rungs = []
    for name, path in (("data folder", data_folder() / "mnist.npz"), ("Keras' cache", keras_cache() / "mnist.npz")):
        if not path.exists():
            rungs.append(Rung(name, False, f"no {path}"))
            continue
        try:
            digits = read_digits(path, rung="mnist")
        except DataError as error:
            rungs.append(Rung(name, False, str(error)))
        else:
            rungs.append(Rung(name, True, f"{path}, {len(digits.train_images):,} training pictures"))
    rungs.append(_download("download", MNIST_URL, look_at_network))
    rungs.append(_bundled("bundled digits", "sklearn", "scikit-learn"))
    return rungs


def fashion_rungs(*, look_at_network: bool = True) -> list[Rung]:
    """The rungs for Fashion-MNIST, the one that `load_fashion` tries first at the top.

    Args:
        look_at_network: False leaves the download out of it, as if there were no internet.
    """
    rungs = []
    for name, path in fashion_places().items():
        if not (path.is_file() or is_complete(path)):
            rungs.append(Rung(name, False, f"no {path}"))
            continue
        try:
            clothes = read_fashion(path)
        except DataError as error:
            rungs.append(Rung(name, False, str(error)))
        else:
            rungs.append(Rung(name, True, f"{path}, {len(clothes.train_images):,} training pictures"))
    rungs.append(_download("download", FASHION_URL + FASHION_FILES["x_train"][0], look_at_network))
    rungs.append(Rung("digits", True, "see above"))
    return rungs


def photograph_rungs(*, look_at_network: bool = True) -> list[Rung]:
    """The rungs for photographs, the one that `load_photographs` tries first at the top.

    The download is the exception: it is made only when asked for, by `load_photographs("flowers")`.

    Args:
        look_at_network: False leaves the download out of it, as if there were no internet.
    """
    rungs = []
    for name in PHOTOGRAPH_FOLDERS:
        folder = data_folder() / name
        try:
            count = len(find_photographs(folder)) if folder.is_dir() else 0
        except DataError as error:
            rungs.append(Rung(name, False, str(error)))
        else:
            rungs.append(Rung(name, count > 0, f"{folder}, {count:,} pictures" if count else f"no {folder}"))
    rungs.append(_download("flowers, 229 MB, when asked for", FLOWERS_URL, look_at_network))
    rungs.append(_bundled("bundled photographs", "skimage", "scikit-image and scikit-learn"))
    return rungs


def _bundled(name: str, module: str, package: str) -> Rung:
    there = importlib.util.find_spec(module) is not None
    return Rung(name, there, f"inside {package}" if there else f"{package} is not installed")


def _download(name: str, url: str, look: bool) -> Rung:
    if not look or downloads.offline():
        return Rung(name, False, "not tried: GAN_LIB_OFFLINE is set" if look else "not looked at")
    import requests

    try:
        answer = requests.head(url, timeout=REACH_SECONDS, allow_redirects=True)
    except requests.RequestException:
        return Rung(name, False, f"{url} cannot be reached from here")
    if answer.status_code != 200:
        return Rung(name, False, f"{url} answers {answer.status_code}")
    return Rung(name, True, f"from {url}")
