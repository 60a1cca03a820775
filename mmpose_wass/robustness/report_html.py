"""The report as one HTML file that opens without a network: no script, all pictures inside."""
from __future__ import annotations

from importlib import resources
from typing import Any, List, Mapping, Optional, Sequence

import numpy as np

from .figures import number_models, plot_ced, plot_curve, plot_landmarks
from .gallery import Gallery, ShownFace
from .markup import Markup, join, tag
from .pictures import TILE
from .summary import CURVE_MEASURES, MEASURES, Finding
from .texts import (
    GROUP_TITLES,
    curve_table,
    details_table,
    measure_title,
    summary_table,
    warning_lines,
)

#: Pixels of a page that a face with its landmarks takes.
_FACE_WIDTH = 300
_LEAST_FACE_WIDTH = 230
_SECTIONS = dict(short='In short', summary='Summary', curves='Severity curves',
                 distributions='Error distributions', landmarks='Landmarks', faces='Faces',
                 missing='Not run', definitions='Definitions', made='How it was made')


def html_report(content: Mapping[str, Any], findings: Sequence[Finding],
                galleries: Sequence[Gallery]) -> str:
    """The page.

    Args:
        content: The report's content, see ``report.py``.
        findings: What plots are drawn of.
        galleries: Faces to show.

    Returns:
        str: HTML.
    """
    names = [model['name'] for model in content['models']]
    colors = number_models(names)
    bodies = dict(
        short=_list(content['sentences']),
        summary=_summary(content),
        curves=_curves(content, colors),
        distributions=_distributions(findings, colors),
        landmarks=_landmarks(findings),
        faces=_galleries(galleries),
        missing=_not_run(content),
        definitions=tag('dl', [[tag('dt', term), tag('dd', text)]
                               for term, text in content['definitions']]),
        made=_how(content))
    shown = {name: body for name, body in bodies.items() if body}
    head = tag(
        'head', tag('meta', charset='utf-8'),
        tag('meta', name='viewport', content='width=device-width, initial-scale=1'),
        # Browsers would ask a server for an icon otherwise.
        tag('link', rel='icon', href='data:,'), tag('title', content['title']),
        tag('style', Markup(_style())))
    body = tag(
        'body', tag('h1', content['title']), tag('p', _models_line(content), class_='faint'),
        [tag('p', note, class_='notice') for note in content['notes']],
        tag('nav', [tag('a', _SECTIONS[name], href=f'#{name}') for name in shown]),
        tag('main', [tag('section', tag('h2', _SECTIONS[name]), part, id=name)
                     for name, part in shown.items()]))
    return '<!DOCTYPE html>\n' + tag('html', head, body, lang='en') + '\n'


def _style() -> str:
    return resources.files(__package__).joinpath('report.css').read_text(encoding='utf-8')


def _models_line(content: Mapping[str, Any]) -> str:
    names = ', '.join(model['name'] for model in content['models'])
    return f'{names} · {content["date"]}'


def _summary(content: Mapping[str, Any]) -> Markup:
    warnings = [tag('li', text) for text in warning_lines(content)]
    parts: List[Any] = [tag(
        'p', '95 % intervals in brackets. A star: the difference is significant after correction '
        'for all tests of this report.', class_='faint')]
    for place, name in enumerate(MEASURES):
        header, rows = summary_table(content, name)
        groups = [finding['group'] for finding in content['protocols']]
        table = _table(header, rows, groups)
        if place < 2 or name == 'FR_L@0.10':
            parts += [tag('h3', measure_title(name)), table]
        else:
            parts.append(tag('details', tag('summary', measure_title(name)), table))
    parts.append(tag('details', tag('summary', 'Growth, hidden and visible landmarks, failures'),
                     _table(*details_table(content))))
    if warnings:
        parts += [tag('h3', 'Mind'), tag('ul', warnings)]
    return join(parts)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]],
           groups: Optional[Sequence[str]] = None, class_: Optional[str] = None) -> Markup:
    lines, before = [], None
    for place, row in enumerate(rows):
        if groups is not None and groups[place] != before:
            before = groups[place]
            lines.append(tag('tr', tag('th', GROUP_TITLES.get(before, before), scope='rowgroup',
                                       colspan=len(header)), class_='group'))
        # Narrow screens show the heading beside each cell.
        lines.append(tag('tr', [tag('td', cell, data_label=heading)
                                for heading, cell in zip(header, row)]))
    return tag('div', tag('table', tag('thead', tag('tr', [tag('th', cell, scope='col')
                                                           for cell in header])),
                          tag('tbody', lines), class_=class_),
               class_='scroll', tabindex='0', role='region', aria_label='table')


def _curves(content: Mapping[str, Any], colors: Mapping[str, int]) -> Markup:
    parts = []
    for curve in content['curves']:
        plots = [_figure(plot_curve(curve, name, colors), f'{measure_title(name)}, '
                         f'{curve["test_set"]}; bands: 95 % intervals')
                 for name in CURVE_MEASURES]
        tables = [tag('details', tag('summary', f'Numbers: {measure_title(name)}'),
                      _table(*curve_table(curve, name))) for name in CURVE_MEASURES]
        parts.append(join(tag('h3', curve['title']), tag('div', plots, class_='plots'), tables))
    return join(parts)


def _distributions(findings: Sequence[Finding], colors: Mapping[str, int]) -> Markup:
    return join([
        join(tag('h3', finding.title), tag('div', [
            _figure(plot_ced(finding, level, colors), f'{finding.title}: {level}')
            for level in ('landmarks', 'images')], class_='plots'))
        for finding in findings if _is_scored(finding)])


def _is_scored(finding: Finding) -> bool:
    return all(np.isfinite(errors).any() for errors in finding.comparison.runs.errors.values())


def _landmarks(findings: Sequence[Finding]) -> Markup:
    captions = dict(rates='Failure rate of each landmark at 10 %',
                    differences='Differences of these rates')
    parts = []
    for finding in findings:
        parts.append(join(tag('h3', finding.title), tag('div', [
            _figure(uri, captions[name], 'map', f'flex: {faces} 1 {_FACE_WIDTH * faces}px; '
                    f'max-width: {_FACE_WIDTH * faces + 70}px',
                    f'min-width: {_LEAST_FACE_WIDTH * faces}px')
            for name, (uri, faces) in plot_landmarks(finding).items()], class_='maps')))
    return join(parts)


def _figure(uri: str, caption: str, class_: Optional[str] = None,
            style: Optional[str] = None, image_style: Optional[str] = None) -> Markup:
    return tag('figure', tag('img', src=uri, alt=caption, loading='lazy', style=image_style),
               tag('figcaption', caption), class_=class_, style=style)


def _galleries(galleries: Sequence[Gallery]) -> Markup:
    if not galleries:
        return Markup('')
    key = tag('p', 'Left: annotation', tag('span', class_='key', style='background:#55c3ff'),
              'and prediction', tag('span', class_='key', style='background:#ff411e'),
              'in the crop that the network sees. Right: its heatmaps, with the annotation. '
              'Beside each name: the mean error.', class_='faint')
    return join(key, [_gallery(gallery) for gallery in galleries])


def _gallery(gallery: Gallery) -> Markup:
    notes = [tag('p', f'{name}: {note}', class_='faint') for name, note in gallery.notes.items()]
    return join(tag('h3', gallery.title), notes,
                tag('div', [_face(face) for face in gallery.faces], class_='faces'))


def _face(face: ShownFace) -> Markup:
    rows = []
    for name, picture in face.pictures.items():
        error = face.errors[name]
        text = f'{100 * error:.2f} %' if np.isfinite(error) else 'not finite'
        pictures = [tag('img', src=f'data:image/jpeg;base64,{picture.landmarks}', loading='lazy',
                        width=TILE, height=TILE, alt=f'{face.image}: landmarks of {name}')]
        if picture.heatmap is not None:
            pictures.append(tag('img', src=f'data:image/jpeg;base64,{picture.heatmap}',
                                loading='lazy', width=TILE, height=TILE,
                                alt=f'{face.image}: heatmaps of {name}'))
        rows += [tag('div', f'{name}: {text}', class_='model'), tag('div', pictures, class_='pair')]
    return tag('div', tag('div', face.image, class_='name'), rows, class_='face')


def _not_run(content: Mapping[str, Any]) -> Markup:
    if not content['not_run']:
        return tag('p', 'Everything was run.')
    return _table(['What', 'Model', 'Why'], [
        [one['title'], one['model'] or 'all', one['reason']] for one in content['not_run']],
        class_='text')


def _how(content: Mapping[str, Any]) -> Markup:
    rows = [[model['name'], model['head'], model['codec'], 'yes' if model['flip_test'] else 'no',
             model['config'], model['checkpoint'], model['checkpoint_sha256'][:16]]
            for model in content['models']]
    versions = ', '.join(f'{name} {version}' for name, version in content['versions'].items())
    return join(
        _table(['Model', 'Head', 'Codec', 'Flip test', 'Config', 'Checkpoint', 'SHA-256'], rows,
               class_='text'),
        tag('p', tag('code', content['command'])), tag('p', versions, class_='faint'))


def _list(texts: Sequence[str]) -> Markup:
    return tag('ul', [tag('li', text) for text in texts]) if texts else Markup('')
