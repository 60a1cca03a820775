"""Commands of a cell, one after the other: logged, watched, ended together when interrupted."""
from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Callable, Dict, List, Optional

#: Seconds between two lines that say that a command still runs.
HEARTBEAT = 30


class StageError(Exception):
    """A stage that failed.

    Attributes:
        stage: Its name.
        tail: The last lines of what it printed.
    """

    def __init__(self, stage: str, message: str, tail: str = '') -> None:
        super().__init__(message)
        self.stage = stage
        self.tail = tail


class Stages:
    """Runs commands with their output in one log, and counts the seconds of each stage.

    Args:
        log: File that the output is added to.
        say: Prints a line for the user.
    """

    def __init__(self, log: Path, say: Callable[[str], None]) -> None:
        self.log = log
        self.say = say
        self.seconds: Dict[str, float] = {}

    def run(self, stage: str, command: List[str], cwd: Path,
            environment: Optional[Dict[str, str]] = None, limit: Optional[float] = None,
            accept: tuple = (0, )) -> int:
        """Run a command. Returns its exit status.

        Args:
            stage: Name of the stage that it belongs to.
            command: Program and arguments.
            cwd: Folder to run in.
            environment: Variables; those of this process by default.
            limit: Seconds after which it is ended.
            accept: Exit statuses that are no failure.

        Raises:
            StageError: With another exit status, or past the limit.
        """
        start = time.monotonic()
        with self.log.open('a', encoding='utf-8') as log:
            log.write(f"\n=== {stage}: {' '.join(command)}\n")
            log.flush()
            begin = log.tell()
            # A group of its own, so that an interrupt ends all that it has started.
            process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=log,
                                       stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                       start_new_session=True)
            try:
                self._wait(process, stage, start, limit)
            except BaseException:
                end_group(process)
                raise
            finally:
                spent = time.monotonic() - start
                self.seconds[stage] = self.seconds.get(stage, 0.0) + spent
        if process.returncode not in accept:
            tail = self.output(begin)[-4000:]
            raise StageError(stage, f'{command[0]} ended with {process.returncode}', tail)
        return process.returncode

    def output(self, begin: int = 0) -> str:
        """What the log holds behind a place in it."""
        with self.log.open('rb') as log:
            log.seek(begin)
            return log.read().decode('utf-8', errors='replace')

    def _wait(self, process: subprocess.Popen, stage: str, start: float,
              limit: Optional[float]) -> None:
        while True:
            try:
                process.wait(timeout=HEARTBEAT)
                return
            except subprocess.TimeoutExpired:
                spent = time.monotonic() - start
                if limit is not None and spent > limit:
                    raise StageError(stage, f'ended after {spent / 60:.0f} minutes, the limit',
                                     self.output()[-4000:]) from None
                line = self.output(max(0, self.log.stat().st_size - 4000)).strip()
                last = line.replace('\r', '\n').split('\n')[-1]
                self.say(f'  {spent:5.0f} s  {stage}: {last[-90:]}')


def end_group(process: subprocess.Popen, patience: float = 10) -> None:
    """End a process and all that it has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        try:
            process.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            continue
