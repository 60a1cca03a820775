"""Run several processes on machines without a GPU.

MMEngine 0.10 calls ``torch.cuda.set_device`` when it sets up its processes and hands
``device_ids`` to ``DistributedDataParallel``; either fails on a machine without a GPU.
"""

from __future__ import annotations

import datetime
import gc
import os
import subprocess

import torch
from mmengine.config import Config
from mmengine.device import get_device


def is_first_process() -> bool:
    """Whether this is the first process of a run, before any process group exists."""
    for name in ('RANK', 'SLURM_PROCID', 'OMPI_COMM_WORLD_RANK'):
        if os.environ.get(name, '').isdigit():
            return os.environ[name] == '0'
    return True


def prepare_cpu_processes(cfg: Config, launcher: str) -> bool:
    """Set up the processes of a distributed run on CPUs (gloo), before a runner is built.

    Does nothing for a single process or where there is a GPU. Otherwise it starts the process
    group itself, which makes MMEngine leave it alone, and has the model wrapped without
    ``device_ids``.

    Args:
        cfg: The config that the runner will be built from; ``env_cfg.dist_cfg.backend`` and
            ``model_wrapper_cfg`` are changed.
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.

    Returns:
        bool: Whether this is a distributed run on CPUs.

    Raises:
        ValueError: If the launcher's environment variables are missing; says how to launch.
    """
    if launcher == 'none' or get_device() != 'cpu':
        return False
    dist_cfg = dict(cfg.get('env_cfg', None) or {}).get('dist_cfg', None) or {}
    timeout = dist_cfg.get('timeout', None)
    if not torch.distributed.is_initialized():
        set_process_variables(launcher)
        options = {}
        if timeout is not None:
            options['timeout'] = datetime.timedelta(seconds=timeout)
        torch.distributed.init_process_group(backend='gloo', **options)

    env_cfg = cfg.get('env_cfg', None)
    if env_cfg is None:
        cfg['env_cfg'] = dict()
        env_cfg = cfg['env_cfg']
    env_cfg['dist_cfg'] = dict(dist_cfg, backend='gloo')

    wrapper = dict(cfg.get('model_wrapper_cfg', None) or dict(
        type='MMDistributedDataParallel',
        broadcast_buffers=False,
        find_unused_parameters=cfg.get('find_unused_parameters', False)))
    wrapper['device_ids'] = None
    cfg['model_wrapper_cfg'] = wrapper
    return True


def finish_processes() -> None:
    """End the processes of a distributed run together; does nothing for a single one.

    Without it the interpreter may go down while gloo's threads still run, which aborts a process
    (and with it the job) after all the work is done. Those threads live as long as anything holds
    the process group, which a model wrapped in ``DistributedDataParallel`` does: call this where
    no variable holds the runner any more. Runners refer to themselves, hence the collection.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()
        gc.collect()
        torch.distributed.destroy_process_group()


def set_process_variables(launcher: str) -> None:
    """Translate a launcher's environment variables into those that PyTorch reads.

    Args:
        launcher: ``'pytorch'``, ``'slurm'`` or ``'mpi'``.

    Raises:
        ValueError: If the launcher's variables are missing.
    """
    if launcher == 'slurm':
        _require(launcher, 'SLURM_PROCID', 'SLURM_NTASKS')
        rank = os.environ['SLURM_PROCID']
        os.environ['RANK'] = rank
        os.environ['WORLD_SIZE'] = os.environ['SLURM_NTASKS']
        os.environ['LOCAL_RANK'] = os.environ.get('SLURM_LOCALID', rank)
        if 'MASTER_ADDR' not in os.environ:
            _require(launcher, 'SLURM_NODELIST')
            os.environ['MASTER_ADDR'] = _first_slurm_host(os.environ['SLURM_NODELIST'])
    elif launcher == 'mpi':
        _require(launcher, 'OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE',
                 'OMPI_COMM_WORLD_LOCAL_RANK', 'MASTER_ADDR')
        os.environ['RANK'] = os.environ['OMPI_COMM_WORLD_RANK']
        os.environ['WORLD_SIZE'] = os.environ['OMPI_COMM_WORLD_SIZE']
        os.environ['LOCAL_RANK'] = os.environ['OMPI_COMM_WORLD_LOCAL_RANK']
    else:
        _require(launcher, 'RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT')
    os.environ.setdefault('MASTER_PORT', '29500')


def _require(launcher: str, *names: str) -> None:
    missing = [name for name in names if name not in os.environ]
    if missing:
        raise ValueError(
            f'--launcher {launcher}: the environment lacks {", ".join(missing)}, so no launcher '
            'started this process. Use tools/dist_train.sh CONFIG PROCESSES (or '
            'tools/dist_test.sh, tools/slurm_train.sh, tools/slurm_test.sh).')


def _first_slurm_host(node_list: str) -> str:
    """Return the first host of a Slurm list such as ``node[03-07]``."""
    output = subprocess.run(
        ['scontrol', 'show', 'hostname', node_list], capture_output=True, text=True, check=True)
    return output.stdout.split()[0]
