"""The photographs inside the scikit-image and scikit-learn packages, divided into training and held-out.

Never in here: downloads, folders, batches.

The files are read where the packages were installed. scikit-image's own functions are not called: for pictures that
are not in its package they start a download.

``held_out.json`` beside this file names the pictures that nothing is trained on. They are for measures and for the
figures of the lessons, so a network that had seen them would look better than it is.
"""

from __future__ import annotations

import functools
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from gan_lib import images
from gan_lib.datasets.places import DataError

# Package and file of each training picture. Left out of the packages' pictures: drawings, pictures of cells and of
# eyes, blurred ones, and moon.png and page.png, for which no licence is stated.
_TRAIN = {
    "astronaut": ("skimage", "data/astronaut.png"),
    "brick": ("skimage", "data/brick.png"),
    "china": ("sklearn", "datasets/images/china.jpg"),
    "coffee": ("skimage", "data/coffee.png"),
    "coins": ("skimage", "data/coins.png"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
    "grass": ("skimage", "data/grass.png"),
    "gravel": ("skimage", "data/gravel.png"),
    "text": ("skimage", "data/text.png"),
}
_PROJECTS = {"skimage": "scikit-image", "sklearn": "scikit-learn"}

_THUMBNAIL = 16  # pixels
# Two thumbnails show the same picture if they differ by few grey levels of 255 (a strong JPEG or a change of size moves
# them by 1 or 2) and their patterns agree (or any dark picture would be the starry sky).
_SAME_LEVEL, _SAME_PATTERN = 8.0, 0.97


def bundled_photographs(
    split: Literal["train", "held-out"] = "train", *, mode: Literal["rgb", "grey", "as-is"] = "rgb"
) -> dict[str, np.ndarray]:
    """Load the photographs that come with scikit-image and scikit-learn; no file and no network is needed.

    Args:
        split: "train", nine pictures, four of them in colour; or "held-out", seven pictures for measuring.
        mode: as for ``images.load_image``: "rgb" gives grey pictures three equal channels.

    Returns:
        Name -> uint8 (height, width, channels) in [0, 255], in alphabetical order.

    Raises:
        ValueError: for another split.
        DataError: if a package does not hold a picture, because it is newer than the ones that this was tested with.

    Example:
        >>> sorted(bundled_photographs("held-out"))[:3]
        ['camera', 'chelsea', 'hubble_deep_field']
    """
    if split not in ("train", "held-out"):
        raise ValueError(f"Expected the split 'train' or 'held-out', got {split!r}.")
    return {name: images.load_image(path, mode=mode) for name, path in bundled_paths(split).items()}


def bundled_paths(split: Literal["train", "held-out"] = "train") -> dict[str, Path]:
    """Where the bundled photographs lie: name -> file. Arguments and errors as ``bundled_photographs``."""
    if split == "train":
        return {name: _path(*place) for name, place in sorted(_TRAIN.items())}
    manifest = _manifest()
    return {name: _path(manifest["package"], next(iter(files))) for name, files in sorted(manifest["pictures"].items())}


def held_out_names() -> tuple[str, ...]:
    """Names of the bundled pictures that nothing may be trained on, in alphabetical order."""
    return tuple(sorted(_manifest()["pictures"]))


def held_out_twin(picture: np.ndarray) -> str | None:
    """Recognise a held-out picture by its looks: a copy under another name, resized, or compressed once more.

    Compares thumbnails of 16 x 16 grey levels. A section of a held-out picture is not recognised.

    Args:
        picture: (height, width, channels), uint8 in [0, 255] or float in [0, 1].

    Returns:
        Its name, or None if it is another picture.
    """
    thumbnail = _thumbnail(picture)
    deviation = thumbnail.std()
    if deviation < 1:
        return None
    for name, held_out in _held_out_thumbnails():
        pattern = ((thumbnail - thumbnail.mean()) * (held_out - held_out.mean())).mean() / (deviation * held_out.std())
        if pattern > _SAME_PATTERN and np.abs(thumbnail - held_out).mean() < _SAME_LEVEL:
            return name
    return None


@functools.cache
def _manifest() -> dict:
    return json.loads((Path(__file__).parent / "held_out.json").read_text(encoding="utf-8"))


@functools.cache
def _held_out_thumbnails() -> list[tuple[str, np.ndarray]]:
    manifest = _manifest()
    return [
        (name, _thumbnail(images.load_image(_path(manifest["package"], file), mode="grey")))
        for name, files in manifest["pictures"].items()
        for file in files
    ]


def _thumbnail(picture: np.ndarray) -> np.ndarray:
    # The picture is made small first and grey afterwards: small is a thousandth of the work.
    picture = images.to_uint8(picture)
    picture = picture[..., :3] if picture.shape[-1] > 2 else picture[..., 0]
    small = Image.fromarray(picture).resize((_THUMBNAIL, _THUMBNAIL), Image.Resampling.BOX)
    return np.asarray(small.convert("L"), np.float32)


def _path(package: str, file: str) -> Path:
    found = find_spec(package)  # looks the package up without importing it
    project = _PROJECTS[package]
    if found is None or not found.submodule_search_locations:
        raise DataError(f"The package {project} is missing; install it with: python -m pip install {project}")
    path = Path(found.submodule_search_locations[0]) / file
    if not path.is_file():
        raise DataError(
            f"This version of {project} has no picture {file}; install one of the versions in requirements.txt."
        )
    return path
