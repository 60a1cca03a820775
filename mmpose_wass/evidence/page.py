"""``docs/results.md``: all of it from records, the same bytes from the same records."""
from __future__ import annotations

from pathlib import Path
from typing import Iterable, List, Mapping, Optional, Sequence, Tuple

from ..engine.results import atomic_write
from .claims import CLAIMS, check_claim
from .experiments import Experiment
from .page_texts import (
    ABLATION,
    BASELINES,
    BEST,
    BEST_BASELINES,
    CONFIDENCE_SIGNALS,
    HEAD,
    MAIN,
    NOTES,
    PICTURES,
    READING_TITLES,
    README,
    REQUIRED_TESTS,
    SECTIONS,
    TEST_TITLES,
)
from .records import Record, group_by_experiment, read_records
from .statistics import (
    Estimate,
    System,
    difference,
    estimate,
    far_mass,
    mean_confidence,
)

Groups = Mapping[str, Sequence[Record]]


def write_page(results: Path, experiments: Mapping[str, Experiment], out: Path,
               readme: Optional[Path] = None) -> List[Path]:
    """Write the page.

    Args:
        results: Folder of the records.
        experiments: All experiments, also those without records: the page says what was not run.
        out: The page.
        readme: A file whose small table is renewed too.

    Returns:
        list[Path]: Files written.

    Raises:
        ValueError: If there is no record, or one is broken.
    """
    records = read_records(results)
    if not records:
        raise ValueError(f'{results} has no records: run tools/evidence.py run first')
    groups = group_by_experiment(records)
    written = [out]
    with atomic_write(str(out)) as file:
        file.write(page_text(groups, experiments))
    if readme is not None:
        text = with_table(readme.read_text(encoding='utf-8'), readme_table(groups), str(readme))
        with atomic_write(str(readme)) as file:
            file.write(text)
        written.append(readme)
    return [*written, *write_pictures(groups, out.parent / 'figures' / 'results')]


def write_pictures(groups: Groups, folder: Path) -> List[Path]:
    """Draw all that the records allow."""
    from .figures import draw_page_pictures

    def named(system: System) -> Tuple[str, str, str]:
        return system.experiment, system.reading, _label(system, groups)

    drawn = draw_page_pictures(
        groups, folder, [named(system) for system in (*MAIN, *BEST)],
        [named(system) for system in (*MAIN, *BEST, *BASELINES)],
        [(system.experiment, system.reading) for system in (MAIN[0], BEST[0])],
        [name for name in groups if name.startswith('scratch_')], 16.8)
    return [Path(path) for path in drawn.values()]


def readme_table(groups: Groups) -> str:
    """The small table of the README."""
    columns = (('clean', 'NME'), ('clean', 'FR_L@0.10'), ('occlusion_large', 'FR_L@0.10'),
               ('video_blur_large', 'FR_L@0.10'), ('imm73', 'NME'))
    rows = []
    for system in README:
        group = groups.get(system.experiment, ())
        cells = [estimate(group, system.reading, test, measure) for test, measure in columns]
        rows.append((_label(system, groups), *(
            'not run' if cell is None else f'{cell.value:.2f}' for cell in cells)))
    return _table(('trained with, read by', *(
        f'{measure.replace("FR_L@0.10", "FR^L")}, {TEST_TITLES[test]}'
        for test, measure in columns)), rows)


def with_table(text: str, table: str, name: str = 'the text') -> str:
    r"""Put a table between the two marks of a text.

    Raises:
        ValueError: If the marks are not there.

    Example:
        >>> with_table('a\n<!-- results -->\nold\n<!-- end of results -->\nb', 'new').split()
        ['a', '<!--', 'results', '-->', 'new', '<!--', 'end', 'of', 'results', '-->', 'b']
    """
    begin, end = '<!-- results -->', '<!-- end of results -->'
    if begin not in text or end not in text:
        raise ValueError(f'{name} has no {begin} … {end} to put the table into')
    before, rest = text.split(begin, 1)
    return f'{before}{begin}\n{table}\n{end}{rest.split(end, 1)[1]}'


def page_text(groups: Groups, experiments: Mapping[str, Experiment]) -> str:
    """The page."""
    parts = [HEAD, settings_section(groups), main_section(groups), claims_section(groups),
             best_section(groups), ablation_section(groups), scratch_section(groups),
             confidence_section(groups), activation_section(groups), PICTURES, runs_section(groups),
             missing_section(groups, experiments), NOTES]
    return '\n\n'.join(part.strip() for part in parts if part) + '\n'


def settings_section(groups: Groups) -> str:
    """Machine, versions and time, as the records have them."""
    records = [record for group in groups.values() for record in group]
    machines = sorted({f'{one.content["machine"]["processor"]}, '
                       f'{one.content["machine"]["threads"]} thread(s)'
                       + (f', {one.content["machine"]["gpu"]}' if one.content["machine"]["gpu"]
                          else ', no GPU') for one in records})
    versions = sorted({', '.join(f'{name} {value}' for name, value
                                 in one.content['versions'].items()) for one in records})
    hours = sum(one.content['training']['seconds'] for one in records) / 3600
    dates = sorted(one.content['date'][:10] for one in records)
    days = dates[0] if dates[0] == dates[-1] else f'{dates[0]} to {dates[-1]}'
    return _section('settings', _table(('', ''), [
        ('runs', f'{len(records)}, of {len(groups)} experiments'),
        ('machine', '; '.join(machines)), ('software', '; '.join(versions)),
        ('training', f'{hours:.1f} hours in all, on a machine that did other work besides'),
        ('dates', days)]))


def main_section(groups: Groups) -> str:
    """The rows that the comparison is about, on every test."""
    blocks = []
    for measure, words in (('NME', 'NME (%)'), ('FR_L@0.10', 'FR^L at 0.10 (%)')):
        rows = [_row(system, groups, REQUIRED_TESTS, measure)
                for system in (*MAIN, *BEST)]
        blocks.append(f'**{words}**, mean over seeds [95 % interval]\n\n' + _table(
            ('system', 'seeds', *(TEST_TITLES[test] for test in REQUIRED_TESTS)), rows))
    others = [_row(system, groups, ('clean', 'occlusion_large', 'video', 'video_blur_large',
                                    'rendered_wflw', 'rendered_aflw'), 'NME')
              for system in (*MAIN, *BEST, *BASELINES)]
    blocks.append('**Baselines, video, and the rendered faces of other data sets**, NME (%)\n\n'
                  + _table(('system', 'seeds', *(TEST_TITLES[test] for test in (
                      'clean', 'occlusion_large', 'video', 'video_blur_large', 'rendered_wflw',
                      'rendered_aflw'))), others))
    return _section('main', '\n\n'.join(blocks))


def claims_section(groups: Groups) -> str:
    """Each claim with its verdict, and all differences."""
    rows, details = [], []
    for claim in CLAIMS:
        verdict, findings = check_claim(claim, groups)
        seeds = sorted({found.estimate.seeds for found in findings if found.estimate})
        one_seed = ' *(one seed)*' if seeds and seeds[0] == 1 else ''
        rows.append((claim.source, claim.text, f'**{verdict}**{one_seed}'))
        for found in findings:
            details.append((claim.source, _label(found.comparison.better, groups),
                            _label(found.comparison.worse, groups),
                            TEST_TITLES[found.comparison.test], found.comparison.measure,
                            _difference_cell(found.estimate)))
    return _section('claims', _table(('source', 'claim', 'verdict'), rows) + '\n\n'
                    + _details('All differences (first less second, percentage points)', _table(
                        ('source', 'first', 'second', 'test', 'measure', 'difference'), details)))


def best_section(groups: Groups) -> str:
    """Our best against every baseline under the same conditions, and whether the line is met."""
    rows = []
    for ours, theirs in BEST_BASELINES:
        clean = difference(groups.get(ours.experiment, ()), ours.reading,
                           groups.get(theirs.experiment, ()), theirs.reading, 'clean', 'NME')
        one = estimate(groups.get(ours.experiment, ()), ours.reading, 'occlusion_large',
                       'FR_L@0.10')
        other = estimate(groups.get(theirs.experiment, ()), theirs.reading, 'occlusion_large',
                         'FR_L@0.10')
        if clean is None or one is None or other is None:
            rows.append((_label(ours, groups), _label(theirs, groups), 'not run', 'not run', ''))
            continue
        baseline = estimate(groups[theirs.experiment], theirs.reading, 'clean', 'NME')
        own = estimate(groups[ours.experiment], ours.reading, 'clean', 'NME')
        relative = 100 * (one.value / other.value - 1)
        met = own.value <= baseline.high and relative <= -20
        rows.append((_label(ours, groups), _label(theirs, groups), _difference_cell(clean),
                     f'{one.value:.2f} against {other.value:.2f}: {relative:+.0f} %',
                     '**met**' if met else '*not met*'))
    return _section('best', _table(
        ('ours', 'baseline, same augmentation and reading tricks', 'clean NME, difference',
         'FR^L@0.10, large occlusion', 'no worse clean, 20 % fewer failures'), rows))


def ablation_section(groups: Groups) -> str:
    """One factor at a time, also what did not help."""
    rows = []
    for title, base, changed in ABLATION:
        cells = [_difference_cell(difference(
            groups.get(changed.experiment, ()), changed.reading, groups.get(base.experiment, ()),
            base.reading, test, measure)) for test, measure in (
                ('clean', 'NME'), ('clean', 'FR_L@0.10'), ('occlusion_large', 'FR_L@0.10'),
                ('video_blur_large', 'FR_L@0.10'))]
        rows.append((title, _label(base, groups), _label(changed, groups), *cells))
    return _section('ablation', _table(
        ('factor', 'from', 'to', 'clean NME', 'clean FR^L@0.10', 'occlusion large FR^L@0.10',
         'video blur large FR^L@0.10'), rows))


def scratch_section(groups: Groups) -> str:
    """From random weights: NME as training goes on."""
    rows = []
    epochs: List[int] = sorted({int(point['epoch']) for name, group in groups.items()
                                if name.startswith('scratch_') for record in group
                                for point in record.content['training']['curve']
                                if 'epoch' in point})
    for name, group in groups.items():
        if not name.startswith('scratch_'):
            continue
        curves = [{int(point['epoch']): point['NME']
                   for point in record.content['training']['curve'] if 'epoch' in point}
                  for record in group]
        rows.append((group[0].content['title'], str(len(group)), *(
            ' / '.join(f'{curve[epoch]:.2f}' for curve in curves if epoch in curve)
            for epoch in epochs)))
    if not rows:
        return ''
    return _section('scratch', _table(
        ('loss', 'seeds', *(f'NME after {epoch} epochs' for epoch in epochs)), rows))


def confidence_section(groups: Groups) -> str:
    """Area under the ROC curve of every signal."""
    rows = []
    for system in (*MAIN, *BEST):
        group = groups.get(system.experiment, ())
        for test in ('clean', 'occlusion_large', 'video_blur_large'):
            values = [mean_confidence(group, system.reading, test, signal)
                      for signal in CONFIDENCE_SIGNALS]
            if any(value is not None for value in values):
                best = max(value for value in values if value is not None)
                rows.append((_label(system, groups), TEST_TITLES[test], *(
                    '' if value is None else f'**{value:.3f}**' if value == best
                    else f'{value:.3f}' for value in values)))
    return _section('confidence', _table(
        ('system', 'test', *CONFIDENCE_SIGNALS.values()), rows))


def activation_section(groups: Groups) -> str:
    """Mass far from the mode (Figure 6)."""
    rows = []
    for name in dict.fromkeys(system.experiment for system in (*MAIN, *BEST, *BASELINES)):
        cells = [far_mass(groups.get(name, ()), test)
                 for test in ('clean', 'occlusion_large', 'video_blur_large')]
        if any(cells):
            rows.append((groups[name][0].content['title'], *(
                '' if cell is None else f'{cell[0]:.2f} %' for cell in cells)))
    return _section('activation', _table(
        ('trained with', 'clean', 'occlusion, large', 'video, blur large'), rows))


def runs_section(groups: Groups) -> str:
    """Every run."""
    rows = []
    for group in groups.values():
        for record in group:
            content = record.content
            clean = content['tests'].get('clean', {})
            cells = ', '.join(f'{READING_TITLES[reading]} {clean[reading]["NME"]:.2f}'
                              for reading in READING_TITLES if reading in clean)
            rows.append((record.name, content['title'], str(content['seed']),
                         str(content['settings']['epochs']),
                         f'{content["settings"]["learning_rate"]:g}',
                         f'{content["training"]["seconds"] / 60:.1f}', cells))
    return _section('runs', _details('All runs', _table(
        ('run', 'trained with', 'seed', 'epochs', 'learning rate', 'minutes', 'clean NME (%)'),
        rows)))


def missing_section(groups: Groups, experiments: Mapping[str, Experiment]) -> str:
    """What the queue holds and nobody ran."""
    lacking = []
    for name, one in experiments.items():
        there = {record.content['seed'] for record in groups.get(name, ())}
        seeds = [str(seed) for seed in one.seeds if seed not in there]
        if seeds:
            lacking.append(f'- {one.title} (`{name}`): seeds {", ".join(seeds)}')
    return _section('missing', '\n'.join(lacking) or 'Of the queue, nothing.')


def _row(system: System, groups: Groups, tests: Iterable[str], measure: str) -> Tuple[str, ...]:
    group = groups.get(system.experiment, ())
    cells = [estimate(group, system.reading, test, measure) for test in tests]
    # A reading may be younger than some records.
    seeds = max((cell.seeds for cell in cells if cell is not None), default=0)
    return (_label(system, groups), str(seeds), *map(_cell, cells))


def _label(system: System, groups: Groups) -> str:
    group = groups.get(system.experiment)
    title = group[0].content['title'] if group else system.experiment
    return title if system.reading == 'own' else f'{title}, {READING_TITLES[system.reading]}'


def _cell(value: Optional[Estimate]) -> str:
    if value is None:
        return 'not run'
    return f'{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]'


def _difference_cell(value: Optional[Estimate]) -> str:
    if value is None:
        return 'not run'
    text = f'{value.value:+.2f} [{value.low:+.2f}, {value.high:+.2f}]'
    return f'**{text}**' if value.excludes_zero else text


def _section(name: str, body: str) -> str:
    title, text = SECTIONS[name]
    return '\n\n'.join(part for part in (f'## {title}', text.strip(), body) if part)


def _details(summary: str, body: str) -> str:
    return f'<details><summary>{summary}</summary>\n\n{body}\n\n</details>'


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ['| ' + ' | '.join(heads) + ' |', '|' + '---|' * len(heads)]
    lines += ['| ' + ' | '.join(row) + ' |' for row in rows]
    return '\n'.join(lines)
