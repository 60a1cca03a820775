"""Several test sets in one run, each evaluated under its own name.

MMPose's ``MultiDatasetEvaluator`` tells data sets apart by their ``dataset_name``: of two subsets
of one data set it evaluates the last one, on the samples of both. Here a sample carries the name
that the config gave its test set.
"""
from __future__ import annotations

import copy
from collections import defaultdict
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

from mmengine.dataset import ConcatDataset
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.structures import BaseDataElement
from mmpose.registry import DATASETS, EVALUATORS, METRICS

#: Meta information of a sample: the name of its test set.
TEST_SET = 'test_set'


@DATASETS.register_module()
class NamedTestSets(ConcatDataset):
    """Test sets one after the other; every sample carries the name of its set.

    The sets may be subsets of one data set or different data sets, each with its own pipeline.
    :class:`NamedTestSetsEvaluator` tells them apart.

    Args:
        datasets (dict[str, dict]): From the test set's name to the config of its data set.
        lazy_init (bool): Whether to read the annotations later.

    Raises:
        ValueError: If there is no test set.

    Examples:
        In a config::

            test_dataloader = dict(dataset=dict(
                _delete_=True, type='NamedTestSets',
                datasets=dict(common=dict(type='Face300WDataset', ...),
                              challenge=dict(type='Face300WDataset', ...))))
            test_evaluator = dict(type='NamedTestSetsEvaluator',
                                  metrics=dict(type='FaceLandmarkMetric'),
                                  unions=dict(full=['common', 'challenge']))
    """

    def __init__(self, datasets: Mapping[str, dict], lazy_init: bool = False) -> None:
        if not isinstance(datasets, Mapping) or not datasets or 'type' in datasets:
            raise ValueError('NamedTestSets needs datasets=dict(name=dict(type=...), ...), '
                             f'found {datasets!r}')
        built = {name: _build(name, config) for name, config in datasets.items()}
        self.names = tuple(built)
        # Unequal meta information is what this class is for.
        ignored = sorted({key for dataset in built.values() for key in dataset.metainfo})
        super().__init__(list(built.values()), lazy_init=lazy_init, ignore_keys=ignored)

    @property
    def metainfo(self) -> dict:
        """Meta information of the first test set, and under ``test_sets`` that of each by name."""
        by_name = {name: dataset.metainfo for name, dataset in zip(self.names, self.datasets)}
        return dict(super().metainfo, test_sets=by_name)

    def __getitem__(self, idx: int) -> dict:
        if not self._fully_initialized:
            self.full_init()
        place, sample = self._get_ori_dataset_idx(idx)
        results = self.datasets[place][sample]
        if 'data_samples' not in results:
            raise KeyError(f'the pipeline of the test set {self.names[place]!r} does not pack its '
                           'samples; let it end with PackPoseInputs or PackFaceInputs')
        results['data_samples'].set_metainfo({TEST_SET: self.names[place]})
        return results


def _build(name: str, config: dict):
    try:
        return DATASETS.build(config)
    except ValueError as error:
        # MMEngine's message for a file without faces is NumPy's, and names nothing.
        raise ValueError(f'test set {name!r} ({config.get("ann_file", "no ann_file")}) cannot be '
                         f'loaded; does it list any face? ({error})') from error


@EVALUATORS.register_module()
class NamedTestSetsEvaluator(Evaluator):
    """Evaluate each set of :class:`NamedTestSets` by metrics of its own.

    Names of measures begin with the name of the test set (``challenge/face/NME``). An
    ``outfile_prefix`` gets it appended (``run_challenge``).

    Args:
        metrics (dict | list[dict] | dict[str, dict | list[dict]]): Configs of the metrics of every
            test set, or from the name of a set (or union) to its metrics.
        unions (dict[str, list[str]], optional): Further names under which several test sets are
            evaluated together, without running the model again.
        overall (list[dict]): Configs of metrics that see the samples of all test sets, under their
            own names, such as ``DumpResults``.

    Raises:
        ValueError: If names do not go together with those of the data set.
    """

    def __init__(self,
                 metrics: Union[dict, Sequence[dict]],
                 unions: Optional[Mapping[str, Sequence[str]]] = None,
                 overall: Sequence[dict] = ()) -> None:
        super().__init__([])
        self._overall_configs = list(overall)
        self._overall: List[BaseMetric] = []
        self._configs = metrics
        self._unions = {name: tuple(members) for name, members in (unions or {}).items()}
        # Test set to the metrics that see its samples: its own, and those of its unions.
        self._metrics_of: Dict[str, List[BaseMetric]] = {}

    @property
    def dataset_meta(self) -> Optional[dict]:
        """Meta information of the :class:`NamedTestSets`. Setting it builds the metrics."""
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict) -> None:
        if 'test_sets' not in dataset_meta:
            raise ValueError('NamedTestSetsEvaluator evaluates a data set of type NamedTestSets, '
                             f'found {dataset_meta.get("dataset_name")!r}')
        self._dataset_meta = dataset_meta
        self._build(dataset_meta['test_sets'])
        self._overall = [METRICS.build(copy.deepcopy(config)) for config in self._overall_configs]
        for metric in self._overall:
            metric.dataset_meta = dataset_meta
        self.metrics += self._overall

    def _build(self, test_sets: Dict[str, dict]) -> None:
        members = {name: (name, ) for name in test_sets}
        for name, union in self._unions.items():
            if name in members:
                raise ValueError(f'unions: {name!r} is the name of a test set already')
            unknown = [member for member in union if member not in test_sets]
            if unknown or not union:
                raise ValueError(f'unions: {name}={list(union)} must list test sets; there are '
                                 f'{", ".join(test_sets)}')
            schemes = sorted({str(test_sets[member].get('dataset_name')) for member in union})
            if len(schemes) > 1:
                raise ValueError(f'unions: {name}={list(union)} joins the landmark schemes '
                                 f'{", ".join(schemes)}, which one metric cannot evaluate')
            members[name] = union
        self.metrics, self._metrics_of = [], defaultdict(list)
        for name, union in members.items():
            for config in self._configs_of(name, members):
                metric = _named(config, name)
                metric.dataset_meta = test_sets[union[0]]
                self.metrics.append(metric)
                for member in union:
                    self._metrics_of[member].append(metric)

    def _configs_of(self, name: str, members: Mapping[str, Sequence[str]]) -> List[dict]:
        configs = self._configs
        if isinstance(configs, Mapping) and 'type' not in configs:
            if set(configs) != set(members):
                raise ValueError(
                    f'metrics are given for {", ".join(sorted(configs))}, but the test sets and '
                    f'unions are {", ".join(sorted(members))}')
            configs = configs[name]
        return [configs] if isinstance(configs, Mapping) else list(configs)

    def process(self, data_samples: Sequence[BaseDataElement],
                data_batch: Optional[Any] = None) -> None:
        """Hand each sample to the metrics of its test set.

        Args:
            data_samples (Sequence): Outputs of the model.
            data_batch (dict, optional): What the dataloader gave.

        Raises:
            KeyError: If a sample does not carry the name of a test set.
        """
        places: Dict[str, List[int]] = defaultdict(list)
        samples = [sample.to_dict() if isinstance(sample, BaseDataElement) else sample
                   for sample in data_samples]
        for place, sample in enumerate(samples):
            name = sample.get(TEST_SET)
            if name not in self._metrics_of:
                raise KeyError(f'a sample belongs to the test set {name!r}; there are '
                               f'{", ".join(self._metrics_of) or "none"}. Samples get their name '
                               'from a data set of type NamedTestSets')
            places[name].append(place)
        for metric in self._overall:
            metric.process(data_batch, samples)
        for name, chosen in places.items():
            batch = data_batch
            if isinstance(data_batch, Mapping):
                batch = {key: [values[place] for place in chosen]
                         for key, values in data_batch.items()}
            for metric in self._metrics_of[name]:
                metric.process(batch, [samples[place] for place in chosen])


def _named(config: dict, name: str) -> BaseMetric:
    """A metric whose measures and files bear the name of a test set."""
    config = copy.deepcopy(config)
    if config.get('outfile_prefix'):
        config['outfile_prefix'] = f'{config["outfile_prefix"]}_{name}'
    metric = METRICS.build(config)
    metric.prefix = '/'.join(part for part in (name, metric.prefix) if part)
    return metric
