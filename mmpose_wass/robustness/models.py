"""The models of a report."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import torch
from mmengine.config import Config
from mmengine.utils import import_modules_from_strings
from mmpose.models import TopdownPoseEstimator
from mmpose.registry import MODELS

from ..engine.checkpoint import check_checkpoint, load_checkpoint
from ..engine.config_loading import load_config
from ..engine.cross_dataset import trained_scheme
from ..engine.flip_check import check_flip_settings
from ..engine.severity_curve import load_model
from ..turning_on.config_walk import type_name
from .evaluation_sets import refuse_bbox_file
from .hashing import file_hash

#: Weights that a checkpoint may lack: counters, not learnt.
_COUNTERS = ('num_batches_tracked', )


@dataclass(frozen=True)
class FaceModel:
    """A trained model.

    Attributes:
        name (str): What to call it.
        config (str): File of its config, as given.
        checkpoint (str): File of its weights, as given.
        cfg (Config): The config.
        checkpoint_hash (str): SHA-256 of the weights' file.
        scheme (str | None): Landmark scheme that it predicts; None: not known.
    """
    name: str
    config: str
    checkpoint: str
    cfg: Config
    checkpoint_hash: str
    scheme: Optional[str]

    def build(self, device: str = 'cpu') -> torch.nn.Module:
        """The model with its weights, ready to test.

        Raises:
            ValueError: If the checkpoint lacks weights of the model.
        """
        model = load_model(self.cfg, self.checkpoint, 'cpu')
        content = load_checkpoint(self.checkpoint)
        weights = content.get('state_dict', content)
        there = {name[len('module.'):] if name.startswith('module.') else name: tensor.shape
                 for name, tensor in weights.items() if hasattr(tensor, 'shape')}
        wanted = {name: tensor.shape for name, tensor in model.state_dict().items()
                  if not name.endswith(_COUNTERS)}
        wrong = [name for name, shape in wanted.items() if there.get(name) != shape]
        if wrong:
            raise ValueError(
                f'checkpoint {self.checkpoint} does not fit the model of {self.config}: '
                f'{len(wrong)} of {len(wanted)} weights are missing or of another shape, the '
                f'first is {wrong[0]}. Give the config that it was trained with')
        return model.to(device)

    def describe(self) -> Dict[str, Any]:
        """What a report says of it."""
        head = self.cfg.model.get('head', None) or {}
        decoder = head.get('decoder', None) or {}
        return dict(
            name=self.name, config=self.config, checkpoint=self.checkpoint,
            checkpoint_sha256=self.checkpoint_hash, head=type_name(head),
            codec=type_name(decoder), codec_settings={
                key: value for key, value in dict(decoder).items() if key != 'type'},
            flip_test=bool((self.cfg.model.get('test_cfg', None) or {}).get('flip_test', False)),
            scheme=self.scheme)


def read_models(pairs: Sequence[Tuple[str, str]], names: Sequence[str] = (),
                change: Any = None) -> List[FaceModel]:
    """Read configs and look at checkpoints.

    Args:
        pairs: Config and checkpoint of each model.
        names: A name for each; default: as much of their paths as tells them apart.
        change: Called with each config to change it in place.

    Returns:
        list[FaceModel]: The models, not built yet.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is not what it should be, or names do not fit.
    """
    if names and len(names) != len(pairs):
        raise ValueError(f'{len(names)} names for {len(pairs)} models')
    names = list(names) or choose_names(pairs)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f'two models are called {twice[0]!r}; give each a --name of its own')
    models = []
    for name, (config, checkpoint) in zip(names, pairs):
        cfg = load_config(config)
        if change is not None:
            change(cfg)
        if cfg.get('custom_imports', None):
            import_modules_from_strings(**cfg['custom_imports'])
        if cfg.get('model', None) is None:
            raise ValueError(f'config {config}: has no model')
        if not _is_top_down(cfg.model):
            raise ValueError(f'config {config}: its model is a {type_name(cfg.model) or "?"}; the '
                             'report tests top-down models (TopdownPoseEstimator)')
        refuse_bbox_file(cfg)
        check_flip_settings(cfg)
        if '://' in checkpoint:
            raise ValueError(f'checkpoint {checkpoint}: download it first; the report needs its '
                             'content for the cache')
        check_checkpoint(checkpoint)
        models.append(FaceModel(name, config, checkpoint, cfg, file_hash(checkpoint),
                                _scheme(cfg)))
    return models


def choose_names(pairs: Sequence[Tuple[str, str]]) -> List[str]:
    """Names of models by their files: the config's name, with the checkpoint's where need be.

    Examples:
        >>> choose_names([('a/l2.py', 'a/best.pth'), ('a/w.py', 'a/best.pth')])
        ['l2', 'w']
        >>> choose_names([('a/w.py', '1/best.pth'), ('a/w.py', '2/best.pth')])
        ['w 1/best', 'w 2/best']
    """
    stems = [Path(config.replace('::', '/')).stem for config, _ in pairs]
    if len(set(stems)) == len(stems):
        return stems
    paths = [Path(checkpoint).with_suffix('').parts for _, checkpoint in pairs]
    for count in range(1, max(map(len, paths)) + 1):
        names = [f'{stem} {"/".join(parts[-count:])}' for stem, parts in zip(stems, paths)]
        if len(set(names)) == len(names):
            return names
    return [f'{stem} {place}' for place, stem in enumerate(stems, start=1)]


def _is_top_down(model: Mapping[str, Any]) -> bool:
    kind = model.get('type', None)
    kind = MODELS.get(kind) if isinstance(kind, str) else kind
    return isinstance(kind, type) and issubclass(kind, TopdownPoseEstimator)


def _scheme(cfg: Config) -> Optional[str]:
    try:
        return trained_scheme(cfg)
    except (ValueError, KeyError, FileNotFoundError):
        return None  # a layout of one's own; it can still be tested on its own data
