"""``docs/results.md``: all of it from records, the same bytes from the same records."""
from __future__ import annotations

from pathlib import Path
from typing import List, Mapping, Optional, Tuple

from ..engine.results import atomic_write
from .experiments import Experiment
from .page_sections import Page
from .page_texts import BASELINES, BEST, HEAD, MAIN, NOTES, PICTURES
from .records import group_by_experiment, read_records
from .statistics import System


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
    page = read_page(results, experiments)
    written = [out]
    with atomic_write(str(out)) as file:
        file.write(page_text(page))
    if readme is not None:
        text = with_table(readme.read_text(encoding='utf-8'), page.readme_table(), str(readme))
        with atomic_write(str(readme)) as file:
            file.write(text)
        written.append(readme)
    return [*written, *write_pictures(page, out.parent / 'figures' / 'results')]


def read_page(results: Path, experiments: Mapping[str, Experiment]) -> Page:
    """What the page is made of.

    Raises:
        ValueError: If there is no record, or one is broken.
    """
    records = read_records(results)
    if not records:
        raise ValueError(f'{results} has no records: run tools/evidence.py run first')
    return Page(group_by_experiment(records), experiments)


def page_text(page: Page) -> str:
    """The page."""
    parts = [HEAD, page.settings(), page.rates(), page.main(), page.claims(), page.best(),
             page.ablation(), page.scratch(), page.confidence(), page.activation(), PICTURES,
             page.runs(), page.missing(), NOTES]
    return '\n\n'.join(part.strip() for part in parts if part) + '\n'


def write_pictures(page: Page, folder: Path) -> List[Path]:
    """Draw all that the records allow."""
    from .figures import draw_page_pictures

    def named(system: System) -> Tuple[str, str, str]:
        return system.experiment, system.reading, page.label(system)

    calibrated = [system for system in (MAIN[0], *BEST)
                  if '_augmented' not in system.experiment]
    drawn = draw_page_pictures(
        page.groups, folder, [named(system) for system in (*MAIN, *BEST)],
        [named(system) for system in (*MAIN, *BEST, *BASELINES)],
        [named(system) for system in calibrated],
        [name for name in page.groups if name.startswith('scratch_')])
    return [Path(path) for path in drawn.values()]


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
