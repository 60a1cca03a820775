"""The sections of ``docs/results.md``."""
from __future__ import annotations

from typing import Iterable, List, Mapping, Sequence, Tuple

from .claims import CLAIMS, check_claim
from .contest import Contest, hold_contest
from .experiments import Experiment
from .map_statistics import own_far_mass
from .page_tables import details, difference_cell, estimate_cell, section, table
from .page_texts import (
    ABLATION,
    ABLATION_COLUMNS,
    BASELINES,
    BEST,
    CONFIDENCE_SIGNALS,
    CONTESTANTS,
    MAIN,
    MEASURE_TITLES,
    RATE_ROWS,
    RATES,
    READING_TITLES,
    README,
    REQUIRED_TESTS,
    SECTIONS,
    SLOW,
    TEST_TITLES,
    TRICKS,
)
from .records import Record
from .statistics import Evidence, System, far_mass, mean_confidence


class Page:
    """Sections, from records.

    Args:
        groups: Records by experiment.
        experiments: All experiments; they give the titles.
    """

    def __init__(self, groups: Mapping[str, Sequence[Record]],
                 experiments: Mapping[str, Experiment]) -> None:
        self.groups, self.experiments = groups, experiments
        self.evidence = Evidence(groups)

    def title(self, experiment: str) -> str:
        """What tables call an experiment."""
        if experiment in self.experiments:
            return self.experiments[experiment].title
        group = self.groups.get(experiment)
        return group[0].content['title'] if group else experiment

    def label(self, system: System) -> str:
        """What tables call a system."""
        title = self.title(system.experiment)
        return title if system.reading == 'own' else f'{title}, {READING_TITLES[system.reading]}'

    def readme_table(self) -> str:
        """The small table of the README."""
        columns = (('clean', 'NME'), ('clean', 'FR_L@0.10'), ('occlusion_large', 'FR_L@0.10'),
                   ('video_blur_large', 'FR_L@0.10'), ('imm73', 'NME'))
        rows = []
        for system in self._there(*README):
            cells = [self.evidence.estimate(system, *column) for column in columns]
            rows.append((self.label(system), *('not run' if cell is None else f'{cell.value:.2f}'
                                               for cell in cells)))
        return table(('trained with, read by', *(
            f'{measure.replace("FR_L@0.10", "FR^L")}, {TEST_TITLES[test]}'
            for test, measure in columns)), rows)

    def settings(self) -> str:
        """Machine, versions and time, as the records have them."""
        records = [record for group in self.groups.values() for record in group]
        machines = sorted({f'{one.content["machine"]["processor"]}, '
                           f'{one.content["machine"]["threads"]} thread(s)'
                           + (f', {one.content["machine"]["gpu"]}'
                              if one.content["machine"]["gpu"] else ', no GPU')
                           for one in records})
        versions = sorted({', '.join(f'{name} {value}' for name, value
                                     in one.content['versions'].items()) for one in records})
        hours = sum(one.content['training']['seconds'] for one in records) / 3600
        dates = sorted({one.content['date'][:10] for one in records})
        starts = {one.content['training'].get('start_digest') for one in records} - {None}
        return section('settings', SECTIONS, table(('', ''), [
            ('runs', f'{len(records)}, of {len(self.groups)} experiments'),
            ('machine', '; '.join(machines)), ('software', '; '.join(versions)),
            ('training', f'{hours:.1f} hours in all, on machines that did other work besides'),
            ('start of the runs at 8e-3', ', '.join(sorted(starts)) or 'not recorded'),
            ('dates', dates[0] if len(dates) == 1 else f'{dates[0]} to {dates[-1]}')]))

    def rates(self) -> str:
        """NME over learning rates."""
        rows = []
        for name, reading in RATE_ROWS:
            cells = []
            for end in RATES.values():
                first = [record for record in self.groups.get(f'{name}{end}', ())
                         if record.content['seed'] == 0]
                found = first and first[0].content['tests']['clean'].get(reading)
                cells.append(found['NME'] if found else None)
            best = min((cell for cell in cells if cell is not None), default=None)
            title = self.label(System(f'{name}_rate8', reading))
            rows.append((title, *('not run' if cell is None else f'**{cell:.2f}**'
                                  if cell == best else f'{cell:.2f}' for cell in cells)))
        return section('rates', SECTIONS,
                       table(('trained with, read by', *(f'{rate}e-3' for rate in RATES)), rows))

    def main(self) -> str:
        """The rows that the comparison is about, on every test."""
        blocks = []
        for measure, words in (('NME', 'NME (%)'), ('FR_L@0.10', 'FR^L at 0.10 (%)'),
                               ('FR_L@0.20', 'FR^L at 0.20 (%)')):
            rows = [self._row(system, REQUIRED_TESTS, measure)
                    for system in self._there(*MAIN, *BEST)]
            blocks.append(f'**{words}**, mean over seeds [95 % interval]\n\n' + table(
                ('system', 'seeds', *(TEST_TITLES[test] for test in REQUIRED_TESTS)), rows))
        tests = ('clean', 'occlusion_large', 'video', 'video_blur_large', 'rendered_wflw',
                 'rendered_aflw')
        blocks.append(
            '**Baselines, video, and the rendered faces of other data sets**, NME (%)\n\n'
            + table(('system', 'seeds', *(TEST_TITLES[test] for test in tests)),
                    [self._row(system, tests, 'NME')
                     for system in self._there(*MAIN, *BEST, *BASELINES)]))
        slow = [f'**{words}**\n\n' + table(
            ('system', 'seeds', *(TEST_TITLES[test] for test in REQUIRED_TESTS)),
            [self._row(system, REQUIRED_TESTS, measure) for system in self._there(*SLOW)])
            for measure, words in (('NME', 'NME (%)'), ('FR_L@0.10', 'FR^L at 0.10 (%)'))]
        blocks.append(details('The same at a learning rate of 1e-3', '\n\n'.join(slow)))
        return section('main', SECTIONS, '\n\n'.join(blocks))

    def _there(self, *systems: System) -> List[System]:
        """Systems with a record; the others stand under what was not run."""
        return [system for system in systems if self.evidence.records(system)]

    def _row(self, system: System, tests: Iterable[str], measure: str) -> Tuple[str, ...]:
        cells = [self.evidence.estimate(system, test, measure) for test in tests]
        # A reading may be younger than some records.
        seeds = max((cell.seeds for cell in cells if cell is not None), default=0)
        return (self.label(system), str(seeds), *map(estimate_cell, cells))

    def claims(self) -> str:
        """Each claim with its verdicts, and all differences."""
        rows, differences = [], []
        for claim in CLAIMS:
            verdicts = []
            for title, comparisons in (("the paper's", claim.comparisons),
                                       ('equal', claim.equal)):
                if not comparisons:
                    verdicts.append('')
                    continue
                verdict, findings = check_claim(comparisons, self.evidence)
                seeds = [found.estimate.seeds for found in findings if found.estimate]
                verdicts.append(f'**{verdict}**'
                                + (' *(one seed)*' if seeds and min(seeds) == 1 else ''))
                for found in findings:
                    one = found.comparison
                    differences.append((
                        claim.source, title, self.label(one.better), self.label(one.worse),
                        TEST_TITLES[one.test], MEASURE_TITLES[one.measure],
                        difference_cell(found.estimate)))
            rows.append((claim.source, claim.text, *verdicts))
        return section('claims', SECTIONS, table(
            ('source', 'claim', "the paper's comparison", 'equal reading'), rows) + '\n\n'
            + details('All differences (first less second, percentage points)', table(
                ('source', 'reading', 'first', 'second', 'test', 'measure', 'difference'),
                differences)))

    def contests(self) -> List[Contest]:
        """Ours against the best baseline, with the same augmentation and tricks."""
        return [contest for augmented, (ours, baselines) in CONTESTANTS.items()
                for trick, readings in TRICKS.items() for name in ours
                for contest in [hold_contest(self.evidence, name, baselines, readings,
                                             augmented, trick)] if contest is not None]

    def best(self) -> str:
        """Our best against the best baseline under the same conditions, and whether it is met."""
        contests = self.contests()
        rows = [(one.augmented, one.trick, self.label(one.ours), self.label(one.baseline),
                 difference_cell(one.clean), f'{one.our_rate:.2f} against {one.base_rate:.2f}',
                 f'{one.ratio.value:+.0f} % [{one.ratio.low:+.0f}, {one.ratio.high:+.0f}]',
                 '**met**' if one.is_met else '*not met*') for one in contests]
        met = [one for one in contests if one.is_met]
        closest = min(contests, key=lambda one: one.ratio.value, default=None)
        if closest is None:
            verdict = 'Not run.'
        elif met:
            verdict = (f'**Met** in {len(met)} of {len(contests)} rows; at most '
                       f'{-closest.ratio.value:.0f} % fewer failures '
                       f'({self.label(closest.ours)}).')
        else:
            verdict = (f'***Not met*** in any of {len(contests)} rows. The closest: '
                       f'{self.label(closest.ours)} with {-closest.ratio.value:.0f} % fewer '
                       f'failures than {self.label(closest.baseline)}. What was tried is the '
                       'table below and the next section.')
        return section('best', SECTIONS, verdict + '\n\n' + table(
            ('augmented', 'tricks', 'ours', 'best baseline', 'clean NME, difference',
             'FR^L@0.10, large occlusion', 'change', 'the line'), rows))

    def ablation(self) -> str:
        """One factor at a time, also what did not help."""
        rows, useless, harmful = [], [], []
        for title, base, changed in ABLATION:
            found = [self.evidence.difference(changed, base, test, measure)
                     for test, measure in ABLATION_COLUMNS]
            if not any(found):
                continue
            seeds = max((one.seeds for one in found if one is not None), default=0)
            rows.append((title, self.label(base), self.label(changed), str(seeds),
                         *map(difference_cell, found)))
            certain = [one for one in found if one is not None and one.excludes_zero]
            if not any(one.high < 0 for one in certain) and seeds:
                (harmful if certain else useless).append(title)
        lists = [f'**{words}**: {"; ".join(names)}.' for words, names in (
            ('Nothing certain was gained, nothing lost', useless),
            ('Nothing certain was gained, something was lost', harmful)) if names]
        return section('ablation', SECTIONS, '\n\n'.join([table(
            ('factor', 'from', 'to', 'seeds', *(
                f'{TEST_TITLES[test]} {MEASURE_TITLES[measure]}'
                for test, measure in ABLATION_COLUMNS)), rows), *lists]))

    def scratch(self) -> str:
        """From random weights: NME as training goes on, and where the gradient is."""
        names = [name for name in self.groups if name.startswith('scratch_')]
        epochs = sorted({int(point['epoch']) for name in names for record in self.groups[name]
                         for point in record.content['training']['curve'] if 'epoch' in point})
        rows = []
        for name in names:
            curves = [{int(point['epoch']): point['NME']
                       for point in record.content['training']['curve'] if 'epoch' in point}
                      for record in self.groups[name]]
            shares = [_near_shares(record) for record in self.groups[name]]
            rows.append((self.title(name), str(len(curves)), *(
                ' / '.join(f'{curve[epoch]:.2f}' for curve in curves if epoch in curve)
                for epoch in epochs), *(
                ' / '.join(f'{100 * share[place]:.1f} %' for share in shares if share)
                for place in range(2))))
        if not rows:
            return ''
        return section('scratch', SECTIONS, table(
            ('loss', 'seeds', *(f'NME after {epoch} epochs' for epoch in epochs),
             'share near the target, at first', 'in the last epoch'), rows))

    def confidence(self) -> str:
        """Area under the ROC curve of every signal."""
        rows, wins = [], {}
        for system in (*MAIN, *BEST):
            group = self.evidence.records(system)
            for test in ('clean', 'occlusion_large', 'video_blur_large'):
                values = {signal: mean_confidence(group, system.reading, test, signal)
                          for signal in CONFIDENCE_SIGNALS}
                known = {signal: value for signal, value in values.items() if value is not None}
                if known:
                    best = max(known, key=known.get)
                    kind = 'L2' if system.experiment.startswith('l2') else 'W and JS'
                    wins.setdefault(kind, []).append(CONFIDENCE_SIGNALS[best])
                    rows.append((self.label(system), TEST_TITLES[test], *(
                        '' if value is None else f'**{value:.3f}**' if signal == best
                        else f'{value:.3f}' for signal, value in values.items())))
        words = [f'{kind}: ' + ', '.join(
            f'{signal} in {found.count(signal)}' for signal in sorted(
                set(found), key=lambda one: (-found.count(one), one))) + f' of {len(found)} rows'
            for kind, found in wins.items()]
        return section('confidence', SECTIONS, (
            f'The best signal is, with models of {"; of ".join(words)}.\n\n' if words else '')
            + table(('system', 'test', *CONFIDENCE_SIGNALS.values()), rows))

    def activation(self) -> str:
        """Mass far from the mode (Figure 6)."""
        rows = []
        for name in dict.fromkeys(one.experiment for one in (*MAIN, *BEST, *BASELINES)):
            cells = [far_mass(self.groups.get(name, ()), test)
                     for test in ('clean', 'occlusion_large', 'video_blur_large')]
            if any(cells):
                rows.append((self.title(name), str(cells[0].seeds), *(
                    '' if cell is None else f'{estimate_cell(cell)} %' for cell in cells),
                    f'{100 * own_far_mass(self._sigma(name)):.2f} %'))
        return section('activation', SECTIONS, table(
            ('trained with', 'seeds', 'clean', 'occlusion, large', 'video, blur large',
             'the target itself'), rows))

    def _sigma(self, experiment: str) -> float:
        """Sigma of an experiment's targets, from its part ``targets/sigma1.5.py``."""
        part, = [part for part in self.groups[experiment][0].content['settings']['parts']
                 if part.startswith('targets/sigma')]
        return float(part[len('targets/sigma'):-len('.py')])

    def runs(self) -> str:
        """Every run."""
        rows = []
        for name, group in self.groups.items():
            for record in group:
                content = record.content
                clean = content['tests'].get('clean', {})
                cells = ', '.join(f'{READING_TITLES[reading]} {clean[reading]["NME"]:.2f}'
                                  for reading in READING_TITLES if reading in clean)
                rows.append((record.name, self.title(name), str(content['seed']),
                             str(content['settings']['epochs']),
                             f'{content["settings"]["learning_rate"]:g}',
                             f'{content["training"]["seconds"] / 60:.1f}',
                             content['training'].get('start_digest') or '', cells))
        return section('runs', SECTIONS, details('All runs', table(
            ('run', 'trained with', 'seed', 'epochs', 'learning rate', 'minutes', 'start',
             'clean NME (%)'), rows)))

    def missing(self) -> str:
        """What the queue holds and nobody ran."""
        lacking = []
        for name, one in self.experiments.items():
            there = {record.content['seed'] for record in self.groups.get(name, ())}
            seeds = [str(seed) for seed in one.seeds if seed not in there]
            if seeds:
                lacking.append(f'- {one.title} (`{name}`): seeds {", ".join(seeds)}')
        return section('missing', SECTIONS, 'Of the queue:\n\n' + '\n'.join(lacking) if lacking
                       else 'Of the queue, nothing.')


def _near_shares(record: Record) -> Tuple[float, ...]:
    """Share of the gradient near the target over the first 100 steps and the last epoch."""
    steps = [point for point in record.content['training']['curve'] if 'gradient_size' in point]
    if not steps:
        return ()
    last = steps[-1]['step'] * (1 - 1 / record.content['settings']['epochs'])
    parts = ([one for one in steps if one['step'] <= 100], [one for one in steps
                                                            if one['step'] > last])
    return tuple(sum(one['gradient_near_target'] for one in part)
                 / sum(one['gradient_size'] for one in part) for part in parts)
