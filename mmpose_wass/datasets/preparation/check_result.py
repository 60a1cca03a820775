"""What a check found, as an object and as a table."""
from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List

from .check_annotations import ERROR, WARNING, Finding
from .counts import CountLine


@dataclass
class CheckResult:
    """Outcome of a check.

    Attributes:
        root: Folder of the data set.
        files: From annotation file to its numbers of images, faces and landmarks.
        counts: Numbers of faces beside the published ones, where the files' names tell the data
            set.
        findings: What is wrong, errors first.
        images: Number of images looked at.
        decoded: Whether their pixels were read.
        outputs: Files written.
    """

    root: Path
    files: Dict[str, dict]
    counts: List[CountLine] = field(default_factory=list)
    findings: List[Finding] = field(default_factory=list)
    images: int = 0
    decoded: bool = True
    outputs: List[Path] = field(default_factory=list)

    @property
    def errors(self) -> int:
        """Number of errors."""
        return sum(finding.count for finding in self.findings if finding.severity == ERROR)

    @property
    def warnings(self) -> int:
        """Number of warnings."""
        return sum(finding.count for finding in self.findings if finding.severity == WARNING)

    def table(self) -> str:
        """The outcome as text."""
        heads = ('file', 'images', 'faces', 'landmarks', 'errors', 'warnings')
        rows = [heads]
        for name, numbers in self.files.items():
            sums = {severity: sum(finding.count for finding in self.findings
                                  if finding.severity == severity and finding.file == name)
                    for severity in (ERROR, WARNING)}
            rows.append((name, *(str(numbers[head]) for head in heads[1:4]), str(sums[ERROR]),
                         str(sums[WARNING])))
        widths = [max(len(row[k]) for row in rows) for k in range(len(heads))]
        lines = ['  '.join(cell.ljust(width) if k == 0 else cell.rjust(width)
                           for k, (cell, width) in enumerate(zip(row, widths))) for row in rows]
        lines.insert(1, '-' * len(lines[0]))
        lines += [f'{line}' for line in self.counts]
        for finding in self.findings:
            lines.append(f'{finding.severity}: {finding.kind}: {finding.count} ({finding.file})')
            lines += [f'    {example}' for example in finding.examples[:3]]
        lines.append(f'{self.images} images {"read" if self.decoded else "found (not read)"}; '
                     f'{self.errors} errors, {self.warnings} warnings')
        return '\n'.join(lines)
