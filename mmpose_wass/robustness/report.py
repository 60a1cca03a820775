"""Put a report together and write it."""
from __future__ import annotations

import os.path as osp
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ..datasets.perturbations import get_protocol
from ..engine.results import atomic_write, now, plain, software_versions, write_json
from ..evaluation import ResultFile
from .gallery import choose_galleries, draw_galleries
from .models import FaceModel
from .plan import NotRun, Plan, describe_protocol
from .report_html import html_report
from .report_markdown import markdown_report
from .run import Bench, Job
from .summary import Finding, describe_curve, describe_finding, find_all
from .texts import definitions, sentences

#: Names of the files in the report's folder.
FILES = dict(html='report.html', markdown='report.md', json='results.json')


class ResultsByName(Mapping):
    """Results by names of model and protocol; each is looked up when it is asked for.

    Args:
        jobs (Sequence[Job]): All jobs.
        by_key (Mapping[str, ResultFile]): Results of some of them by key of the job.
    """

    def __init__(self, jobs: Sequence[Job], by_key: Mapping[str, ResultFile]) -> None:
        self.by_key = by_key
        self.keys_of = {(job.model.name, job.protocol.key): job.key for job in jobs
                        if job.key in by_key}

    def __getitem__(self, names: Tuple[str, str]) -> ResultFile:
        return self.by_key[self.keys_of[names]]

    def __iter__(self) -> Iterator[Tuple[str, str]]:
        return iter(self.keys_of)

    def __len__(self) -> int:
        return len(self.keys_of)

    def __contains__(self, names: object) -> bool:
        return names in self.keys_of


def build_content(plan: Plan, models: Sequence[FaceModel], findings: Sequence[Finding],
                  results: Mapping[Tuple[str, str], ResultFile], not_run: Sequence[NotRun],
                  settings: Mapping[str, Any], command: str) -> Dict[str, Any]:
    """Everything that the report says, as plain values: what ``results.json`` holds.

    Args:
        plan: What was planned.
        models: The models.
        findings: From ``find_all``.
        results: By model and protocol.
        not_run: What was not run.
        settings: ``limit``, ``resamples``, ``seed``, ``version``, ``device``.
        command: How to make the report again.

    Returns:
        dict: The content.
    """
    names = [model.name for model in models]
    by_key = {finding.key: finding for finding in findings}
    protocol = get_protocol(settings['version'])
    notes = list(plan.notes)
    if settings['limit'] is not None:
        notes.insert(0, f'A quick look: at most {settings["limit"]} faces of each test set were '
                     'used (--limit). Intervals are wide, and numbers are not those of the whole '
                     'sets.')
    if protocol['status'] != 'frozen':
        notes.append(f'The levels of the perturbation protocol version {protocol["version"]} are '
                     f'{protocol["status"]}: they may still change.')
    content: Dict[str, Any] = dict(
        title='Robustness of ' + ' and '.join(names) if len(names) < 3 else
        f'Robustness of {names[0]} and {len(names) - 1} others',
        date=now(), command=command, versions=software_versions(), settings=dict(settings),
        notes=notes,
        units='per cent for NME and failure rates, fractions for AUC, percentage points for '
        'differences; null where a number is not finite',
        models=[model.describe() for model in models],
        protocols=[describe_finding(finding, by_key.get(finding.clean_key))
                   for finding in findings],
        curves=[described for described in (
            describe_curve(curve, names, results, settings['seed']) for curve in plan.curves)
            if described['models']],
        planned=[describe_protocol(one, models) for one in plan.all_protocols()],
        not_run=_joined(not_run, names),
        definitions=definitions(settings['version'], settings['resamples'], settings['seed']))
    content['sentences'] = sentences(content)
    return content


def write_report(folder: str, plan: Plan, models: Sequence[FaceModel], jobs: Sequence[Job],
                 by_key: Mapping[str, ResultFile], not_run: Sequence[NotRun],
                 settings: Mapping[str, Any], command: str, bench: Bench, faces: int = 6,
                 on_step: Optional[Callable[[str], None]] = None) -> Dict[str, str]:
    """Compare, draw and write all three files.

    Args:
        folder: Where to.
        plan: What was planned.
        models: The models.
        jobs: All jobs.
        by_key: Results by key of the job.
        not_run: What was not run so far.
        settings: See :func:`build_content`.
        command: See :func:`build_content`.
        bench: Runs models on the faces to show.
        faces: How many faces each gallery shows.
        on_step: Called with a text before each step.

    Returns:
        dict[str, str]: Paths by kind: ``html``, ``markdown``, ``json``.
    """
    say = on_step or (lambda text: None)
    results = ResultsByName(jobs, by_key)
    names = [model.name for model in models]
    say('intervals and differences')
    findings, failed = find_all(plan, names, results, settings['resamples'], settings['seed'])
    if not findings:
        raise ValueError('nothing was measured, so there is nothing to report: '
                         + '; '.join(f'{one.title}: {one.reason}' for one in not_run[:3]))
    for finding in findings:
        finding.note = ' '.join(filter(None, [finding.note, _detections(finding, jobs, bench)]))
    content = build_content(plan, models, findings, results, [*not_run, *failed], settings, command)
    by_name = {(job.model.name, job.protocol.key): job for job in jobs}
    galleries = draw_galleries(choose_galleries(findings, names, faces), by_name, bench,
                               lambda text: say(f'faces: {text}'))
    content['faces'] = [
        dict(title=gallery.title, faces=[dict(image=face.image, errors=face.errors)
                                         for face in gallery.faces]) for gallery in galleries]
    say('plots')
    page = html_report(content, findings, galleries)
    paths = {kind: osp.join(folder, name) for kind, name in FILES.items()}
    with atomic_write(paths['html']) as file:
        file.write(page)
    with atomic_write(paths['markdown']) as file:
        file.write(markdown_report(content))
    write_json(paths['json'], content)
    return paths


def _detections(finding: Finding, jobs: Sequence[Job], bench: Bench) -> str:
    """How many faces a detector missed; the same for all models."""
    for job in jobs:
        if job.protocol.key == finding.key and job.protocol.boxes is not None:
            counts = bench.cache.entry(job.key)['detections']
            return (f'The detector missed {counts["missed"]} of {counts["faces"]} faces; '
                    f'{counts["false_alarms"]} of its {counts["detections"]} detections found no '
                    f'face (overlap of at least {job.protocol.boxes.overlap:g}).')
    return ''


def _joined(not_run: Sequence[NotRun], names: Sequence[str]) -> List[Dict[str, Any]]:
    """Without repetitions; points of one curve that lack for one reason are one line."""
    lines: Dict[Tuple[str, str, str], List[str]] = {}
    for one in not_run:
        title = one.title.split(', severity ')[0]
        severity = one.title[len(title) + len(', severity '):]
        lines.setdefault((title, one.reason, one.model), []).append(severity)
    return plain([
        dict(title=title + (f', severities {", ".join(filter(None, severities))}'
                            if any(severities) else ''), reason=reason, model=model)
        for (title, reason, model), severities in lines.items()])
