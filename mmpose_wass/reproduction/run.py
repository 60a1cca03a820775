"""Run what a table needs: trainings, tests, within a time budget, and go on where one stopped."""
from __future__ import annotations

import copy
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Sequence

from mmengine.config import Config

from ..engine.results import write_json
from ..project import CONFIG_ROOT, ROOT
from .data import keep_present_tests, missing_files, put_stand_in, set_roots
from .profiles import Profile
from .tables import Row

#: Seconds that a process is given to end by itself once it is told to.
_GRACE = 20
_LINES = 12


@dataclass
class Job:
    """A training or a test.

    Attributes:
        kind (str): ``'train'`` or ``'test'``.
        config (str): The zoo's config, below ``configs/face``.
        training (str): The config whose training it is, or whose weights it tests.
        problem (str): Why it cannot be run; empty: it can.
        done (bool): Whether its result is there.
        stand_in (str): What the test lacks, if other data stand in.
    """
    kind: str
    config: str
    training: str
    problem: str = ''
    done: bool = False
    stand_in: str = ''


@dataclass
class Outcome:
    """How a run went.

    Attributes:
        ran (list[str]): Jobs that ran to their end.
        failed (dict[str, str]): Job to what it said.
        left (list[str]): Jobs that the budget left out.
    """
    ran: List[str] = field(default_factory=list)
    failed: Dict[str, str] = field(default_factory=dict)
    left: List[str] = field(default_factory=list)


class Workspace:
    """Folder of the runs of one profile: configs, trainings, results.

    Args:
        folder: Where; each profile has a folder of its own in it.
        profile: At which size.
        roots: Folders of the data, see ``parse_roots``.
        stand_in: Whether a test whose data are missing runs on the training's own validation data.
    """

    def __init__(self, folder: str, profile: Profile, roots: Mapping[str, str] = (),
                 stand_in: bool = False) -> None:
        self.folder = Path(folder) / profile.tag
        self.profile = profile
        self.roots = dict(roots)
        self.stand_in = stand_in
        self._loaded: Dict[str, Config] = {}

    @property
    def results(self) -> Path:
        """Folder of the reports."""
        return self.folder / 'results'

    def work_dir(self, training: str) -> Path:
        """Folder of a training."""
        return self.folder / 'train' / Path(training).stem

    def result(self, config: str) -> Path:
        """Report of a test."""
        return self.results / f'{Path(config).stem}.json'

    def checkpoint(self, training: str) -> Path:
        """Weights of a training's last epoch: there once it is complete."""
        epochs = self._read(training).train_cfg.max_epochs
        return self.work_dir(training) / f'epoch_{epochs}.pth'

    def load(self, config: str) -> Config:
        """A config of the zoo at the profile's size, with its data where they lie."""
        return copy.deepcopy(self._read(config))

    def _read(self, config: str) -> Config:
        if config not in self._loaded:
            cfg = self.profile.apply(Config.fromfile(CONFIG_ROOT / config))
            set_roots(cfg, self.roots)
            self._loaded[config] = cfg
        return self._loaded[config]

    def jobs(self, rows: Sequence[Row]) -> List[Job]:
        """What rows need, each training once, tests after it."""
        jobs: Dict[tuple, Job] = {}
        for row in rows:
            training, config = row.training_config, row.config
            if config is None:
                continue
            if ('train', training) not in jobs:
                jobs['train', training] = self._training(training)
            if ('test', config) not in jobs:
                jobs['test', config] = self._test(config, training)
        return list(jobs.values())

    def _training(self, training: str) -> Job:
        job = Job('train', training, training)
        if self.checkpoint(training).is_file():
            job.done = True
            return job
        missing = missing_files(self._read(training), 'train')
        if missing:
            job.problem = f'{missing[0]} is not there'
        return job

    def _test(self, config: str, training: str) -> Job:
        job = Job('test', config, training)
        cfg = self.load(config)
        job.problem = self._choose_tests(cfg) or ''
        job.stand_in = (cfg.get('reproduction', None) or {}).get('stand_in', '')
        result = self.result(config)
        job.done = result.is_file() and self._is_newer(result, self.checkpoint(training))
        return job

    @staticmethod
    def _is_newer(result: Path, checkpoint: Path) -> bool:
        # Weights may have been cleared away since; a result stays one.
        return not checkpoint.is_file() or (
            result.stat().st_mtime >= checkpoint.stat().st_mtime)

    def _choose_tests(self, cfg: Config) -> Optional[str]:
        """Keep the test sets that are there, or put a stand-in; why neither can be done."""
        problem = keep_present_tests(cfg)
        if problem and self.stand_in:
            return put_stand_in(cfg, problem.replace(' is not there', ''))
        return problem

    def command(self, job: Job) -> List[str]:
        """Write the job's config and return the command that runs it."""
        cfg = self.load(job.config)
        if not missing_files(cfg, 'train'):
            self.profile.limit_training(cfg)  # a report tells from it what was trained on
        if job.kind == 'test':
            self._choose_tests(cfg)
        file = self.folder / 'configs' / f'{Path(job.config).stem}.py'
        file.parent.mkdir(parents=True, exist_ok=True)
        cfg.dump(str(file))
        tool = [sys.executable, str(ROOT / 'tools' / f'{job.kind}.py'), str(file)]
        if job.kind == 'train':
            return [*tool, '--work-dir', str(self.work_dir(job.training)), '--no-validate',
                    '--resume']
        return [*tool, str(self.checkpoint(job.training)), '--work-dir',
                str(self.folder / 'test' / Path(job.config).stem), '--out',
                str(self.result(job.config))]

    def run(self, jobs: Sequence[Job], budget: Optional[float] = None,
            say: Callable[[str], None] = print) -> Outcome:
        """Run jobs one after the other.

        Args:
            jobs: From :meth:`jobs`.
            budget: Seconds in all. A training that it cuts goes on in the next run, from its last
                whole epoch.
            say: Called with a line at each step.

        Returns:
            Outcome: How it went. A failure does not stop the other jobs.
        """
        outcome = Outcome()
        end = None if budget is None else time.monotonic() + budget
        todo = [job for job in jobs if not job.done and not job.problem]
        for number, job in enumerate(todo, start=1):
            name = f'{job.kind} {Path(job.config).stem}'
            left = None if end is None else end - time.monotonic()
            if job.kind == 'test' and not self.checkpoint(job.training).is_file():
                why = outcome.failed.get(f'train {Path(job.training).stem}')
                if why is not None:
                    outcome.failed[name] = 'its training failed'
                else:
                    outcome.left.append(name)
                continue
            if left is not None and left <= 0:
                outcome.left.append(name)
                continue
            say(f'[{number}/{len(todo)}] {name}'
                + ('' if left is None else f' ({left / 60:.1f} min of the budget left)'))
            log = self.folder / 'logs' / f'{Path(job.config).stem}.{job.kind}.log'
            begun = time.monotonic()
            status = _run(self.command(job), log, left)
            if status is None:
                outcome.left.append(name)
                say(f'      stopped by the budget; the same command goes on (log: {log})')
            elif status:
                outcome.failed[name] = _tail(log)
                say(f'      failed with status {status}; the end of {log}:\n{_tail(log)}')
            else:
                outcome.ran.append(name)
                say(f'      done in {(time.monotonic() - begun) / 60:.1f} min')
        self._record(jobs, outcome)
        return outcome

    def _record(self, jobs: Sequence[Job], outcome: Outcome) -> None:
        write_json(str(self.folder / 'last_run.json'), dict(
            profile=vars(self.profile), data=self.roots,
            not_runnable={f'{job.kind} {Path(job.config).stem}': job.problem
                          for job in jobs if job.problem},
            ran=outcome.ran, failed=outcome.failed, left_by_the_budget=outcome.left))


def _run(command: Sequence[str], log: Path, seconds: Optional[float]) -> Optional[int]:
    """Run a command with its output in a file; its status, None if the time was over."""
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = dict(os.environ)
    environment['PYTHONPATH'] = os.pathsep.join(
        filter(None, (str(ROOT), environment.get('PYTHONPATH', ''))))
    with open(log, 'w', encoding='utf-8') as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT,
                                   env=environment)
        try:
            return process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            # Also on Ctrl-C: nothing goes on computing behind the user's back.
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(timeout=_GRACE)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def _tail(log: Path) -> str:
    lines = log.read_text(encoding='utf-8', errors='replace').splitlines()
    return '\n'.join(f'      | {line}' for line in lines[-_LINES:])


def parse_budget(text: str) -> float:
    """Seconds of a budget such as ``90s``, ``60min`` or ``2h``.

    Raises:
        ValueError: If it is none.

    Examples:
        >>> parse_budget('60min'), parse_budget('1.5h'), parse_budget('45')
        (3600.0, 5400.0, 2700.0)
    """
    units = dict(s=1, min=60, m=60, h=3600)
    digits = text.strip().rstrip('abcdefghijklmnopqrstuvwxyz')
    unit = text.strip()[len(digits):] or 'min'
    try:
        seconds = float(digits) * units[unit]
    except (ValueError, KeyError):
        seconds = 0.0
    if not 0 < seconds < float('inf'):
        raise ValueError(f'a budget is a time such as 90s, 60min or 2h (a bare number: minutes), '
                         f'got {text!r}')
    return seconds
