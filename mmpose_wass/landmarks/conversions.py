"""Conversions between schemes: the registry, and how one is found or composed."""
from __future__ import annotations

from dataclasses import replace
from typing import Dict, List, Mapping, Optional, Sequence, Tuple, Union

from .common import CommonLandmarks
from .composition import THROUGH, compose, group_of, identity, name_of
from .scheme import forget_scheme, get_scheme

#: One index, several whose mean is meant, or weights by index.
Group = Union[int, Sequence[int], Mapping[int, float]]
Pair = Tuple[str, str]

#: Tables in a chain at most.
_MOST_STEPS = 3

# By pair, as registered: from variant to table, the default first.
_CONVERSIONS: Dict[Pair, Dict[str, CommonLandmarks]] = {}


def register_conversion(model_scheme: str,
                        data_scheme: str,
                        entries: Sequence[Tuple[Group, Group]],
                        variant: str = 'default',
                        source: str = '',
                        named_equal: Optional[Sequence[bool]] = None,
                        names: Optional[Sequence[str]] = None,
                        force: bool = False) -> CommonLandmarks:
    """Make a conversion between two registered schemes known; it is used in both directions.

    Args:
        model_scheme (str): One scheme.
        data_scheme (str): The other.
        entries (Sequence): For each common landmark a group of the first scheme's indices and one
            of the second's: an index, indices whose mean is meant, or a dict of weights by index.
        variant (str): Name of this table; the first one of a pair is the pair's default.
        source (str): Where the table comes from.
        named_equal (Sequence[bool], optional): Whether both sides mean the same anatomical point;
            by default that is so for two single points that have the same name.
        names (Sequence[str], optional): Names of the common landmarks; by default the name of a
            side that is a single point.
        force (bool): Replace a table of that name.

    Returns:
        CommonLandmarks: The table.

    Raises:
        KeyError: If a scheme is not known.
        ValueError: If an entry does not fit, or the pair has a table of that name.

    Examples:
        >>> register_conversion('300w', 'aflw', [(8, 18), (30, 13)], variant='of the docs',
        ...                     force=True).names
        ('chin', 'nose_tip')
    """
    where = f'conversion {model_scheme} to {data_scheme}'
    if model_scheme == data_scheme:
        raise ValueError(f'{where}: a scheme meets itself in all its points; there is nothing to '
                         'register')
    if not isinstance(variant, str) or not variant or variant.startswith(THROUGH):
        raise ValueError(f'{where}: a variant needs a name, not beginning with {THROUGH!r}; found '
                         f'{variant!r}')
    schemes = get_scheme(model_scheme), get_scheme(data_scheme)
    sides: List[list] = [[], []]
    weights: List[list] = [[], []]
    for place, entry in enumerate(entries):
        if not isinstance(entry, (tuple, list)) or len(entry) != 2:
            raise ValueError(f'{where}: entry {place} must be a pair (points of {model_scheme}, '
                             f'points of {data_scheme}), found {entry!r}')
        for side, group in enumerate(entry):
            points, weight = group_of(group, f'{where}: entry {place}')
            if any(not 0 <= point < schemes[side].num_landmarks for point in points):
                raise ValueError(f'{where}: entry {place} names the points {list(points)} of '
                                 f'{schemes[side].name}, which has '
                                 f'0..{schemes[side].num_landmarks - 1}')
            sides[side].append(points)
            weights[side].append(weight)
    pairs = list(zip(*sides))
    if names is None:
        names = [name_of(*schemes, *pair) for pair in pairs]
    if named_equal is None:
        named_equal = [_same_name(*schemes, *pair) for pair in pairs]
    table = CommonLandmarks(
        model_scheme, data_scheme, tuple(names), tuple(sides[0]), tuple(sides[1]),
        tuple(bool(equal) for equal in named_equal), variant, source,
        *(tuple(side) if any(side) else None for side in weights))
    if (data_scheme, model_scheme) in _CONVERSIONS:
        table = table.reversed()
    known = _CONVERSIONS.setdefault((table.model_scheme, table.data_scheme), {})
    if variant in known and not force:
        raise ValueError(f'{where}: there is a variant {variant!r} already; choose another name, '
                         'or pass force=True to replace it')
    known[variant] = table
    return table if table.model_scheme == model_scheme else table.reversed()


def unregister_scheme(name: str) -> None:
    """Forget a scheme and all conversions from and to it.

    Args:
        name (str): The scheme.

    Raises:
        KeyError: If it is not known.
    """
    get_scheme(name)
    for pair in [pair for pair in _CONVERSIONS if name in pair]:
        del _CONVERSIONS[pair]
    forget_scheme(name)


def _same_name(model, data, model_group, data_group) -> bool:
    return len(model_group) == len(data_group) == 1 and (
        model.landmark_names[model_group[0]] == data.landmark_names[data_group[0]])


def list_conversions() -> List[Tuple[str, str, str]]:
    """Registered conversions as (one scheme, the other, variant), the pair's default first.

    Each works in both directions, and others follow from them (see :func:`get_common_landmarks`).

    Examples:
        >>> ('300w', 'cofw', 'means') in list_conversions()
        True
    """
    return [(*pair, variant) for pair, tables in _CONVERSIONS.items() for variant in tables]


def get_common_landmarks(model_scheme: str,
                         data_scheme: str,
                         variant: Optional[str] = None,
                         subset: Union[None, str, Sequence[str]] = None) -> CommonLandmarks:
    """The landmarks that two schemes have in common.

    Equal schemes meet in all points. A registered table serves both directions. Where a pair has
    none, tables are chained: the shortest chain, of those the one that keeps most landmarks.
    ``source`` then tells the chain and what it lost.

    Args:
        model_scheme (str): What the model predicts.
        data_scheme (str): What the data set is annotated with.
        variant (str, optional): One of the pair's tables, or of a table in the chain; or
            ``'through_300w'`` for a chain through a scheme of one's choice. The default first.
        subset (str | Sequence[str], optional): A scheme that both are reduced to, such as
            ``'paper17'``, or names of common landmarks.

    Returns:
        CommonLandmarks: The C common landmarks.

    Raises:
        KeyError: If a scheme or variant is not known or no chain joins the two; the message names
            those that are known.

    Examples:
        >>> len(get_common_landmarks('300w', 'wflw')), len(get_common_landmarks('cofw', 'aflw'))
        (68, 19)
        >>> get_common_landmarks('wflw', '300vw', variant='interpolated_eyelids').model_weights[37]
        (0.6666666666666666, 0.3333333333333333)
        >>> len(get_common_landmarks('300w', 'cofw', subset='paper17'))
        17
    """
    for name in (model_scheme, data_scheme):
        get_scheme(name)
    if isinstance(subset, str):
        return _in_subset(model_scheme, data_scheme, variant, subset)
    if model_scheme == data_scheme and variant in (None, 'identity'):
        common = identity(model_scheme)
    else:
        common = _registered(model_scheme, data_scheme, variant)
    if common is None:
        common = _chained(model_scheme, data_scheme, variant)
    return common if subset is None else common.take(subset)


def _in_subset(model_scheme: str, data_scheme: str, variant: Optional[str],
               subset: str) -> CommonLandmarks:
    """Both schemes reduced to a third one."""
    names = get_scheme(subset).landmark_names
    sides, known = [], variant is None
    for scheme in (model_scheme, data_scheme):
        try:
            sides.append(get_common_landmarks(scheme, subset, variant))
            known = True
        except KeyError:
            sides.append(get_common_landmarks(scheme, subset))
    if not known:
        raise KeyError(f'variant {variant!r}: no way from {model_scheme} or {data_scheme} to '
                       f'{subset} has it. {_known_variants()}')
    model, data = sides
    places = [{group[0]: place for place, group in enumerate(side.data_points) if len(group) == 1}
              for side in sides]
    shared = [point for point in range(len(names)) if all(point in place for place in places)]
    if not shared:
        raise KeyError(f'{model_scheme} and {data_scheme} share no landmark of {subset}')

    def pick(side: CommonLandmarks, place: Dict[int, int], entry: str) -> Optional[tuple]:
        values = getattr(side, entry)
        return None if values is None else tuple(values[place[point]] for point in shared)

    model_points, data_points = (pick(side, place, 'model_points')
                                 for side, place in zip(sides, places))
    schemes = get_scheme(model_scheme), get_scheme(data_scheme)
    source = model.source if model_scheme == data_scheme else f'{model.source}; {data.source}'
    return CommonLandmarks(
        model_scheme, data_scheme, tuple(names[point] for point in shared), model_points,
        data_points,
        tuple(_same_name(*schemes, *pair) for pair in zip(model_points, data_points)),
        variant or f'{THROUGH}{subset}', f'reduced to {subset}: {source}',
        *(pick(side, place, 'model_weights') for side, place in zip(sides, places)))


def _registered(model_scheme: str, data_scheme: str,
                variant: Optional[str]) -> Optional[CommonLandmarks]:
    """The pair's own table, if it has one (of that variant)."""
    for pair, turned in (((model_scheme, data_scheme), False),
                         ((data_scheme, model_scheme), True)):
        tables = _CONVERSIONS.get(pair, {})
        if variant in tables or (variant is None and tables):
            table = tables[variant] if variant else next(iter(tables.values()))
            return table.reversed() if turned else table
    return None


def _chained(model_scheme: str, data_scheme: str, variant: Optional[str]) -> CommonLandmarks:
    hub = None
    if variant is not None and variant.startswith(THROUGH):
        hub, variant = variant[len(THROUGH):], None
        get_scheme(hub)
    best = None
    for path in _paths(model_scheme, data_scheme):
        if hub is not None and hub not in path[1:-1]:
            continue
        if best is not None and len(path) > best[0]:
            break  # a longer way is only taken where there is no shorter one
        common = _along(path, variant)
        if common is None:
            continue
        rank = (len(common), sum(common.named_equal))
        if best is None or rank > best[1]:
            best = (len(path), rank, common)
    if best is None:
        wanted = f' through {hub}' if hub else f' of variant {variant!r}' if variant else ''
        raise KeyError(
            f'no conversion{wanted} is known between the landmark schemes {model_scheme!r} and '
            f'{data_scheme!r}. {_known_variants()}. mmpose_wass.landmarks.register_conversion, or '
            "the conversions of a scheme file, add your own")
    return best[2] if variant is None else replace(best[2], variant=variant)


def _known_variants() -> str:
    pairs = '; '.join(f'{first} and {second} ({", ".join(tables)})'
                      for (first, second), tables in _CONVERSIONS.items())
    return f'Known are {pairs}'


def _paths(start: str, end: str) -> List[Tuple[str, ...]]:
    """Ways from one scheme to another over registered pairs, the shortest first."""
    neighbours: Dict[str, List[str]] = {}
    for first, second in _CONVERSIONS:
        neighbours.setdefault(first, []).append(second)
        neighbours.setdefault(second, []).append(first)
    found, ways = [], [(start, )]
    for _ in range(_MOST_STEPS):
        ways = [(*way, scheme) for way in ways for scheme in neighbours.get(way[-1], [])
                if scheme not in way]
        found += [way for way in ways if way[-1] == end]
    # A direct pair without the wanted variant is no chain.
    return [way for way in found if len(way) > 2]


def _along(path: Sequence[str], variant: Optional[str]) -> Optional[CommonLandmarks]:
    """The chain over ``path``; ``None`` if nothing is left or no table has the variant."""
    common, seen = None, variant is None
    for first, second in zip(path, path[1:]):
        table = _registered(first, second, variant)
        seen = seen or table is not None
        table = table or _registered(first, second, None)
        common = table if common is None else compose(common, table)
        if common is None:
            return None
    return common if seen else None
