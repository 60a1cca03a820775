"""The tables of docs/inference.md, from what was measured."""
from __future__ import annotations

from typing import Dict, Sequence

from inference_faces import ANNOTATED, DEVIATIONS, REFINED, THRESHOLDS

from mmpose_wass.inference.face_landmarker import MIN_CONFIDENCE

#: Landmarks within so many deviations of a Gaussian in two dimensions: 1 - exp(-k^2 / 2).
_GAUSSIAN = {1: 39, 2: 86, 3: 99}
_KINDS = dict(
    faces='faces, annotated boxes', covered='the same with one half in black',
    detected="detectors' boxes beside the annotated face", wrong='boxes put beside it at random')


def render(results: Dict[str, dict]) -> Dict[str, str]:
    """What stands between the page's marks, by mark.

    Args:
        results: ``faces`` and ``film``, or one of them, as ``benchmarks/inference.py`` writes them.
    """
    blocks = {}
    if 'faces' in results:
        faces = results['faces']
        blocks.update(boxes=_boxes(faces), confidence=_confidence(faces),
                      uncertainty=_uncertainty(faces))
    if 'film' in results:
        blocks['speed'] = _speed(results['film'])
    return blocks


def put_into(page: str, blocks: Dict[str, str]) -> str:
    """A page with its blocks replaced.

    Raises:
        ValueError: If it lacks a mark.
    """
    for name, text in blocks.items():
        begin, end = f'<!-- begin of measured: {name} -->', f'<!-- end of measured: {name} -->'
        if page.count(begin) != 1 or page.count(end) != 1:
            raise ValueError(f'the page needs one {begin} and one {end}')
        before, rest = page.split(begin)
        page = f'{before}{begin}\n{text}\n{end}{rest.split(end)[1]}'
    return page


def _boxes(faces: dict) -> str:
    times = {0: 'NME without refining', 1: 'once', 2: 'twice'}
    rows = [[_name(name), f'{one["found"]} of {faces["faces"]}',
             *(f'{value:.2f}' for value in one['nme'])] for name, one in faces['boxes'].items()]
    return '\n'.join([
        f'On {faces["faces"]} of the {faces["of"]} faces of {faces["data"]}, with the shipped '
        'model, in per cent of the distance of the outer eye corners; "found" are boxes that '
        'overlap the annotated one by half or more:', '',
        _table(['boxes', 'found', *(times[one] for one in REFINED)], rows)])


def _confidence(faces: dict) -> str:
    rows = []
    for kind, title in _KINDS.items():
        one = faces['confidence'][kind]
        if one['number']:
            rows.append([title, one['number'], *(f'{one[name]:.2f}' for name in (
                'least', 'hundredth', 'median')),
                *(_percent(one['below'][str(threshold)]) for threshold in THRESHOLDS)])
    return '\n'.join([
        _table(['boxes', 'number', 'least', '1 % are below', 'median',
                *(f'dropped at {one:g}' for one in THRESHOLDS)], rows), '',
        *(_verdict(faces['confidence'], one) for one in _next_thresholds())])


def _next_thresholds() -> Sequence[float]:
    """The default and the one above."""
    place = THRESHOLDS.index(MIN_CONFIDENCE)
    return THRESHOLDS[place:place + 2]


def _verdict(confidence: dict, threshold: float) -> str:
    dropped = {kind: _percent(confidence[kind]['below'][str(threshold)])
               for kind in ('faces', 'covered', 'wrong')}
    return (f'{threshold:g} drops {dropped["faces"]} of the faces, {dropped["covered"]} of those '
            f'half in black, and {dropped["wrong"]} of the boxes put at random.')


def _uncertainty(faces: dict) -> str:
    groups = faces['calibration']
    heads = ['stated deviation', *(f'{one["least"]:.1f}–{one["most"]:.1f}' for one in groups)]
    rows = [['stated, root mean square', *(f'{one["stated"]:.2f}' for one in groups)],
            ['error, root mean square', *(f'{one["error"]:.2f}' for one in groups)]]
    held = [[name, *(_percent(one[str(k)]) for k in DEVIATIONS)] for name, one in (
        ('`covariance`', faces['coverage']['covariance']),
        ('`heatmap_covariance`', faces['coverage']['heatmap_covariance']))]
    held.append(['a Gaussian that is right', *(f'{_GAUSSIAN[k]} %' for k in DEVIATIONS)])
    return '\n'.join([
        f'On the same {faces["faces"]} faces in annotated boxes, per axis, in per cent of the eye '
        'distance, a fifth of all landmarks in each column:', '', _table(heads, rows), '',
        'Landmarks whose annotation lies within the ellipse at so many deviations:', '',
        _table(['ellipses of', *DEVIATIONS], held)])


def _speed(film: dict) -> str:
    rows = [[f'{one["width"]} × {one["height"]}', f'every {one["detect_every"]} frames'
             if one['detect_every'] > 1 else 'every frame', f'{one["frames_per_second"]:.0f}',
             f'{one["inference_topdown_per_second"]:.0f}',
             f'{one["frames_per_second"] / one["inference_topdown_per_second"]:.2f}']
            for one in film['films']]
    measured = film['measured_on']
    return '\n'.join([
        f'Rendered films of {film["frames"]} frames with one face each, in frames per second of '
        f'processor time, on {measured["cpu"]} with {measured["cores"]} cores, for which '
        f'{film["load"]:.1f} programs competed meanwhile (that slows every one of them):', '',
        _table(['film', 'detector asked', 'whole film', '`inference_topdown` alone', 'ratio'],
               rows)])


def _name(boxes: str) -> str:
    return boxes if boxes == ANNOTATED else f'`{boxes}`'


def _percent(share: float) -> str:
    return f'{100 * share:.1f} %'.replace('.0 %', ' %')


def _table(head: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ['---'] * len(head), *rows]
    return '\n'.join(f'| {" | ".join(map(str, line))} |' for line in lines)
