"""Results kept by what they are results of, so that nothing is measured twice."""
from __future__ import annotations

import json
import os
import os.path as osp
import shutil
from functools import lru_cache
from typing import Any, Dict, Iterable, Iterator, Mapping, Optional

from ..engine.results import now, plain, software_versions, write_json
from ..evaluation import ResultFile, load_result
from ..evaluation.result_format import ERRORS_ENDING, METRICS_ENDING
from .evaluation_sets import images_fingerprint
from .evaluation_settings import EvaluationSettings, describe_settings
from .hashing import file_hash, package_hash, value_hash
from .models import FaceModel
from .plan import Protocol

#: Fields of configs that name files whose content counts, not their place.
_FILE_FIELDS = ('scheme_file', 'from_file')
_ENTRY, _RESULT = 'entry.json', 'result'


def describe_content(model: FaceModel, protocol: Protocol, settings: EvaluationSettings,
                     limit: Optional[int] = None, device: str = 'cpu') -> Dict[str, Any]:
    """All that a result depends on.

    Args:
        model: The model.
        protocol: The protocol.
        settings: From ``make_evaluation_settings``.
        limit: Number of faces that are used; None: all.
        device: Kind of device; results of a GPU differ in the last digits.

    Returns:
        dict: Of texts, numbers and hashes. Places of files, names of models, how data are loaded
        and what is only for training are not in it.
    """
    model_config = plain(model.cfg.model.to_dict())
    (model_config.get('backbone') or {}).pop('init_cfg', None)  # all weights are the checkpoint's
    return _content_of_files(dict(
        checkpoint=model.checkpoint_hash,
        model=model_config,
        custom_imports=plain((model.cfg.get('custom_imports', None) or {}).get('imports', [])),
        test=describe_settings(settings),
        annotations=file_hash(protocol.test_set.annotations),
        images=value_hash(images_fingerprint(protocol.test_set)),
        boxes=None if protocol.boxes is None else dict(
            content=file_hash(protocol.boxes.file), overlap=protocol.boxes.overlap),
        limit=limit,
        device=device.split(':')[0],
        package=package_hash(),
        versions=measuring_versions()))


@lru_cache(maxsize=1)
def measuring_versions() -> Dict[str, str]:
    """Versions of everything that measurements depend on."""
    versions = software_versions()
    return {name: versions[name] for name in ('mmpose_wass', 'torch', 'mmcv', 'mmpose', 'mmengine',
                                              'numpy')}


def _content_of_files(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: 'sha256:' + file_hash(child)
                if key in _FILE_FIELDS and isinstance(child, str) and osp.isfile(child)
                else _content_of_files(child) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [_content_of_files(child) for child in value]
    return value


class ResultCache:
    """A folder of finished measurements.

    Each has a folder of its own, named by the hash of its content. ``entry.json`` in it is written
    last: a measurement without one was interrupted, and is made again.

    Args:
        folder: Where; it is made if need be.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        os.makedirs(folder, exist_ok=True)

    def place(self, key: str) -> str:
        """Folder of a measurement."""
        return osp.join(self.folder, key[:24])

    def prefix(self, key: str) -> str:
        """Prefix of its result files."""
        return osp.join(self.place(key), _RESULT)

    def has(self, key: str) -> bool:
        """Whether it is finished. Its files are not looked into."""
        return all(osp.isfile(path) for path in (
            osp.join(self.place(key), _ENTRY), self.prefix(key) + METRICS_ENDING,
            self.prefix(key) + ERRORS_ENDING))

    def entry(self, key: str) -> Dict[str, Any]:
        """What :meth:`finish` wrote."""
        with open(osp.join(self.place(key), _ENTRY), encoding='utf-8') as file:
            return json.load(file)

    def load(self, key: str) -> Optional[ResultFile]:
        """The result, or None if there is none that is whole."""
        if not self.has(key):
            return None
        try:
            if self.entry(key).get('key') != key:
                return None
            return load_result(self.prefix(key))
        except (ValueError, FileNotFoundError):
            return None  # damaged: made again

    def results(self, keys: Iterable[str]) -> StoredResults:
        """The results of these measurements, read when they are asked for."""
        return StoredResults(self, keys)

    def start(self, key: str) -> str:
        """Make room for a measurement; returns the prefix for its result files."""
        shutil.rmtree(self.place(key), ignore_errors=True)
        os.makedirs(self.place(key))
        return self.prefix(key)

    def finish(self, key: str, content: Dict[str, Any], **more: Any) -> None:
        """Say that all files of a measurement are written."""
        write_json(osp.join(self.place(key), _ENTRY),
                   dict(key=key, date=now(), content=content, **more))


class StoredResults(Mapping):
    """Results by key, read from the cache each time: those of long videos fill the memory.

    Args:
        cache (ResultCache): Where they are.
        keys (Iterable[str]): Which are there.
    """

    def __init__(self, cache: ResultCache, keys: Iterable[str]) -> None:
        self.cache, self._keys = cache, dict.fromkeys(keys)

    def __getitem__(self, key: str) -> ResultFile:
        if key not in self._keys:
            raise KeyError(key)
        result = self.cache.load(key)
        if result is None:
            raise ValueError(f'{self.cache.place(key)}: the result that was there has been damaged '
                             'or removed meanwhile; run again')
        return result

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._keys
