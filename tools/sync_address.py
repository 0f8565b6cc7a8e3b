"""Write the repository's address into badges, clone lines and install lines.

The address is one setting: `Repository` under `[project.urls]` in pyproject.toml. After changing it:

    python tools/sync_address.py            rewrite the README, the docs and the notebooks
    python tools/sync_address.py --check    change nothing; name the files that disagree, with exit status 1

Doing it twice changes nothing. Recognised are addresses of the form https://github.com/OWNER/NAME[.git] and
https://colab.research.google.com/github/OWNER/NAME/... whose NAME is the course's (the old or the new one), so links to
other repositories stay as they are.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from pathlib import Path

from gan_lib.files import whole_file

ROOT = Path(__file__).resolve().parent.parent
# The course's name in addresses. Somebody who renames a fork adds the new name here.
NAMES = ("gan-restoration-course",)


class WrongAddress(ValueError):
    """The address in pyproject.toml has another form than expected."""


def repository(root: Path = ROOT) -> tuple[str, str]:
    """Owner and name of the repository, as pyproject.toml has them.

    Raises:
        WrongAddress: it is not an address on GitHub.
    """
    address = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Repository"]
    fitting = re.fullmatch(r"https://github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?", address)
    if fitting is None:
        raise WrongAddress(f"Repository is {address!r} in pyproject.toml; https://github.com/OWNER/NAME was expected.")
    return fitting[1], fitting[2]


def with_address(text: str, owner: str, name: str) -> str:
    """The text with every address of the course's repository set to this owner and name.

    Example:
        >>> with_address("git clone https://github.com/a/gan-restoration-course.git", "b", "gan-restoration-course")
        'git clone https://github.com/b/gan-restoration-course.git'
    """
    names = "|".join(re.escape(known) for known in sorted({*NAMES, name}))
    pattern = rf"((?:https://github\.com|https://colab\.research\.google\.com/github)/)[\w.-]+/(?:{names})(?![\w-])"
    return re.sub(pattern, rf"\g<1>{owner}/{name}", text)


def files(root: Path = ROOT) -> list[Path]:
    """The files that may hold the address."""
    found = [root / "README.md", root / "CONTRIBUTING.md", *(root / "docs").glob("*.md")]
    return [path for path in [*found, *sorted((root / "notebooks").glob("*.ipynb"))] if path.is_file()]


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing, only say which files disagree")
    check = parser.parse_args(arguments).check
    try:
        owner, name = repository(root)
    except WrongAddress as error:
        print(error, file=sys.stderr)
        return 2
    differing = 0
    for path in files(root):
        text = path.read_bytes().decode("utf-8")
        wanted = with_address(text, owner, name)
        if wanted == text:
            continue
        differing += 1
        if check:
            print(f"{path.relative_to(root)} names another address than pyproject.toml; run tools/sync_address.py.")
        else:
            with whole_file(path) as working:
                working.write_bytes(wanted.encode("utf-8"))
            print(f"{path.relative_to(root)} now names {owner}/{name}.")
    if not differing:
        print(f"All files name {owner}/{name}.")
    return 1 if check and differing else 0


if __name__ == "__main__":
    sys.exit(main())
