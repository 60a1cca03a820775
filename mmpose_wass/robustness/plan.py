"""What a report measures, and what it cannot."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ..datasets.perturbations import get_protocol, level_severity
from .evaluation_sets import DataSet, EvaluationSet, choose_video
from .models import FaceModel

#: Parts of a report that can be asked for by name.
GROUPS = dict(
    clean='the own test data as they are',
    occlusion='a black ellipse on each face, two levels and a curve',
    blur='motion blur, two levels and a curve',
    boxes='curves over shift, size and rotation of the box; detected boxes',
    cross='test sets of other data')
#: Perturbations with levels, with the group that they belong to.
_LEVELLED = dict(occlusion='occlusion', motion_blur='blur')
_BOX_CURVES = ('box_shift', 'box_scale', 'box_rotation')
LEVELS = ('medium', 'large')


@dataclass(frozen=True)
class DetectedBoxes:
    """Boxes of a detector in place of the annotated ones; see ``boxes.py``.

    Attributes:
        file (str): Where they stand.
        overlap (float): Least intersection over union of a box and the face that it found.
    """
    file: str
    overlap: float = 0.5


@dataclass(frozen=True)
class Protocol:
    """One measurement: a test set, and what is done to its faces.

    Attributes:
        key (str): Unique name.
        title (str): Heading.
        group (str): See :data:`GROUPS`.
        test_set (EvaluationSet): The faces.
        perturbation (str | None): See ``perturbation_config``.
        severity (float): Its severity.
        direction (str): Direction of motion blur: ``'motion'`` or ``'random'``.
        boxes (DetectedBoxes | None): Boxes to crop by instead of the annotated ones.
    """
    key: str
    title: str
    group: str
    test_set: EvaluationSet
    perturbation: Optional[str] = None
    severity: float = 0.0
    direction: str = 'motion'
    boxes: Optional[DetectedBoxes] = None


@dataclass(frozen=True)
class Curve:
    """Measurements over growing severity of one perturbation.

    Attributes:
        perturbation (str): See ``perturbation_config``.
        title (str): Heading.
        points (tuple[Protocol, ...]): Its measurements.
        levels (dict[str, float]): Severities of named levels.
    """
    perturbation: str
    title: str
    points: Tuple[Protocol, ...]
    levels: Mapping[str, float]


@dataclass(frozen=True)
class Union:
    """Protocols that are reported together as well, as if they were one test set."""
    key: str
    title: str
    group: str
    members: Tuple[str, ...]


@dataclass(frozen=True)
class NotRun:
    """What the report lacks.

    Attributes:
        title (str): What was not run.
        reason (str): Why, and what would help.
        model (str): The model it was not run for; empty: for none.
    """
    title: str
    reason: str
    model: str = ''


@dataclass
class Plan:
    """All of it."""
    protocols: List[Protocol] = field(default_factory=list)
    curves: List[Curve] = field(default_factory=list)
    unions: List[Union] = field(default_factory=list)
    not_run: List[NotRun] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)

    def all_protocols(self) -> List[Protocol]:
        """Protocols and points of curves, those of equal content too."""
        return [*self.protocols, *(point for curve in self.curves for point in curve.points)]


def make_plan(own: DataSet,
              others: Mapping[str, DataSet],
              groups: Sequence[str] = tuple(GROUPS),
              curves: bool = True,
              boxes: Optional[DetectedBoxes] = None,
              version: int = 1) -> Plan:
    """Choose what to run.

    Args:
        own: The first model's test data.
        others: Further data sets by name.
        groups: Of :data:`GROUPS`.
        curves: Whether to measure severity curves.
        boxes: Boxes of a detector for the own test data.
        version: Version of the perturbation protocol.

    Returns:
        Plan: What to run, and what is not run and why.

    Raises:
        ValueError: If a group is not known, or the own test data are not there.
    """
    unknown = [name for name in groups if name not in GROUPS]
    if unknown:
        raise ValueError(f'there is no group {unknown[0]!r}; there are {", ".join(GROUPS)}')
    plan = Plan()
    for name, meaning in GROUPS.items():
        if name not in groups:
            plan.not_run.append(NotRun(f'{name}: {meaning}', 'not asked for (--only)'))
    tested = _own_sets(own)
    if 'clean' in groups:
        _add_clean(plan, own, tested)
    if 'occlusion' in groups:
        _add_levels(plan, 'occlusion', tested, curves, version)
    if 'blur' in groups:
        _add_blur(plan, own, others, tested, curves, version)
    if 'boxes' in groups:
        _add_boxes(plan, tested, curves, boxes, version)
    if 'cross' in groups:
        _add_cross(plan, own, others)
    if not curves:
        plan.not_run.append(NotRun('severity curves', 'not asked for (--no-curves)'))
    return plan


def _own_sets(own: DataSet) -> List[EvaluationSet]:
    for test_set in own.test_sets.values():
        problem = test_set.problem()
        if problem is not None:
            raise ValueError(
                f'the test data of the first config cannot be used: {problem}. Set its place with '
                '--cfg-options test_dataloader.dataset.data_root=/path/to/data')
    return list(own.test_sets.values())


def _suffix(test_set: EvaluationSet, tested: Sequence[EvaluationSet]) -> Tuple[str, str]:
    """What tells the own test sets apart in keys and titles, where there are several."""
    return ('', '') if len(tested) == 1 else (f'/{test_set.name}', f' ({test_set.name})')


def _add_clean(plan: Plan, own: DataSet, tested: Sequence[EvaluationSet]) -> None:
    for test_set in tested:
        key, title = _suffix(test_set, tested)
        plan.protocols.append(Protocol(f'clean{key}', f'Clean{title}', 'clean', test_set))
    for name, members in own.unions.items():
        plan.unions.append(Union(f'clean/{name}', f'Clean ({name})', 'clean',
                                 tuple(f'clean/{member}' for member in members)))


def _add_levels(plan: Plan, perturbation: str, tested: Sequence[EvaluationSet], curves: bool,
                version: int, direction: str = 'motion', name: str = 'Occlusion',
                note: str = '') -> None:
    """The named levels on every set, and the curve on the first."""
    group = _LEVELLED[perturbation]
    for test_set in tested:
        key, title = _suffix(test_set, tested)
        for level in LEVELS:
            plan.protocols.append(Protocol(
                f'{group}_{level}{key}', f'{name}, {level}{note}{title}', group, test_set,
                perturbation, level_severity(perturbation, level, version), direction))
    if curves:
        _add_curve(plan, perturbation, f'{name}{note}', group, tested[0], version, direction)


def _add_curve(plan: Plan, perturbation: str, title: str, group: str, test_set: EvaluationSet,
               version: int, direction: str = 'motion') -> None:
    entry = get_protocol(version)[perturbation]
    levels = dict(entry.get('levels', {}))
    # The levels are measured anyway, and belong on the curve.
    severities = sorted({0.0, *map(float, entry['grid']), *map(float, levels.values())})
    points = tuple(
        Protocol(f'curve/{perturbation}/{severity:g}', f'{title}, severity {severity:g}', group,
                 test_set, perturbation if severity else None, severity, direction)
        for severity in severities)
    plan.curves.append(Curve(perturbation, title, points, levels))


def _add_blur(plan: Plan, own: DataSet, others: Mapping[str, DataSet],
              tested: Sequence[EvaluationSet], curves: bool, version: int) -> None:
    video = choose_video(own, others)
    if video is not None:
        if video.data != 'own':
            plan.protocols.append(Protocol(
                f'video_clean/{video.data}/{video.name}', f'Video frames, clean ({video.label})',
                'blur', video))
        _add_levels(plan, 'motion_blur', [video], curves, version, name='Motion blur',
                    note=f' ({video.label})')
        return
    known = [test_set for data in others.values() for test_set in data.test_sets.values()
             if test_set.is_video]
    reason = (f'{known[0].label}: {known[0].problem()}' if known else
              'no data set of video frames is known')
    plan.not_run.append(NotRun(
        'motion blur along the motion of video frames',
        f'{reason}. Give the folder of the data with --data-dir, or a config that describes '
        'frames of videos with --data'))
    plan.notes.append('There are no video frames, so motion blur was tried on the still images of '
                      "the own test data, in a random direction each. This is not the paper's "
                      'protocol.')
    _add_levels(plan, 'motion_blur', tested, curves, version, 'random', 'Motion blur',
                ', random direction')


def _add_boxes(plan: Plan, tested: Sequence[EvaluationSet], curves: bool,
               boxes: Optional[DetectedBoxes], version: int) -> None:
    titles = dict(box_shift='Box shifted', box_scale='Box resized', box_rotation='Box turned')
    if curves:
        for perturbation in _BOX_CURVES:
            _add_curve(plan, perturbation, titles[perturbation], 'boxes', tested[0], version)
    if boxes is None:
        plan.not_run.append(NotRun(
            "a detector's boxes", 'no boxes were given (--boxes FILE.json, see '
            'docs/robustness.md)'))
        return
    plan.protocols.append(Protocol(
        'detected_boxes', "A detector's boxes", 'boxes', tested[0], boxes=boxes))


def _add_cross(plan: Plan, own: DataSet, others: Mapping[str, DataSet]) -> None:
    from .hashing import file_hash
    mine = {file_hash(test_set.annotations): test_set.name for test_set in own.test_sets.values()}
    for data in others.values():
        keys: Dict[str, str] = {}
        for test_set in data.test_sets.values():
            title = f'Test on {test_set.label}'
            problem = test_set.problem()
            if problem is not None:
                plan.not_run.append(NotRun(title, f'{problem}. Give the folder of the data with '
                                           '--data-dir, or describe them with --data'))
                continue
            if file_hash(test_set.annotations) in mine:
                plan.not_run.append(NotRun(title, 'its annotation file is that of the own test '
                                           'data: see Clean'))
                continue
            key = f'cross/{data.name}/{test_set.name}'
            # The clean video frames stand beside their blurred ones already.
            keys[test_set.name] = next(
                (one.key for one in plan.protocols if _same_faces(one, test_set)), key)
            if keys[test_set.name] == key:
                plan.protocols.append(Protocol(key, title, 'cross', test_set))
        for name, members in data.unions.items():
            if len(members) > 1 and set(members) <= set(keys):
                plan.unions.append(Union(
                    f'cross/{data.name}/{name}', f'Test on {data.name}, {name}', 'cross',
                    tuple(keys[member] for member in members)))


def _same_faces(protocol: Protocol, test_set: EvaluationSet) -> bool:
    return (protocol.test_set.data, protocol.test_set.name) == (
        test_set.data, test_set.name) and protocol.perturbation is None


def describe_protocol(protocol: Protocol, models: Sequence[FaceModel]) -> Dict[str, Any]:
    """A protocol as JSON can hold it."""
    return dict(
        key=protocol.key, title=protocol.title, group=protocol.group,
        data=protocol.test_set.data, test_set=protocol.test_set.name,
        annotations=protocol.test_set.annotations, perturbation=protocol.perturbation,
        severity=protocol.severity,
        direction=protocol.direction if protocol.perturbation == 'motion_blur' else None,
        boxes=None if protocol.boxes is None else dict(
            file=protocol.boxes.file, overlap=protocol.boxes.overlap))
