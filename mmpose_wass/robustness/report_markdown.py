"""The report as Markdown: every table, no pictures."""
from __future__ import annotations

from typing import Any, List, Mapping, Sequence

from .summary import CURVE_MEASURES, MEASURES
from .texts import (
    curve_table,
    details_table,
    measure_title,
    summary_table,
    warning_lines,
)


def markdown_report(content: Mapping[str, Any]) -> str:
    """The page.

    Args:
        content: The report's content, see ``report.py``.

    Returns:
        str: Markdown. Names are escaped.
    """
    parts = [f'# {escape(content["title"])}\n']
    parts += [f'> {escape(note)}\n' for note in content['notes']]
    parts.append(_table(['Model', 'Head', 'Codec', 'Flip test', 'Config', 'Checkpoint'], [
        [model['name'], model['head'], model['codec'], 'yes' if model['flip_test'] else 'no',
         model['config'], model['checkpoint']] for model in content['models']]))
    parts.append('## In short\n\n' + _list(content['sentences']))
    parts.append('## Summary\n\n95 % intervals in brackets. A star: the difference is '
                 'significant.\n')
    for name in MEASURES:
        parts.append(f'### {escape(measure_title(name))}\n\n'
                     + _table(*summary_table(content, name)))
    parts.append('### More by protocol\n\n' + _table(*details_table(content)))
    warnings = warning_lines(content)
    if warnings:
        parts.append('### Mind\n\n' + _list(warnings))
    if content['curves']:
        parts.append('## Severity curves\n')
        for curve in content['curves']:
            for name in CURVE_MEASURES:
                parts.append(f'### {escape(curve["title"])}: {escape(measure_title(name))}\n\n'
                             + _table(*curve_table(curve, name)))
    if content['faces']:
        parts.append('## Faces\n\nMean errors in per cent.\n')
        for gallery in content['faces']:
            names = list(gallery['faces'][0]['errors'])
            parts.append(f'### {escape(gallery["title"])}\n\n' + _table(['Image', *names], [
                [face['image'], *(f'{100 * face["errors"][name]:.2f}' for name in names)]
                for face in gallery['faces']]))
    parts.append('## Not run\n\n' + (_table(['What', 'Model', 'Why'], [
        [one['title'], one['model'] or 'all', one['reason']] for one in content['not_run']])
        if content['not_run'] else 'Everything was run.\n'))
    parts.append('## How each number is defined\n\n' + ''.join(
        f'- **{escape(term)}**: {escape(text)}\n' for term, text in content['definitions']))
    versions = ', '.join(f'{name} {version}' for name, version in content['versions'].items())
    parts.append(f'## How it was made\n\n- {content["date"]}; {escape(versions)}\n'
                 f'- `{content["command"]}`\n')
    return '\n'.join(parts)


def escape(text: str) -> str:
    r"""Text that Markdown shows as it is.

    Examples:
        >>> escape('a|b_<c>*')
        'a\\|b\\_&lt;c&gt;\\*'
    """
    text = str(text).replace('\\', '\\\\').replace('&', '&amp;')
    text = text.replace('<', '&lt;').replace('>', '&gt;').replace('\n', ' ')
    for letter in '|*_`[]':
        text = text.replace(letter, '\\' + letter)
    return text


def _list(texts: Sequence[str]) -> str:
    return ''.join(f'- {escape(text)}\n' for text in texts)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines: List[str] = ['| ' + ' | '.join(map(escape, header)) + ' |',
                        '|:--' * len(header) + '|']
    lines += ['| ' + ' | '.join(map(escape, row)) + ' |' for row in rows]
    return '\n'.join(lines) + '\n'
