"""Which pictures become which files, and the work through all of them: one that fails does not stop the others.

Never in here: what happens within one file (`files`).
"""

from __future__ import annotations

import collections
import itertools
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from gan_lib import files, images
from gan_lib.datasets import DataError, find_photographs
from gan_lib.restoring.enlarged import enlarge_file
from gan_lib.restoring.enlarging import Enlarger
from gan_lib.restoring.files import (
    CAMERAS,
    InTheWayError,
    OutsideError,
    Restored,
    Worker,
    export_first,
    restore_file,
)
from gan_lib.restoring.filling import fill_file
from gan_lib.restoring.holes import HoleFiller
from gan_lib.restoring.masks import MaskSource
from gan_lib.restoring.restorer import Restorer
from gan_lib.restoring.tasks import SettingsError

_ONE_FILE = {Restorer: restore_file, HoleFiller: fill_file, Enlarger: enlarge_file}
_RESTORED, _CROPPED, _COMPARE, _MASK = "_restored", "_crop_restored", "_compare", "_mask_as_read"
# Endings of pictures that a search of a folder does not take: of phones, picture editors and cameras.
_PHONES = "heic heif hif avif jxl jp2 j2k jpe jfif apng"
_EDITORS = "psd psb xcf kra ora afphoto tga exr hdr"
_NOT_READ = {*CAMERAS, *(f".{ending}" for ending in f"{_PHONES} {_EDITORS}".split())}


class Job(NamedTuple):
    """One picture to restore: from where, to where, and where its sheet goes if one is wanted."""

    source: Path
    target: Path
    sheet: Path | None


class Report:
    """What has become of the jobs so far; complete also when Ctrl-C ended the work.

    Attributes:
        done: results, in order.
        skipped: (path, reason) of pictures that needed no work, or are of a kind that is not read.
        failed: (path, reason) of pictures that could not be restored.
    """

    def __init__(self):
        self.done: list[Restored] = []
        self.skipped: list[tuple[Path, str]] = []
        self.failed: list[tuple[Path, str]] = []

    def summary(self) -> str:
        """For a terminal: each picture that was passed over or failed, with its reason, and the numbers."""
        lines = [f"failed: {path}: {reason}" for path, reason in self.failed]
        counts = [f"{len(self.done)} restored", f"{len(self.skipped)} skipped", f"{len(self.failed)} failed"]
        return "\n".join([*self.passed_over(), *map(_printable, lines), ", ".join(counts) + "."])

    def passed_over(self) -> list[str]:
        """A line for each picture that was skipped, with its reason."""
        return [_printable(f"skipped: {path}: {reason}") for path, reason in self.skipped]


def plan(
    pictures: Sequence[str | Path],
    output: str | Path | None = None,
    *,
    crop: bool = False,
    compare: bool = False,
    masks: Path | None = None,
    report: Report | None = None,
) -> list[Job]:
    """Decide where each result goes: beside its picture, or below ``output``.

    Args:
        pictures: files, and folders that are searched with all folders below them.
        output: a file if one picture file was given and the name ends like a picture's; else a folder, in which
            folders keep their structure.
        crop: whether only a part will be restored, which gets a name of its own.
        compare: whether to plan a sheet beside each result.
        masks: a mask or a folder of masks, which are no pictures to restore where they lie in a searched folder.
        report: where to write down what was passed over.

    Returns:
        One job for each picture, all with different names, also where capitals do not count. In a folder results of
        earlier runs are passed over, and pictures of kinds that are not read.

    Raises:
        SettingsError: if one output file was named for several pictures, or its ending is not a picture's, or pictures
            of one name come from several folders and would become one file, or a result would be one of the pictures.
        DataError: if there is no such folder, or no picture in it.
    """
    output = files.expanded(output) if output else None
    pictures = [files.expanded(given) for given in pictures]
    found = []  # (picture, the folder that its result goes to)
    for given in pictures:
        if not given.is_dir():
            found.append((given, output or given.parent))
            continue
        unread = _not_read(given)
        if report is not None:
            report.skipped += [(path, export_first(path)) for path in unread]
        try:
            photographs = find_photographs(given)
        except DataError as error:
            if unread:
                raise DataError(f"{error} {unread[0]}, one of {len(unread)}: {export_first(unread[0])}.") from error
            raise
        for path in photographs:
            reason = "it looks like a result of an earlier run" if looks_like_a_result(path) else None
            reason = "it is a mask" if _is_a_mask(path, masks, given) else reason
            if reason:
                if report is not None:
                    report.skipped.append((path, reason))
            else:
                found.append((path, output / path.parent.relative_to(given) if output else path.parent))
    target = check_output(output, pictures)
    found = list(dict.fromkeys(found))  # a picture may be named twice: in its folder, and by itself
    stems = _stems({(folder, path.name) for path, folder in found})
    jobs = []
    for path, folder in found:
        result = target or folder / f"{stems[folder, path.name]}{_CROPPED if crop else _RESTORED}.png"
        sheet = result.with_name(f"{result.stem.removesuffix(_RESTORED)}{_COMPARE}.png") if compare else None
        jobs.append(Job(path, result, sheet))
    _check_apart(jobs)
    return jobs


def looks_like_a_result(path: Path) -> bool:
    """Whether a file has the name of a restored picture, of a sheet, or of a mask that was shown."""
    return path.stem.endswith((_RESTORED, _COMPARE, _MASK))


def _is_a_mask(path: Path, masks: Path | None, searched: Path) -> bool:
    """Whether a picture is the mask, or lies in the folder of masks; unless pictures and masks share one folder."""
    if masks is None or not masks.exists():
        return False
    if not masks.is_dir():
        return path.samefile(masks)
    return not masks.samefile(searched) and masks.resolve() in path.resolve().parents


def check_masks(jobs: Sequence[Job], mask: MaskSource) -> None:
    """Raise SettingsError if pictures of one name from several folders would get one mask, which fits one at most."""
    users: dict[Path, Path] = {}
    for job in jobs if mask.file is not None and mask.file.is_dir() else ():
        try:
            found = mask.of(job.source)
        except images.PictureError:
            continue  # it will be listed among the pictures that failed
        other = users.setdefault(found, job.source)
        if other.parent != job.source.parent:
            raise SettingsError(
                f"{other} and {job.source} would both get the mask {found}. Put masks into folders as the pictures "
                f"are: {mask.file / job.source.parent.name / found.name}."
            )


def _not_read(folder: Path) -> list[Path]:
    """Pictures in a folder, and in those below it, that `find_photographs` does not look for; hidden ones left out."""
    found = [path for path in folder.rglob("*") if path.suffix.lower() in _NOT_READ and path.is_file()]
    return sorted(path for path in found if not any(part[0] == "." for part in path.relative_to(folder).parts))


def _stems(names: set[tuple[Path, str]]) -> dict[tuple[Path, str], str]:
    """What the results' names begin with: those of the pictures, or longer ones where two would become one file.

    Args:
        names: folder of the result, and name of the picture.

    Returns:
        For each of them a stem that is free in its folder; the same ones in every run over the same pictures.
    """
    wanted = collections.Counter(_key(folder, Path(name).stem) for folder, name in names)
    taken = {key for key, count in wanted.items() if count == 1}
    stems = {}
    for folder, name in sorted(names):
        stem = Path(name).stem
        if wanted[_key(folder, stem)] > 1:  # they differ in their ending, or in capitals
            longer = name.replace(".", "_")
            choices = itertools.chain([longer], (f"{longer}_{number}" for number in itertools.count(2)))
            stem = next(choice for choice in choices if _key(folder, choice) not in taken)
            taken.add(_key(folder, stem))
        stems[folder, name] = stem
    return stems


def _key(folder: Path, name: str) -> str:
    """The same for paths that are one file on Windows and macOS, where capitals do not count."""
    return str(folder / name).casefold()


def _check_apart(jobs: list[Job]) -> None:
    """Raises SettingsError if two results would be one file: the second would look like one that is done already.

    So it does if a result would be one of the pictures: with --overwrite that original would be lost.
    """
    first: dict[str, Path] = {}
    for job in jobs:
        other = first.setdefault(_key(job.target.parent, job.target.name), job.source)
        if other != job.source:
            raise SettingsError(
                f"Several pictures would become {job.target}: {other} and {job.source}. Restore them in runs of their "
                "own, with different -o."
            )
    originals = {_key(job.source.parent.absolute(), job.source.name): job.source for job in jobs}
    for job in jobs:
        for written in filter(None, [job.target, job.sheet]):
            other = originals.get(_key(written.parent.absolute(), written.name), job.source)
            if other != job.source:
                raise SettingsError(
                    f"The result of {job.source} would be {written}, which is itself a picture to restore. Restore "
                    "them in runs of their own, or name a folder for the results with -o."
                )


def check_output(output: Path | None, pictures: Sequence[Path]) -> Path | None:
    """The output if it names a file, else None; SettingsError if it names one that cannot be."""
    if output is None or output.is_dir() or not output.suffix:
        return None
    try:
        images.check_name(output.name)
    except ValueError as error:
        raise SettingsError(f"{error} If {output} is meant to be a folder, make it first.") from error
    if len(pictures) != 1 or pictures[0].is_dir():
        raise SettingsError(f"The output {output} is one file; for several pictures name a folder.")
    return output


def restore_files(
    worker: Worker,
    jobs: Sequence[Job],
    report: Report,
    *,
    overwrite: bool = False,
    progress: bool = True,
    tell: Callable[[str], None] = tqdm.write,
    **settings: Any,
) -> None:
    """Work through the jobs.

    Args:
        worker: the network: a `Restorer` removes noise, a `HoleFiller` fills holes, an `Enlarger` enlarges.
        jobs: from `plan`.
        report: where to write down what became of each, at once.
        overwrite: whether older results may be replaced. Without it those pictures count as skipped, so that a run
            over a folder can be taken up again; for a single picture it is an error. Only the restored picture
            decides; see `files.check_free`.
        progress: whether to show a progress bar, over the pictures or over the tiles of a single one.
        tell: what to do with a line for the reader.
        **settings: as for `restore_file` (sigma, strength, tile, max_pixels, crop), `fill_file` (mask, max_pixels,
            crop) or `enlarge_file` (tile, max_pixels, crop).

    Raises:
        SettingsError: if a setting is out of range; of several pictures, one that does not hold the crop counts as
            failed.
        OSError: if results cannot be written into one of the folders; told before the first picture is worked on.
    """
    several = len(jobs) > 1
    for folder in dict.fromkeys(job.target.parent for job in jobs if overwrite or not os.path.exists(job.target)):
        files.check_folder(folder)
    for job in tqdm(jobs, unit="picture", disable=not (progress and several)):
        before, count = _written(job.target), len(report.done)
        try:
            done = _ONE_FILE[type(worker)](
                worker,
                job.source,
                job.target,
                sheet=job.sheet,
                overwrite=overwrite,
                progress=progress and not several,
                **settings,
            )
            report.done.append(done)
        except KeyboardInterrupt:
            # It may have waited until the files were in place: then this picture is finished, too.
            if len(report.done) == count and _written(job.target) not in (None, before):
                report.done.append(Restored(job.target, job.sheet, None, False, []))
            raise
        except FileExistsError as error:
            is_result = several and not isinstance(error, InTheWayError)
            (report.skipped if is_result else report.failed).append((job.source, str(error)))
        except SettingsError as error:
            if not several or not isinstance(error, OutsideError):
                raise
            report.failed.append((job.source, str(error)))
        except (ValueError, OSError, MemoryError) as error:  # PictureErrors and DataErrors are ValueErrors
            report.failed.append((job.source, str(error) or "not enough memory"))
        else:
            told = f" (estimated sigma {done.sigma:.1f})" if done.estimated else ""
            tell(_printable(f"{job.source} -> {done.path}{told}"))
            for note in [f"Before and after: {done.sheet}"] * bool(done.sheet) + done.notes:
                tell(_printable(f"    {note}"))


def _written(path: Path) -> tuple[int, int] | None:
    """What changes when a file is written anew; None if there is no file."""
    try:
        told = path.stat()
    except OSError:
        return None
    return told.st_ino, told.st_mtime_ns


def _printable(line: str) -> str:
    """A line with what no terminal can show as backslashes: names may hold bytes that are no text."""
    return line.encode(errors="backslashreplace").decode()
