"""Check that the files that a config reads are there, before anything long starts."""

from __future__ import annotations

import os
from typing import Any, Iterator

from mmengine.config import Config

from ..turning_on.config_walk import find_typed, type_name


def find_datasets(cfg: Config, split: str) -> Iterator[tuple[str, dict]]:
    """Yield the data sets with an annotation file of a split, however they are wrapped.

    Args:
        cfg: The config.
        split: ``'train'``, ``'val'`` or ``'test'``.

    Yields:
        tuple[str, dict]: Dotted path, such as ``train_dataloader.dataset``, and the config.
    """
    loader = cfg.get(f'{split}_dataloader', None)
    if loader is None:
        return
    for path, node in find_typed(loader, f'{split}_dataloader'):
        if node.get('ann_file', None):
            yield path, node


def annotation_path(dataset: dict) -> str:
    """Return the annotation file of a data set as MMEngine joins it from ``data_root``."""
    return join_path(dataset.get('data_root'), dataset['ann_file'])


def check_data_files(cfg: Config, splits: tuple[str, ...]) -> list[str]:
    """Check that annotation files and image folders exist.

    Args:
        cfg: The config.
        splits: Some of ``'train'``, ``'val'``, ``'test'``.

    Returns:
        list[str]: The annotation files found. Remote addresses (``s3://`` …) are not looked up.

    Raises:
        FileNotFoundError: Naming every file that is missing, the field of the config it comes
            from, and the option that mends it.
    """
    found, problems = [], []
    for split in splits:
        for path, dataset in find_datasets(cfg, split):
            if is_remote(dataset):
                continue
            annotations = annotation_path(dataset)
            if os.path.isfile(annotations):
                found.append(annotations)
            else:
                problems.append((path, dataset, 'annotation file', annotations))
            prefix = (dataset.get('data_prefix', None) or {}).get('img', None)
            if prefix is not None:
                folder = join_path(dataset.get('data_root', None), prefix)
                if folder and not os.path.isdir(folder):
                    problems.append((path, dataset, 'image folder', folder))
    if problems:
        raise FileNotFoundError(_describe(problems))
    return found


def check_paths(cfg: Config, splits: tuple[str, ...]) -> None:
    """Check that the paths in a config can be written down as text.

    MMEngine writes the config to the working folder and into checkpoints, in UTF-8. (Names of
    images, which stand in annotation files, may hold any bytes.)

    Args:
        cfg: The config.
        splits: Some of ``'train'``, ``'val'``, ``'test'``.

    Raises:
        ValueError: Naming the field, if a path holds bytes that are no UTF-8.
    """
    fields = {'work_dir': cfg.get('work_dir', None), 'load_from': cfg.get('load_from', None)}
    for split in splits:
        for path, dataset in find_datasets(cfg, split):
            fields[f'{path}.data_root'] = dataset.get('data_root', None)
            fields[f'{path}.ann_file'] = dataset.get('ann_file', None)
            prefix = dataset.get('data_prefix', None) or {}
            fields.update({f'{path}.data_prefix.{key}': prefix[key] for key in prefix})
    for field, value in fields.items():
        try:
            str(value).encode('utf-8')
        except UnicodeEncodeError:
            shown = str(value).encode('utf-8', 'backslashreplace').decode()
            raise ValueError(
                f'{field} = {shown}: holds bytes that are no UTF-8, which the config of the run '
                'cannot be written with. Rename the folder, or make a symbolic link to it (ln -s) '
                'and name that') from None


def join_path(root: str | None, name: str) -> str:
    """Join a name of a config to its ``data_root`` as MMEngine does."""
    return os.path.join(root, name) if root and not os.path.isabs(name) else name


def is_remote(dataset: dict) -> bool:
    """Whether a data set's files lie on no local disk."""
    backend = (dataset.get('backend_args') or {}).get('backend', 'local')
    return backend != 'local' or '://' in annotation_path(dataset)


def _describe(problems: list[tuple[str, dict, str, Any]]) -> str:
    lines = ['data not found:']
    options = []
    for path, dataset, kind, name in problems:
        lines.append(f'  {kind} {name}  ({path}, {type_name(dataset)})')
        option = f'{path}.data_root=/path/to/{os.path.basename(_root(dataset)) or "data"}'
        if option not in options:
            options.append(option)
    lines.append(f'Relative paths count from the current folder, {os.getcwd()}.')
    lines.append("To say where the data lie (each loader keeps its own copy, so `data_root` alone "
                 'changes nothing), add')
    lines.append('    --cfg-options ' + ' '.join(options))
    return '\n'.join(lines)


def _root(dataset: dict) -> str:
    return str(dataset.get('data_root') or '').rstrip('/')
