"""A landmark scheme of one's own: a small file, or the same content as a config entry."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Set, Tuple, Union

import numpy as np

from .conversions import register_conversion, unregister_scheme
from .geometry import find_flip_pairs, outer_corners_of
from .mean_shape import normalize_shape
from .scheme import LandmarkScheme, find_scheme, register_scheme

_FIELDS = ('name', 'num_landmarks', 'landmark_names', 'outer_eye_corners', 'pupils', 'regions',
           'flip_pairs', 'shape', 'shape_table', 'default_norm_mode', 'metainfo', 'source')
_CONVERSION_FIELDS = ('of', 'to', 'points', 'variant', 'source', 'named_equal', 'names')

# What was loaded, by scheme, to let the same content be loaded again by another part of a run.
_LOADED: Dict[str, str] = {}
# Variants of shipped pairs that a file without a scheme added; such a file may be edited, too.
_ADDED: Set[Tuple[FrozenSet[str], str]] = set()


def load_scheme_file(path: Union[str, Path, Mapping[str, Any]]) -> Optional[LandmarkScheme]:
    """Register the scheme and the conversions that a file, or a config's entry, describes.

    The file is Python (as MMEngine's configs: plain assignments) or JSON and has ``scheme``, a dict
    of these fields, and optionally ``conversions``, a list of dicts:

    ===================== =======================================================================
    ``name``              the ``dataset_name`` of the data set's metainfo
    ``num_landmarks``     K; may be left out if ``shape`` or a list of names is given
    ``landmark_names``    a list of K names, or a dict from index to name; the rest is
                          ``landmark_<index>``. A name of another scheme means the same point
    ``outer_eye_corners`` two indices; by default the points ``right_eye_outer_corner`` and
                          ``left_eye_outer_corner``
    ``pupils``            two lists of indices; by default the points ``right_pupil`` and
                          ``left_pupil``, or else the regions ``right_eye`` and ``left_eye``
    ``regions``           a dict from name to indices, or to text such as ``'0-15, 20'``; by
                          default one region ``face``
    ``flip_pairs``        pairs of indices, or ``'from_shape'``: found in ``shape`` by
                          :func:`~mmpose_wass.landmarks.geometry.find_flip_pairs`; by default from
                          the metainfo file, or else from names with ``right_`` and ``left_``
    ``shape``             K points of a frontal face, x to the right and y down
    ``default_norm_mode`` what ``FaceLandmarkMetric`` divides by (``'inter_ocular'``)
    ``metainfo``          MMPose's metainfo file of the layout, if there is one
    ``source``            where the numbering comes from
    ===================== =======================================================================

    A conversion has ``to`` (a known scheme), ``points`` (pairs of a group of this scheme and a
    group of the other; a group is an index, a list whose mean is meant, or a dict of weights), and
    optionally ``variant``, ``source``, ``named_equal`` and ``names``: see
    :func:`~mmpose_wass.landmarks.register_conversion`. A file without ``scheme`` adds conversions
    between known schemes; each then names the scheme of its first points with ``of``.

    Args:
        path: The file, ``.py`` or ``.json``; or its content as a dict, see
            :func:`register_scheme_entry`.

    Returns:
        LandmarkScheme | None: The scheme, now known by its name; ``None`` if there are only
        conversions. Loading a file again changes nothing.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: Naming the file and the field, for content that does not fit.
        KeyError: If a conversion names a scheme that is not known.
    """
    if isinstance(path, Mapping):
        return register_scheme_entry(path)
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no such scheme file')
    if path.suffix == '.json':
        try:
            content = json.loads(path.read_text(encoding='utf-8'))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f'{path}: not JSON ({error})') from error
    elif path.suffix == '.py':
        from mmengine.config import Config
        try:
            content = Config.fromfile(str(path)).to_dict()
        except SyntaxError as error:
            raise ValueError(f'{path}: not Python ({error})') from error
    else:
        raise ValueError(f'{path}: a scheme file ends in .py or .json')
    return register_scheme_entry(content, str(path))


def register_scheme_entry(content: Mapping[str, Any], where: str = 'landmark scheme'
                          ) -> Optional[LandmarkScheme]:
    """Register a scheme and its conversions from a dict: a config's entry.

    Args:
        content: ``scheme`` and optionally ``conversions``, as :func:`load_scheme_file` says; or
            the fields of ``scheme`` with ``conversions`` among them.
        where: What messages name.

    Returns:
        LandmarkScheme | None: The scheme; ``None`` if there are only conversions.

    Raises:
        ValueError: Naming the field, for content that does not fit.
        KeyError: If a conversion names a scheme that is not known.
    """
    if not isinstance(content, Mapping):
        raise ValueError(f'{where}: a dict with scheme and conversions is needed, found '
                         f'{type(content).__name__}')
    if 'scheme' in content:
        fields, conversions = content['scheme'], content.get('conversions', ())
    else:
        fields = {key: value for key, value in content.items() if key != 'conversions'}
        conversions = content.get('conversions', ())
    if not fields and conversions:
        for place, conversion in enumerate(conversions):
            _add(conversion, f'{where}: conversions[{place}]')
        return None
    if not isinstance(fields, Mapping) or 'name' not in fields:
        raise ValueError(f"{where}: scheme must be a dict with name, num_landmarks, …; found "
                         f'{sorted(fields) if isinstance(fields, Mapping) else fields!r}')
    name = fields['name']
    text = json.dumps([fields, conversions], default=str, sort_keys=False)
    if _LOADED.get(name) == text:
        return find_scheme(name)
    scheme = _scheme_of(fields, where)
    if name in _LOADED:  # the file was edited
        unregister_scheme(name)
        del _LOADED[name]
    try:
        register_scheme(scheme)
    except ValueError as error:
        raise ValueError(f'{where}: {error}') from error
    try:
        for place, conversion in enumerate(conversions):
            _register(name, conversion, f'{where}: conversions[{place}]')
    except Exception:
        # A mended file can then be loaded.
        unregister_scheme(name)
        raise
    _LOADED[name] = text
    return scheme


def _refuse_unknown(fields: Mapping, known: Tuple[str, ...], where: str) -> None:
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise ValueError(f'{where}: unknown fields {", ".join(unknown)}; known are '
                         f'{", ".join(known)}')


def _scheme_of(fields: Mapping[str, Any], where: str) -> LandmarkScheme:
    _refuse_unknown(fields, _FIELDS, f'{where}: scheme')
    shape = fields.get('shape')
    names = fields.get('landmark_names')
    count = fields.get('num_landmarks')
    if count is None and shape is not None:
        count = len(shape)
    if count is None and isinstance(names, (list, tuple)):
        count = len(names)
    if not isinstance(count, int) or count < 2:
        raise ValueError(f'{where}: scheme.num_landmarks must be a number of landmarks, found '
                         f'{count!r}')
    names = _names_of(names, count, where)
    try:
        corners = fields.get('outer_eye_corners') or outer_corners_of(names)
        corners = _indices(corners, f'{where}: scheme.outer_eye_corners')
        if len(corners) != 2:
            raise ValueError(f'{where}: scheme.outer_eye_corners must be two indices, found '
                             f'{list(corners)}')
        regions = {
            region: _indices(points, f'{where}: scheme.regions[{region!r}]')
            for region, points in (fields.get('regions') or {'face': range(count)}).items()}
        scheme = LandmarkScheme(
            name=fields['name'],
            num_landmarks=count,
            outer_eye_corners=corners,
            pupils=_pupils_of(fields.get('pupils'), names, regions, where),
            regions=regions,
            landmark_names=names,
            flip_pairs=_flip_pairs_of(fields.get('flip_pairs'), shape, corners, where),
            shape=None if shape is None else tuple(tuple(map(float, point)) for point in shape),
            **{key: fields[key] for key in ('shape_table', 'default_norm_mode', 'metainfo',
                                            'source') if key in fields})
    except ValueError as error:
        raise error if str(error).startswith(where) else ValueError(f'{where}: {error}') from error
    return scheme


def _names_of(names: Any, count: int, where: str) -> Tuple[str, ...]:
    if names is None or isinstance(names, Mapping):
        # The keys of a JSON object are text.
        given = {int(index): name for index, name in (names or {}).items()}
        wrong = [index for index in given if not 0 <= index < count]
        if wrong:
            raise ValueError(f'{where}: scheme.landmark_names names the points {wrong}, but there '
                             f'are {count} (0..{count - 1})')
        return tuple(given.get(index, f'landmark_{index}') for index in range(count))
    return tuple(names)


def _indices(value: Any, where: str) -> Tuple[int, ...]:
    """Indices from a list, or from text such as ``'0-15, 20'``."""
    if isinstance(value, str):
        try:
            spans = [[int(end) for end in part.split('-')] for part in value.split(',')]
            return tuple(index for part in spans for index in range(part[0], part[-1] + 1))
        except ValueError:
            raise ValueError(f"{where}: indices are a list, or text such as '0-15, 20'; found "
                             f'{value!r}') from None
    if isinstance(value, (list, tuple, range)) and all(
            isinstance(index, (int, np.integer)) for index in value):
        return tuple(int(index) for index in value)
    raise ValueError(f"{where}: indices are a list, or text such as '0-15, 20'; found {value!r}")


def _pupils_of(pupils: Any, names: Tuple[str, ...], regions: Mapping[str, Tuple[int, ...]],
               where: str) -> Tuple[Tuple[int, ...], Tuple[int, ...]]:
    if pupils is not None:
        groups = tuple(_indices(group, f'{where}: scheme.pupils') for group in pupils)
        if len(groups) != 2:
            raise ValueError(f'{where}: scheme.pupils must be two lists of indices, found '
                             f'{len(groups)}')
        return groups
    if {'right_pupil', 'left_pupil'} <= set(names):
        return (names.index('right_pupil'), ), (names.index('left_pupil'), )
    if {'right_eye', 'left_eye'} <= set(regions):
        return regions['right_eye'], regions['left_eye']
    raise ValueError(f'{where}: scheme.pupils is missing: two lists of indices whose means stand '
                     'for the right and the left pupil (or name two points right_pupil and '
                     'left_pupil, or two regions right_eye and left_eye)')


def _flip_pairs_of(pairs: Any, shape: Any, corners: Tuple[int, int],
                   where: str) -> Optional[Tuple[Tuple[int, int], ...]]:
    if pairs is None:
        return None
    if pairs == 'from_shape':
        if shape is None:
            raise ValueError(f"{where}: scheme.flip_pairs='from_shape' needs scheme.shape")
        return tuple(find_flip_pairs(normalize_shape(shape, corners)))
    if isinstance(pairs, str):
        raise ValueError(f"{where}: scheme.flip_pairs must be pairs of indices or 'from_shape', "
                         f'found {pairs!r}')
    return tuple(_indices(pair, f'{where}: scheme.flip_pairs') for pair in pairs)


def _add(conversion: Mapping[str, Any], where: str) -> None:
    """A conversion between two known schemes."""
    if not isinstance(conversion, Mapping) or 'of' not in conversion:
        raise ValueError(f'{where}: without a scheme in the file, a conversion is a dict with of '
                         f'(a known scheme), to and points; found {conversion!r}')
    key = frozenset((conversion['of'], conversion.get('to'))), conversion.get('variant', 'default')
    _register(conversion['of'], conversion, where, force=key in _ADDED)
    _ADDED.add(key)


def _register(scheme_name: str, conversion: Mapping[str, Any], where: str,
              force: bool = False) -> None:
    if not isinstance(conversion, Mapping) or not {'to', 'points'} <= set(conversion):
        raise ValueError(f'{where}: a conversion is a dict with to and points, found '
                         f'{conversion!r}')
    _refuse_unknown(conversion, _CONVERSION_FIELDS, where)
    if conversion.get('of', scheme_name) != scheme_name:
        raise ValueError(f"{where}: its first points are {scheme_name}'s, found of="
                         f'{conversion["of"]!r}')
    entries: List[tuple] = []
    for place, entry in enumerate(conversion['points']):
        if not isinstance(entry, (list, tuple)) or len(entry) != 2:
            raise ValueError(f'{where}: points[{place}] must be a pair (points of {scheme_name}, '
                             f'points of {conversion["to"]}), found {entry!r}')
        entries.append(tuple(_group(group) for group in entry))
    options = {key: conversion[key] for key in ('variant', 'source', 'named_equal', 'names')
               if key in conversion}
    try:
        register_conversion(scheme_name, conversion['to'], entries, force=force, **options)
    except ValueError as error:
        raise ValueError(f'{where}: {error}') from error
    except KeyError as error:
        raise KeyError(f'{where}: {error.args[0]}') from error


def _group(group: Any) -> Any:
    """A group with whole-number keys, which JSON writes as text."""
    if isinstance(group, Mapping):
        return {int(index): float(weight) for index, weight in group.items()}
    return list(group) if isinstance(group, (list, tuple)) else group
