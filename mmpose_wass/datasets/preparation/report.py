"""What a preparation found, wrote and could not use."""
from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Mapping, Optional

from mmpose_wass.engine.results import now, software_versions, write_json

from .counts import CountLine, compare_counts

#: File beside the data that says how they were prepared.
REPORT_FILE = 'preparation.json'
_SHOWN = 10  # problems of one kind in a message


class PreparationError(ValueError):
    """The archives do not hold what they should; the message names file and remedy."""


class Problems:
    """Collects what is wrong, so that a person sees all of it at once.

    Args:
        dataset: Name of the data set, for the message.

    Examples:
        >>> problems = Problems('300w')
        >>> problems.add('image missing', 'afw/1.pts')
        >>> problems.count
        1
        >>> print('\\n'.join(problems.lines()))
        image missing: 1
          afw/1.pts
    """

    def __init__(self, dataset: str) -> None:
        self.dataset = dataset
        self.kinds: Dict[str, List[str]] = OrderedDict()

    def add(self, kind: str, what: object) -> None:
        """Note one thing."""
        self.kinds.setdefault(kind, []).append(str(what))

    @property
    def count(self) -> int:
        """Number of things noted."""
        return sum(len(things) for things in self.kinds.values())

    def lines(self, shown: int = _SHOWN) -> List[str]:
        """The problems as lines of text, the first few of each kind."""
        lines = []
        for kind, things in self.kinds.items():
            lines.append(f'{kind}: {len(things)}')
            lines.extend(f'  {thing}' for thing in things[:shown])
            if len(things) > shown:
                lines.append(f'  … and {len(things) - shown} more')
        return lines


@dataclass
class PreparationReport:
    """Outcome of a preparation.

    Attributes:
        dataset: Name of the data set.
        root: Folder it was written to.
        files: From annotation file (relative) to its number of faces.
        counts: What was found, beside the published numbers.
        notes: What else a person should know.
        problems: What could not be used, by kind; empty unless that was allowed.
    """

    dataset: str
    root: Path
    files: Dict[str, int]
    counts: List[CountLine]
    notes: List[str] = field(default_factory=list)
    problems: Dict[str, List[str]] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether nothing is missing and every required number is as published."""
        return not self.problems and not any(line.is_error for line in self.counts)

    def write(self) -> Path:
        """Write the report beside the data; returns its path."""
        path = self.root / REPORT_FILE
        write_json(str(path), dict(
            dataset=self.dataset,
            complete=self.complete,
            files=self.files,
            counts=[dict(name=line.name, found=line.found,
                         published=line.published and line.published.values,
                         source=line.published and line.published.source)
                    for line in self.counts],
            notes=self.notes,
            problems=self.problems,
            date=now(),
            software=software_versions()))
        return path


def settle(dataset: str, found: Mapping[str, int], problems: Problems, allow_incomplete: bool,
           hint: str = '') -> List[CountLine]:
    """Decide whether what was found may be written.

    Args:
        dataset: Name of the data set.
        found: What was counted.
        problems: What is wrong.
        allow_incomplete: Whether a part of the data set will do.
        hint: Where the missing part is to be had.

    Returns:
        list[CountLine]: The numbers beside the published ones.

    Raises:
        PreparationError: If anything is wrong and that was not allowed, or nothing was found.
    """
    counts = compare_counts(dataset, found)
    wrong = [line for line in counts if line.is_error]
    if allow_incomplete and any(found.values()):
        return counts
    if problems.count or wrong:
        lines = [f'{dataset}: the data set is not complete, so no annotation file was written.']
        lines += [f'  {line}' for line in wrong]
        lines += [f'  {line}' for line in problems.lines()]
        if hint:
            lines.append(hint)
        if any(found.values()):
            lines.append('To prepare what is there all the same, give --allow-incomplete '
                         '(allow_incomplete=True); figures from it are not comparable.')
        raise PreparationError('\n'.join(lines))
    return counts


def finish(dataset: str, root: Path, files: Dict[str, int], counts: List[CountLine],
           notes: List[str], problems: Optional[Problems] = None) -> PreparationReport:
    """Build the report and write it beside the data."""
    notes = notes + [f'{line}; source of the published number: {line.published.source}'
                     for line in counts if not line.agrees]
    report = PreparationReport(dataset, root, files, counts, notes,
                               dict(problems.kinds) if problems else {})
    report.write()
    return report
