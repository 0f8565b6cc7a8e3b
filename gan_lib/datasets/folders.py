"""A folder of your own -> the paths of its pictures; a COCO folder -> paths with ids and licences.

Never in here: decoding pictures, downloads, batches.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

from gan_lib.datasets.places import DataError
from gan_lib.files import expanded

# Of all formats that `images.load_image` reads.
ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".ppm", ".pgm", ".pbm", ".pnm")


def find_photographs(folder: str | os.PathLike) -> list[Path]:
    """Find the pictures in a folder and all folders below it, of whatever mixture of formats.

    Endings may be upper or lower case. Files and folders whose name begins with a dot are passed over (macOS and
    thumbnail programs leave pictures of their own there).

    Args:
        folder: the folder.

    Returns:
        Paths in the same order on every machine: sorted by their path below the folder.

    Raises:
        DataError: if there is no such folder or no picture in it.

    Example:
        >>> paths = find_photographs("my_photographs")
    """
    folder = expanded(folder)
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else f"does not exist (looked from {Path.cwd()})"
        raise DataError(f"{folder} {what}; expected a folder of pictures.")
    found = [
        (path.relative_to(folder).as_posix(), path)
        for path in folder.rglob("*")
        if path.suffix.lower() in ENDINGS
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    ]
    if not found:
        others = sum(path.is_file() for path in folder.rglob("*"))
        raise DataError(
            f"No picture in {folder} or below it ({others} other files); looked for files that end in "
            f"{', '.join(ENDINGS)}, in upper or lower case. Put pictures there or name another folder."
        )
    return [path for _, path in sorted(found)]


class CocoPicture(NamedTuple):
    """One picture of a COCO folder.

    Attributes:
        path: the file.
        id: its number in the JSON file.
        licence: name of its licence, or "none known".
        licence_url: where that is written, or "".
        source: where the picture comes from (Flickr or COCO), or "".
    """

    path: Path
    id: int
    licence: str
    licence_url: str
    source: str


class CocoFolder(NamedTuple):
    """The pictures of a COCO folder, those named by its JSON but not there, and a sentence about it.

    Attributes:
        pictures: sorted by id.
        missing: names of files that the JSON names and the folder lacks.
        description: one sentence for the reader.
    """

    pictures: list[CocoPicture]
    missing: list[str]
    description: str


def read_coco(annotations: str | os.PathLike, pictures: str | os.PathLike | None = None) -> CocoFolder:
    """Read which pictures a COCO folder holds, with their licences, from its JSON file.

    Args:
        annotations: the JSON file (``instances_val2017.json``, for example).
        pictures: the folder of the pictures; if None, ``images/`` beside the JSON file, or else its own folder.

    Returns:
        The pictures that are there, and the names of those that are not. A line is printed if any are missing.

    Raises:
        DataError: if the file is no such JSON, names a file outside of the folder, or no picture of it is there.

    Example:
        >>> from gan_lib.datasets import load_photographs
        >>> coco = read_coco("coco/instances.json")
        >>> free = [picture.path for picture in coco.pictures if picture.licence == "Attribution License"]
        >>> photographs = load_photographs(free)
    """
    annotations = expanded(annotations)
    content = _read_json(annotations)
    if pictures is not None:
        folder = expanded(pictures)
    else:
        beside = annotations.parent / "images"
        folder = beside if beside.is_dir() else annotations.parent
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; expected the folder of the pictures that {annotations} names.")
    try:
        licences = {licence["id"]: licence for licence in content.get("licenses", [])}
        entries = sorted(content["images"], key=lambda entry: entry["id"])
        found, missing = [], []
        for entry in entries:
            path = _inside(folder, entry["file_name"], annotations)
            if not path.is_file():
                missing.append(entry["file_name"])
                continue
            licence = licences.get(entry.get("license"), {})
            name, url = licence.get("name", "none known"), licence.get("url", "")
            source = entry.get("flickr_url") or entry.get("coco_url") or ""
            found.append(CocoPicture(path, entry["id"], name, url, source))
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{annotations} is not laid out as COCO's annotations are ({type(error).__name__}: {error}); expected "
            '{"images": [{"id": ..., "file_name": ..., "license": ...}], "licenses": [...]}.'
        ) from error
    if not found:
        raise DataError(f"None of the {len(missing)} pictures that {annotations} names is in {folder}.")
    if missing:
        print(f"{len(missing)} of the {len(entries)} pictures of {annotations.name} are missing: {_some(missing)}")
    description = f"COCO folder {folder}: {len(found)} of {len(entries)} pictures that {annotations.name} names."
    return CocoFolder(found, missing, description)


def _read_json(path: Path) -> dict:
    if not path.is_file():
        raise DataError(f"There is no file {path}; expected COCO's annotations as JSON.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:  # broken JSON and broken UTF-8 are both ValueErrors
        raise DataError(f"{path} is not a JSON file, or is cut short ({error}).") from error
    if not isinstance(content, dict) or "images" not in content:
        raise DataError(f'{path} has no entry "images"; expected COCO\'s annotations (instances or captions).')
    return content


def _inside(folder: Path, name: str, annotations: Path) -> Path:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise DataError(f"{annotations} names a picture outside of {folder}: {name!r}. Correct that entry.")
    return path


def _some(names: list[str], count: int = 5) -> str:
    more = f" and {len(names) - count} more" if len(names) > count else ""
    return ", ".join(names[:count]) + more
