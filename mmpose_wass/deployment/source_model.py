"""The trained model that is exported, and what is known about it."""
from __future__ import annotations

import copy
import os
import warnings
from typing import NamedTuple, Optional, Tuple

from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmengine.utils import import_modules_from_strings
from mmpose.registry import MODELS
from torch import nn

from mmpose_wass.engine.checkpoint import check_checkpoint, load_checkpoint
from mmpose_wass.engine.cross_dataset import trained_scheme
from mmpose_wass.engine.logit_scale import load_weights
from mmpose_wass.engine.options import set_preprocessor
from mmpose_wass.landmarks import find_scheme
from mmpose_wass.models import check_coordinate_channels
from mmpose_wass.robustness.hashing import file_hash
from mmpose_wass.turning_on.config_walk import find_typed, type_name


class Landmarks(NamedTuple):
    """What the landmarks are, as far as it is known.

    Attributes:
        scheme: Name of the scheme, ``''`` where it is not known.
        names: Name of each landmark, in order.
        flip_indices: Index of each landmark after mirroring.
    """

    scheme: str = ''
    names: Optional[Tuple[str, ...]] = None
    flip_indices: Optional[Tuple[int, ...]] = None


class Crop(NamedTuple):
    """How the test pipeline cuts the input out of the image.

    Attributes:
        padding: The box is enlarged by this factor around its centre, then to the input's aspect.
        use_udp: Whether first and last pixel centres align (``TopdownAffine(use_udp=True)``).
    """

    padding: float
    use_udp: bool


class SourceModel(NamedTuple):
    """A model with its weights.

    Attributes:
        model: In evaluation mode, on the CPU.
        landmarks: What comes out.
        crop: What goes in; None where no pipeline of the config tells.
        config: Name of the config's file.
        checkpoint: Name of the checkpoint's file, ``''`` without one.
        checkpoint_sha256: Hash of it, ``''`` without one.
    """

    model: nn.Module
    landmarks: Landmarks
    crop: Optional[Crop]
    config: str = ''
    checkpoint: str = ''
    checkpoint_sha256: str = ''


def load_source_model(cfg: Config, checkpoint: Optional[str]) -> SourceModel:
    """Build a config's model with all its weights.

    Args:
        cfg: The config, after ``--wass`` and ``--cfg-options``; it is not changed.
        checkpoint: File of the weights, or an address that MMEngine downloads. None leaves random
            weights, which is of use for speed only.

    Returns:
        The model.

    Raises:
        FileNotFoundError: If there is no checkpoint of that name.
        ValueError: If it is none, or does not fit the model.
    """
    cfg = copy.deepcopy(cfg)
    init_default_scope(cfg.get('default_scope', 'mmpose'))
    if cfg.get('custom_imports', None):
        import_modules_from_strings(**cfg['custom_imports'])
    if cfg.get('model', None) is None:
        raise ValueError(f'config {cfg.filename}: has no model')
    set_preprocessor(cfg)
    if (cfg.model.get('backbone', None) or {}).get('init_cfg', None) and checkpoint:
        cfg.model.backbone.init_cfg = None  # the checkpoint has all weights
    content, digest = {}, ''
    if checkpoint:
        check_checkpoint(checkpoint)
        content = load_checkpoint(checkpoint)
        digest = '' if '://' in checkpoint else file_hash(checkpoint)
    model = revert_sync_batchnorm(MODELS.build(cfg.model))
    if checkpoint:
        weights = content.get('state_dict', content)
        check_coordinate_channels(model, weights)
        load_weights(model, content, checkpoint)
    else:
        model.init_weights()
    return SourceModel(
        model.eval(), landmarks_of(cfg, content, _count(model)), crop_of(cfg),
        os.path.basename((cfg.filename or '').replace('::', '/')),
        os.path.basename(checkpoint or ''), digest)


def landmarks_of(cfg: Config, checkpoint: dict, count: Optional[int]) -> Landmarks:
    """Scheme, names and mirrored indices: of the checkpoint, else of the config's training data.

    Args:
        cfg: The config.
        checkpoint: The checkpoint's content.
        count: How many landmarks the model predicts; what has another number is not its scheme.
    """
    meta = checkpoint.get('meta') if isinstance(checkpoint, dict) else None
    meta = (meta.get('dataset_meta') if isinstance(meta, dict) else None) or {}
    flip, names = meta.get('flip_indices'), meta.get('keypoint_id2name')
    name = str(meta.get('dataset_name', ''))
    if flip is None or len(flip) != count:
        flip = names = None
        try:
            name = trained_scheme(cfg)
        except (ValueError, KeyError, FileNotFoundError):
            return Landmarks()  # landmarks of one's own that nothing describes
    scheme = find_scheme(name)
    if scheme is not None and scheme.num_landmarks == count:
        # Words, where MMPose's metainfo often has numbers.
        names = scheme.landmark_names
        if flip is None:
            with warnings.catch_warnings():
                # That a metainfo file lies in the installed package, as MMPose's own always do.
                warnings.filterwarnings('ignore', message='The metainfo config file')
                flip = scheme.flip_indices()
    elif flip is None:
        return Landmarks()
    elif names is not None:
        names = [names[index] for index in range(count)]
    return Landmarks(name, None if names is None else tuple(map(str, names)),
                     tuple(map(int, flip)))


def crop_of(cfg: Config) -> Optional[Crop]:
    """The crop of the test pipeline, or of the validation's; None if neither makes one."""
    for name in ('test_dataloader', 'val_dataloader'):
        steps = {type_name(node): node for _, node in find_typed(cfg.get(name, None) or {})}
        if 'TopdownAffine' in steps and 'GetBBoxCenterScale' in steps:
            return Crop(float(steps['GetBBoxCenterScale'].get('padding', 1.25)),
                        bool(steps['TopdownAffine'].get('use_udp', False)))
    return None


def _count(model: nn.Module) -> Optional[int]:
    return getattr(getattr(model, 'head', None), 'out_channels', None)
