"""Fetch pretrained weights before a model is built, and say what to do when that fails."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from typing import Any, Iterator

from mmengine.config import Config

from ..turning_on.config_walk import type_name
from .checkpoint import load_checkpoint
from .distributed import is_first_process

# Seconds without an answer after which a download counts as failed. torch.hub sets no limit, so
# behind a firewall that drops packets it would hang.
DOWNLOAD_TIMEOUT = 30.0


class PretrainedWeightsError(RuntimeError):
    """Pretrained weights could not be fetched; the message names the option to go on without."""


def find_pretrained(node: Any, path: str = 'model') -> Iterator[tuple[str, str]]:
    """Yield the pretrained weights that a model's config asks for.

    Args:
        node: ``cfg.model`` or a part of it.
        path: Its dotted path.

    Yields:
        tuple[str, str]: The option that holds the weights, such as ``model.backbone.init_cfg``,
        and their address.

    Examples:
        >>> model = dict(backbone=dict(
        ...     init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet18')))
        >>> list(find_pretrained(model))
        [('model.backbone.init_cfg', 'torchvision://resnet18')]
    """
    if isinstance(node, dict):
        for key in list(node):
            child = node[key]
            if key == 'init_cfg':
                for one in child if isinstance(child, (list, tuple)) else [child]:
                    if type_name(one) in ('Pretrained', 'PretrainedInit'):
                        yield f'{path}.init_cfg', one['checkpoint']
            elif key == 'pretrained' and isinstance(child, str):
                yield f'{path}.pretrained', child
            else:
                yield from find_pretrained(child, f'{path}.{key}')
    elif isinstance(node, (list, tuple)):
        for index, child in enumerate(node):
            yield from find_pretrained(child, f'{path}.{index}')


def fetch_pretrained_weights(cfg: Config, timeout: float = DOWNLOAD_TIMEOUT) -> list[str]:
    """Fetch the pretrained weights of a config into PyTorch's cache, or fail clearly and soon.

    Every process may call it; only the first of a distributed run does anything, as MMEngine
    downloads in the first process too.

    Args:
        cfg: The config that a runner will be built from.
        timeout: Seconds without an answer after which a download has failed.

    Returns:
        list[str]: The addresses of what is now there.

    Raises:
        PretrainedWeightsError: If weights cannot be had. Names them, the reason, and the option
            to go on without (``--cfg-options model.backbone.init_cfg=None``).
    """
    if not is_first_process():
        return []
    fetched = []
    for option, address in find_pretrained(cfg.get('model', None) or {}):
        if address in fetched:
            continue
        try:
            with _socket_timeout(timeout):
                load_checkpoint(address)
        except Exception as error:  # whatever it is, these weights are not to be had
            raise PretrainedWeightsError(
                _explain(option, address, error, offline='://' in address)) from error
        fetched.append(address)
    return fetched


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _explain(option: str, address: str, error: Exception, offline: bool) -> str:
    import torch
    reason = getattr(error, 'reason', None) or error
    cause = str(reason).splitlines()[0] if str(reason) else type(error).__name__
    lines = [f'{option}: the pretrained weights {address} could not be '
             f'{"downloaded" if offline else "loaded"} ({type(error).__name__}: {cause}).']
    lines.append('To go on without them, from random weights, add')
    lines.append(f'    --cfg-options {option}=None')
    lines.append('(The Wasserstein loss alone starts badly from random weights: with --wass, '
                 "add --loss wasserstein+kl too.)")
    if offline:
        cache = os.path.join(torch.hub.get_dir(), 'checkpoints')
        lines.append('To use them offline, download the file elsewhere and either put it into '
                     f'{cache} under its own name or add')
    else:
        lines.append('To use another file, add')
    lines.append(f'    --cfg-options {option}.checkpoint=/path/to/weights.pth'
                 if option.endswith('init_cfg') else
                 f'    --cfg-options {option}=/path/to/weights.pth')
    return '\n'.join(lines)
