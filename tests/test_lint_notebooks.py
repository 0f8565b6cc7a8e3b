"""The notebook linter: each rule fires on a lesson that breaks it, and a good lesson passes all of them."""

import base64

import lint_notebooks
import nbformat
import notebook_rules as rules
import pytest
from nbformat import v4

WIDGETS = {"application/vnd.jupyter.widget-state+json": {"state": {}, "version_major": 2, "version_minor": 0}}
LOADS = {"text/html": "<b>x</b><script src='//example.org/a'></script>"}
PICTURE = {"image/png": base64.b64encode(b"\x89PNG").decode()}


def text(source, *tags):
    return v4.new_markdown_cell(source, metadata={"tags": list(tags)} if tags else {})


def code(source, *tags, outputs=()):
    return v4.new_code_cell(source, metadata={"tags": list(tags)} if tags else {}, outputs=list(outputs))


def picture():
    return v4.new_output("display_data", data=dict(PICTURE))


def printed(words, name="stdout"):
    return v4.new_output("stream", name=name, text=words)


def good():
    """A lesson that follows every rule."""
    cells = [
        title(),
        text("## What for\n\nYou will see. See [this lesson](02_good.ipynb) and $x^2$.", "goals"),
        code(
            "from gan_lib import course, hardware\nprint(hardware.setup(seed=1))", "setup", outputs=[printed("Keras 3")]
        ),
        code("PRESET = hardware.preset()\nSTEPS = {'smoke': 1, 'quick': 9}[PRESET]", "settings"),
        code("1", outputs=[picture()]),
        text("## What do you think?", "question"),
        code("assert True", "checks"),
        text("## Now you", "exercises"),
        text("## Mend this", "repair"),
        text("## What stays", "summary"),
        text("## Read on", "references"),
        code("course.report('02_good', data='mnist', measures={'a': 1})", "report", outputs=[printed("a 1")]),
    ]
    metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "gan_lib": {"minutes": {"smoke": 0.1, "quick": 4, "full": 10}, "study_minutes": 60},
    }
    return renumbered(v4.new_notebook(cells=cells, metadata=metadata))


def title(picture="![It](attachment:result.png)"):
    cell = text(f"# A lesson\n\nWhat comes out of it.\n\n{picture}")
    cell.attachments = {"result.png": dict(PICTURE)}
    return cell


def renumbered(notebook):
    for count, (_, cell) in enumerate(rules.code_cells(notebook), start=1):
        cell.execution_count = count
    return notebook


@pytest.fixture
def complain(tmp_path):
    """Gives the complaints about a notebook as one text."""

    def complaints(notebook):
        path = tmp_path / "02_good.ipynb"
        nbformat.write(notebook, path)
        return "\n".join(f"{complaint.cell}: {complaint.text}" for complaint in lint_notebooks.complaints(path))

    return complaints


def test_a_good_lesson_passes(complain):
    assert complain(good()) == ""


def replaced(position, cell):
    def change(notebook):
        notebook.cells[position] = cell
        renumbered(notebook)

    return change


def inserted(position, *cells):
    def change(notebook):
        notebook.cells[position:position] = cells
        renumbered(notebook)

    return change


def metadata(**changes):
    return lambda notebook: notebook.metadata["gan_lib"].update(changes)


def settings(count):
    return replaced(3, code("\n".join(f"A{number} = {number}" for number in range(count)), "settings"))


def counted(position, count):
    return lambda notebook: notebook.cells[position].update(execution_count=count)


def after_picture(lines):
    return inserted(3, code("\n".join(["x = 1"] * lines)))


BREAKS = {
    "a long cell": (inserted(5, code("\n".join(["x = 1"] * 31))), "6: 31 lines of code; at most 30"),
    "a tab": (inserted(5, code("if 1:\n\tpass")), "6: there is a tab"),
    "a large file": (inserted(5, text("x" * 1_000_001)), "None: the file has 1,00"),
    "a cell that was not run": (counted(4, None), "5: it has not been run"),
    "a cell that was run out of order": (counted(4, 7), "5: it was run as number 7; 3 was expected"),
    "an error": (
        replaced(4, code("1/0", outputs=[picture(), v4.new_output("error", ename="E", evalue="v", traceback=[])])),
        "5: its output is an error (E: v)",
    ),
    "a home folder": (inserted(5, code("1", outputs=[printed("saved to /home/ada/x.png")])), "6: its output names a"),
    "root's folder": (inserted(5, code("1", outputs=[printed("in '/root/x'")])), "/root/x"),
    "Windows' folder": (inserted(5, code("1", outputs=[printed(r"in C:\Users\ada")])), "names a folder"),
    "a folder in a value": (
        inserted(5, code("1", outputs=[v4.new_output("execute_result", data={"text/plain": "PosixPath('/tmp/x')"})])),
        "/tmp/x",
    ),
    "chatter": (
        inserted(5, code("1", outputs=[printed("W0000 00:00:17.1 1 port.cc] x\n", "stderr")])),
        "6: its output holds log lines of TensorFlow",
    ),
    "a script": (
        inserted(5, code("1", outputs=[v4.new_output("display_data", data={"application/javascript": "1"})])),
        "6: its output is a script",
    ),
    "no title": (replaced(0, text("## A lesson")), "there are 0 headings of the first level"),
    "a title without a picture": (replaced(0, title(picture="")), "1: there is no picture below the title"),
    "two titles": (inserted(5, text("# Another")), "there are 2 headings of the first level"),
    "a late title": (inserted(0, text("A word before")), "2: the title is here"),
    "a part that is missing": (replaced(9, text("## What stays")), "no cell has the tag 'summary'"),
    "a part of the wrong kind": (replaced(2, text("Setup", "setup")), "the tag 'setup' is on a cell of text"),
    "checks that check nothing": (replaced(6, code("print(1)", "checks")), "'checks' asserts anything"),
    "an unknown order": (metadata(order="baking"), "its order is 'baking'; one of generation, restoration"),
    "restoration without baseline": (metadata(order="restoration"), "no cell has the tag 'baseline'"),
    "two cells of settings": (inserted(5, code("A = 1", "settings")), "2 cells have the tag 'settings'"),
    "eleven settings": (settings(11), "4: 11 settings; at most 10"),
    "a setting in small letters": (replaced(3, code("A = 1\nsteps = 2", "settings")), "the setting steps is not"),
    "no minutes": (metadata(minutes={"smoke": 1, "quick": 0}), "no minutes for quick, full"),
    "no study minutes": (metadata(study_minutes=None), "no gan_lib.study_minutes"),
    "a late picture": (after_picture(22), "the first picture comes after 27 lines"),
    "no picture": (replaced(4, code("1")), "no cell has a picture"),
    "a Lambda layer": (inserted(5, code("keras.layers.Lambda(f)")), "6: there is a Lambda layer"),
    "matplotlib": (inserted(5, code("import matplotlib.pyplot as plt")), "6: it imports matplotlib"),
    "a part of matplotlib": (inserted(5, code("from matplotlib import cm")), "6: it imports matplotlib"),
    "no report": (replaced(11, code("1", "report")), "no cell calls course.report('02_good'"),
    "an early report": (inserted(12, code("1")), "12: course.report is called here"),
    "another lesson's report": (
        replaced(11, code("course.report('01_gan', data='x', measures={})", "report")),
        "12: report names the lesson '01_gan'; '02_good' was expected",
    ),
    "another lesson's folder": (inserted(5, code("course.output_folder('01_gan')")), "6: output_folder names"),
    "another kernel": (lambda n: n.metadata["kernelspec"].update(name="tf"), "its kernel is not 'python3'"),
    "widgets": (lambda n: n.metadata.update(widgets=WIDGETS), "the state of widgets"),
    "an unknown setting": (lambda n: n.metadata["gan_lib"].update(photographs=True), "hold photographs, which nothing"),
    "too many colours": (lambda n: n.metadata["gan_lib"].update(photograph_colours=300), "is 300; a whole number"),
    "times of a run": (lambda n: n.cells[4].metadata.update(execution={}), "5: its metadata hold 'execution'"),
    "a dead link": (inserted(5, text("[next](09_nothing.ipynb)")), "6: the link to 09_nothing.ipynb leads nowhere"),
    "a formula that cannot be shown": (inserted(5, text(r"$\nosuchthing$")), r"holds \nosuchthing"),
    "an output that loads something": (
        inserted(5, code("1", outputs=[v4.new_output("display_data", data=LOADS)])),
        "would load",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_each_rule_fires(complain, name):
    change, words = BREAKS[name]
    notebook = good()
    change(notebook)
    told = complain(notebook)
    assert words in told
    if name not in ("no minutes",):
        assert len(told.splitlines()) <= 3, told  # the rule fires, and the others keep still


def test_what_is_allowed(complain):
    notebook = good()
    notebook.cells[5:5] = [
        code(
            "%pip list\n!ls\n" + "\n".join(["x = 1"] * 28), outputs=[printed("see https://x.org/home/ada and a/tmp/b")]
        ),
        code(""),
        text("```\n# no title\n[no](link)\n```\n\n[out](https://example.org) [mail](mailto:a@b.org) [here](#there)"),
    ]
    assert complain(renumbered(notebook)) == ""


def test_lessons_that_teach_matplotlib_may_import_it(tmp_path):
    notebook = good()
    notebook.cells[11].source = notebook.cells[11].source.replace("02_good", "01_gan")
    notebook.cells[1].source = "x"
    notebook.cells[4].source = "import matplotlib.pyplot as plt"
    nbformat.write(notebook, tmp_path / "01_gan.ipynb")
    assert [c for c in lint_notebooks.complaints(tmp_path / "01_gan.ipynb") if "matplotlib" in c.text] == []


def test_a_file_that_is_no_notebook(tmp_path):
    (tmp_path / "x.ipynb").write_text("{}")
    assert "no notebook that can be read" in lint_notebooks.complaints(tmp_path / "x.ipynb")[0].text


def test_the_command(tmp_path, capsys):
    path = tmp_path / "02_good.ipynb"
    nbformat.write(good(), path)
    assert lint_notebooks.main([str(path)]) == 0
    notebook = good()
    notebook.cells[4].execution_count = None
    nbformat.write(notebook, path)
    assert lint_notebooks.main([str(path)]) == 1
    assert "02_good.ipynb, cell 5: it has not been run" in capsys.readouterr().out
    assert lint_notebooks.main([str(tmp_path / "none.ipynb")]) == 2
