"""Which pictures become which files, and the work through all of them: one that fails does not stop the others.

Never in here: what happens within one file (`files`).
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from gan_lib import images
from gan_lib.datasets import DataError, find_photographs
from gan_lib.restoring.enlarged import enlarge_file
from gan_lib.restoring.enlarging import Enlarger
from gan_lib.restoring.files import OutsideError, Restored, Worker, restore_file
from gan_lib.restoring.filling import fill_file
from gan_lib.restoring.holes import HoleFiller
from gan_lib.restoring.restorer import Restorer
from gan_lib.restoring.tasks import SettingsError

_ONE_FILE = {Restorer: restore_file, HoleFiller: fill_file, Enlarger: enlarge_file}
_RESTORED, _CROPPED, _COMPARE, _MASK = "_restored", "_crop_restored", "_compare", "_mask_as_read"


class Job(NamedTuple):
    """One picture to restore: from where, to where, and where its sheet goes if one is wanted."""

    source: Path
    target: Path
    sheet: Path | None


class Report:
    """What has become of the jobs so far; complete also when Ctrl-C ended the work.

    Attributes:
        done: results, in order.
        skipped: (path, reason) of pictures that needed no work.
        failed: (path, reason) of pictures that could not be restored.
    """

    def __init__(self):
        self.done: list[Restored] = []
        self.skipped: list[tuple[Path, str]] = []
        self.failed: list[tuple[Path, str]] = []

    def summary(self) -> str:
        """For a terminal: each picture that was passed over or failed, with its reason, and the numbers."""
        lines = [f"skipped: {path}: {reason}" for path, reason in self.skipped]
        lines += [f"failed: {path}: {reason}" for path, reason in self.failed]
        counts = [f"{len(self.done)} restored", f"{len(self.skipped)} skipped", f"{len(self.failed)} failed"]
        return "\n".join([*lines, ", ".join(counts) + "."])


def plan(
    pictures: Sequence[str | Path],
    output: str | Path | None = None,
    *,
    crop: bool = False,
    compare: bool = False,
    report: Report | None = None,
) -> list[Job]:
    """Decide where each result goes: beside its picture, or below ``output``.

    Args:
        pictures: files, and folders that are searched with all folders below them.
        output: a file if one picture file was given and the name ends like a picture's; else a folder, in which
            folders keep their structure.
        crop: whether only a part will be restored, which gets a name of its own.
        compare: whether to plan a sheet beside each result.
        report: where to write down what was passed over.

    Returns:
        One job for each picture; results of earlier runs in a folder are passed over.

    Raises:
        SettingsError: if one output file was named for several pictures, or its ending is not a picture's, or several
            pictures would become one file.
        DataError: if there is no such folder, or no picture in it.
    """
    output = Path(output).expanduser() if output else None
    pictures = [Path(given).expanduser() for given in pictures]
    found = []  # (picture, the folder that its result goes to)
    for given in pictures:
        if not given.is_dir():
            found.append((given, output or given.parent))
            continue
        for path in find_photographs(given):
            if path.stem.endswith((_RESTORED, _COMPARE, _MASK)):
                if report is not None:
                    report.skipped.append((path, "it looks like a result of an earlier run"))
            else:
                found.append((path, output / path.parent.relative_to(given) if output else path.parent))
    target = _as_file(output, pictures)
    found = list(dict.fromkeys(found))  # a picture may be named twice: in its folder, and by itself
    # Two pictures that differ in their ending only would become one file.
    names = collections.Counter((folder, Path(name).stem) for folder, name in {(to, path.name) for path, to in found})
    jobs = []
    for path, folder in found:
        stem = path.stem if names[folder, path.stem] == 1 else path.name.replace(".", "_")
        result = target or folder / f"{stem}{_CROPPED if crop else _RESTORED}.png"
        sheet = result.with_name(f"{result.stem.removesuffix(_RESTORED)}{_COMPARE}.png") if compare else None
        jobs.append(Job(path, result, sheet))
    _check_apart(jobs)
    return jobs


def _check_apart(jobs: list[Job]) -> None:
    """Raises SettingsError if two results would be one file: the second would look like one that is done already."""
    first: dict[Path, Path] = {}
    for job in jobs:
        other = first.setdefault(job.target, job.source)
        if other != job.source:
            raise SettingsError(
                f"Several pictures would become {job.target}: {other} and {job.source}. Restore them in runs of their "
                "own, with different -o."
            )


def _as_file(output: Path | None, pictures: list[Path]) -> Path | None:
    """The output if it names a file, else None."""
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
            over a folder can be taken up again; for a single picture it is an error.
        progress: whether to show a progress bar, over the pictures or over the tiles of a single one.
        tell: what to do with a line for the reader.
        **settings: as for `restore_file` (sigma, strength, tile, max_pixels, crop), `fill_file` (mask, max_pixels,
            crop) or `enlarge_file` (tile, max_pixels, crop).

    Raises:
        SettingsError: if a setting is out of range; of several pictures, one that does not hold the crop counts as
            failed.
    """
    several = len(jobs) > 1
    for job in tqdm(jobs, unit="picture", disable=not (progress and several)):
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
        except FileExistsError as error:
            (report.skipped if several else report.failed).append((job.source, str(error)))
        except OutsideError as error:
            if not several:
                raise
            report.failed.append((job.source, str(error)))
        except (images.PictureError, DataError, OSError, MemoryError) as error:
            report.failed.append((job.source, str(error) or "not enough memory"))
        else:
            report.done.append(done)
            tell(f"{job.source} -> {done.path}" + (f" (estimated sigma {done.sigma:.1f})" if done.estimated else ""))
            for note in [f"Before and after: {done.sheet}"] * bool(done.sheet) + done.notes:
                tell(f"    {note}")
