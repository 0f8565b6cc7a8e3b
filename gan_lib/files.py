"""Writing files whole or not at all.

What is in the files is none of this module's business: pictures are in `images`, weights in `weights`.
"""

import contextlib
import errno
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

_REASONS = {
    errno.ENOSPC: "the disk is full. Free some space and run this again",
    errno.EDQUOT: "your disk quota is used up. Free some space and run this again",
    errno.EROFS: "the disk is read-only. Choose another folder",
    errno.EACCES: "you may not write there. Choose another folder",
    errno.EPERM: "you may not write there. Choose another folder",
    errno.ENOENT: "there is no such folder, and none can be made there. Choose another folder",
    errno.ENOTDIR: "a file stands where a folder is needed. Choose another folder",
    errno.EEXIST: "a file stands where a folder is needed. Choose another folder",
    errno.EISDIR: "a folder has that name. Choose another name",
    errno.ENAMETOOLONG: "the name is too long for this disk. Choose a shorter one",
}


def expanded(path: str | os.PathLike) -> Path:
    """A path in which a ``~`` at the front means the home folder, as people type it.

    What is there under that very name is meant itself: names of files may begin with ``~``, and to ask whose home
    ``~holiday.jpg`` is ends in an error.

    Args:
        path: of a file or a folder, which need not exist.

    Returns:
        The path to work with.

    Example:
        >>> expanded("~/photos").is_absolute()
        True
    """
    path = Path(path)
    if os.path.lexists(path):
        return path
    try:
        return path.expanduser()
    except RuntimeError:  # nobody of that name has a home here
        return path


@contextlib.contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[Path]:
    """Gives a temporary path to write to, which takes the place of ``path`` once everything is written.

    If writing fails, is interrupted or the disk fills, whatever stood at ``path`` is still there, and nothing
    half-written stays. Missing folders are made.

    Args:
        path: where the file is to be.

    Yields:
        A path in the same folder, with the same name but in a hidden folder of its own.

    Raises:
        OSError: if it cannot be written; the message names the file, the reason and the way out.

    Example:
        >>> with whole_file("build/note.txt") as working:
        ...     _ = working.write_text("all of it")
    """
    with whole_files([Path(path)]) as (working,):
        yield working


def write_together(contents: Sequence[tuple[Path, bytes]]) -> None:
    """Writes several files: all of them, or none. Missing folders are made.

    They take their places one right after the other, the last of ``contents`` last: where that one stands, all do,
    even if the machine was switched off in between. Ctrl-C waits until all are there.

    Args:
        contents: paths, and what is to be in each file.

    Raises:
        OSError: if one cannot be written; the message names it or the last one, the reason and the way out. Whatever
            stood at the paths is still there.
    """
    with _ctrl_c_waits(), whole_files([path for path, _ in contents]) as working:
        for new, (_, data) in zip(working, contents, strict=True):
            new.write_bytes(data)


def check_folder(folder: str | os.PathLike) -> None:
    """Finds out before long work whether its results can be written into a folder. Makes nothing that stays.

    Args:
        folder: where files are to be; of one that is still to be made, the folder is tried that it will be made in.

    Raises:
        OSError: if nothing can be written there; the message names the folder, the reason and the way out.
    """
    folder = Path(folder)
    with _ctrl_c_waits():
        try:
            there = next((place for place in (folder, *folder.parents) if place.exists()), Path())
            os.rmdir(tempfile.mkdtemp(dir=there, prefix=".writing-"))
        except OSError as error:
            raise _in_words(folder, error) from error


@contextlib.contextmanager
def whole_files(paths: list[Path]) -> Iterator[list[Path]]:
    """`whole_file` for several: none takes its place before all are written, and then all do, or none.

    Args:
        paths: where the files are to be.

    Yields:
        For each a path as `whole_file` gives one.

    Raises:
        OSError: if one cannot be written; the message names the file, the reason and the way out.
    """
    made: list[Path] = []
    try:
        with _ctrl_c_waits():  # or a folder could be made whose name nobody has learnt yet
            for path in paths:
                path.parent.mkdir(parents=True, exist_ok=True)
                made.append(Path(tempfile.mkdtemp(dir=path.parent, prefix=".writing-")))
        working = [folder / path.name for folder, path in zip(made, paths, strict=True)]
        yield working
        with _ctrl_c_waits():
            _put_in_place(paths, working)
    except (OSError, RuntimeError) as error:
        # h5py reports a full disk as an OSError without errno, or as a RuntimeError when it closes the file; both
        # have the reason in their text.
        if isinstance(error, RuntimeError) and "No space left" not in str(error):
            raise
        named = next((path for path in paths if str(path) == getattr(error, "filename", None)), paths[-1])
        # Once there are folders to write to, what is not found is something that was to be read.
        raise _in_words(named, error, found=len(made) == len(paths)) from error
    finally:
        _remove(made)


def _put_in_place(paths: list[Path], working: list[Path]) -> None:
    """Moves written files to their places: all, or whatever stood there stands there again."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():  # which would be set aside like a file
            raise IsADirectoryError(errno.EISDIR, "a folder has that name", str(path))
    aside = [new.with_name(".before") for new in working]
    try:
        for path, new, before in zip(paths, working, aside, strict=True):
            # The last one needs no way back: if it cannot be moved, what stood there is untouched.
            if path is not paths[-1] and os.path.lexists(path):
                os.replace(path, before)
            os.replace(new, path)
    except BaseException:
        # Where the last one has left, all are in place.
        for path, new, before in zip(paths, working, aside, strict=True) if working[-1].exists() else ():
            if os.path.lexists(before):
                os.replace(before, path)
            elif not new.exists():
                path.unlink(missing_ok=True)
        raise


def _remove(folders: Sequence[Path]) -> None:
    """Removes temporary folders; what comes in between waits, or is raised when they are gone."""
    try:
        with _ctrl_c_waits():
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)
    except BaseException:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        raise


@contextlib.contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    """Holds Ctrl-C back for as long as it would leave something half done, and lets it take effect afterwards.

    Only the main thread can do so, and only it is interrupted by Ctrl-C.
    """
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or usual in (None, signal.SIG_IGN):
        yield
        return
    came = []
    signal.signal(signal.SIGINT, lambda *arguments: came.append(arguments))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
        if came:
            signal.raise_signal(signal.SIGINT)


def _in_words(path: Path, error: Exception, *, found: bool = False) -> OSError:
    """An error of writing as a sentence, with the same number if it has one."""
    number = getattr(error, "errno", None) or (errno.ENOSPC if "No space left" in str(error) else None)
    reason = error if found and number == errno.ENOENT else _REASONS.get(number, error)
    message = f"{path} could not be written: {reason}. Nothing was changed."
    return OSError(message) if number is None else OSError(number, message)
