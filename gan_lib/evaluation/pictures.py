"""Which pictures are measured: a folder, files, arrays, or the bundled held-out ones, as 8 bit and in a fixed order.

Never in here: damage, methods, measures.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from gan_lib import datasets, files, images
from gan_lib.restoring import looks_like_a_result

# A name and what loads the picture of that name.
Source = tuple[str, Callable[[], np.ndarray]]
# What is measured on: a folder, files, name -> picture, or None for the bundled held-out pictures.
Pictures = str | os.PathLike | Sequence[str | os.PathLike] | Mapping[str, np.ndarray] | None

LEAST_SIDE = 16  # pixels; SSIM's window has 11, and the judging network halves the picture three times


class EvaluationError(ValueError):
    """Nothing could be measured; the message says why."""


def sources(pictures: Pictures, *, grey: bool, tell: Callable[[str], None] = print) -> list[Source]:
    """What is to be measured, in the order that decides the noise: sorted by name.

    Args:
        pictures: a folder of pictures of any depth, a list of files, name -> (height, width, channels) array, or None
            for the bundled held-out pictures (without ``grey``, those in colour).
        grey: whether grey pictures are wanted, by Rec. 601 luma.
        tell: gets a line if the pictures of a folder lie in several: degraded copies may be among them; and one if
            results of `restore` are passed over.

    Returns:
        Pairs of a name and what loads the picture of that name.

    Raises:
        DataError: if there is no such folder or no picture in it.
        EvaluationError: if there are no pictures.
    """
    mode = "grey" if grey else "rgb"
    if isinstance(pictures, Mapping):
        found = [(name, lambda picture=picture: np.asarray(picture)) for name, picture in sorted(pictures.items())]
    else:
        found = [
            (name, lambda path=path: images.load_image(path, mode=mode)) for name, path in _paths(pictures, grey, tell)
        ]
    if not found:
        raise EvaluationError("No pictures came; one or more were expected, or a folder of pictures.")
    if isinstance(pictures, (str, os.PathLike)):
        _tell_of_folders([name for name, _ in found], tell)
    return found


def _tell_of_folders(names: list[str], tell: Callable[[str], None], most: int = 5) -> None:
    """Sets are published with their small and noisy copies in folders beside the clean pictures."""
    folders = sorted({os.path.dirname(name) or "." for name in names})
    if len(folders) > 1:
        shown = ", ".join(folders[:most]) + ", ..." * (len(folders) > most)
        tell(
            f"Note: the pictures lie in {len(folders)} folders ({shown}). If some hold noisy or small copies, name the "
            "folder of the clean ones."
        )


def _paths(
    pictures: str | os.PathLike | Sequence | None, grey: bool, tell: Callable[[str], None]
) -> list[tuple[str, Path]]:
    if pictures is None:
        held_out = datasets.bundled_paths("held-out").items()
        return [(name, path) for name, path in held_out if grey or images.load_image(path, mode="as-is").shape[-1] > 2]
    if isinstance(pictures, (str, os.PathLike)):
        folder = files.expanded(pictures)
        paths = datasets.find_photographs(folder)
        if results := [path for path in paths if looks_like_a_result(path)]:
            tell(f"Passed over: {len(results)} that look like results of restore, such as {results[0]}.")
        return [(path.relative_to(folder).as_posix(), path) for path in paths if not looks_like_a_result(path)]
    return sorted((Path(path).as_posix(), Path(path)) for path in pictures)


def usable(
    found: list[tuple[str, Callable[[], np.ndarray]]],
    *,
    grey: bool,
    least_side: int = LEAST_SIDE,
    skipped: dict[str, str],
    tell: Callable[[str], None],
) -> Iterator[tuple[int, str, np.ndarray]]:
    """Loads one picture after the other; those that cannot be measured are named and left out.

    Args:
        found: what `sources` gave.
        grey: as there.
        least_side: shorter sides are too short, in pixels.
        skipped: receives name -> why it was left out.
        tell: gets a line for each of those.

    Yields:
        Index among all that were found, name, and uint8 (height, width, 3, or 1 for grey).
    """
    channels = 1 if grey else 3
    for index, (name, load) in enumerate(found):
        try:
            picture = load()
            reason = None
        except images.PictureError as error:
            reason = str(error)
        if reason is None and (picture.ndim != 3 or picture.shape[-1] != channels):
            reason = (
                f"{name} has shape {picture.shape}; (height, width, {channels}) was expected. Load it with mode "
                f"{'grey' if grey else 'rgb'!r}."
            )
        if reason is None and min(picture.shape[:2]) < least_side:
            size = f"{picture.shape[1]} x {picture.shape[0]}"
            reason = f"{name} is {size} pixels; at least {least_side} x {least_side} were expected to measure it."
        if reason is None:
            yield index, name, images.to_uint8(picture)
        else:
            skipped[name] = reason
            tell(f"Skipped: {reason}")


def error_picture(restored: np.ndarray, clean: np.ndarray, enlarge: float = 5.0) -> np.ndarray:
    """Where a restored picture is wrong: grey where it is right, brighter or darker where it is too bright or dark.

    Args:
        restored: uint8 (height, width, channels).
        clean: the truth, of the same shape.
        enlarge: how many times larger than in the pictures an error is shown.

    Returns:
        uint8 of the same shape.
    """
    return np.clip(np.rint(127.5 + enlarge * (restored.astype(np.float32) - clean)), 0, 255).astype(np.uint8)
