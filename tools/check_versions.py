"""Check that this Python's packages are exactly those of a constraints file: that installing changed none of them.

    .venv-colab/bin/python tools/check_versions.py constraints/colab.txt

The exit status is 1 if a package is missing or has another version.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import re
import sys
from collections.abc import Callable
from pathlib import Path


def pinned(text: str) -> dict[str, str]:
    """Package to version, from the lines `package==version` of a constraints file."""
    return dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE))


def differences(wanted: dict[str, str], version: Callable[[str], str] = importlib.metadata.version) -> list[str]:
    """A sentence for each package that is missing or has another version than wanted."""
    found = []
    for package, expected in wanted.items():
        try:
            there = version(package)
        except importlib.metadata.PackageNotFoundError:
            there = "not installed"
        if there != expected:
            found.append(f"{package} is {there}; {expected} was expected.")
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("constraints", type=Path)
    wanted = pinned(parser.parse_args(arguments).constraints.read_text(encoding="utf-8"))
    found = differences(wanted)
    for sentence in found:
        print(sentence)
    if not wanted:
        print("The file names no version; lines like keras==3.13.2 were expected.")
    if wanted and not found:
        print(f"All {len(wanted)} packages have the versions of the file.")
    return 1 if found or not wanted else 0


if __name__ == "__main__":
    sys.exit(main())
