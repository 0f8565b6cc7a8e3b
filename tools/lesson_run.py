"""One notebook run in a kernel of its own: its outputs, its minutes, its peak memory, and what went wrong.

Never in here: pages, tables, and which lessons are run; `run_course.py` sees to those.
"""

from __future__ import annotations

import base64
import io
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import nbclient
import nbformat
import psutil
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_core.utils import ensure_event_loop
from nbclient.exceptions import CellExecutionError, DeadKernelError
from PIL import Image

GIGABYTE = 1e9
# What TensorFlow's C++ part writes before Python can silence it. It says nothing about the lesson.
TENSORFLOW_CHATTER = re.compile(
    r"^(WARNING: All log messages before absl::InitializeLog|[IWE]0000 00:00:|\d{4}-\d\d-\d\d [\d:.]+: [IWE] "
    r"|To enable the following instructions:).*\n?",
    re.MULTILINE,
)
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass
class Outcome:
    """How a notebook went: `status` is "ok", "failed" or "interrupted"; `error` is a few lines for the terminal."""

    notebook: nbformat.NotebookNode
    status: str
    minutes: float
    peak_memory_gb: float
    error: str | None = None


@dataclass
class Lesson:
    """A notebook, and after its run what came of it."""

    path: Path
    expected_minutes: float
    title: str = ""
    outcome: Outcome | None = None
    handed_over: dict = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.path.stem

    def entry(self) -> dict:
        """The lesson's part of report.json."""
        entry = {
            "lesson": self.name,
            "status": self.outcome.status,
            "data": self.handed_over.get("data"),
            "minutes": round(self.outcome.minutes, 2),
            "peak_memory_gb": round(self.outcome.peak_memory_gb, 2),
            "measures": self.handed_over.get("measures", {}),
            "verdict": self.handed_over.get("verdict"),
        }
        if self.outcome.error:
            entry["error"] = self.outcome.error
        return entry


class Interrupted(KeyboardInterrupt):
    """The learner stopped the run; carries what the notebook had done by then."""

    def __init__(self, outcome: Outcome):
        super().__init__("interrupted")
        self.outcome = outcome


def run_notebook(
    path: Path,
    *,
    environment: Mapping[str, str],
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    poll_seconds: float = 0.5,
) -> Outcome:
    """Run a notebook from a clean start, in a kernel of this Python and in the notebook's own folder.

    A kernel that does not start is tried once more: another program may have taken one of the ports that were free when
    they were chosen for it.

    Args:
        path: the notebook; the file itself is not changed.
        environment: all environment variables of the kernel.
        on_progress: called about every `poll_seconds` with the number of code cells done and in all.
        poll_seconds: how often memory is looked at. Where the system keeps the peak itself (Linux, Windows) a short
            peak between two looks is not missed.

    Raises:
        Interrupted: on Ctrl-C; the kernel has been ended.
    """
    notebook = nbformat.read(path, as_version=4)
    clear(notebook)
    work = _Work(notebook, path.parent, dict(environment))
    outcome = _watched(work, path, on_progress, poll_seconds)
    if outcome.status == "failed" and work.process is None:
        outcome = _watched(_Work(notebook, path.parent, dict(environment)), path, on_progress, poll_seconds)
    return outcome


def _watched(work: _Work, path: Path, on_progress: Callable[[int, int], None], poll_seconds: float) -> Outcome:
    total = sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in work.notebook.cells)
    started = time.monotonic()
    thread = threading.Thread(target=work.run, name=f"notebook {path.stem}", daemon=True)
    thread.start()
    try:
        # nbclient takes Ctrl-C for itself when it runs in the main thread, and leaves its caller without a clear end.
        while thread.is_alive():
            thread.join(poll_seconds)
            work.look_at_memory()
            on_progress(work.done, total)
    except KeyboardInterrupt:
        work.end_kernel()
        thread.join(10)
        raise Interrupted(work.outcome(started, "interrupted")) from None
    return work.outcome(started, "failed" if work.error else "ok")


class _Work:
    """The state that the running thread and the waiting one share."""

    def __init__(self, notebook: nbformat.NotebookNode, folder: Path, environment: dict[str, str]):
        self.notebook, self.environment = notebook, environment
        self.done, self.running, self.peak, self.error = 0, None, 0, None
        self.said_by_python = False
        self.process: psutil.Process | None = None
        # Only this environment's kernel: a kernel that is registered under the same name in the home folder may belong
        # to another Python.
        self.manager = AsyncKernelManager(
            kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[], ensure_native_kernel=True)
        )
        self.client = nbclient.NotebookClient(
            notebook,
            km=self.manager,
            timeout=None,
            startup_timeout=180,
            resources={"metadata": {"path": str(folder)}},
            coalesce_streams=True,
            # Its start-up warnings are no news to a learner. And what is written below Python is to reach `stderr` at
            # once: the thread that would copy it into the notebook is too late where the kernel dies.
            extra_arguments=["--IPKernelApp.log_level=40", "--IPKernelApp.capture_fd_output=False"],
            record_timing=False,
            on_cell_execute=self._begin,
            on_cell_executed=self._finish,
        )

    def run(self) -> None:
        # TensorFlow's C++ part writes to the kernel's standard error, past Python: pages of it on the learner's
        # terminal. It is kept apart, and told only where a kernel ends without a word of Python's.
        with tempfile.TemporaryFile() as below_python:
            self._run(below_python)
            if self.error and not self.said_by_python:
                below_python.seek(0)
                said = TENSORFLOW_CHATTER.sub("", below_python.read().decode(errors="replace")).strip()
                self.error += "".join(f"\n    {line}" for line in said.splitlines()[-5:])

    def _run(self, below_python: BinaryIO) -> None:
        try:
            self.client.execute(env=self.environment, cleanup_kc=True, stderr=below_python)
        except CellExecutionError as error:
            self.said_by_python = True
            self.error = describe_failure(self.notebook, self.running, error.ename, error.evalue, error.traceback)
        except DeadKernelError:
            hint = "Most often memory ran out: close other programs, or choose a smaller preset."
            used = f"It had taken {self.peak / GIGABYTE:.1f} GB."
            self.error = describe_failure(self.notebook, self.running, "The kernel died", f"{used} {hint}")
        except Exception as error:  # a kernel that does not start, say: the other lessons are to run all the same
            self.error = describe_failure(self.notebook, self.running, type(error).__name__, str(error))
        finally:
            ensure_event_loop().close()  # the loop that nbclient opened for this thread

    def _begin(self, cell: nbformat.NotebookNode, cell_index: int, **_: object) -> None:
        self.running = cell_index
        if self.process is None:
            pid = getattr(getattr(self.manager.provisioner, "process", None), "pid", None)
            self.process = psutil.Process(pid) if pid else None

    def _finish(self, **_: object) -> None:
        self.look_at_memory()
        self.done += 1

    def look_at_memory(self) -> None:
        if self.process is not None:
            self.peak = max(self.peak, memory_of(self.process))

    def end_kernel(self) -> None:
        if self.process is not None:
            try:
                for child in self.process.children(recursive=True):
                    child.kill()
                self.process.kill()
            except psutil.Error:
                pass  # it had ended already

    def outcome(self, started: float, status: str) -> Outcome:
        tidy(self.notebook)
        minutes = (time.monotonic() - started) / 60
        return Outcome(self.notebook, status, minutes, self.peak / GIGABYTE, self.error)


def memory_of(process: psutil.Process) -> int:
    """Peak memory of a process in bytes where the system keeps it, else what the process and its children hold now."""
    try:
        info = process.memory_info()
        held = info.rss + sum(child.memory_info().rss for child in process.children(recursive=True))
        peak = getattr(info, "peak_wset", 0)  # Windows
    except psutil.Error:
        return 0
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
        peak = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024
    except (OSError, TypeError):
        pass
    return max(held, peak)


def describe_failure(
    notebook: nbformat.NotebookNode, index: int | None, name: str, value: str, traceback: str = ""
) -> str:
    """A failing cell and its error in a few lines: which cell, its source with the line marked, and the message."""
    if index is None:
        return f"before its first cell: {name}: {value}"
    number = sum(cell.cell_type == "code" for cell in notebook.cells[: index + 1])
    plain = ANSI.sub("", traceback)
    marked = re.search(r"^-+> ?(\d+)", plain, re.MULTILINE)
    lines = notebook.cells[index].source.splitlines()
    shown = [f"code cell {number}:"]
    for position, line in enumerate(lines[:30], start=1):
        shown.append(("  --> " if marked and int(marked[1]) == position else "    | ") + line)
    places = re.findall(r"^File (\S*gan_lib\S*?):(\d+)", plain, re.MULTILINE)
    where = f" (raised in gan_lib{re.split('gan_lib', places[-1][0])[-1]}, line {places[-1][1]})" if places else ""
    return "\n".join([*shown, f"  {name}: {ANSI.sub('', value)}{where}"])


def clear(notebook: nbformat.NotebookNode) -> None:
    """Remove outputs and counts, so that nothing from an earlier run can be taken for this one's."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


def tidy(notebook: nbformat.NotebookNode) -> None:
    """Remove what differs from run to run and machine to machine without being a result."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata["language_info"] = {"name": "python"}
    colours = notebook.metadata.get("gan_lib", {}).get("photograph_colours")
    for cell in notebook.cells:
        for name in ("execution", "collapsed", "scrolled"):
            cell.metadata.pop(name, None)
        if cell.cell_type != "code":
            continue
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stderr":
                output.text = TENSORFLOW_CHATTER.sub("", output.text)
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = smaller_png(output.data["image/png"], colours=colours)
        cell.outputs = [output for output in cell.outputs if output.get("text", "x") != ""]


def smaller_png(encoded: str, *, colours: int | None = None) -> str:
    """The same still picture with a palette where it has few enough colours, in base64; others come back as they are.

    Matplotlib stores four channels for each pixel, also of grey digits; a notebook must stay under its limit.

    Args:
        encoded: the PNG file in base64.
        colours: pictures of more than 256 colours get a palette too, of so many that come nearest. For lessons with
            many photographs, which say so in their metadata: {"gan_lib": {"photograph_colours": 256}}; 128 where the
            notebook would be too large otherwise.
    """
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as picture:
        if getattr(picture, "n_frames", 1) > 1 or picture.mode not in ("RGB", "RGBA"):
            return encoded
        few = picture.getcolors(256)
        if picture.mode == "RGBA" and picture.getextrema()[3] != (255, 255):
            return encoded
        plain = picture.convert("RGB")
        if few is None and colours:
            # Without dithering, which would look like the noise that such a lesson is about.
            reduced = plain.quantize(colours, kmeans=3, dither=Image.Dither.NONE)
        elif few is None:
            return encoded
        else:
            reduced = plain.quantize(len(few))
            if reduced.convert("RGB").tobytes() != plain.tobytes():  # this palette must lose nothing
                return encoded
        stream = io.BytesIO()
        reduced.save(stream, format="PNG", optimize=True)
    again = base64.b64encode(stream.getvalue()).decode()
    return min(encoded, again, key=len)


if __name__ == "__main__":
    sys.exit("This module runs one notebook for run_course.py; start that instead: python tools/run_course.py --help")
