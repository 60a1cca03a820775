"""Put the measured numbers into docs/choosing.md: rows for its advice, from results/evidence.

    python docs/choosing_numbers.py            # write the page
    python docs/choosing_numbers.py --check    # exit with 1 if the page is out of date

No number is written by hand: what was not run stands there as "not run".
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mmpose_wass.evidence.claims import CLAIMS, check_claim
from mmpose_wass.evidence.page import with_table
from mmpose_wass.evidence.page_texts import READING_TITLES, TEST_TITLES
from mmpose_wass.evidence.records import group_by_experiment, read_records
from mmpose_wass.evidence.statistics import System, estimate

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / 'docs/choosing.md'
RESULTS = ROOT / 'results/evidence'

#: What the advice is about, as it is said in the table.
ROWS = {
    'L2, σ 1': System('l2_s1', 'max'),
    'L2, σ 1, read by a barycentre near the mode': System('l2_s1', 'local'),
    'L2, σ 1, read by the barycentre': System('l2_s1', 'bc'),
    'W, σ 1': System('w_s1', 'bc'),
    'W, σ 1, CoordConv': System('w_s1_coordconv', 'bc'),
    'W, σ 1.5': System('w_s15', 'bc'),
    'W, σ 3': System('w_s3', 'bc'),
    'W and KL, σ 1.5': System('wkl_s15', 'bc'),
    'KL, σ 1.5': System('kl_s15', 'bc'),
}
#: Precision, then robustness.
COLUMNS = (('clean', 'NME'), ('clean', 'FR_L@0.10'), ('occlusion_large', 'FR_L@0.10'),
           ('video_blur_large', 'FR_L@0.10'), ('imm73', 'NME'))
ADVICE = 'Sec. 7.2'  # source of the claims that are advice


def measured_text(results: Path) -> str:
    """The table, and what became of the paper's advice.

    Args:
        results: Folder of the evidence's records.

    Raises:
        ValueError: If there are no records.
    """
    records = read_records(results)
    if not records:
        raise ValueError(f'no records in {results}: python tools/evidence.py run')
    groups = group_by_experiment(records)
    names = {'FR_L@0.10': 'FR^L'}
    lines = ['| trained with (read by) | seeds | ' + ' | '.join(
        f'{names.get(measure, measure)}, {TEST_TITLES[test]}' for test, measure in COLUMNS) + ' |',
        '|---|---|' + '---|' * len(COLUMNS)]
    for title, system in ROWS.items():
        group = groups.get(system.experiment, ())
        cells = [estimate(group, system.reading, test, measure) for test, measure in COLUMNS]
        lines.append(f'| {title} ({READING_TITLES[system.reading]}) | {len(group)} | ' + ' | '.join(
            'not run' if cell is None else f'{cell.value:.2f} [{cell.low:.2f}, {cell.high:.2f}]'
            for cell in cells) + ' |')
    lines += ['', "The paper's advice, by these runs:", '']
    lines += [f'- {claim.text} **{check_claim(claim, groups)[0]}**'
              for claim in CLAIMS if claim.source == ADVICE]
    return '\n'.join(lines)


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--check', action='store_true', help='write nothing')
    parser.add_argument('--results', type=Path, default=RESULTS, metavar='DIR')
    args = parser.parse_args(argv)
    old = PAGE.read_text(encoding='utf-8')
    new = with_table(old, measured_text(args.results), str(PAGE))
    if args.check:
        if new != old:
            print(f'{PAGE} is out of date: run python docs/choosing_numbers.py')
        return int(new != old)
    PAGE.write_text(new, encoding='utf-8')
    return 0


if __name__ == '__main__':
    sys.exit(main())
