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
from mmpose_wass.evidence.experiments import read_experiments
from mmpose_wass.evidence.page import read_page, with_table
from mmpose_wass.evidence.page_tables import estimate_cell
from mmpose_wass.evidence.page_texts import TEST_TITLES
from mmpose_wass.evidence.statistics import System
from mmpose_wass.project import CONFIG_ROOT

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / 'docs/choosing.md'
RESULTS = ROOT / 'results/evidence'

#: What the advice is about.
ROWS = tuple(System(f'{name}_rate8', reading) for name, reading in (
    ('l2_s1', 'max'), ('l2_s1', 'local'), ('l2_s1', 'bc'), ('l2_s15', 'local'), ('w_s1', 'bc'),
    ('w_s1_coordconv', 'bc'), ('w_s15', 'bc'), ('w_s3', 'bc'), ('wkl_s15', 'bc'), ('js', 'bc'),
    ('js', 'shape'), ('l2_s15_augmented', 'local'), ('w_s15_augmented', 'bc'),
    ('js_augmented', 'bc'), ('js_augmented', 'shape'), ('l2_s15_augmented_long', 'local'),
    ('js_augmented_long', 'bc'), ('js_augmented_long', 'shape')))
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
    page = read_page(results, read_experiments(CONFIG_ROOT / 'evidence' / 'cpu.py'))
    names = {'FR_L@0.10': 'FR^L'}
    lines = ['| trained with, read by | seeds | ' + ' | '.join(
        f'{names.get(measure, measure)}, {TEST_TITLES[test]}' for test, measure in COLUMNS) + ' |',
        '|---|---|' + '---|' * len(COLUMNS)]
    for system in filter(page.evidence.records, ROWS):
        cells = [page.evidence.estimate(system, *column) for column in COLUMNS]
        lines.append(f'| {page.label(system)} | {len(page.evidence.records(system))} | '
                     + ' | '.join(map(estimate_cell, cells)) + ' |')
    lines += ['', "The paper's advice, by these runs:", '']
    lines += [f'- {claim.text} **{check_claim(claim.comparisons, page.evidence)[0]}**'
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
