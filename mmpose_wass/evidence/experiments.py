"""Experiments: a recipe, the parts that are put into it, and the seeds."""
from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from mmengine.config import Config

from ..engine.config_parts import face_recipe
from ..project import CONFIG_ROOT
from ..turning_on.config_walk import type_name

#: Parts that training images with perturbations need.
_PERTURBATIONS = 'augmentations/perturbations.py'


@dataclass(frozen=True)
class Experiment:
    """One way to train a model.

    Attributes:
        name (str): Unique name.
        title (str): What tables call it.
        recipe (str): Config that it changes, below ``configs/face``.
        parts (tuple[str, ...]): Parts below ``configs/face/_base_``, see ``face_recipe``.
        start (str | None): Name of the experiment whose weights it starts from; None: random.
        drop (tuple[str, ...]): Beginnings of names of weights that the start does not hand over.
        seeds (tuple[int, ...]): A run for each. The start is always the one of its first seed.
        epochs (int): Epochs; the recipe's schedule is stretched to them.
        learning_rate (float): Largest learning rate.
        augmented (bool): Whether training images are perturbed.
        data (str): Folder of the data set in the folder of the data.
        options (dict): Further changes of the config, keys with dots.
        tests (tuple[str, ...]): Names of the tests that it is measured on; empty: all.
        turn (int): In which turn of the queue its first seed is run: 0 with the first seeds of the
            others, 1 with their second ones, ...
    """
    name: str
    title: str
    recipe: str
    parts: Tuple[str, ...]
    start: Optional[str]
    drop: Tuple[str, ...]
    seeds: Tuple[int, ...]
    epochs: int
    learning_rate: float
    augmented: bool
    data: str
    options: Mapping[str, Any]
    tests: Tuple[str, ...]
    turn: int

    def config(self, seed: int, roots: Mapping[str, str], start_file: Optional[str]) -> Config:
        """The config of a run.

        Args:
            seed: Of weights, order of the data and augmentation.
            roots: Folder of each data set by its name.
            start_file: Weights to start from.

        Returns:
            Config: For ``tools/train.py``.

        Raises:
            KeyError: If the folder of its data set is not given.
            FileNotFoundError: If the recipe or a part does not exist.
        """
        parts = _read(CONFIG_ROOT / self.recipe)
        names = (*self.parts, *((_PERTURBATIONS, ) if self.augmented else ()))
        for name in names:
            parts.update(_read(CONFIG_ROOT / '_base_' / name))
        parts = {name: value for name, value in parts.items() if not name.startswith('__')}
        if self.augmented:
            parts['train_pipeline'] = _perturbed(parts)
        cfg = Config(parts)
        made = face_recipe(parts)
        made['custom_imports'] = dict(made['custom_imports'], _delete_=True)
        cfg.merge_from_dict({name: value for name, value in made.items()
                             if name != 'train_pipeline'})
        if self.data not in roots:
            raise KeyError(f'experiment {self.name} needs the data set {self.data}: give its '
                           f'folder with --data {self.data}=DIR')
        for split in ('train', 'val'):
            cfg[f'{split}_dataloader'].dataset.data_root = str(roots[self.data])
        cfg['test_dataloader'], cfg['test_evaluator'] = cfg.val_dataloader, cfg.val_evaluator
        _set_epochs(cfg, self.epochs)
        cfg.merge_from_dict({'optim_wrapper.optimizer.lr': self.learning_rate,
                             'randomness': dict(seed=seed), 'load_from': start_file})
        cfg.merge_from_dict(dict(self.options))
        # The parts have done their work.
        return Config({name: value for name, value in cfg.to_dict().items()
                       if not name.startswith('data_')
                       and not name.endswith(('_part', '_perturbations'))
                       and name not in ('targets', 'sampling', 'coord_conv')})


def read_experiments(file: Union[str, Path]) -> Dict[str, Experiment]:
    """Read a file of experiments such as ``configs/face/evidence/cpu.py``.

    Args:
        file: Config with ``plan``, what all experiments share, and ``experiments``.

    Returns:
        dict[str, Experiment]: By name, in the order of the file.

    Raises:
        ValueError: If one has an unknown field, lacks one, or starts from one that is not there.
    """
    cfg = Config.fromfile(str(file)).to_dict()
    found: Dict[str, Experiment] = {}
    known = set(Experiment.__dataclass_fields__)
    for name, own in cfg['experiments'].items():
        fields = {**copy.deepcopy(cfg.get('plan', {})), **own, 'name': name}
        unknown, lacking = sorted(set(fields) - known), sorted(known - set(fields))
        if unknown or lacking:
            raise ValueError(f'{file}: experiment {name} ' + '; '.join(
                text for text, names in ((f'has unknown fields {unknown}', unknown),
                                         (f'lacks {lacking}', lacking)) if names))
        for field in ('parts', 'drop', 'seeds', 'tests'):
            fields[field] = tuple(fields[field])
        found[name] = Experiment(**fields)
    for one in found.values():
        if one.start is not None and one.start not in found:
            raise ValueError(f'{file}: experiment {one.name} starts from {one.start!r}, which is '
                             'not in the file')
        if one.start is not None and list(found).index(one.start) > list(found).index(one.name):
            raise ValueError(f'{file}: experiment {one.name} stands before its start {one.start}')
    return found


def runs_of(experiments: Mapping[str, Experiment]) -> List[Tuple[Experiment, int]]:
    """All runs: the first seed of every experiment, then the second, ... (see ``turn``)."""
    turns = [(one.turn + place, one, seed) for one in experiments.values()
             for place, seed in enumerate(one.seeds)]
    return [(one, seed) for _, one, seed in sorted(turns, key=lambda entry: entry[0])]


def _read(path: Path) -> Dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f'there is no config {path}')
    return Config.fromfile(str(path)).to_dict()


def _perturbed(parts: Mapping[str, Any]) -> List[dict]:
    """The training pipeline with perturbations before the crop."""
    steps = []
    for step in parts['train_pipeline']:
        if type_name(step) == 'TopdownAffine':
            steps += [*parts['image_perturbations'], *parts['box_perturbations']]
        steps.append(step)
    return steps


def _set_epochs(cfg: Config, epochs: int) -> None:
    before = cfg.train_cfg.max_epochs
    cfg.train_cfg.max_epochs = epochs
    cfg.train_cfg.val_interval = min(cfg.train_cfg.val_interval, epochs)
    for scheduler in cfg.param_scheduler:
        if scheduler.get('by_epoch', True) and scheduler.get('end') == before:
            scheduler['end'] = epochs


def data_names(experiments: Sequence[Experiment]) -> List[str]:
    """Data sets that experiments need."""
    return sorted({one.data for one in experiments})
