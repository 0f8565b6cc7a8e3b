"""Imports go one way: each room may import the rooms named here, and nothing else of `gan_lib`."""

import ast
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parent.parent / "gan_lib"

# Room -> rooms it may import, also inside functions. A new room gets a line here, or the tests fail.
MAY_IMPORT = {
    "files": set(),
    "images": {"files"},
    "degradations": {"images"},
    "downloads": {"files"},
    "datasets": {"images", "downloads", "degradations", "files"},
    "hardware": set(),
    "losses": set(),
    "networks": set(),
    "weights": {"networks", "files"},
    "metrics": {"images", "networks", "datasets"},
    "training": {"images", "losses", "metrics"},
    "callbacks": {"images", "files", "training", "metrics", "losses", "datasets"},
    "plots": {"images"},
    "course": {"files", "hardware"},
    "baselines": {"images"},
    "evaluation": {
        "images",
        "datasets",
        "degradations",
        "metrics",
        "baselines",
        "files",
        "weights",
        "networks",
        "restoring",
    },
    "restoring": {"images", "degradations", "datasets", "metrics", "networks", "weights", "files"},
}
MAY_IMPORT["__init__"] = {"restoring"}
MAY_IMPORT["__main__"] = set(MAY_IMPORT)
# Packages that only some rooms may import.
RESERVED = {"matplotlib": {"plots"}, "argparse": {"__main__"}, "yaml": set(), "torch": set(), "cv2": {"baselines"}}


def room_of(path: Path, library: Path = LIBRARY) -> str:
    return path.relative_to(library).parts[0].removesuffix(".py")


def imports(source: str, module: str) -> set[str]:
    """Full names of everything a module imports, anywhere in it; relative imports are resolved."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(module.split(".")[: -node.level]) if node.level else ""
            name = ".".join(part for part in (base, node.module or "") if part)
            # `from gan_lib import losses` names the room only in its list of names.
            found |= {f"{name}.{alias.name}" for alias in node.names} if name == "gan_lib" else {name}
    return found


def offences(library: Path, room: str, source: str, module: str) -> list[str]:
    found = []
    for name in sorted(imports(source, module)):
        parts = name.split(".")
        if parts[0] == "gan_lib":
            other = parts[1] if len(parts) > 1 else "__init__"
            is_room = (library / other).is_dir() or (library / f"{other}.py").is_file()
            if is_room and other != room and other not in MAY_IMPORT[room]:
                found.append(f"{module} imports {name}; {room} may import {sorted(MAY_IMPORT[room]) or 'no room'}")
        if parts[0] in RESERVED and room not in RESERVED[parts[0]]:
            found.append(f"{module} imports {parts[0]}; only {sorted(RESERVED[parts[0]]) or 'nobody'} may")
    return found


def modules() -> list[Path]:
    return sorted(LIBRARY.rglob("*.py"))


def test_every_room_is_listed():
    rooms = {room_of(path) for path in modules()}
    assert rooms <= set(MAY_IMPORT), f"give {sorted(rooms - set(MAY_IMPORT))} a line in MAY_IMPORT"


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(LIBRARY).as_posix())
def test_imports_go_one_way(path):
    parts = path.relative_to(LIBRARY.parent).with_suffix("").parts
    assert offences(LIBRARY, room_of(path), path.read_text(encoding="utf-8"), ".".join(parts)) == []


def test_the_table_has_no_circle():
    waiting = {room: set(others) for room, others in MAY_IMPORT.items() if room != "__main__"}
    while waiting:
        free = {room for room, others in waiting.items() if not others & set(waiting)}
        assert free, f"these import each other in a circle: {sorted(waiting)}"
        waiting = {room: others for room, others in waiting.items() if room not in free}


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("losses", "from gan_lib import training"),
        ("losses", "def f():\n    from gan_lib.training.steps import draw_latent"),
        ("losses", "import gan_lib.training"),
        ("losses", "from . import training"),
        ("metrics", "import matplotlib.pyplot as plt"),
        ("hardware", "def f():\n    import argparse"),
    ],
)
def test_a_wrong_import_is_seen(room, source):
    assert len(offences(LIBRARY, room, source, f"gan_lib.{room}")) == 1


def test_right_imports_pass():
    source = "import numpy as np\nfrom gan_lib import losses\nfrom gan_lib.training.steps import x\n"
    assert offences(LIBRARY, "training", source, "gan_lib.training.generation") == []


def test_modules_say_what_belongs_in_them():
    for path in modules():
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert docstring, f"{path.relative_to(LIBRARY)} has no docstring"


def test_importing_the_package_is_cheap(run_python):
    code = "import sys, gan_lib; print([m for m in ('tensorflow', 'keras', 'numpy', 'matplotlib') if m in sys.modules])"
    assert run_python(code) == "[]"


def test_reading_the_preset_is_cheap(run_python):
    code = "import sys; from gan_lib import hardware; print(hardware.preset(), 'tensorflow' in sys.modules)"
    assert run_python(code, GAN_LIB_PRESET="smoke") == "smoke False"
