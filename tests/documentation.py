"""The Markdown pages as data: fenced blocks, links, headings, shell commands."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Set

ROOT = Path(__file__).resolve().parents[1]
#: Pages of the repository that a reader may land on.
PAGES = sorted([ROOT / 'README.md', *(ROOT / 'docs').glob('*.md'),
                *(path for path in [ROOT / 'CONTRIBUTING.md'] if path.is_file())])

_FENCE = re.compile(r'^(?P<indent> *)(?P<marks>```+|~~~+)(?P<language>[\w{}-]*)[^\n]*\n'
                    r'(?P<text>.*?)^(?P=indent)(?P=marks) *$', re.MULTILINE | re.DOTALL)
_FILE_NAME = re.compile(r'`([\w/.-]+\.\w+)`\n\n\Z')
_LINK = re.compile(r'!?\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^)\s]+)\)')


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: Path below the root, such as ``docs/tour.md``.
        line: Of the opening fence, counted from 1.
        language: What stands behind the fence.
        text: Content, without the indentation of the fence.
        file: Name of the file that it is, where a line with just that in backticks stands above.
    """

    page: str
    line: int
    language: str
    text: str
    file: str

    @property
    def place(self) -> str:
        return f'{self.page}:{self.line}'


def blocks_of(path: Path) -> List[Block]:
    """All fenced blocks of a page."""
    text = path.read_text(encoding='utf-8')
    found = []
    for match in _FENCE.finditer(text):
        indent = len(match['indent'])
        name = _FILE_NAME.search(text[:match.start()])
        found.append(Block(
            page=path.relative_to(ROOT).as_posix(), line=text.count('\n', 0, match.start()) + 1,
            language=match['language'],
            text=''.join(line[indent:] if line.strip() else line
                         for line in match['text'].splitlines(keepends=True)),
            file=name[1] if name else ''))
    return found


def all_blocks() -> List[Block]:
    return [block for path in PAGES for block in blocks_of(path)]


def commands_of(block: Block) -> Iterator[str]:
    """Commands of a shell block: continued lines joined, comments and empty lines left out."""
    for line in block.text.replace('\\\n', ' ').splitlines():
        words = shlex.split(line, comments=True)
        if words:
            yield ' '.join(map(shlex.quote, words))


def without_blocks(text: str) -> str:
    """A page without its fenced blocks and code spans, which hold no links."""
    return re.sub(r'`[^`\n]*`', '``', _FENCE.sub('', text))


def links_of(path: Path) -> List[str]:
    return [match['target'] for match in _LINK.finditer(without_blocks(
        path.read_text(encoding='utf-8')))]


def pictures_of(path: Path) -> Dict[str, str]:
    """Target and description of each picture of a page."""
    text = without_blocks(path.read_text(encoding='utf-8'))
    return {match['target']: match['text'] for match in _LINK.finditer(text)
            if match.group().startswith('!')}


def anchors_of(path: Path) -> Set[str]:
    """What links to headings of a page may say, as code hosts and the site make it."""
    anchors: Set[str] = set()
    for heading in re.findall(r'^#{1,6} +(.*?) *#*$', _FENCE.sub('', path.read_text(
            encoding='utf-8')), re.MULTILINE):
        plain = re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', heading)
        slug = re.sub(r'[^\w\- ]', '', plain.lower()).replace(' ', '-')
        number, unique = 0, slug
        while unique in anchors:
            number += 1
            unique = f'{slug}-{number}'
        anchors.add(unique)
    return anchors
