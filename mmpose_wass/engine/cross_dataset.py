"""Test a model of one landmark scheme on a data set of another."""
from __future__ import annotations

import copy
import warnings
from typing import Any, List, Mapping, NamedTuple, Optional, Union

from mmengine.config import Config
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.registry import DATASETS

from ..landmarks import find_scheme, get_common_landmarks, get_scheme, load_scheme_file
from ..turning_on.config_walk import find_typed, like, type_name
from ..turning_on.metrics import add_custom_import


class CrossDatasetSettings(NamedTuple):
    """What a config has to set to test its model on another data set.

    Attributes:
        test_dataloader (dict): Replaces the data set, and nothing else of the loader.
        test_evaluator (dict): Replaces the evaluator.
        visualizer (dict): Draws both layouts.
    """
    test_dataloader: dict
    test_evaluator: dict
    visualizer: dict


def cross_dataset_settings(cfg: Union[Config, dict],
                           data: Mapping[str, Any],
                           model_scheme: Optional[str] = None,
                           common_landmarks: Optional[Mapping[str, Any]] = None,
                           metric: Optional[Mapping[str, Any]] = None,
                           visibility: str = 'auto',
                           scheme_file: Optional[str] = None) -> CrossDatasetSettings:
    """Settings that test the model of a config on another data set.

    For use in a config, whose ``_base_`` is the model's config::

        _base_ = ['my_model_on_300w.py', 'configs/face/_base_/datasets/wflw.py']
        from mmpose_wass.engine import cross_dataset_settings
        test_dataloader, test_evaluator, visualizer = cross_dataset_settings(
            _base_, _base_.data_wflw)

    The model keeps its own test pipeline (crop, input size) and its own left and right in the flip
    test. Predictions and annotations meet at the landmarks that both schemes have; errors are
    divided by what is usual for the *tested* data set. MMPose's own metrics, which need equal
    numbers of landmarks, are left out. Training and validation stay as they are.

    Args:
        cfg (Config | dict): The model's config, with ``test_dataloader`` or ``val_dataloader``.
        data (Mapping): Config of the data set to test on, without pipeline; or
            ``dict(test_sets=dict(name=<data set>, ...), unions=dict(name=[names]))`` to evaluate
            several under their names (see :class:`NamedTestSets`). Further entries, such as
            ``train``, are not looked at.
        model_scheme (str, optional): Landmark scheme that the model predicts. Default: that of the
            data it is trained on.
        common_landmarks (Mapping, optional): Further options of the metric's ``common_landmarks``:
            ``variant`` and ``subset``.
        metric (Mapping, optional): Further arguments of :class:`FaceLandmarkMetric`, such as
            ``norm_mode`` or ``outfile_prefix``.
        visibility (str): What the third number of an annotated landmark means on the tested data:
            ``'coco'``: 0 not labelled, 1 occluded, 2 visible; occluded ones are scored and reported
            apart as well. ``'labelled'``: not 0 is labelled. ``'auto'``: the former for COFW.
        scheme_file (str, optional): File that describes a scheme of one's own, or how it meets the
            other one.

    Returns:
        CrossDatasetSettings: Three values for the config.

    Raises:
        KeyError: If a scheme is not known, or nothing joins the two.
        ValueError: If the config does not fit; names the entry and what to do.
    """
    if scheme_file is not None:
        load_scheme_file(scheme_file)
    test_sets, unions = _test_sets(data)
    if model_scheme is None:
        model_scheme = trained_scheme(cfg)
    _check_model(cfg, model_scheme)
    for config in test_sets.values():
        # Fails here, with the pairs that are known, not after the model has run.
        get_common_landmarks(model_scheme, scheme_of(config), **(common_landmarks or {}))

    pipeline = test_pipeline_of(cfg, visibility)
    pipeline.append(_without_none(
        type='ModelLandmarkLayout', scheme=model_scheme, scheme_file=scheme_file))
    metric_config = dict(
        type='FaceLandmarkMetric',
        common_landmarks=_without_none(
            model=model_scheme,
            scheme_file=scheme_file or next(
                (config['scheme_file'] for config in test_sets.values()
                 if config.get('scheme_file')), None),
            **(common_landmarks or {})),
        **(metric or {}))
    datasets = {
        name: dict(copy.deepcopy(dict(config)), test_mode=True, pipeline=copy.deepcopy(pipeline))
        for name, config in test_sets.items()
    }
    if len(datasets) == 1:
        (dataset, ), evaluator = datasets.values(), metric_config
    else:
        dataset = dict(type='NamedTestSets', datasets=datasets)
        evaluator = dict(type='NamedTestSetsEvaluator', metrics=metric_config, unions=unions)
    return CrossDatasetSettings(
        test_dataloader=dict(dataset=dict(dataset, _delete_=True)),
        test_evaluator=dict(evaluator, _delete_=True),
        visualizer=dict(type='CrossLayoutVisualizer'))


def apply_cross_dataset(cfg: Config, data: Mapping[str, Any], **options) -> Config:
    """Rewrite a model's config so that it is tested on another data set.

    Works with any top-down model: heatmap, SimCC, regression.

    Args:
        cfg (Config): The model's config. It is not changed.
        data (Mapping): What to test on, see :func:`cross_dataset_settings`.
        **options: Further arguments of :func:`cross_dataset_settings`.

    Returns:
        Config: A new config, to be tested with any of MMPose's tools.

    Examples:
        >>> from mmengine.config import Config
        >>> model = Config.fromfile('configs/face/hrnet_w18_300w_wass.py')
        >>> wflw = Config.fromfile('configs/face/_base_/datasets/wflw.py').data_wflw
        >>> apply_cross_dataset(model, wflw).test_evaluator.common_landmarks.model
        '300w'
    """
    settings = cross_dataset_settings(cfg, data, **options)
    after = copy.deepcopy(cfg)
    if after.get('test_dataloader', None) is None:
        after['test_dataloader'] = copy.deepcopy(after['val_dataloader'])
    if after.get('test_cfg', None) is None:
        after['test_cfg'] = dict()
    # `_delete_` is an order to MMEngine's merging of files; here values are simply set.
    dataset, evaluator = (dict(settings.test_dataloader['dataset']), dict(settings.test_evaluator))
    for replaced in (dataset, evaluator):
        replaced.pop('_delete_')
    after['test_dataloader']['dataset'] = dataset
    after['test_evaluator'] = evaluator
    after['visualizer'] = dict(after.get('visualizer', None) or dict(name='visualizer'),
                               **settings.visualizer)
    add_custom_import(after)
    return after


def _without_none(**values) -> dict:
    return {name: value for name, value in values.items() if value is not None}


def _test_sets(data: Mapping[str, Any]) -> tuple:
    """The data sets by name, and their unions."""
    if 'type' in data:
        return dict(test=data), {}
    if 'test_sets' not in data:
        raise ValueError('data must be the config of a data set (with a type), or '
                         'dict(test_sets=dict(name=<data set>, ...)); found the entries '
                         f'{", ".join(map(str, data)) or "none"}')
    test_sets = data['test_sets']
    if not test_sets or not all(type_name(config) for config in test_sets.values()):
        raise ValueError('data.test_sets must be a dict from names to configs of data sets, found '
                         f'{test_sets!r}')
    return dict(test_sets), {name: list(members)
                             for name, members in (data.get('unions') or {}).items()}


def scheme_of(dataset: Mapping[str, Any]) -> str:
    """Landmark scheme of a data set's config.

    Raises:
        ValueError: If the config does not tell.
    """
    if dataset.get('scheme_file'):
        load_scheme_file(dataset['scheme_file'])
    metainfo = dataset.get('metainfo') or None
    if metainfo is None and dataset.get('scheme'):
        return dataset['scheme']
    if metainfo is None:
        found = dataset['type']
        found = DATASETS.get(found) if isinstance(found, str) else found
        if found is None:
            raise ValueError(f'data set {type_name(dataset)}: no data set of this name is '
                             'registered; is the module with its class in custom_imports?')
        metainfo = getattr(found, 'METAINFO', None)
    if not metainfo:
        raise ValueError(f'data set {type_name(dataset)} says nothing of its landmarks: give it '
                         'metainfo=dict(from_file=...), or use type=\'FaceSchemeDataset\' with '
                         'scheme=...')
    if 'dataset_name' in metainfo:
        return metainfo['dataset_name']
    with warnings.catch_warnings():
        # That the file lies in the installed package, as MMPose's own always do.
        warnings.filterwarnings('ignore', message='The metainfo config file')
        return parse_pose_metainfo(dict(metainfo))['dataset_name']


def trained_scheme(cfg: Union[Config, dict]) -> str:
    """Scheme of the data that the config's model is trained on."""
    for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        loader = cfg.get(key, None)
        if not loader:
            continue
        for _, node in find_typed(loader['dataset']):
            if 'ann_file' in node or 'metainfo' in node:
                name = scheme_of(node)
                if find_scheme(name) is None:
                    raise ValueError(
                        f'{key}: the data set calls itself {name!r}, which is no known landmark '
                        "scheme; say with model_scheme='...' what the model predicts")
                return name
    raise ValueError("the config names no data set that tells the model's landmark scheme; say it "
                     "with model_scheme='...'")


def _check_model(cfg: Union[Config, dict], model_scheme: str) -> None:
    """Refuse a scheme that does not have as many landmarks as the model."""
    scheme = get_scheme(model_scheme)
    model = cfg.get('model', None) or {}
    if (model.get('test_cfg', None) or {}).get('output_keypoint_indices', None) is not None:
        raise ValueError('model.test_cfg.output_keypoint_indices picks some of the landmarks, '
                         'while the flip test needs all of them; set it to None and describe all '
                         "of them with model_scheme='...'")
    head = model.get('head', None) or {}
    predicted = head.get('num_joints', None) or head.get('out_channels', None)
    # With UDP's combined targets a landmark has three maps.
    if isinstance(predicted, int) and predicted not in (scheme.num_landmarks,
                                                        3 * scheme.num_landmarks):
        raise ValueError(f'model.head predicts {predicted} landmarks, but the scheme '
                         f'{model_scheme!r} has {scheme.num_landmarks}; say with '
                         "model_scheme='...' what the model predicts")


def test_pipeline_of(cfg: Union[Config, dict], visibility: str) -> List[dict]:
    """The model's test pipeline, ready for another data set's annotation."""
    loader = cfg.get('test_dataloader', None) or cfg.get('val_dataloader', None)
    if not loader:
        raise ValueError('the config has neither test_dataloader nor val_dataloader to take the '
                         "model's test pipeline from")
    pipeline = next((node['pipeline'] for _, node in find_typed(loader['dataset'])
                     if node.get('pipeline', None)), None)
    if pipeline is None:
        raise ValueError('the data set of test_dataloader has no pipeline')
    kept: List[dict] = []
    for transform in pipeline:
        name = type_name(transform)
        if name == 'KeypointConverter':
            raise ValueError(
                "the test pipeline has a KeypointConverter, made for the model's own data; it "
                'would rearrange the tested annotation. Take it out: FaceLandmarkMetric brings '
                'both sides to their common landmarks')
        # Targets of the model's scheme cannot be drawn from the other one's annotation, and
        # nothing of a test needs them.
        if name in ('GenerateTarget', 'ModelLandmarkLayout'):
            continue
        kept.append(like(transform, copy.deepcopy(transform)))
        if name in ('PackPoseInputs', 'PackFaceInputs'):
            # The stock packing loses which landmarks are occluded, and AFLW's box_size.
            kept[-1].update(type='PackFaceInputs')
            if visibility != 'auto':
                kept[-1].update(flags=visibility)
    if not any(type_name(transform).startswith('Pack') for transform in kept):
        raise ValueError('the test pipeline packs nothing; let it end with PackPoseInputs or '
                         'PackFaceInputs')
    return kept
