"""A URL and a sha256 -> a verified file; an archive -> a folder.

Never in here: pictures, and what a set means.
"""

from __future__ import annotations

import os
from pathlib import Path


class DownloadError(RuntimeError):
    """A file could not be fetched or unpacked; the message says why and what to do."""


def download(url: str, sha256: str, destination: str | os.PathLike) -> Path:
    raise DownloadError("Downloads are not built yet.")
