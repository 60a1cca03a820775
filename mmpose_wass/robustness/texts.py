"""What a report says in words: definitions, and what it found."""
from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Tuple

from ..datasets.perturbations import get_protocol
from ..evaluation.comparison.tables import number
from ..evaluation.functional.contributions import Measure

#: How the groups are called as headings.
GROUP_TITLES = dict(clean='Clean', occlusion='Occlusion', blur='Motion blur', boxes='Boxes',
                    cross='Other test sets')


def definitions(version: int, resamples: int, seed: int) -> List[Tuple[str, str]]:
    """Each number of the report and what it is.

    Args:
        version: Version of the perturbation protocol.
        resamples: Of the bootstrap.
        seed: Of its draws.
    """
    protocol = get_protocol(version)
    occlusion, blur = protocol['occlusion'], protocol['motion_blur']
    low, high = (occlusion['levels'][level] for level in ('medium', 'large'))
    short, long = (blur['levels'][level] for level in ('medium', 'large'))
    return [
        ('Error', 'Distance of a predicted landmark from the annotated one, divided by the '
         'normalisation distance of the face, which each table names.'),
        ('NME', 'Normalised mean error in per cent: the mean over the landmarks of a face, then '
         'over faces. An unlabelled landmark is left out; a prediction that is not finite makes it '
         'infinite.'),
        ('FR_I@θ', 'Share of faces whose mean error exceeds θ, in per cent.'),
        ('FR_L@θ', 'For each landmark the share of faces on which its error exceeds θ, averaged '
         'over landmarks, in per cent: the landmark-wise failure rate.'),
        ('AUC@θ', 'Area under the cumulative error distribution of faces up to θ, divided by θ; '
         'between 0 and 1, larger is better.'),
        ('Intervals', '95 %, by the bias-corrected and accelerated (BCa) bootstrap with '
         f'{resamples} resamples (seed {seed}; 500 for severity curves). Images are drawn with all '
         'their faces and landmarks; for video frames whole videos, where there are eight or more. '
         'They tell how far a number '
         'would move with other images like these, not with another training. The interval of a '
         'rate of zero is zero: no failure was seen, which does not mean that none can occur.'),
        ('Differences', 'The first model minus another one. Both are measured on the same drawn '
         'images, so what is hard about an image does not count. p-values come from a paired '
         'randomisation test and are corrected by Holm\'s method for all tests of this report '
         'together; a star marks those below 0.05.'),
        ('Occlusion', 'A filled black ellipse on each face. Its size, place and angle belong to '
         'the image and the seed alone, so that every model sees the same. Full axes are drawn '
         f'from a range around {low:g} (medium) or {high:g} (large) of the side of the face box.'),
        ('Motion blur', 'A blur along the line on which the base of the nose moves from the frame '
         f'before to the frame after. Its length is {short:g} (medium) or {long:g} (large) of the '
         'side of the face box. Where it says so, still images are blurred in random directions.'),
        ('Severity', 'The same perturbations on a continuous scale, and boxes that are shifted, '
         'resized or turned by a given amount in a random direction. Severity 0 is the clean '
         'image.'),
        ('Hidden and visible', 'NME over the landmarks that the ellipse hides (or that the data '
         'call occluded), and over the others.'),
        ('Growth', 'NME divided by the NME on the same faces without the perturbation.'),
        ('Protocol', f'Version {protocol["version"]} of the perturbation protocol, status: '
         f'{protocol["status"]}. Its constants are fixed; nothing is fitted to the models of this '
         'report.'),
        ("A detector's boxes", 'Each detected box is matched to at most one annotated face by '
         'intersection over union, in the order of the detections\' scores. A face without a box '
         'counts as a failure with infinite error in every failure rate, and makes the NME '
         'infinite; the line "faces found only" leaves such faces out.'),
        ('Test pipeline', "Each model is tested with its own config's pipeline, input size, codec "
         'and flip test. Only the perturbation is added before the crop.'),
        ('Heatmaps', 'All heatmaps of a face over the crop that the network sees, each divided by '
         'its highest value; for models with one map per axis (SimCC) their product. Models that '
         'predict coordinates have none.'),
    ]


def sentences(content: Mapping[str, Any]) -> List[str]:
    """What was found, in a few sentences.

    Args:
        content: The report's content.
    """
    names = [model['name'] for model in content['models']]
    findings: Sequence[Dict[str, Any]] = content['protocols']
    said = []
    for name in names:
        parts = []
        for finding in findings:
            entry = finding['models'].get(name)
            growth = None if entry is None else entry.get('growth_of_NME')
            if growth is not None and growth == growth and finding['group'] in ('occlusion',
                                                                               'blur'):
                parts.append(f'× {growth:.2f} under {finding["title"][:1].lower()}'
                             f'{finding["title"][1:]}')
        if parts:
            said.append(f'{name}: the NME grows {", ".join(parts)}.')
    for other in names[1:]:
        better, worse, open_count = [], [], 0
        for finding in findings:
            for one in finding['differences']:
                if one['other'] != other or one['measure'] not in ('NME', 'FR_L@0.10'):
                    continue
                measure = Measure.parse(one['measure'])
                text = (f'{one["measure"]} on {finding["title"]} '
                        f'({number(_float(one["estimate"]), measure, sign=True)} points)')
                if not one['significant']:
                    open_count += 1
                elif one['better']:
                    better.append(text)
                else:
                    worse.append(text)
        said.append(f'{names[0]} compared with {other}: significantly better in '
                    f'{_join(better)}; significantly worse in {_join(worse)}; {open_count} '
                    'differences of NME and FR_L@0.10 are not significant.')
    return said


def _join(parts: Sequence[str]) -> str:
    return ', '.join(parts) if parts else 'nothing'


def _float(value: Any) -> float:
    return float('nan') if value is None else float(value)


def value_text(entry: Mapping[str, Any], name: str) -> str:
    """A measure with its interval.

    Examples:
        >>> value_text(dict(value=3.456, low=3.1, high=3.9), 'NME')
        '3.46 [3.10, 3.90]'
        >>> value_text(dict(value=float('inf'), low=None, high=None), 'NME')
        '∞'
    """
    measure = Measure.parse(name)
    value = _float(entry['value'])
    if value == float('inf'):
        return '∞'
    low, high = _float(entry['low']), _float(entry['high'])
    text = number(value, measure)
    return text if low != low or high != high else (
        f'{text} [{number(low, measure)}, {number(high, measure)}]')


def difference_text(one: Mapping[str, Any]) -> str:
    """A difference with its interval; a star if it is significant.

    Examples:
        >>> difference_text(dict(estimate=-.5, low=-.7, high=-.3, measure='NME', significant=True))
        '−0.50 [−0.70, −0.30] *'
    """
    measure = Measure.parse(one['measure'])
    estimate, low, high = (_float(one[name]) for name in ('estimate', 'low', 'high'))
    if estimate != estimate or abs(estimate) == float('inf'):
        return 'n/a'
    text = number(estimate, measure, sign=True)
    if low == low and high == high:
        text += f' [{number(low, measure, sign=True)}, {number(high, measure, sign=True)}]'
    return text + (' *' if one['significant'] else '')


def measure_title(name: str) -> str:
    """A measure as a table's heading."""
    return f'{name} ({"%" if Measure.parse(name).is_percent else "fraction"}, ' + (
        'larger is better)' if Measure.parse(name).larger_is_better else 'smaller is better)')


def summary_table(content: Mapping[str, Any], name: str) -> Tuple[List[str], List[List[str]]]:
    """One measure by all protocols: heading, and a row per protocol."""
    models = [model['name'] for model in content['models']]
    others = models[1:]
    header = ['Protocol', 'Faces', *models, *(f'{models[0]} − {other}' for other in others)]
    rows = []
    for finding in content['protocols']:
        row = [finding['title'], str(finding['faces'])]
        for model in models:
            entry = finding['models'].get(model)
            row.append('not run' if entry is None else value_text(entry['measures'][name], name))
        for other in others:
            one = next((one for one in finding['differences']
                        if one['other'] == other and one['measure'] == name), None)
            row.append('' if one is None else difference_text(one))
        rows.append(row)
    return header, rows


def warning_lines(content: Mapping[str, Any]) -> List[str]:
    """What to mind, each with the protocols that it is about."""
    lines: Dict[str, List[str]] = {}
    for finding in content['protocols']:
        for text in [*finding['warnings'], *([finding['note']] if finding['note'] else [])]:
            lines.setdefault(text, []).append(finding['title'])
    return [f'{text} ({"; ".join(titles)})' for text, titles in lines.items()]


def details_table(content: Mapping[str, Any]) -> Tuple[List[str], List[List[str]]]:
    """Growth, hidden and visible landmarks, and failed faces, by protocol and model."""
    header = ['Protocol', 'Model', 'Growth', 'NME hidden', 'NME visible', 'Failed faces',
              'Excluded faces', 'Landmarks', 'Divided by', 'Resampled']
    rows = []
    for finding in content['protocols']:
        for model, entry in finding['models'].items():
            growth = entry.get('growth_of_NME')
            rows.append([
                finding['title'], model,
                '' if growth is None or growth != growth else f'× {growth:.2f}',
                *('' if entry.get(f'NME_{side}') is None else f'{entry[f"NME_{side}"]:.2f}'
                  for side in ('occluded', 'visible')),
                str(entry['failed_faces']), str(entry['excluded_faces']),
                str(finding['landmarks']), finding['normalization'], finding['resampled']])
    return header, rows


def curve_table(curve: Mapping[str, Any], name: str) -> Tuple[List[str], List[List[str]]]:
    """A measure over severity: heading, and a row per severity."""
    models = list(curve['models'])
    severities = sorted({point['severity'] for points in curve['models'].values()
                         for point in points})
    rows = []
    for severity in severities:
        row = [f'{severity:g}']
        for model in models:
            point = next((one for one in curve['models'][model]
                          if one['severity'] == severity), None)
            row.append('' if point is None else value_text(point[name], name))
        rows.append(row)
    return ['Severity', *models], rows


