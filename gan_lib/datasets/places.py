"""Where data lives on this machine: the data folder and Keras' own cache.

Never in here: reading, checking or downloading what lies in those folders.
"""

from __future__ import annotations

import os
from pathlib import Path

from gan_lib.files import expanded

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
        return expanded(chosen)
    if (_CHECKOUT / "pyproject.toml").is_file() and (_CHECKOUT / "data" / "README.md").is_file():
        return _CHECKOUT / "data"
    return Path.home() / ".cache" / "gan_lib"


def keras_cache() -> Path:
    """The folder in which ``keras.datasets`` keeps its files; ``KERAS_HOME`` decides as it does for Keras."""
    home = os.environ.get("KERAS_HOME", "").strip()
    return (Path(home) if home else Path.home() / ".keras") / "datasets"
