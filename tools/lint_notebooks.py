"""Hold the notebooks to the limits that keep them readable and runnable.

    python tools/lint_notebooks.py                          all of notebooks/
    python tools/lint_notebooks.py notebooks/01_gan.ipynb   these only

Each complaint is a line: file, cell, what came and what was expected. The exit status is 1 if there is any. The parts
of a lesson are recognised by tags of cells (in JupyterLab: the gears at the right, "Cell Tags"), since headings are the
lesson's own words; `PARTS` in notebook_rules.py lists them.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import nbformat
from notebook_rules import RULES, Complaint

ROOT = Path(__file__).resolve().parent.parent


def complaints(path: Path) -> list[Complaint]:
    """All complaints about one notebook, those about the whole file first."""
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except Exception as error:  # nbformat has many kinds of errors for a file that is not a notebook
        return [Complaint(None, f"this is no notebook that can be read: {str(error).splitlines()[0]}")]
    found = [complaint for rule in RULES for complaint in rule(notebook, path)]
    return sorted(found, key=lambda complaint: complaint.cell or 0)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="by default all of notebooks/")
    paths = parser.parse_args(arguments).notebooks or sorted((ROOT / "notebooks").glob("*.ipynb"))
    missing = [path for path in paths if not path.is_file()]
    if missing or not paths:
        print(f"There is no notebook {missing[0]}." if missing else "There are no notebooks to check.", file=sys.stderr)
        return 2
    total = 0
    with ProcessPoolExecutor(min(len(paths), os.cpu_count() or 1, 4)) as pool:  # a page is made of each: seconds
        for path, found in zip(paths, pool.map(complaints, paths), strict=True):
            for complaint in found:
                total += 1
                place = path.name if complaint.cell is None else f"{path.name}, cell {complaint.cell}"
                print(f"{place}: {complaint.text}")
    print(f"{len(paths)} notebooks, {total} complaints." if total else f"{len(paths)} notebooks, all in order.")
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
