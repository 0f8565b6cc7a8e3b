"""Writing files whole or not at all.

What is in the files is none of this module's business: pictures are in `images`, weights in `weights`.
"""

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_REASONS = {
    errno.ENOSPC: "the disk is full. Free some space and run this again",
    errno.EDQUOT: "your disk quota is used up. Free some space and run this again",
    errno.EROFS: "the disk is read-only. Choose another folder",
    errno.EACCES: "you may not write there. Choose another folder",
    errno.EPERM: "you may not write there. Choose another folder",
    errno.ENOTDIR: "a file stands where a folder is needed. Choose another folder",
    errno.EEXIST: "a file stands where a folder is needed. Choose another folder",
    errno.EISDIR: "a folder has that name. Choose another name",
}


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
    path = Path(path)
    working = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        working = Path(tempfile.mkdtemp(dir=path.parent, prefix=".writing-"))
        yield working / path.name
        os.replace(working / path.name, path)
    except (OSError, RuntimeError) as error:
        # h5py reports a full disk as an OSError without errno, or as a RuntimeError when it closes the file; both
        # have the reason in their text.
        number = getattr(error, "errno", None) or (errno.ENOSPC if "No space left" in str(error) else None)
        if isinstance(error, RuntimeError) and number is None:
            raise
        message = f"{path} could not be written: {_REASONS.get(number, error)}. Nothing was changed."
        raise (OSError(message) if number is None else OSError(number, message)) from error
    finally:
        if working is not None:
            shutil.rmtree(working, ignore_errors=True)
