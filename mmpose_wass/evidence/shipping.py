"""Make a trained run into a model for a package: weights in half precision, a config of its own."""
from __future__ import annotations

from pathlib import Path
from typing import Tuple, Union

import torch
from mmengine.config import Config

from ..engine.checkpoint import load_checkpoint
from ..engine.results import atomic_write

#: What belongs to the machine that it was trained on.
_LEFT_OUT = ('load_from', 'resume', 'work_dir', 'launcher')


def ship_model(config: Union[str, Path], checkpoint: Union[str, Path],
               target: Union[str, Path], note: str) -> Tuple[Path, Path]:
    """Write ``target.py`` and ``target.pth``.

    Args:
        config: The run's config.
        checkpoint: Its weights.
        target: Path without ending.
        note: Comment at the head of the config.

    Returns:
        tuple[Path, Path]: Config, with data below ``data/300w/`` and without the weights that it
        started from, and checkpoint: floating-point weights as float16, no optimizer.
    """
    cfg = Config.fromfile(str(config)).to_dict()
    kept = {name: value for name, value in cfg.items() if name not in _LEFT_OUT}
    for split in ('train', 'val', 'test'):
        kept[f'{split}_dataloader']['dataset']['data_root'] = 'data/300w/'
    kept.update(dataset_type=cfg['train_dataloader']['dataset']['type'], data_mode='topdown')
    target = Path(target)
    files = target.with_suffix('.py'), target.with_suffix('.pth')
    with atomic_write(str(files[0])) as file:
        file.write(f'# {note}\n{Config(kept).pretty_text}')
    content = load_checkpoint(str(checkpoint))
    weights = {name: value.half() if value.is_floating_point() else value
               for name, value in content['state_dict'].items()}
    with atomic_write(str(files[1]), 'wb') as file:
        torch.save(dict(state_dict=weights, meta=dict()), file)
    return files

