"""The rules that the notebooks are held to, each a function from a notebook to its complaints.

Never in here: reading files, printing; `lint_notebooks.py` sees to those.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import nbformat
from course_pages import page
from lesson_run import TENSORFLOW_CHATTER

LONGEST_CELL = 30
LARGEST_FILE = 1_000_000
MOST_CONSTANTS = 10
FIRST_PICTURE_WITHIN = 25
PRESETS_WITH_MINUTES = ("smoke", "quick", "full")
# Tags that must be on some cell. `generation` is for lessons that draw pictures, `restoration` for those that mend
# them; the notebook's metadata say which order it follows: {"gan_lib": {"order": "restoration"}}.
PARTS = {
    "generation": {
        "goals": "what you will be able to do, what you need to know before, study and machine minutes",
        "setup": "versions and seed",
        "settings": "the one cell of constants",
        "question": "a question put to the reader before its answer",
        "checks": "assertions on what was built",
        "exercises": "predict, change, extend",
        "repair": "an exercise that mends something broken on purpose",
        "summary": "what to remember",
        "references": "papers and sources",
        "report": "the call of course.report",
    },
}
PARTS["restoration"] = PARTS["generation"] | {
    "baseline": "the same without learning",
    "evaluation": "measures on held-out pictures",
    "limits": "where it is used and must not be trusted",
}
CODE_PARTS = ("setup", "settings", "report")
# Lessons that teach plt.imshow; in all others figures come from gan_lib.plots.
MAY_IMPORT_MATPLOTLIB = ("00", "01")
MACHINE_PATH = re.compile(
    r"(?<![\w./:-])(?:/(?:home|root|Users|work|tmp|content|mnt|private|var/folders)/|[A-Z]:\\\\?Users)"
)
KNOWN_METADATA = {"minutes", "order", "photograph_colours", "study_minutes"}  # below "gan_lib"
VOLATILE_CELL_METADATA = ("execution", "ExecuteTime", "collapsed", "scrolled", "executionInfo", "outputId")


class Complaint(NamedTuple):
    """`cell` counts all cells from 1; None means the whole file."""

    cell: int | None
    text: str


Rule = Callable[[nbformat.NotebookNode, Path], Iterator[Complaint]]


def size(notebook: nbformat.NotebookNode, path: Path) -> Iterator[Complaint]:
    took = path.stat().st_size
    if took > LARGEST_FILE:
        yield Complaint(
            None, f"the file has {took:,} bytes; at most {LARGEST_FILE:,} were expected. Show fewer pictures."
        )


def long_cells(notebook: nbformat.NotebookNode, path: Path) -> Iterator[Complaint]:
    for number, cell in code_cells(notebook):
        lines = len(cell.source.strip("\n").splitlines())
        if lines > LONGEST_CELL:
            yield Complaint(number, f"{lines} lines of code; at most {LONGEST_CELL} were expected. Split the cell.")
        if "\t" in cell.source:
            yield Complaint(number, "there is a tab; spaces were expected.")


def executed(notebook: nbformat.NotebookNode, path: Path) -> Iterator[Complaint]:
    waiting = [number for number, cell in code_cells(notebook) if cell.execution_count is None]
    if waiting:
        text = f"it and {len(waiting) - 1} more cells have not been run" if waiting[1:] else "it has not been run"
        yield Complaint(waiting[0], f"{text}; outputs are committed. Run the notebook from start to end.")
        return
    expected = 0
    for number, cell in code_cells(notebook):
        expected += 1
        if cell.execution_count != expected:
            text = f"it was run as number {cell.execution_count}; {expected} was expected. Run all from a clean start."
            yield Complaint(number, text)
            expected = cell.execution_count
        for output in cell.outputs:
            if output.output_type == "error":
                yield Complaint(number, f"its output is an error ({output.ename}: {output.evalue}); none was expected.")


def outputs(notebook: nbformat.NotebookNode, path: Path) -> Iterator[Complaint]:
    for number, cell in code_cells(notebook):
        for output in cell.outputs:
            for kind, text in texts(output):
                hit = MACHINE_PATH.search(text)
                if hit and kind != "image/svg+xml":
                    shown = text[hit.start() : hit.start() + 40].split()[0]
                    yield Complaint(number, f"its output names a folder of one machine ({shown}); none was expected.")
                if TENSORFLOW_CHATTER.search(text):
                    text = "its output holds log lines of TensorFlow; none were expected. Run run_course.py --update."
                    yield Complaint(number, text)
                if kind == "application/javascript":
                    yield Complaint(number, "its output is a script; text or a picture was expected.")


def title(notebook: nbformat.NotebookNode, path: Path) -> Iterator[Complaint]:
    found = [number for number, cell in markdown_cells(notebook) for line in headings(cell.source) if line[:2] == "# "]
    if len(found) != 1:
        yield Complaint(None, f"there are {len(found)} headings of the first level (#); one was expected.")
    elif found[0] != 1:
        yield Complaint(found[0], "the title is here; it was expected in the first cell.")
    elif "](attachment:" not in notebook.cells[0].source:
        yield Complaint(1, "there is no picture below the title; an attachment that shows the result was expected.")


def parts(notebook: nbformat.NotebookNode, path: Path) -> Iterator[Complaint]:
    order = notebook.metadata.get("gan_lib", {}).get("order", "generation")
    if order not in PARTS:
        yield Complaint(
            None, f"its order is {order!r}; one of {', '.join(PARTS)} was expected (metadata gan_lib.order)."
        )
        return
    for tag, meaning in PARTS[order].items():
        tagged = [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]
        if not tagged:
            yield Complaint(None, f"no cell has the tag {tag!r} ({meaning}); at least one was expected.")
        if tag in CODE_PARTS and any(cell.cell_type != "code" for cell in tagged):
            yield Complaint(None, f"the tag {tag!r} is on a cell of text; a code cell was expected.")
        if tag == "checks" and tagged and not any(map(asserts, tagged)):
            yield Complaint(None, "no cell with the tag 'checks' asserts anything; an assert was expected.")


def asserts(cell: nbformat.NotebookNode) -> bool:
    return cell.cell_type == "code" and any(isinstance(node, ast.Assert) for node in ast.walk(tree(cell)))


def settings(notebook: nbformat.NotebookNode, path: Path) -> Iterator[Complaint]:
    tagged = [(number, cell) for number, cell in code_cells(notebook) if "settings" in cell.metadata.get("tags", [])]
    if len(tagged) > 1:
        yield Complaint(None, f"{len(tagged)} cells have the tag 'settings'; one was expected.")
    for number, cell in tagged:
        names = {
            target.id
            for node in tree(cell).body
            if isinstance(node, ast.Assign | ast.AnnAssign)
            for part in (node.targets if isinstance(node, ast.Assign) else [node.target])
            for target in ast.walk(part)
            if isinstance(target, ast.Name)
        }
        if len(names) > MOST_CONSTANTS:
            yield Complaint(number, f"{len(names)} settings; at most {MOST_CONSTANTS} were expected.")
        small = sorted(name for name in names if name != name.upper())
        if small:
            yield Complaint(number, f"the setting {small[0]} is not in capitals, as constants were expected to be.")


def minutes(notebook: nbformat.NotebookNode, path: Path) -> Iterator[Complaint]:
    stated = notebook.metadata.get("gan_lib", {}).get("minutes", {})
    missing = [name for name in PRESETS_WITH_MINUTES if not positive(stated.get(name))]
    if missing:
        shown = '{"gan_lib": {"minutes": {"smoke": 0.3, "quick": 5, "full": 12}, "study_minutes": 90}}'
        yield Complaint(
            None, f"the metadata state no minutes for {', '.join(missing)}; expected was something like {shown}."
        )
    if not positive(notebook.metadata.get("gan_lib", {}).get("study_minutes")):
        yield Complaint(None, "the metadata state no gan_lib.study_minutes; a number was expected.")


def first_picture(notebook: nbformat.NotebookNode, path: Path) -> Iterator[Complaint]:
    lines = 0
    for number, cell in code_cells(notebook):
        lines += sum(bool(line.strip()) and not line.strip().startswith("#") for line in cell.source.splitlines())
        if any(kind.startswith("image/") for output in cell.outputs for kind in output.get("data", {})):
            if lines > FIRST_PICTURE_WITHIN:
                text = (
                    f"the first picture comes after {lines} lines of code; {FIRST_PICTURE_WITHIN} at most were meant."
                )
                yield Complaint(number, text)
            return
    yield Complaint(None, "no cell has a picture as its output; one was expected early on.")


def code(notebook: nbformat.NotebookNode, path: Path) -> Iterator[Complaint]:
    for number, cell in code_cells(notebook):
        for node in ast.walk(tree(cell)):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            if name == "Lambda":
                yield Complaint(
                    number, "there is a Lambda layer, which cannot be saved; a layer with a name was expected."
                )
            imported = [item.name for item in node.names] if isinstance(node, ast.Import) else []
            imported += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if (
                any(name.split(".")[0] == "matplotlib" for name in imported)
                and path.name[:2] not in MAY_IMPORT_MATPLOTLIB
            ):
                yield Complaint(number, "it imports matplotlib; figures were expected from gan_lib.plots.")


def report(notebook: nbformat.NotebookNode, path: Path) -> Iterator[Complaint]:
    cells = list(code_cells(notebook))
    called = []
    for number, cell in cells:
        for node in ast.walk(tree(cell)):
            function = getattr(node.func, "attr", getattr(node.func, "id", "")) if isinstance(node, ast.Call) else ""
            if function in ("report", "output_folder") and node.args and isinstance(node.args[0], ast.Constant):
                called += [number] if function == "report" else []
                if node.args[0].value != path.stem:
                    text = f"{function} names the lesson {node.args[0].value!r}; {path.stem!r} was expected."
                    yield Complaint(number, text)
    if not called:
        yield Complaint(None, f"no cell calls course.report({path.stem!r}, ...); the last code cell was expected to.")
    elif called[-1] != cells[-1][0]:
        yield Complaint(called[-1], "course.report is called here; the last code cell was expected to.")


def metadata(notebook: nbformat.NotebookNode, path: Path) -> Iterator[Complaint]:
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield Complaint(None, "its kernel is not 'python3', the name that every machine knows.")
    if "widgets" in notebook.metadata:
        yield Complaint(None, "the metadata hold the state of widgets; none was expected.")
    about = notebook.metadata.get("gan_lib", {})
    if unknown := sorted(set(about) - KNOWN_METADATA):
        known = ", ".join(sorted(KNOWN_METADATA))
        yield Complaint(
            None, f"the metadata gan_lib hold {', '.join(unknown)}, which nothing reads; known are {known}."
        )
    colours = about.get("photograph_colours", 256)
    if type(colours) is not int or not 2 <= colours <= 256:
        yield Complaint(None, f"photograph_colours is {colours!r}; a whole number from 2 to 256 was expected.")
    for number, cell in enumerate(notebook.cells, start=1):
        found = [name for name in VOLATILE_CELL_METADATA if name in cell.metadata]
        if found:
            text = f"its metadata hold {found[0]!r}, which differs from run to run. Run it by run_course.py --update."
            yield Complaint(number, text)


def links(notebook: nbformat.NotebookNode, path: Path) -> Iterator[Complaint]:
    for number, cell in markdown_cells(notebook):
        for address in re.findall(r"\]\(([^)\s]+)", without_fences(cell.source)):
            file = address.split("#")[0]
            if file and not re.match(r"[a-z]+:", file) and not (path.parent / file).exists():
                yield Complaint(number, f"the link to {file} leads nowhere; an existing file was expected.")


def as_page(notebook: nbformat.NotebookNode, path: Path) -> Iterator[Complaint]:
    try:
        page(notebook, title=path.stem, folder=path.parent, output=path.parent)
    except ValueError as error:
        yield Complaint(None, str(error))


RULES: tuple[Rule, ...] = (
    size, title, parts, minutes, metadata, settings, report, long_cells, executed, outputs, first_picture, code, links,
    as_page,
)  # fmt: skip


def code_cells(notebook: nbformat.NotebookNode) -> Iterator[tuple[int, nbformat.NotebookNode]]:
    """Code cells that are not empty, with their numbers among all cells."""
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "code" and cell.source.strip():
            yield number, cell


def markdown_cells(notebook: nbformat.NotebookNode) -> Iterator[tuple[int, nbformat.NotebookNode]]:
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "markdown":
            yield number, cell


def without_fences(source: str) -> str:
    return re.sub(r"^(```|~~~).*?^\1", "", source, flags=re.MULTILINE | re.DOTALL)


def headings(source: str) -> list[str]:
    return [line for line in without_fences(source).splitlines() if re.match(r"#{1,6} ", line)]


def tree(cell: nbformat.NotebookNode) -> ast.Module:
    """The cell's syntax tree without lines that are for IPython; empty where it is no Python (ruff says so)."""
    lines = ["pass" if line.lstrip()[:1] in ("%", "!") else line for line in cell.source.splitlines()]
    try:
        return ast.parse("\n".join(lines))
    except SyntaxError:
        return ast.Module(body=[], type_ignores=[])


def texts(output: nbformat.NotebookNode) -> Iterator[tuple[str, str]]:
    """Kind and text of an output; pictures are left out."""
    if output.output_type == "stream":
        yield "text/plain", output.text
    for kind, value in output.get("data", {}).items():
        if not kind.startswith("image/") and isinstance(value, str):
            yield kind, value


def positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
