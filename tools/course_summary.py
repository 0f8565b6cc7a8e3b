"""What is told about lessons that have been run: report.json, the index page, the table on the terminal.

Never in here: running lessons, and the pages of single lessons.
"""

from __future__ import annotations

import html
import json
import time
from pathlib import Path

from course_pages import index
from lesson_run import Lesson

from gan_lib import course
from gan_lib.files import whole_file

# What a measure is read against, by the ending of the other measure's name.
COMPARISONS = (("_real", "of real"), ("_floor", "x floor"), ("_baseline", "baseline"))


def write_summary(lessons: list[Lesson], machine: dict, output: Path) -> None:
    """report.json for programs, index.html for readers."""
    entries = [lesson.entry() for lesson in lessons]
    report = {"preset": machine["preset"], "machine": machine["text"], "lessons": entries}
    with whole_file(output / "report.json") as working:
        working.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    rows = []
    for lesson, entry in zip(lessons, entries, strict=True):
        address = html.escape(f"{lesson.name}.html")
        link = f'<a href="{address}">{html.escape(lesson.title)}</a>'
        name = link if (output / f"{lesson.name}.html").is_file() else html.escape(lesson.title)
        told = html.escape(entry["verdict"] or "")
        if entry["status"] != "ok":
            told = f'<span class="bad">{entry["status"]}</span> {told}'
        measures = "<br>".join(html.escape(text) for text in compare(entry["measures"]))
        rows.append([name, html.escape(entry["data"] or ""), f"{entry['minutes']:.1f}",
                     f"{entry['peak_memory_gb']:.1f}", measures, told])  # fmt: skip
    others = sorted({path.stem for path in output.glob("*.html")} - {lesson.name for lesson in lessons} - {"index"})
    links = ", ".join(f'<a href="{html.escape(name)}.html">{html.escape(name)}</a>' for name in others)
    after = f"<p>Pages of earlier runs: {links}</p>" if others else ""
    head = ("Lesson", "Data", "Minutes", "Memory, GB", "Measures", "Verdict")
    note = html.escape(f"Preset {machine['preset']}; {machine['text']}; {time.strftime('%Y-%m-%d %H:%M')}.")
    with whole_file(output / "index.html") as working:
        text = index("The course, as run here", rows, head, note=note, after=after)
        working.write_text(text, encoding="utf-8")


def compare(measures: dict) -> list[str]:
    """Each measure in words, beside its floor, its real value or its baseline where the lesson gave one."""
    told, used = [], set()
    for name, value in measures.items():
        for ending, word in COMPARISONS:
            stem = name.removesuffix(ending)
            # The measure of just that name, or else the first one that goes on from it.
            partner = stem if stem in measures else next((key for key in measures if key.startswith(stem + "_")
                            and not key.endswith(tuple(end for end, _ in COMPARISONS))), None)  # fmt: skip
            if isinstance(measures.get(partner), str):
                continue
            if not name.endswith(ending) or partner is None or isinstance(value, str):
                continue
            used |= {name, partner}
            text = f"{partner} {course.format_measure(measures[partner])} ({ending[1:]} {course.format_measure(value)}"
            told.append(text + (f", {measures[partner] / value:.2f} {word})" if word != "baseline" and value else ")"))
    return told + [f"{name} {course.format_measure(value)}" for name, value in measures.items() if name not in used]


def print_table(lessons: list[Lesson]) -> None:
    if not lessons:
        return
    entries = [lesson.entry() for lesson in lessons]
    width = max(len(entry["lesson"]) for entry in entries)
    rung = max([4, *(len(entry["data"] or "-") for entry in entries)])
    print(f"\n{'lesson':<{width}}  {'status':<11}  {'data':<{rung}}  minutes  memory")
    for entry in entries:
        data = entry["data"] or "-"
        numbers = f"{entry['minutes']:7.1f}  {entry['peak_memory_gb']:3.1f} GB"
        print(f"{entry['lesson']:<{width}}  {entry['status']:<11}  {data:<{rung}}  {numbers}")
        for text in [*compare(entry["measures"]), *([entry["verdict"]] if entry["verdict"] else [])]:
            print(f"{'':<{width}}  {text}")
    print()
