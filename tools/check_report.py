"""Check that the training behind a report.json was worth something: what CI does after running a lesson.

    python tools/check_report.py build/course/report.json --lesson 02_mnist_dcgan

The limits for digits: the classifier score reaches 0.70 of the real pictures' on every rung of the data; the Fréchet
distance is at most 25 times its floor on MNIST, and 10 times on the bundled digits, where a sound training has 2 to 3.
A generator that has learnt nothing has a score ratio of 0.1 (it draws the same blot for each latent, so the score is 1
of about 10), so a training that is broken does not pass. The exit status is 1 if a limit is missed or a figure is
missing.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

LEAST_SCORE_RATIO = 0.70
MOST_FLOORS = {"mnist": 25.0, "bundled-digits": 10.0}  # a set of one's own has no limit


def shortcomings(report: dict, lesson: str) -> list[str]:
    """What is missing or too bad in a report's lesson, as sentences; an empty list is a pass."""
    entries = [entry for entry in report.get("lessons", []) if entry.get("lesson") == lesson]
    if len(entries) != 1:
        return [f"The report has {len(entries)} entries for {lesson}; one was expected."]
    entry = entries[0]
    if entry.get("status") != "ok":
        return [f"{lesson} ended as {entry.get('status')!r}; 'ok' was expected."]
    measures = entry.get("measures", {})
    names = ("classifier_score", "classifier_score_real", "frechet_distance", "frechet_floor")
    missing = [name for name in names if not _positive(measures.get(name))]
    if missing:
        return [f"{lesson} reports no positive {name}; a number was expected." for name in missing]
    found = []
    ratio = measures["classifier_score"] / measures["classifier_score_real"]
    if ratio < LEAST_SCORE_RATIO:
        found.append(f"The classifier score is {ratio:.2f} of the real one; at least {LEAST_SCORE_RATIO} was expected.")
    floors = measures["frechet_distance"] / measures["frechet_floor"]
    most = MOST_FLOORS.get(entry.get("data"), math.inf)
    if floors > most:
        found.append(f"The Fréchet distance is {floors:.1f} times its floor; at most {most:.0f} was expected.")
    return found


def _positive(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value > 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("report", type=Path)
    parser.add_argument("--lesson", required=True)
    options = parser.parse_args(arguments)
    try:
        report = json.loads(options.report.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        print(f"{options.report} cannot be read as a report: {error}", file=sys.stderr)
        return 1
    found = shortcomings(report, options.lesson)
    for sentence in found:
        print(sentence)
    if not found:
        print(f"{options.lesson} beats its baseline.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
