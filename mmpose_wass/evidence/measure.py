"""Test a trained run: one pass over each test's faces, its maps read in several ways."""
from __future__ import annotations

import copy
import os.path as osp
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Collection, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmpose.models.utils.tta import flip_heatmaps
from mmpose.registry import DATASETS, KEYPOINT_CODECS

from ..datasets.perturbations import level_severity
from ..evaluation import ResultFile, load_result
from ..evaluation.functional import calibration_bins, error_detection_auc
from ..models.heads.probability_mixin import ProbabilityHeadMixin
from ..robustness.evaluation_sets import EvaluationSet, read_data_files
from ..robustness.evaluation_settings import LoaderOptions, make_evaluation_settings
from ..robustness.faces import EvaluationFaces
from ..robustness.models import FaceModel, read_models
from ..robustness.plan import Protocol
from .map_statistics import map_statistics

#: A landmark is wrong beyond this fraction of the normalisation distance.
WRONG = 0.1
#: Measures kept of each result; the rest can be had from them or is for one landmark alone.
_MEASURES = ('NME', 'FR_I@0.08', 'FR_I@0.10', 'FR_L@0.05', 'FR_L@0.08', 'FR_L@0.10', 'FR_L@0.15',
             'FR_L@0.20', 'AUC@0.10')
#: Each so many thresholds of the cumulative error distribution are kept.
_CURVE_STEP = 0.005
_CURVE_END = 0.3


@dataclass(frozen=True)
class Test:
    """What a model is tested on.

    Attributes:
        name (str): Unique name.
        title (str): What tables call it.
        protocol (Protocol): The faces and what is done to them.
        unit (str, optional): Regular expression whose first group, in the name of an image, is the
            unit that its face belongs to, where faces are not independent of each other: a person,
            a stretch of film. None: each face is one.
    """
    name: str
    title: str
    protocol: Protocol
    unit: Optional[str] = None

    __test__ = False  # pytest, this is not for you


@dataclass(frozen=True)
class Reading:
    """A way to read maps.

    Attributes:
        name (str): Unique name.
        title (str): What tables call it.
        codec (dict): Changes of the model's codec.
        flip (bool): Whether maps are averaged with those of the mirrored image, as the model's
            head does it in a flip test.
        tests (tuple[str, ...]): Names of the tests that are read so; empty: all.
    """
    name: str
    title: str
    codec: Mapping[str, Any]
    flip: bool = False
    tests: Tuple[str, ...] = ()


@dataclass
class Measured:
    """What was measured.

    Attributes:
        metrics (dict): By test and reading, as JSON can hold it.
        faces (dict[str, np.ndarray]): ``[N, 3]`` by ``test/reading``: each face's mean error
            (fraction of the normalisation distance) and its fractions of landmarks with errors
            above 0.1 and 0.2.
    """
    metrics: Dict[str, Any]
    faces: Dict[str, np.ndarray]


def read_tests(file: Union[str, Path],
               roots: Mapping[str, str]) -> Tuple[List[Test], List[Reading]]:
    """Read a file such as ``configs/face/evidence/tests.py``.

    Args:
        file: The config.
        roots: Folders of data sets by name, in place of the config's.

    Returns:
        tuple[list[Test], list[Reading]]: In the order of the file.

    Raises:
        KeyError: If a test names an unknown set, or a reading an unknown test.
    """
    sets = read_data_files([str(file)])
    cfg = Config.fromfile(str(file))
    tests = []
    for name, entry in cfg['tests'].items():
        data = sets.get(entry['data'])
        if data is None or entry['test_set'] not in data.test_sets:
            raise KeyError(f'{file}: test {name} names the test set {entry["test_set"]} of '
                           f'{entry["data"]}, which the file does not describe')
        source = data.test_sets[entry['test_set']]
        config = dict(source.config)
        if entry['data'] in roots:
            config['data_root'] = str(roots[entry['data']])
        perturbation = entry.get('perturbation')
        tests.append(Test(name, entry['title'], Protocol(
            name, entry['title'], 'evidence', EvaluationSet(source.data, source.name, config),
            perturbation, level_severity(perturbation, entry['level']) if perturbation else 0.0,
            entry.get('direction', 'motion')), entry.get('unit')))
    readings = [Reading(name, entry['title'], entry['codec'].to_dict(), entry.get('flip', False),
                        tuple(entry.get('tests', ()))) for name, entry in cfg['readings'].items()]
    unknown = {test for reading in readings for test in reading.tests} - set(cfg['tests'])
    if unknown:
        raise KeyError(f'{file}: a reading names the tests {", ".join(sorted(unknown))}, which the '
                       'file does not describe')
    return tests, readings


def measure(config: Union[str, Path], checkpoint: Union[str, Path], tests: List[Test],
            readings: List[Reading], limit: Optional[int] = None,
            say: Callable[[str], None] = print) -> Measured:
    """Test a model.

    Args:
        config: Its config.
        checkpoint: Its weights.
        tests: What to test on.
        readings: How to read its maps; a model without a ``BarycenterCodec`` is read its own way
            alone, under the name ``own``.
        limit: Use so many faces of each test.
        say: Called with a line for each test.

    Returns:
        Measured: All measures.

    Raises:
        FileNotFoundError: If a test's data are not there.
    """
    for test in tests:
        _check_data(test)
    face_model, = read_models([(str(config), str(checkpoint))])
    init_default_scope(face_model.cfg.get('default_scope', 'mmpose'))
    model = face_model.build()
    model.to(memory_format=torch.channels_last)
    decoders = _decoders(face_model.cfg.model.head.decoder.to_dict(), readings)
    flipped = {reading.name for reading in readings if reading.flip}
    left_out = {(reading.name, test.name) for reading in readings for test in tests
                if reading.tests and test.name not in reading.tests}
    found = Measured({}, {})
    for test in tests:
        results, statistics = _test(
            face_model, model, test, {name: decoder for name, decoder in decoders.items()
                                      if (name, test.name) not in left_out}, flipped, limit)
        found.metrics[test.name] = {}
        for name, result in results.items():
            # Statistics are those of the plain maps.
            found.metrics[test.name][name] = _describe(
                result, {} if name in flipped else statistics)
            found.faces[f'{test.name}/{name}'] = _per_face(result)
        if statistics:
            found.metrics[test.name]['maps'] = {
                name: float(np.mean(values)) for name, values in statistics.items()}
        say(f'    {test.title}: ' + ', '.join(
            f'{name} {result.metrics["NME"]:.2f}' for name, result in results.items()))
    return found


def units_of_tests(tests: Sequence[Test]) -> Dict[str, List[str]]:
    """The unit of each face of the tests that have units, in the order that faces are tested in.

    Raises:
        FileNotFoundError: If a test's data are not there.
        ValueError: If the expression finds no unit in an image's name.
    """
    found = {}
    for test in tests:
        if test.unit is None:
            continue
        _check_data(test)
        test_set = test.protocol.test_set
        faces = DATASETS.build(dict(test_set.config, pipeline=[]))
        names = [osp.relpath(faces.get_data_info(place)['img_path'], test_set.image_folder)
                 for place in range(len(faces))]
        for name in names:
            if not re.search(test.unit, name):
                raise ValueError(f'test {test.name}: unit {test.unit!r} finds nothing in {name}')
        found[test.name] = [re.search(test.unit, name).group(1) for name in names]
    return found


def _check_data(test: Test) -> None:
    problem = test.protocol.test_set.problem()
    if problem is not None:
        raise FileNotFoundError(f'test {test.name}: {problem}. Give the folder of the data '
                                f'with --data {test.protocol.test_set.data}=DIR')


def _decoders(codec: Dict[str, Any], readings: List[Reading]) -> Dict[str, Any]:
    if codec['type'] != 'BarycenterCodec':
        return dict(own=KEYPOINT_CODECS.build(copy.deepcopy(codec)))
    return {reading.name: KEYPOINT_CODECS.build(dict(copy.deepcopy(codec), **reading.codec))
            for reading in readings}


@torch.no_grad()
def _test(face_model: FaceModel, model: torch.nn.Module, test: Test, decoders: Mapping[str, Any],
          flipped: Collection[str],
          limit: Optional[int]) -> Tuple[Dict[str, ResultFile], Dict[str, np.ndarray]]:
    settings = make_evaluation_settings(face_model, test.protocol, loading=LoaderOptions(0, 32))
    faces = EvaluationFaces(settings, test.protocol, limit)
    loader = Runner.build_dataloader(dict(settings.dataloader, dataset=faces), seed=0)
    with tempfile.TemporaryDirectory() as folder:
        evaluators = {}
        for name in decoders:
            evaluators[name] = Evaluator(
                [dict(settings.metric, outfile_prefix=f'{folder}/{name}')])
            evaluators[name].dataset_meta = faces.metainfo
        statistics: Dict[str, List[np.ndarray]] = {}
        for batch in loader:
            data = model.data_preprocessor(batch, False)
            maps = model.head.forward(model.extract_feat(data['inputs'])).float()
            mirrored = maps if flipped.isdisjoint(decoders) else flip_heatmaps(
                model.head.forward(model.extract_feat(data['inputs'].flip(-1))).float(),
                flip_mode='heatmap', shift_heatmap=False,
                flip_indices=data['data_samples'][0].metainfo['flip_indices'])
            for name, decoder in decoders.items():
                samples = copy.deepcopy(data['data_samples'])
                model.head.decoder = decoder
                read = _average(model.head, maps, mirrored) if name in flipped else maps
                samples = model.add_pred_to_datasample(model.head.decode(read), None, samples)
                evaluators[name].process(data_samples=samples, data_batch=batch)
            if hasattr(decoder, 'probabilities'):
                for name, values in map_statistics(decoder.probabilities(maps), maps).items():
                    statistics.setdefault(name, []).append(values.numpy())
        for evaluator in evaluators.values():
            evaluator.evaluate(len(faces))
        results = {name: load_result(f'{folder}/{name}') for name in decoders}
    return results, {name: np.concatenate(values) for name, values in statistics.items()}


def _average(head: torch.nn.Module, maps: torch.Tensor, mirrored: torch.Tensor) -> torch.Tensor:
    """Average of two passes as the head's own flip test has it: of distributions, or of values."""
    if not isinstance(head, ProbabilityHeadMixin):
        return .5 * (maps + mirrored)
    codec = head.decoder
    return codec.maps_of(.5 * (codec.probabilities(maps) + codec.probabilities(mirrored)))


def _describe(result: ResultFile, statistics: Mapping[str, np.ndarray]) -> Dict[str, Any]:
    """Measures of one reading."""
    scored = ~np.isnan(result.errors)
    wrong = result.errors[scored] > WRONG
    content: Dict[str, Any] = {name: result.metrics[name] for name in _MEASURES
                               if name in result.metrics}
    content['faces'] = len(result.errors)
    step = round(_CURVE_STEP / (result.ced_thresholds[1] - result.ced_thresholds[0]))
    kept = slice(0, int(np.searchsorted(result.ced_thresholds, _CURVE_END + 1e-9)), max(1, step))
    content['ced'] = dict(thresholds=result.ced_thresholds[kept].round(6),
                          images=result.ced_images[kept].round(6),
                          landmarks=result.ced_landmarks[kept].round(6))
    signals = dict(score=result.scores)
    if result.errors.shape == next(iter(statistics.values()), np.empty(0)).shape:
        signals.update({name: sign * statistics[name] for name, sign in _SIGNALS.items()})
    content['confidence'] = {
        name: dict(auc=error_detection_auc(values[scored], wrong),
                   bins=calibration_bins(values[scored], wrong))
        for name, values in signals.items() if np.isfinite(values[scored]).all()}
    return content


#: What of a map may tell that a landmark is wrong; -1: large values are doubtful.
_SIGNALS = dict(peak=1, probability_peak=1, deviation=-1, entropy=-1, far_mass=-1)


def _per_face(result: ResultFile) -> np.ndarray:
    """``[N, 3]``: mean error, and fractions of landmarks above 0.1 and 0.2."""
    return np.stack([np.nanmean(result.errors, axis=1)] + [
        np.nanmean(np.where(np.isnan(result.errors), np.nan, result.errors > threshold), axis=1)
        for threshold in (WRONG, 2 * WRONG)], axis=1)
