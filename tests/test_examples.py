"""Docstrings: their examples can be typed in as they stand, since they name only what is there."""

import ast
import builtins
import doctest
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parent.parent / "gan_lib"
MODULES = sorted(path for path in LIBRARY.rglob("*.py") if ">>> " in path.read_text(encoding="utf-8"))


def examples(tree):
    """(line, example) for each docstring that has one."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            text = ast.get_docstring(node) or ""
            if source := "".join(one.source for one in doctest.DocTestParser().get_examples(text)):
                yield getattr(node, "lineno", 1), ast.parse(source)


def imported(nodes):
    for node in nodes:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)


def defined(tree):
    """What a module defines and assigns at its top level."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            yield from (inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))


def unknown_names(source):
    tree = ast.parse(source)
    of_module = {*imported(tree.body), *defined(tree), *dir(builtins)}
    for line, example in examples(tree):
        nodes = list(ast.walk(example))
        known = of_module | {*imported(nodes), *(node.arg for node in nodes if isinstance(node, ast.arg))}
        names = [node for node in nodes if isinstance(node, ast.Name)]
        known |= {node.id for node in names if isinstance(node.ctx, ast.Store)}
        yield from (f"line {line}: {node.id}" for node in names if node.id not in known)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_every_name_is_imported_or_defined(path):
    assert not list(unknown_names(path.read_text(encoding="utf-8")))


def test_a_name_from_nowhere_is_found():
    example = "    >>> model = keras.Sequential()\n    >>> f(model, x)"
    source = f'import keras\n\ndef f(x):\n    """F.\n\n{example}\n    """\n    x = 1\n'
    assert list(unknown_names(source)) == ["line 3: x"]
