"""Put a config together from parts: data set, model, loss, targets, sampling, CoordConv.

Every part is a small file in ``configs/face/_base_`` that sets one variable, so that a config
is the list of its parts. What a part may hold is said in :func:`face_recipe`.
"""
from __future__ import annotations

import copy
import math
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from mmengine.config import Config, ConfigDict
from mmpose.evaluation.metrics import NME

from ..datasets.perturbations import level_severity
from ..landmarks import LandmarkScheme, get_scheme
from ..turning_on.config_walk import type_name
from ..turning_on.heads import PROBABILITY_HEADS
from .cross_dataset import scheme_of
from .severity_curve import perturbed_dataloader

#: What all codecs have in common.
_SIZES = ('input_size', 'heatmap_size')


def face_recipe(base: Mapping[str, Any]) -> Dict[str, Any]:
    """The settings of a config that follow from the parts it inherits.

    For use in a config that inherits a recipe (``_base_/hrnet_w18_300w_paper.py``) and the parts::

        _base_ = [
            '../_base_/hrnet_w18_300w_paper.py', '../_base_/datasets/wflw.py',
            '../_base_/losses/wass.py', '../_base_/targets/sigma3.py'
        ]
        from mmpose_wass.engine.config_parts import face_recipe
        globals().update(face_recipe(_base_))

    The parts are these variables of ``base``:

    - ``data_<name>``, exactly one: ``train`` and ``val``, configs of data sets without pipeline;
      ``test_sets`` and ``unions``, what a test reports under which name; optionally
      ``attributes``, further test sets (subsets); ``metrics``, in place of the recipe's;
      ``optim_wrapper``, what the data set changes in the optimizer.
    - ``loss_part``: ``loss``, the config of the loss (an entry ``sigma=None`` is filled in with
      the targets' sigma); ``codec``, what it asks of the codec, or, with a ``type``, another codec;
      ``probability=False`` if the maps are values and no logits of distributions, which
      keeps the stock head.
    - ``landmarks_part`` (optional): ``scheme``, a landmark scheme that the annotation is reduced to
      before training, see ``ReducedFaceDataset``; the tests then use the reduced annotation too.
      ``imports``, here or in the data part: further modules to import, with classes of one's own.
    - ``targets``, ``sampling`` (optional): further options of the codec, such as ``sigma``.
    - ``model_part`` (optional): ``backbone``, ``head`` and perhaps ``neck`` in place of the
      recipe's; the head without number of landmarks, loss and decoder. ``landmark_channels`` are
      dotted names of what else has the number of landmarks; ``hard_landmarks``, a fraction, has
      the last stage of the head learn from the hardest landmarks alone; ``stage_sigmas``, factors
      of the targets' sigma, gives each stage of the head targets of its own.
    - ``coord_conv`` (optional): options of ``convert_to_coord_conv``; all convolutions of
      the model become CoordConvs.

    Args:
        base: ``_base_`` of the config.

    Returns:
        dict: ``custom_imports``, ``codec``, ``model``, ``optim_wrapper``, ``train_pipeline`` and
        the three data loaders with their evaluators. They replace what the recipe has.

    Raises:
        ValueError: If a part is missing, or there are several data sets; names them.
    """
    parts = {name: _plain(value) for name, value in base.items()}
    data = _reduced(parts[_only_data(parts)], parts.get('landmarks_part', {}))
    loss = _required(parts, 'loss_part', '_base_/losses/*.py')
    codec = _codec(parts, loss)
    scheme = get_scheme(scheme_of(data['train']))
    sigmas = [factor * codec['sigma']
              for factor in parts.get('model_part', {}).get('stage_sigmas', ())]
    train_pipeline = _with_encoder(parts['train_pipeline'], codec, sigmas)
    test_pipeline = parts['val_pipeline']
    metrics = _metrics(parts['val_evaluator'], data, scheme)
    test_dataset, test_evaluator = _test_sets(data, test_pipeline, metrics)
    imports = [*parts['custom_imports']['imports'], *data.get('imports', ()),
               *loss.get('imports', ())]
    return dict(
        custom_imports=dict(imports=list(dict.fromkeys(imports)), allow_failed_imports=False),
        codec=dict(codec, _delete_=True),
        model=dict(_model(parts, loss, codec, scheme.num_landmarks, sigmas), _delete_=True),
        optim_wrapper=data.get('optim_wrapper', {}),
        train_pipeline=train_pipeline,
        train_dataloader=_loader(dict(data['train'], pipeline=train_pipeline)),
        val_dataloader=_loader(dict(data['val'], pipeline=test_pipeline)),
        val_evaluator=metrics,
        test_dataloader=_loader(test_dataset),
        test_evaluator=test_evaluator)


def perturbed_test(base: Mapping[str, Any], perturbation: str, level: str,
                   loader: Optional[Mapping[str, Any]] = None) -> dict:
    """Test data with a synthetic perturbation at a level of the protocol.

    Args:
        base: ``_base_`` of the config, whose ``test_dataloader`` is perturbed.
        perturbation: ``'occlusion'`` or ``'motion_blur'``.
        level: ``'medium'`` or ``'large'``.
        loader: Data loader to perturb in place of the base's.

    Returns:
        dict: For ``test_dataloader``.

    Raises:
        ValueError: For an unknown level, or a pipeline without a crop.
    """
    loader = _plain(base['test_dataloader'] if loader is None else loader)
    return perturbed_dataloader(loader, perturbation, level_severity(perturbation, level))


def only_test_set(base: Mapping[str, Any], name: str) -> Tuple[dict, Any]:
    """One of several named test sets in place of all.

    Args:
        base: ``_base_`` of the config, whose test has several sets.
        name: Which.

    Returns:
        ``test_dataloader`` and ``test_evaluator``; the report then has no names of sets.

    Raises:
        ValueError: If there is no such set; lists those that there are.
    """
    loader, evaluator = _plain(base['test_dataloader']), _plain(base['test_evaluator'])
    sets = loader['dataset'].get('datasets')
    if not isinstance(sets, dict) or name not in sets:
        raise ValueError(f'the test has no set {name!r}; there are '
                         f'{", ".join(sets) if isinstance(sets, dict) else "no named ones"}')
    loader['dataset'] = dict(sets[name], _delete_=True)
    metrics = evaluator['metrics']
    # MMEngine's merging: an entry that is no dict replaces what it finds.
    return loader, metrics if isinstance(metrics, list) else dict(metrics, _delete_=True)


def _plain(value: Any) -> Any:
    return value.to_dict() if isinstance(value, (ConfigDict, Config)) else copy.deepcopy(value)


def _only_data(parts: Mapping[str, Any]) -> str:
    found = [name for name, value in parts.items() if name.startswith('data_')
             and isinstance(value, dict) and 'train' in value]
    if len(found) != 1:
        raise ValueError('a recipe needs exactly one data set to train on, a variable data_<name> '
                         'with the entry train (configs/face/_base_/datasets/*.py), found '
                         f'{", ".join(found) or "none"}')
    return found[0]


def _required(parts: Mapping[str, Any], name: str, where: str) -> dict:
    if name not in parts:
        raise ValueError(f'the config inherits no part that sets {name}; add one of {where} to '
                         '_base_')
    return parts[name]


def _reduced(data: Dict[str, Any], landmarks: Mapping[str, Any]) -> Dict[str, Any]:
    """The data set with its annotation reduced to another scheme."""
    if not landmarks:
        return data
    annotated = scheme_of(data['train'])

    def reduce(node: Any) -> Any:
        if not isinstance(node, dict):
            return node
        if 'ann_file' in node:
            return dict(node, type='ReducedFaceDataset', annotated=annotated, **landmarks)
        return {name: reduce(child) for name, child in node.items()}

    return reduce(data)


def _codec(parts: Mapping[str, Any], loss: Mapping[str, Any]) -> dict:
    base, wanted = parts['codec'], loss.get('codec', {})
    if 'type' in wanted:
        base = {name: base[name] for name in _SIZES}
    codec = dict(base, **wanted)
    for part in ('targets', 'sampling'):
        codec.update(parts.get(part, {}))
    return codec


def _model(parts: Mapping[str, Any], loss: Mapping[str, Any], codec: dict, landmarks: int,
           sigmas: Sequence[float]) -> dict:
    model = parts['model']
    structure = parts.get('model_part', {})
    if structure:
        model = {name: value for name, value in model.items() if name != 'neck'}
        model.update({name: structure[name] for name in ('backbone', 'neck', 'head')
                      if name in structure})
    if 'coord_conv' in parts:
        model.update(type='CoordConvPoseEstimator', coord_conv=parts['coord_conv'])
    head = model['head']
    if loss.get('probability', True):
        head['type'] = PROBABILITY_HEADS.get(type_name(head), head['type'])
    stages = [_of_sigma(loss['loss'], sigma) for sigma in sigmas or [codec['sigma']]]
    head.update(out_channels=landmarks, decoder=codec, loss=stages if sigmas else stages[0])
    for name in structure.get('landmark_channels', ()):
        part, option = name.split('.')
        model[part][option] = landmarks
    if 'hard_landmarks' in structure:
        mined = _mining(stages[-1], structure['hard_landmarks'], landmarks)
        if sigmas:
            head['loss'] = [*stages[:-1], mined]
        else:
            head['refine_loss'] = mined
    return model


def _of_sigma(loss: Mapping[str, Any], sigma: float) -> dict:
    """The loss for targets of this sigma: what it or its terms leave open is filled in."""
    loss = dict(loss)
    if loss.get('sigma', 0) is None:
        loss['sigma'] = sigma
    if 'losses' in loss:
        loss['losses'] = {name: _of_sigma(term, sigma) for name, term in loss['losses'].items()}
    return loss


def _mining(loss: dict, share: float, landmarks: int) -> dict:
    """The loss over the hardest landmarks of an image."""
    if type_name(loss) == 'KeypointMSELoss':
        return dict(loss, type='KeypointOHKMMSELoss', topk=math.ceil(share * landmarks - 1e-9))
    return dict(type='HardLandmarkLoss', hard_landmarks=share, loss=loss)


def _with_encoder(pipeline: List[dict], codec: dict, sigmas: Sequence[float]) -> List[dict]:
    """The training pipeline with the codec, or one for each stage."""
    encoder: Dict[str, Any] = dict(encoder=codec)
    if sigmas:
        encoder = dict(encoder=[dict(codec, sigma=sigma) for sigma in sigmas], multilevel=True)
    return [dict(step, **encoder) if type_name(step) == 'GenerateTarget' else step
            for step in pipeline]


def _metrics(metrics: List[dict], data: Mapping[str, Any], scheme: LandmarkScheme) -> List[dict]:
    """The data set's own metrics, or the recipe's with the eye corners of the scheme."""
    if 'metrics' in data:
        return data['metrics']
    return [dict(metric, keypoint_indices=list(scheme.outer_eye_corners))
            if type_name(metric) == 'NME' and scheme.name not in NME.DEFAULT_KEYPOINT_INDICES
            else metric for metric in metrics]


def _test_sets(data: Mapping[str, Any], pipeline: List[dict],
               metrics: List[dict]) -> Tuple[dict, Any]:
    """Data set and evaluator of a test."""
    sets = {name: dict(config, pipeline=copy.deepcopy(pipeline)) for name, config in
            dict(data.get('test_sets') or dict(test=data['val']),
                 **data.get('attributes', {})).items()}
    if len(sets) == 1:
        return next(iter(sets.values())), metrics
    return dict(type='NamedTestSets', datasets=sets), dict(
        type='NamedTestSetsEvaluator', metrics=metrics, unions=data.get('unions', {}),
        _delete_=True)


def _loader(dataset: Dict[str, Any]) -> dict:
    return dict(dataset=dict(dataset, _delete_=True))
