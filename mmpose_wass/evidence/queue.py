"""Train what experiments ask for, one run after the other; a cut loses nothing."""
from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, Optional, Union

import torch

from ..engine.checkpoint import load_checkpoint
from ..engine.results import atomic_write, write_json
from ..project import ROOT
from .experiments import Experiment

_GRACE = 20


@dataclass(frozen=True)
class Run:
    """A training.

    Attributes:
        experiment (Experiment): What it trains.
        seed (int): Its seed.
        folder (Path): Where it writes.
    """
    experiment: Experiment
    seed: int
    folder: Path

    @property
    def name(self) -> str:
        """Name of its files."""
        return f'{self.experiment.name}_seed{self.seed}'

    @property
    def config_file(self) -> Path:
        """The config that it is trained with."""
        return self.folder / 'config.py'

    @property
    def checkpoint(self) -> Path:
        """Weights of the last epoch; there once the training is complete."""
        return self.folder / f'epoch_{self.experiment.epochs}.pth'

    @property
    def timing_file(self) -> Path:
        """Seconds that each try took."""
        return self.folder / 'seconds.json'

    @property
    def is_trained(self) -> bool:
        """Whether the training is complete."""
        return self.checkpoint.is_file()


class Queue:
    """Trainings in one folder. Several processes may work on it.

    Args:
        folder: Where; each run has a folder of its own in it.
        experiments: All experiments, also those that are only the start of others.
        roots: Folder of each data set by its name.
    """

    def __init__(self, folder: Union[str, Path], experiments: Mapping[str, Experiment],
                 roots: Mapping[str, str]) -> None:
        self.folder = Path(folder)
        self.experiments = experiments
        self.roots = roots

    def run_of(self, experiment: Experiment, seed: int) -> Run:
        """A run of an experiment."""
        return Run(experiment, seed, self.folder / f'{experiment.name}_seed{seed}')

    def start_file(self, run: Run) -> Optional[Path]:
        """Weights that a run starts from; None: random ones."""
        start = run.experiment.start
        if start is None:
            return None
        source = self.experiments[start]
        kept = '_'.join(part.strip('.').replace('.', '_') for part in run.experiment.drop)
        trained = self.run_of(source, source.seeds[0])
        return trained.folder / (f'start_without_{kept}.pth' if kept else 'start.pth')

    def prepare(self, run: Run) -> None:
        """Write a run's config and the weights that it starts from.

        Raises:
            FileNotFoundError: If its start is not trained yet.
        """
        start = self.start_file(run)
        if start is not None and not start.is_file():
            source = self.experiments[run.experiment.start]
            trained = self.run_of(source, source.seeds[0])
            if not trained.is_trained:
                raise FileNotFoundError(f'{run.name} starts from {trained.name}, which is not '
                                        f'trained yet: there is no {trained.checkpoint}')
            keep_weights(trained.checkpoint, start, run.experiment.drop)
        run.folder.mkdir(parents=True, exist_ok=True)
        cfg = run.experiment.config(run.seed, self.roots, None if start is None else str(start))
        with atomic_write(str(run.config_file)) as file:
            file.write(cfg.pretty_text)

    def command(self, run: Run) -> List[str]:
        """The command that trains it, from its last whole epoch on."""
        return [sys.executable, str(ROOT / 'tools' / 'train.py'), str(run.config_file),
                '--work-dir', str(run.folder), '--resume']

    def train(self, run: Run, seconds: Optional[float] = None) -> bool:
        """Train a run.

        Args:
            run: The run.
            seconds: Time that it may take; cut, it goes on from its last whole epoch next time.

        Returns:
            bool: Whether it is complete.

        Raises:
            RuntimeError: If the training fails; the message has the end of its log.
        """
        self.prepare(run)
        log, start = run.folder / 'train.log', time.monotonic()
        # The first try has nothing to resume; MMEngine would forget the start's weights.
        command = self.command(run)
        if not (run.folder / 'last_checkpoint').is_file():
            command.remove('--resume')
        code = _call(command, log, seconds)
        spent = round(time.monotonic() - start, 1)
        tries = read_seconds(run)
        write_json(str(run.timing_file), [*tries, spent])
        if code is None:
            return False
        if code or not run.is_trained:
            lines = log.read_text(encoding='utf-8', errors='replace').splitlines()[-12:]
            raise RuntimeError(f'the training of {run.name} failed, see {log}:\n  '
                               + '\n  '.join(lines))
        return True

    @contextmanager
    def claim(self, run: Run) -> Iterator[bool]:
        """Keep other processes off a run; yields whether it was free."""
        run.folder.mkdir(parents=True, exist_ok=True)
        lock = run.folder / 'claimed'
        try:
            handle = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            if _is_alive(lock):
                yield False
                return
            # Of a process that was killed. Of several that find it, one may move it away.
            aside = lock.with_name(f'claimed.{os.getpid()}')
            try:
                os.rename(lock, aside)
                aside.unlink()
                handle = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            except (FileNotFoundError, FileExistsError):
                yield False
                return
        try:
            os.write(handle, str(os.getpid()).encode())
            os.close(handle)
            yield True
        finally:
            lock.unlink(missing_ok=True)


def keep_weights(source: Path, target: Path, drop: tuple) -> None:
    """Write a checkpoint's weights without some of them.

    Args:
        source: Checkpoint.
        target: File to write.
        drop: Beginnings of the names of weights to leave out.

    Raises:
        ValueError: If one of them begins no name.
    """
    content = load_checkpoint(str(source))
    weights: Dict[str, torch.Tensor] = content['state_dict']
    for beginning in drop:
        if not any(name.startswith(beginning) for name in weights):
            raise ValueError(f'no weight of {source} begins with {beginning!r}')
    kept = {name: value for name, value in weights.items() if not name.startswith(tuple(drop))}
    with atomic_write(str(target), 'wb') as file:
        torch.save(dict(state_dict=kept, meta=dict()), file)


def read_seconds(run: Run) -> List[float]:
    """Seconds of each try of a run so far."""
    import json
    if not run.timing_file.is_file():
        return []
    return json.loads(run.timing_file.read_text(encoding='utf-8'))


def _is_alive(lock: Path) -> bool:
    try:
        os.kill(int(lock.read_text() or 0), 0)
    except PermissionError:
        return True  # another user's
    except (OSError, ValueError):
        return False
    return True


def _call(command: List[str], log: Path, seconds: Optional[float]) -> Optional[int]:
    environment = dict(os.environ)
    environment['PYTHONPATH'] = os.pathsep.join(
        filter(None, (str(ROOT), environment.get('PYTHONPATH', ''))))
    with open(log, 'a', encoding='utf-8') as output:
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
