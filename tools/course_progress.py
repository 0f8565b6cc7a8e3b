"""A bar over the lessons with the minutes left.

Never in here: running lessons.
"""

from __future__ import annotations

import sys
import time

from lesson_run import Lesson
from tqdm import tqdm


class Progress:
    """A bar over the lessons with the minutes left; plain lines where there is no terminal to draw on.

    The minutes left are the expected minutes of what is still to come, times how much slower or faster the finished
    lessons were than expected. Within a lesson, time is believed until it runs out and cells from then on.
    """

    def __init__(self, lessons: list[Lesson]):
        self.lessons, self.number, self.spent, self.done_expected = lessons, 0, 0.0, 0.0
        self.total = sum(lesson.expected_minutes for lesson in lessons)

    def __enter__(self) -> Progress:
        self.bar = tqdm(total=100, bar_format="{percentage:3.0f} % |{bar}| {desc}", disable=None, leave=False)
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def start(self, number: int) -> None:
        self.number, self.started = number, time.monotonic()
        lesson = self.lessons[number]
        if self.bar.disable:
            about = spell_minutes(lesson.expected_minutes * self.pace())
            print(f"Lesson {number + 1} of {len(self.lessons)}: {lesson.name}, {about}", flush=True)
        self.update(0, 1)

    def pace(self) -> float:
        return min(max(self.spent / self.done_expected, 0.2), 5.0) if self.done_expected else 1.0

    def minutes_left(self, done: int, total: int) -> float:
        lesson = self.lessons[self.number]
        here = lesson.expected_minutes * self.pace() - (time.monotonic() - self.started) / 60
        unexpected = 0.02 * lesson.expected_minutes * (total - done)
        later = sum(other.expected_minutes for other in self.lessons[self.number + 1 :])
        return max(here, unexpected) + later * self.pace()

    def update(self, done: int, total: int) -> None:
        left = self.minutes_left(done, total)
        passed = self.spent + (time.monotonic() - self.started) / 60
        self.bar.n = 100 * passed / max(passed + left, 1e-9)
        lesson = self.lessons[self.number]
        where = (
            f"lesson {self.number + 1} of {len(self.lessons)}, {lesson.name}, cell {min(done + 1, total)} of {total}"
        )
        self.bar.set_description_str(f"{where}, {spell_minutes(left)} left")

    def finish(self, lesson: Lesson) -> None:
        self.spent += lesson.outcome.minutes
        self.done_expected += lesson.expected_minutes
        told = f"{lesson.name}: {lesson.outcome.status}, {lesson.outcome.minutes:.1f} minutes"
        if lesson.outcome.error:
            told = f"{lesson.name} failed in {lesson.outcome.error}"
        self.bar.write(told)
        sys.stdout.flush()


def spell_minutes(minutes: float) -> str:
    if minutes < 1:
        return "less than a minute"
    return "about a minute" if minutes < 1.5 else f"about {minutes:.0f} minutes"
