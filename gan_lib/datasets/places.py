"""Where data lives on this machine: the data folder and Keras' own cache.

Never in here: reading, checking or downloading what lies in those folders.
"""

from __future__ import annotations

import os
from pathlib import Path

# Folders of photographs that are looked for in the data folder, in this order.
PHOTOGRAPH_FOLDERS = ("photos", "flower_photos")

_CHECKOUT = Path(__file__).resolve().parents[2]


class DataError(ValueError):
    """Data that is there but cannot be used; the message names the file and the way out."""


def data_folder() -> Path:
    """The folder that downloads and your own sets live in.

    The environment variable ``GAN_LIB_DATA`` decides. Without it this is ``data/`` of the checkout that ``gan_lib``
    runs from, or ``~/.cache/gan_lib`` where it was installed as a package (on Colab, for example).

    Returns:
        The folder. It need not exist yet: whoever writes into it creates it.
    """
    chosen = os.environ.get("GAN_LIB_DATA", "").strip()
    if chosen:
        return Path(chosen).expanduser()
    if (_CHECKOUT / "pyproject.toml").is_file() and (_CHECKOUT / "data" / "README.md").is_file():
        return _CHECKOUT / "data"
    return Path.home() / ".cache" / "gan_lib"


def keras_cache() -> Path:
    """The folder in which ``keras.datasets`` keeps its files; ``KERAS_HOME`` decides as it does for Keras."""
    home = os.environ.get("KERAS_HOME", "").strip()
    return (Path(home) if home else Path.home() / ".keras") / "datasets"


def rungs_at_hand() -> dict[str, list[str]]:
    """Which rungs of each data ladder can be climbed on this machine without a download, best first.

    Only looks whether files are there; reads none.

    Returns:
        "digits" and "photographs" -> one text per rung, with its place.

    Example:
        >>> rungs_at_hand()["digits"]
        ['mnist in Keras\\' cache (/home/ada/.keras/datasets/mnist.npz)', 'bundled-digits inside scikit-learn']
    """
    digits = [
        f"mnist in {name} ({folder / 'mnist.npz'})"
        for name, folder in (("the data folder", data_folder()), ("Keras' cache", keras_cache()))
        if (folder / "mnist.npz").is_file()
    ]
    photographs = [
        f"{name} in the data folder ({data_folder() / name})"
        for name in PHOTOGRAPH_FOLDERS
        if (data_folder() / name).is_dir()
    ]
    return {
        "digits": [*digits, "bundled-digits inside scikit-learn"],
        "photographs": [*photographs, "bundled-photographs inside scikit-image and scikit-learn"],
    }
