"""Identity and chaining of conversions: A meets B, B meets C, so A meets C."""
from __future__ import annotations

from typing import Dict, Mapping, Optional, Sequence, Tuple, Union

from .common import CommonLandmarks
from .scheme import LandmarkScheme, get_scheme

#: Begins the name of a conversion that goes through another scheme: ``'through_300w'``.
THROUGH = 'through_'

Indices = Tuple[int, ...]
#: Points and their weights, which sum to 1.
Mean = Dict[int, float]


def group_of(group: Union[int, Sequence[int], Mapping[int, float]],
             where: str = 'group') -> Tuple[Indices, Optional[Tuple[float, ...]]]:
    """A group as indices and weights (``None`` for a plain mean).

    Raises:
        ValueError: If it holds anything but whole numbers.

    Examples:
        >>> group_of(3), group_of([1, 2]), group_of({5: .75, 6: .25})
        (((3,), None), ((1, 2), None), ((5, 6), (0.75, 0.25)))
    """
    values = list(group) if isinstance(group, (Mapping, Sequence, range)) else [group]
    if isinstance(group, str) or any(not isinstance(value, int) or isinstance(value, bool)
                                     for value in values):
        raise ValueError(f'{where}: a group is an index, a list of indices or a dict of weights by '
                         f'index, found {group!r}')
    weights = tuple(float(weight) for weight in group.values()) if isinstance(
        group, Mapping) else None
    return tuple(values), weights


def name_of(model: LandmarkScheme, data: LandmarkScheme, model_group: Indices,
            data_group: Indices) -> str:
    """Name of a common landmark: of the data's point, or the model's, or of all points."""
    if len(data_group) > 1 and len(model_group) == 1:
        return model.landmark_names[model_group[0]]
    return '+'.join(data.landmark_names[index] for index in data_group)


def identity(scheme_name: str) -> CommonLandmarks:
    """A scheme meets itself in all its points."""
    scheme = get_scheme(scheme_name)
    points = tuple((index, ) for index in range(scheme.num_landmarks))
    return CommonLandmarks(scheme_name, scheme_name, scheme.landmark_names, points, points,
                           (True, ) * len(points), 'identity', 'the same scheme')


def _means(table: CommonLandmarks, side: str) -> Sequence[Mean]:
    weights = getattr(table, f'{side}_weights')
    means = []
    for place, group in enumerate(getattr(table, f'{side}_points')):
        weight = weights[place] if weights is not None else None
        means.append(dict(zip(group, weight or (1 / len(group), ) * len(group))))
    return means


def _through(mean: Mean, singles: Mapping[int, Mean]) -> Optional[Mean]:
    """``mean`` in the points that its own points stand for; ``None`` if one stands for none."""
    found: Mean = {}
    for point, weight in mean.items():
        if point not in singles:
            return None
        for index, part in singles[point].items():
            found[index] = found.get(index, 0.) + weight * part
    return found


def _key(mean: Mean) -> frozenset:
    return frozenset((index, round(weight, 9)) for index, weight in mean.items())


def compose(first: CommonLandmarks, second: CommonLandmarks) -> Optional[CommonLandmarks]:
    """Chain two conversions over the scheme that both have.

    A landmark survives where both say the same of the middle scheme's points: equal groups, or a
    group on one side whose points are single landmarks on the other.

    Args:
        first (CommonLandmarks): A and B.
        second (CommonLandmarks): B and C.

    Returns:
        CommonLandmarks | None: A and C; ``None`` if no landmark survives.

    Raises:
        ValueError: If the middle schemes differ.
    """
    if first.data_scheme != second.model_scheme:
        raise ValueError(f'{first.data_scheme} is not {second.model_scheme}: the two conversions '
                         'do not meet')
    ours, to_middle = _means(first, 'model'), _means(first, 'data')
    from_middle, theirs = _means(second, 'model'), _means(second, 'data')
    singles_before = {next(iter(mean)): place for place, mean in enumerate(to_middle)
                      if len(mean) == 1}
    singles_after = {next(iter(mean)): place for place, mean in enumerate(from_middle)
                     if len(mean) == 1}
    before = {point: ours[place] for point, place in singles_before.items()}
    after = {point: theirs[place] for point, place in singles_after.items()}
    equal_groups = {_key(mean): place for place, mean in enumerate(to_middle)}

    found, used = [], set()
    for place, mean in enumerate(from_middle):
        partner = equal_groups.get(_key(mean))
        if partner is not None:
            equal = first.named_equal[partner] and second.named_equal[place]
            found.append((ours[partner], theirs[place], equal, second.names[place]))
            used.add(partner)
        else:
            model_mean = _through(mean, before)
            if model_mean is not None:
                found.append((model_mean, theirs[place], False, second.names[place]))
    for place, mean in enumerate(to_middle):
        if place not in used and len(mean) > 1:
            data_mean = _through(mean, after)
            if data_mean is not None:
                found.append((ours[place], data_mean, False, first.names[place]))
    return _assemble(first, second, found) if found else None


def _assemble(first: CommonLandmarks, second: CommonLandmarks, found: list) -> CommonLandmarks:
    model, data = get_scheme(first.model_scheme), get_scheme(second.data_scheme)
    rows, taken = [], set()
    for model_mean, data_mean, equal, fallback in found:
        key = (_key(model_mean), _key(data_mean))
        if key in taken:
            continue
        taken.add(key)
        groups = tuple(model_mean), tuple(data_mean)
        single = len(groups[0]) == len(groups[1]) == 1
        equal = equal or (single and model.landmark_names[groups[0][0]]
                          == data.landmark_names[groups[1][0]])
        both_means = len(groups[0]) > 1 and len(groups[1]) > 1
        rows.append((fallback if both_means else name_of(model, data, *groups), *groups, equal,
                     _weights(model_mean), _weights(data_mean)))
    names, model_points, data_points, equal, model_weights, data_weights = zip(*rows)
    middle = first.data_scheme
    lost = max(len(first), len(second)) - len(rows)
    source = f'{first.source}; then through {middle}: {second.source}'
    if lost:
        source += f' ({len(rows)} landmarks are left of {len(first)} and {len(second)})'
    if 'identity' in (first.variant, second.variant):
        variant = second.variant if first.variant == 'identity' else first.variant
    else:
        variant = f'{THROUGH}{middle}'
    return CommonLandmarks(
        first.model_scheme, second.data_scheme, names, model_points, data_points, equal, variant,
        source, model_weights if any(model_weights) else None,
        data_weights if any(data_weights) else None)


def _weights(mean: Mean) -> Optional[Tuple[float, ...]]:
    """Weights of a group; ``None`` where they are equal."""
    values = tuple(mean.values())
    return None if max(values) - min(values) < 1e-9 else values
