"""Photographs for training, from the best rung of the data ladder that is at hand.

Never in here: digits, batches, crops.

The ladder: a folder ``photos`` or ``flower_photos`` in the data folder, TensorFlow's flower photographs if you ask
for that download, a folder of your own, and the photographs inside scikit-image and scikit-learn. Whatever the rung,
pictures that are held out for measuring are left out of what is trained on.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan_lib import downloads, files, images
from gan_lib.datasets.bundled_photographs import bundled_photographs, held_out_twin
from gan_lib.datasets.folders import find_photographs
from gan_lib.datasets.places import PHOTOGRAPH_FOLDERS, DataError, data_folder

# TensorFlow's flower photographs, 3,670 pictures, CC BY 2.0. The sum is the one that TensorFlow Datasets records.
FLOWERS_URL = "https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz"
FLOWERS_SHA256 = "4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c"


class Photographs(NamedTuple):
    """Photographs in memory, and where they come from.

    Attributes:
        pictures: name -> (height, width, channels), uint8 in [0, 255] or, for 16-bit files, float32 in [0, 1].
        rung: "photos", "flower_photos", "bundled-photographs", or the name of your own folder.
        description: one sentence for the reader.
        skipped: name -> why a file was left out.
    """

    pictures: dict[str, np.ndarray]
    rung: str
    description: str
    skipped: dict[str, str]


def load_photographs(
    source: str | os.PathLike | Sequence[os.PathLike] = "auto",
    *,
    mode: str = "rgb",
    limit: int | None = None,
    max_gigabytes: float = 1.0,
) -> Photographs:
    """Load photographs to train on from the best rung of the ladder, or from the one you name.

    Files that cannot be read and pictures that are held out (``held_out_names``) are left out, each with a printed
    line. Where there are more pictures than fit, an even selection is taken, the same one each time.

    Args:
        source: "auto" takes the folder ``photos`` in the data folder, or ``flower_photos`` there, or the bundled
            photographs. "flowers" downloads TensorFlow's flower photographs (229 MB) if they are not there.
            "bundled" takes those in scikit-image and scikit-learn. Anything else is a folder of your own, of any
            depth and mixture of formats, or a list of files.
        mode: "rgb" or "grey", as for ``images.load_image``.
        limit: load at most this many.
        max_gigabytes: load at most this much, counted as pixels in memory, but one picture at least.

    Returns:
        The photographs; see ``Photographs``.

    Raises:
        ValueError: for another mode, or a limit below 1.
        DataError: if there is no such folder or no picture in it.
        images.PictureError: if not one of the pictures can be read.
        DownloadError: with source "flowers", if the download fails.

    Example:
        >>> from gan_lib.datasets import patches
        >>> photographs = load_photographs("my_photographs")
        >>> dataset = patches(photographs.pictures, size=64, batch_size=16)
    """
    if mode not in ("rgb", "grey"):
        raise ValueError(f"Expected mode 'rgb' or 'grey', got {mode!r}.")
    if limit is not None and limit < 1:
        raise ValueError(f"Expected a limit of at least one picture, got {limit}.")
    folder = source
    if source == "flowers":
        folder = download_flowers()
    elif source == "auto":
        folder = _first_folder() or "bundled"
    if folder == "bundled":
        everything = bundled_photographs("train", mode=mode)
        chosen = _evenly(list(everything), limit)
        description = f"Bundled photographs: {len(chosen)} of those inside scikit-image and scikit-learn."
        return Photographs({name: everything[name] for name in chosen}, "bundled-photographs", description, {})
    if isinstance(folder, (str, os.PathLike)):
        folder = files.expanded(folder)
        paths = {path.relative_to(folder).as_posix(): path for path in find_photographs(folder)}
        return _load(paths, folder.resolve().name, str(folder), mode, limit, max_gigabytes)
    paths = {str(path): files.expanded(path) for path in folder}
    return _load(paths, "own files", f"a list of {len(paths)} files", mode, limit, max_gigabytes)


def _first_folder() -> Path | None:
    """The first folder of the data folder that holds pictures; one that holds none is passed over with a line."""
    for name in PHOTOGRAPH_FOLDERS:
        folder = data_folder() / name
        if folder.is_dir():
            try:
                find_photographs(folder)
                return folder
            except DataError as error:
                print(f"Passing over an empty folder: {error}")
    return None


def download_flowers() -> Path:
    """Fetch and unpack TensorFlow's flower photographs into the data folder, unless they are there.

    Returns:
        The folder, with one folder per kind of flower and the photographers' names in ``LICENSE.txt``.

    Raises:
        DownloadError: if they cannot be fetched or unpacked; nothing half-written stays behind.
    """
    folder = data_folder() / "flower_photos"
    if folder.is_dir() and any(folder.iterdir()):
        return folder
    archive = downloads.download(FLOWERS_URL, FLOWERS_SHA256, data_folder() / "flower_photos.tgz")
    downloads.extract(archive, folder)
    archive.unlink()
    return folder


def _load(
    paths: dict[str, Path], rung: str, where: str, mode: str, limit: int | None, max_gigabytes: float
) -> Photographs:
    """Load files until the limits are reached; report what was left out."""
    skipped: dict[str, str] = {}
    sizes = _sizes(paths, skipped, channels=3 if mode == "rgb" else 1)
    names = _evenly(list(sizes), limit)
    total, most = sum(sizes[name] for name in names), max_gigabytes * 1e9
    if total > most:
        everything, count = names, max(1, int(len(names) * most / total))
        names = _evenly(everything, count)
        while count > 1 and sum(sizes[name] for name in names) > most:  # large ones may be among those
            names = _evenly(everything, count := count - 1)
        print(
            f"Taking {len(names):,} of {len(sizes):,} photographs, about {max_gigabytes:g} GB; "
            "raise max_gigabytes if there is more memory."
        )
    pictures = {}
    for name in names:
        try:
            picture = images.load_image(paths[name], mode=mode)
        except images.PictureError as error:
            skipped[name] = str(error)
            continue
        if twin := held_out_twin(picture):
            skipped[name] = f"{paths[name]} shows the held-out picture {twin!r}, which nothing is trained on."
        else:
            pictures[name] = picture
    _report(skipped.values())
    if not pictures:
        raise images.PictureError(
            f"None of the {len(paths)} pictures in {where} can be used; see the lines above. Put others there, or take "
            "that folder away."
        )
    count = f"{len(pictures):,} photographs" if len(pictures) == len(paths) else f"{len(pictures):,} of {len(paths):,}"
    # A folder's name, not its path: the sentence is shown in lessons, whose outputs may be shared.
    origin = where if rung == "own files" else f"the folder {rung}"
    return Photographs(pictures, rung, f"{count} from {origin}.", skipped)


def _sizes(paths: dict[str, Path], skipped: dict[str, str], channels: int) -> dict[str, int]:
    """Bytes that each picture takes in memory, read from the headers; those that cannot be loaded go to ``skipped``."""
    sizes = {}
    for name, path in paths.items():
        try:
            header = images.read_header(path)
            images.check_megapixels(path, header)  # or what is never loaded would leave no room for the others
            sizes[name] = header.height * header.width * channels * (1 if header.bits == 8 else 4)
        except images.PictureError as error:
            skipped[name] = str(error)
    return sizes


def _evenly(names: list[str], limit: int | None) -> list[str]:
    """At most ``limit`` of the names, spread over the whole list, so that no folder of it is left out."""
    if limit is None or limit >= len(names):
        return names
    return [names[index] for index in np.linspace(0, len(names) - 1, limit).round().astype(int)]


def _report(reasons: Iterable[str], most: int = 10) -> None:
    reasons = list(reasons)
    for reason in reasons[:most]:
        print(f"Skipped: {reason}")
    if len(reasons) > most:
        print(f"Skipped: {len(reasons) - most} more; the field 'skipped' names them all.")
