"""The table of measures, for the terminal and as a file.

Never in here: measuring.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
from pathlib import Path
from typing import Any

from gan_lib.files import expanded, whole_file
from gan_lib.restoring import SettingsError

_COLUMNS = {"hole_psnr": ("PSNR in the hole, dB", ".2f"), "hole_ssim": ("SSIM in the hole", ".4f")}
_COLUMNS |= {"psnr": ("PSNR, dB", ".2f"), "ssim": ("SSIM", ".4f"), "psnr_rgb": ("PSNR in RGB, dB", ".2f")}
_COLUMNS |= {"perceptual": ("perceptual", ".4f"), "downscaled_error": ("made small again", ".2f")}
_COLUMNS["seconds_per_megapixel"] = ("s/megapixel", ".2f")


def as_table(report: dict[str, Any]) -> str:
    """A report as lines with a column for each measure.

    Args:
        report: with "protocol", "images" and "rows", as `evaluate_denoising` and its kind give it.

    Returns:
        The lines; "-" stands where nothing was measured.
    """
    columns = {key: column for key, column in _COLUMNS.items() if any(key in row for row in report["rows"])}
    lines = [["method", *(title for title, _ in columns.values())]]
    for row in report["rows"]:
        cells = [format(row[key], form) if row[key] is not None else "-" for key, (_, form) in columns.items()]
        lines.append([row["method"], *cells])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    table = [
        "  ".join([first.ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(rest, widths[1:], strict=True))]).rstrip()
        for first, *rest in lines
    ]
    pictures = "1 picture" if report["images"] == 1 else f"{report['images']} pictures"
    return "\n".join([f"{report['task']}, {pictures}: {report['protocol']}", "", *table])


class _Writable(Exception):
    """Leaves `whole_file` before it puts a file in place."""


def check_target(path: str | os.PathLike) -> None:
    """Finds out before a long measurement whether its result can be written; makes missing folders, and no file.

    Raises:
        OSError: if it cannot be written; the message names the reason.
    """
    path = expanded(path)
    with contextlib.suppress(_Writable), whole_file(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "a folder has that name")
        raise _Writable


def check_apart(images: str | os.PathLike | None, worst: str | os.PathLike | None) -> None:
    """Raises SettingsError if figures were to be written among the pictures, where the next run would measure them."""
    if images is None or worst is None:
        return
    folder, inside = expanded(images).resolve(), expanded(worst).resolve()
    if folder == inside or folder in inside.parents:
        raise SettingsError(f"The figures were to go into {worst}, among the pictures; name a folder elsewhere.")


def save_report(path: str | os.PathLike, report: dict[str, Any]) -> Path:
    """Writes a report as JSON, whole or not at all. Numbers that JSON does not know (infinity) become null.

    Raises:
        OSError: if it cannot be written; the message names the reason.
    """
    path = expanded(path)
    with whole_file(path) as working:
        text = json.dumps(_finite(report), indent=2, ensure_ascii=False, allow_nan=False)
        working.write_text(text + "\n", encoding="utf-8")
    return path


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
