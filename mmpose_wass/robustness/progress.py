"""One line that tells how far all of it is."""
from __future__ import annotations

import sys
import time
from typing import Optional, TextIO


class Progress:
    """Progress over jobs of different length.

    On a terminal one line is rewritten; elsewhere each finished job gets a line.

    Args:
        faces (int): Faces of all jobs together.
        jobs (int): Number of jobs.
        stream: Where to write.
    """

    def __init__(self, faces: int, jobs: int, stream: Optional[TextIO] = None) -> None:
        self.faces, self.jobs = max(faces, 1), jobs
        self.stream = stream or sys.stdout
        self.done_faces = self.done_jobs = 0
        self._before = 0
        self._title = ''
        self._start = self._drawn = time.monotonic()
        self._terminal = self.stream.isatty()

    def start_job(self, title: str) -> None:
        """A job begins."""
        self._title, self._before = title, self.done_faces
        self._draw(force=True)

    def advance(self, faces: int) -> None:
        """So many more faces are done."""
        self.done_faces += faces
        self._draw()

    def finish_job(self, faces: int, note: str = '') -> None:
        """A job is done; ``faces`` is what it was counted as in the sum."""
        self.done_faces = self._before + faces
        self.done_jobs += 1
        text = f'[{self.done_jobs:>{len(str(self.jobs))}}/{self.jobs}] {self._title}'
        self._clear()
        self.stream.write(f'{text}{f": {note}" if note else ""}{self._times()}\n')
        self.stream.flush()

    def _times(self) -> str:
        passed = time.monotonic() - self._start
        left = passed / self.done_faces * (self.faces - self.done_faces) if self.done_faces else 0
        return f'  ({_clock(passed)} gone, about {_clock(max(left, 0))} left)'

    def _draw(self, force: bool = False) -> None:
        if not self._terminal or not (force or time.monotonic() - self._drawn > 0.3):
            return
        self._drawn = time.monotonic()
        share = min(self.done_faces / self.faces, 1.0)
        bar = ('#' * round(24 * share)).ljust(24, '.')
        self._clear()
        self.stream.write(f'[{bar}] {100 * share:3.0f} %  {self.done_jobs}/{self.jobs}  '
                          f'{self._title[:50]}{self._times()}')
        self.stream.flush()

    def _clear(self) -> None:
        if self._terminal:
            self.stream.write('\r\033[K')


def _clock(seconds: float) -> str:
    """Minutes and seconds.

    Examples:
        >>> _clock(61.2), _clock(3725)
        ('1:01', '1:02:05')
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours}:{minutes:02}:{rest:02}' if hours else f'{minutes}:{rest:02}'
