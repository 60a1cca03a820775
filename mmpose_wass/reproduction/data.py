"""Where the data lie, which test sets are there, and what stands in for those that are not."""
from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from mmengine.config import Config

from ..engine.data_check import annotation_path, find_datasets
from ..turning_on.config_walk import type_name

#: Where the zoo's configs look for data.
DEFAULT_ROOT = 'data'


def parse_roots(values: Sequence[str]) -> Dict[str, str]:
    """Folders of data as given on the command line.

    Args:
        values: ``NAME=DIR`` for one data set, or ``DIR`` for a folder with one folder a data set.

    Returns:
        dict[str, str]: Folder by name of the data set; ``''`` for all others.

    Raises:
        ValueError: If a folder does not exist, or a name is no data set of the zoo.

    Examples:
        >>> parse_roots(['300w=.'])
        {'300w': '.'}
    """
    roots = {}
    for value in values:
        name, _, folder = value.rpartition('=')
        if name not in ('', '300w', '300vw', 'wflw', 'cofw', 'aflw'):
            raise ValueError(f'--data-root {value}: {name!r} is no data set of the zoo; there are '
                             '300w, 300vw, wflw, cofw, aflw')
        if not os.path.isdir(folder):
            raise ValueError(f'--data-root {value}: there is no folder {folder}')
        roots[name] = folder
    return roots


def set_roots(cfg: Config, roots: Mapping[str, str]) -> None:
    """Move the data sets of a config (in place)."""
    for split in ('train', 'val', 'test'):
        for _, dataset in find_datasets(cfg, split):
            name = os.path.basename(dataset['data_root'].rstrip('/'))
            if name in roots:
                dataset['data_root'] = roots[name]
            elif '' in roots:
                dataset['data_root'] = os.path.join(roots[''], name)


def missing_files(cfg: Config, split: str) -> List[str]:
    """Annotation files and image folders of a split that are not there."""
    missing = []
    for _, dataset in find_datasets(cfg, split):
        missing += [path for path in _files(dataset) if not os.path.exists(path)]
    return list(dict.fromkeys(missing))


def _files(dataset: Mapping[str, Any]) -> Tuple[str, str]:
    prefix = (dataset.get('data_prefix', None) or {}).get('img', '')
    return annotation_path(dataset), os.path.join(dataset.get('data_root', ''), prefix)


def keep_present_tests(cfg: Config) -> Optional[str]:
    """Leave out test sets whose files are missing (in place).

    A union keeps the members that are there, and ``cfg.reproduction.partial`` says what it lacks.

    Returns:
        str | None: Why nothing can be tested; None if something can.
    """
    loader = cfg.test_dataloader.dataset
    if type_name(loader) != 'NamedTestSets':
        missing = missing_files(cfg, 'test')
        return f'{missing[0]} is not there' if missing else None
    absent = [name for name, dataset in loader.datasets.items()
              if any(not os.path.exists(path) for path in _files(dataset))]
    if len(absent) == len(loader.datasets):
        return f'{missing_files(cfg, "test")[0]} is not there'
    if not absent:
        return None
    for name in absent:
        loader.datasets.pop(name)
    unions = cfg.test_evaluator.get('unions', None) or {}
    kept = {name: [member for member in members if member not in absent]
            for name, members in unions.items()}
    cfg.test_evaluator['unions'] = {name: members for name, members in kept.items() if members}
    cut = [name for name, members in kept.items() if members and len(members) < len(unions[name])]
    if cut:
        lacking = sorted(set(absent) & {member for name in cut for member in unions[name]})
        cfg['reproduction'] = dict(cfg.get('reproduction', None) or {},
                                   partial=f'{", ".join(lacking)} in {", ".join(cut)}')
    return None


def put_stand_in(cfg: Config, instead_of: str) -> Optional[str]:
    """Test on the validation data of the training instead (in place).

    Args:
        cfg: Config of the test.
        instead_of: What is missing, for the record.

    Returns:
        str | None: Why that cannot be done either; None if it is done.
    """
    missing = missing_files(cfg, 'val')
    if missing:
        return f'{missing[0]} is not there'
    cfg['test_dataloader'] = cfg.val_dataloader
    cfg['test_evaluator'] = cfg.val_evaluator
    cfg['reproduction'] = dict(cfg.get('reproduction', None) or {}, stand_in=instead_of)
    return None
