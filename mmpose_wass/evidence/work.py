"""Work off a queue: train, measure, keep the record; each run by itself."""
from __future__ import annotations

import hashlib
import json
import platform
import subprocess
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

import torch
from mmengine.runner.checkpoint import CheckpointLoader

from ..engine.results import now, software_versions
from ..project import ROOT
from .experiments import Experiment, runs_of
from .measure import Reading, Test, measure
from .queue import Queue, Run, read_seconds
from .records import Record, write_record


class Worker:
    """Trains and measures.

    Args:
        queue: The trainings.
        tests: All tests.
        readings: All readings.
        results: Folder of the records.
        say: Called with a line at each step.
    """

    def __init__(self, queue: Queue, tests: Sequence[Test], readings: Sequence[Reading],
                 results: Union[str, Path], say: Callable[[str], None] = print) -> None:
        self.queue, self.tests, self.readings = queue, list(tests), list(readings)
        self.results, self.say = Path(results), say
        self.failed: Dict[str, str] = {}

    def is_recorded(self, run: Run) -> bool:
        """Whether a run's record is there."""
        return (self.results / f'{run.name}.json').is_file()

    def open_runs(self, names: Optional[Sequence[str]] = None) -> List[Run]:
        """Runs without a record, in the order of the queue, their starts first."""
        return [run for run in self._all(names) if not self.is_recorded(run)]

    def _all(self, names: Optional[Sequence[str]]) -> List[Run]:
        wanted = dict(self.queue.experiments)
        if names is not None:
            unknown = [name for name in names if name not in wanted]
            if unknown:
                raise KeyError(f'there is no experiment {unknown[0]!r}; there are '
                               f'{", ".join(wanted)}')
            needed = set(names)
            while not needed >= (starts := {wanted[name].start for name in needed} - {None}):
                needed |= starts
            wanted = {name: one for name, one in wanted.items() if name in needed}
        return [self.queue.run_of(one, seed) for one, seed in runs_of(wanted)]

    def work(self, names: Optional[Sequence[str]] = None,
             seconds: Optional[float] = None,
             most: Optional[int] = None) -> Tuple[List[str], List[str]]:
        """Do what is open.

        A run that fails does not stop the others; one that another process is at is left to it.

        Args:
            names: Of experiments; None: all.
            seconds: Time for all of it.
            most: Do so many runs; None: all.

        Returns:
            tuple[list[str], list[str]]: Names of runs done and of runs left.
        """
        end = None if seconds is None else time.monotonic() + seconds
        done = []
        for run in self.open_runs(names):
            left = None if end is None else end - time.monotonic()
            if (left is not None and left <= 0) or len(done) == most:
                break
            if not self._has_start(run, left):
                self.say(f'{run.name}: left, its start is not trained yet')
                continue
            left = None if end is None else end - time.monotonic()
            with self.queue.claim(run) as free:
                if free and not self.is_recorded(run) and self._do(run, left):
                    done.append(run.name)
        return done, [run.name for run in self.open_runs(names)]

    def _has_start(self, run: Run, seconds: Optional[float]) -> bool:
        """Whether the weights are there that a run starts from.

        Records travel with the project, weights do not: a start that is recorded and has none here
        is trained once more. Its record stays.
        """
        if run.experiment.start is None:
            return True
        source = self.queue.experiments[run.experiment.start]
        start = self.queue.run_of(source, source.seeds[0])
        if start.is_trained:
            return True
        if not self.is_recorded(start) or start.name in self.failed \
                or not self._has_start(start, seconds):
            return False
        with self.queue.claim(start) as free:
            if not free:
                return False
            self.say(f'{start.name}: recorded, but its weights are not in {start.folder}: '
                     f'training it again for {run.name}')
            try:
                return self.queue.train(start, seconds)
            except RuntimeError as error:
                self.failed[start.name] = str(error)
                self.say(f'{start.name}: FAILED: {error}')
                return False

    def _do(self, run: Run, seconds: Optional[float]) -> bool:
        try:
            if not run.is_trained:
                self.say(f'{run.name}: training, log in {run.folder / "train.log"}')
                if not self.queue.train(run, seconds):
                    self.say(f'{run.name}: out of time, goes on from its last epoch')
                    return False
            self.say(f'{run.name}: testing')
            path = write_record(self.results, self.record(run))
        except Exception as error:  # the next run may well work
            self.failed[run.name] = f'{type(error).__name__}: {error}'
            self.say(f'{run.name}: FAILED: {self.failed[run.name]}')
            return False
        self.say(f'{run.name}: {path}')
        return True

    def record(self, run: Run) -> Record:
        """Measure a trained run."""
        if not run.config_file.is_file():
            self.queue.prepare(run)
        wanted = run.experiment.tests
        tests = [test for test in self.tests if not wanted or test.name in wanted]
        start = time.monotonic()
        found = measure(run.config_file, run.checkpoint, tests, self.readings, say=self.say)
        return Record(run.name, dict(
            experiment=run.experiment.name, title=run.experiment.title, seed=run.seed,
            settings=describe_experiment(run.experiment),
            training=dict(seconds=sum(read_seconds(run)), tries=len(read_seconds(run)),
                          start_digest=digest(self.queue.start_file(run)),
                          curve=read_curve(run.folder)),
            testing=dict(seconds=round(time.monotonic() - start, 1)),
            machine=describe_machine(), versions=software_versions(), commit=commit(), date=now(),
            tests=found.metrics), found.faces)


def describe_experiment(experiment: Experiment) -> Dict[str, Any]:
    """What a record says of the experiment."""
    return dict(recipe=experiment.recipe, parts=experiment.parts, start=experiment.start,
                drop=experiment.drop, epochs=experiment.epochs,
                learning_rate=experiment.learning_rate, augmented=experiment.augmented,
                data=experiment.data, options=dict(experiment.options))


def read_curve(folder: Path) -> List[Dict[str, float]]:
    """Loss of each logged step and NME of each validation, from MMEngine's scalars.

    Where a ``GradientSizeHook`` was at work, steps have what it logged.
    """
    points: List[Dict[str, float]] = []
    for file in sorted(folder.glob('*/vis_data/scalars.json')):
        for line in file.read_text(encoding='utf-8').splitlines():
            entry = json.loads(line)
            if 'face/NME' in entry:
                points.append(dict(epoch=entry['step'], NME=entry['face/NME']))
            elif 'loss' in entry:
                points.append(dict(step=entry['step'], loss=entry['loss'], **{
                    name: value for name, value in entry.items() if name.startswith('gradient_')}))
    return points


def digest(weights: Optional[Path]) -> Optional[str]:
    """Twelve digits that tell one start from another; None for random weights."""
    if weights is None:
        return None
    found = hashlib.sha256()
    content = CheckpointLoader.load_checkpoint(str(weights), map_location='cpu')['state_dict']
    for name in sorted(content):
        found.update(name.encode())
        found.update(content[name].contiguous().numpy().tobytes())
    return found.hexdigest()[:12]


def describe_machine() -> Dict[str, Any]:
    """The processor and how much of it was used."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path('/proc/cpuinfo')
    if cpuinfo.is_file():
        names = [line.split(':', 1)[1].strip() for line in cpuinfo.read_text().splitlines()
                 if line.startswith('model name')]
        model = names[0] if names else model
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
    return dict(processor=model, threads=torch.get_num_threads(), gpu=gpu)


def commit() -> str:
    """The project's commit; empty outside a checkout."""
    call = subprocess.run(['git', '-C', str(ROOT), 'rev-parse', '--short', 'HEAD'],
                          capture_output=True, text=True, check=False)
    return call.stdout.strip()
