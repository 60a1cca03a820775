"""Trainings of seconds that can be killed at a given place, in processes of their own."""
from __future__ import annotations

import json
import multiprocessing
import os
import resource
import runpy
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Callable

import torch
from mmengine.hooks import Hook
from mmpose.registry import HOOKS
from test_tools.tiny_run import REPOSITORY, write_config, write_faces

from mmpose_wass.engine.checkpoint import allow_mmengine_checkpoints

EPOCHS = 4
#: Far less than the checkpoint of the tiny model (about 1.3 MB), far more than its logs.
HALF_A_CHECKPOINT = 300_000

AUGMENTATION = """
train_pipeline[1:1] = [dict(type='RandomFlip', direction='horizontal')]
train_pipeline[3:3] = [dict(type='RandomBBoxTransform', rotate_factor=30.0)]
train_dataloader['sampler']['shuffle'] = True
train_dataloader['batch_size'] = 4
train_cfg['val_interval'] = 1
train_dataloader['dataset']['pipeline'] = train_pipeline
custom_imports = dict(imports=['mmpose_wass'], allow_failed_imports=False)
val_evaluator = [dict(type='FaceLandmarkMetric', outfile_prefix=work_dir + '/val')]
test_evaluator = val_evaluator
default_hooks['checkpoint'].update(interval=1, save_best='face/NME', rule='less')
"""


def write_training(folder: Path, name: str, changes: str = '') -> Path:
    """A training with random augmentation and order, and a validation after each epoch.

    Args:
        folder: Where data, config and run go.
        name: Name of the config and of the run's folder.
        changes: Python text appended to the config.
    """
    if not (folder / 'data').exists():
        write_faces(folder / 'data', 8, 'train')
        write_faces(folder / 'data', 5, 'test', seed=1)
    config = write_config(folder / f'{name}.py', folder / 'data', folder / name, epochs=EPOCHS,
                          learning_rate=0.05)
    config.write_text(config.read_text() + AUGMENTATION + changes)
    return config


@HOOKS.register_module(force=True)
class KillHook(Hook):
    """SIGKILL, which no program can catch, at a place of a run.

    Args:
        place: ``'train'`` (after a step), ``'val'`` (after a batch), ``'write'`` (in the middle of
            writing the epoch's checkpoint), ``'best'`` (of the best one) or ``'full'`` (the write
            of the epoch's checkpoint fails as on a full disk).
        epoch: Counted from 1.
    """
    priority = 'ABOVE_NORMAL'

    def __init__(self, place: str, epoch: int) -> None:
        self.place, self.epoch = place, epoch

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if (self.place, runner.epoch + 1, batch_idx) == ('train', self.epoch, 1):
            os.kill(os.getpid(), signal.SIGKILL)

    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if (self.place, runner.epoch, batch_idx) == ('val', self.epoch, 1):
            os.kill(os.getpid(), signal.SIGKILL)

    def before_save_checkpoint(self, runner, checkpoint):
        kind = 'write' if 'optimizer' in checkpoint else 'best'
        wanted = {'full': 'write'}.get(self.place, self.place)
        if (kind, checkpoint['meta']['epoch']) == (wanted, self.epoch):
            # The system ends a write that goes beyond the limit: by a signal that kills, which
            # Python ignores unless told otherwise, or by an error.
            if self.place != 'full':
                signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (HALF_A_CHECKPOINT, hard))


@HOOKS.register_module(force=True)
class SpoilHook(Hook):
    """Make an image of the first batch of an epoch infinite, so that its loss is no number."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if (runner.epoch + 1, batch_idx) == (self.epoch, 0):
            data_batch['inputs'][0] = data_batch['inputs'][0].float() * float('inf')


def none() -> None:
    """Nothing to prepare."""


#: Copied for each run: a process that has only imported. A copy of the one that runs the tests may
#: die, since threads (OpenMP's, for one) do not survive in it.
FORKS = multiprocessing.get_context('forkserver')
FORKS.set_forkserver_preload(['torch', 'mmengine.runner', 'mmpose.apis', 'mmpose.datasets',
                              'mmpose.models', 'mmpose_wass'])


def run_forked(tool: str, *options, cwd: Path, timeout: float = 900,
               prepare: Callable[[], None] = none) -> tuple[int, str]:
    """Run a tool in a copy of a process that has imported everything, which spares it that.

    Args:
        tool: Its name.
        *options: Its arguments.
        cwd: Folder that it runs in.
        timeout: Seconds after which it is killed and the test fails.
        prepare: Called in the copy before the tool; it is pickled.

    Returns:
        tuple[int, str]: Exit status (minus the signal that killed it), and all that it printed.
    """
    log = cwd / f'{time.monotonic_ns()}.log'
    log.touch()
    process = FORKS.Process(target=_become_tool, args=(
        tool, [str(option) for option in options], cwd, log, prepare, dict(os.environ)))
    process.start()
    process.join(timeout)
    text = log.read_text(errors='backslashreplace')
    if process.exitcode is None:
        process.kill()
        process.join()
        raise AssertionError(f'{tool} did not end:\n{text[-4000:]}')
    log.unlink()
    return process.exitcode, text


def _become_tool(tool: str, options: list, cwd: Path, log: Path, prepare: Callable[[], None],
                 environment: dict[str, str]) -> None:
    code = 0
    try:
        os.environ.clear()
        os.environ.update(environment)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        output = os.open(log, os.O_WRONLY | os.O_CREAT)
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.stdout = open(  # noqa: SIM115  until the process ends
            1, 'w', buffering=1, closefd=False, errors='backslashreplace')
        sys.stderr = sys.stdout
        for name in ('RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT'):
            os.environ.pop(name, None)
        os.chdir(cwd)
        torch.set_num_threads(1)
        sys.argv = [tool, *options]
        prepare()
        runpy.run_path(str(REPOSITORY / 'tools' / tool), run_name='__main__')
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code)
        code = 1 if isinstance(end.code, str) else end.code or 0
    except BaseException:
        traceback.print_exc(file=sys.stdout)
        code = 1
    finally:
        sys.stdout.flush()
        os._exit(code)


def final_metrics(run: Path) -> dict:
    """What the last validation of a run measured."""
    return json.loads((run / 'val.metrics.json').read_text())['metrics']


def weights(file: Path) -> dict[str, torch.Tensor]:
    """The weights in a checkpoint."""
    return torch.load(file, weights_only=allow_mmengine_checkpoints())['state_dict']
