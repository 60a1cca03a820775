"""What was found, in plain words: which differences are significant and which are not."""
from __future__ import annotations

from typing import Iterable, List

from .records import Comparison, Difference
from .tables import number

_UNIT_NAMES = dict(image='images', folder='folders (videos)')


def describe(comparison: Comparison) -> List[str]:
    """A sentence or two for each pair, and what the tests were.

    Args:
        comparison (Comparison): What was found.

    Returns:
        list[str]: Sentences; empty if there is only one system.
    """
    sentences = [_describe_pair(comparison, system, baseline)
                 for system, baseline in comparison.pairs]
    if sentences:
        sentences.append(_describe_tests(comparison))
        sentences.append(_describe_scope(comparison))
    return sentences


def _describe_pair(comparison: Comparison, system: str, baseline: str) -> str:
    rows = [one for one in comparison.differences
            if (one.system, one.baseline) == (system, baseline)]
    parts = [
        ('significantly better in', [_with_interval(one) for one in rows
                                     if one.significant and one.better]),
        ('significantly worse in', [_with_interval(one) for one in rows
                                    if one.significant and not one.better]),
    ]
    text = '; '.join(f'{word} {_join(items)}' for word, items in parts if items)
    sentence = f'{system} compared with {baseline}: {text or "no difference is significant"}.'
    open_rows = [one for one in rows if not one.significant]
    tested = [one for one in open_rows if one.p_value == one.p_value and one.units_differing]
    if tested and text:
        sentence += f' Not significant: {_join(one.measure.name for one in tested)}.'
    equal = [one.measure.name for one in open_rows
             if not one.units_differing and one.p_value == one.p_value]
    if equal:
        sentence += (f' Equal on every {comparison.settings.unit}: {_join(equal)}.')
    almost = [one.measure.name for one in tested if one.low > 0 or one.high < 0]
    if almost:
        sentence += (f' The interval alone would exclude zero for {_join(almost)}, but the '
                     'corrected test does not bear it out.')
    notes = dict.fromkeys(f'{one.measure.name} {one.note}' if 'finite' in one.note else one.note
                          for one in rows if one.note)
    for note in notes:
        sentence += f' {note[:1].upper()}{note[1:]}.'
    return sentence


def _with_interval(one: Difference) -> str:
    unit = ' points' if one.measure.is_percent else ''
    return (f'{one.measure.name} ({number(one.estimate, one.measure, sign=True)}{unit}, '
            f'[{number(one.low, one.measure, sign=True)}, '
            f'{number(one.high, one.measure, sign=True)}])')


def _describe_tests(comparison: Comparison) -> str:
    settings = comparison.settings
    count = sum(one.p_value == one.p_value for one in comparison.differences)
    pairs, measures = len(comparison.pairs), len(comparison.measures)
    methods = sorted({one.test_method for one in comparison.differences})
    names = dict(
        randomization='a paired randomisation test',
        **{'hierarchical bootstrap': 'the hierarchical bootstrap over images and seeds'})
    error = f'{100 * (1 - settings.level):g} %'
    return (f'{count} tests were made ({pairs} {"pair" if pairs == 1 else "pairs"} × {measures} '
            f'{"measure" if measures == 1 else "measures"}) by '
            f'{_join(names[method] for method in methods)}; p-values are corrected for that number '
            f'by Holm\'s method: the probability of calling any difference significant that is '
            f'chance is at most {error}. Intervals are the {100 * settings.level:g} '
            '% ones of each difference by itself.')


def _describe_scope(comparison: Comparison) -> str:
    """What the tests speak of, and what not."""
    units = f'{comparison.num_units} {_UNIT_NAMES[comparison.settings.unit]}'
    single = [system.name for system in comparison.systems if system.num_seeds == 1]
    if len(single) == len(comparison.systems):
        return (f'They speak of these trained models on other images like these {units}. Another '
                'training seed would move the numbers too, which one run of each cannot tell.')
    scope = f'They speak of other images like these {units} and of other training seeds'
    return scope + (f', except for {_join(single)} (one seed).' if single else '.')


def _join(items: Iterable[str]) -> str:
    items = list(items)
    if len(items) < 2:
        return ''.join(items)
    return ', '.join(items[:-1]) + ' and ' + items[-1]
