"""Links, anchors and pictures of all pages, without building the site."""

from __future__ import annotations

import re

import pytest
from documentation import PAGES, ROOT, anchors_of, links_of, pictures_of

NAMES = [path.relative_to(ROOT).as_posix() for path in PAGES]


@pytest.mark.parametrize('path', PAGES, ids=NAMES)
def test_links_lead_somewhere(path):
    for link in links_of(path):
        if re.match(r'https?:|mailto:', link):
            continue
        target, _, anchor = link.partition('#')
        file = (path.parent / target).resolve() if target else path
        assert file.is_relative_to(ROOT), f'{link}: outside of the repository'
        assert file.exists(), f'{link}: no such file'
        if anchor:
            assert file.suffix == '.md' and anchor in anchors_of(file), (
                f'{link}: no such heading; there are {sorted(anchors_of(file))}')


@pytest.mark.parametrize('path', PAGES, ids=NAMES)
def test_pictures_are_described_in_words(path):
    for target, words in pictures_of(path).items():
        assert (path.parent / target).is_file(), target
        assert len(words.split()) >= 3, f'{target}: "{words}" does not say what is to be seen'


def test_every_page_is_in_the_contents():
    """A page that no table of contents names is found by nobody."""
    index = (ROOT / 'docs/index.md').read_text(encoding='utf-8')
    listed = {re.sub(r'.*<(.*)>', r'\1', line)
              for block in re.findall(r'```\{toctree\}(.*?)```', index, re.DOTALL)
              for line in block.split('\n') if line and ':' not in line}
    pages = {path.stem for path in (ROOT / 'docs').glob('*.md')} - {'index'}
    assert listed == pages


def test_links_of_the_readme_cover_the_pages():
    """From the README every page is at most two steps away."""
    seen, new = set(), {ROOT / 'README.md'}
    for _ in range(2):
        new = {(path.parent / link.partition('#')[0]).resolve() for path in new
               for link in links_of(path) if not re.match(r'https?:|#', link)} - seen
        new = {path for path in new if path.suffix == '.md' and path.is_file()}
        seen |= new
    missing = {path.name for path in (ROOT / 'docs').glob('*.md')} - {path.name for path in seen}
    assert not missing


#: What an author leaves to be filled in: a table's name, or a line of capitals.
PLACEHOLDERS = re.compile(r'\b[A-Z]+_TABLE\b|^[A-Z_]{6,}$', re.MULTILINE)


@pytest.mark.parametrize('path', PAGES, ids=NAMES)
def test_nothing_is_left_to_be_filled_in(path):
    assert not PLACEHOLDERS.findall(path.read_text(encoding='utf-8'))


def test_what_is_left_to_be_filled_in_is_noticed():
    assert PLACEHOLDERS.findall('a\n\nEXPORT_TABLE\n\ndiffer by SPEED_TABLE.\nDIFFERENCE\n') == [
        'EXPORT_TABLE', 'SPEED_TABLE', 'DIFFERENCE']
    assert not PLACEHOLDERS.findall('CONFIG CHECKPOINT\n`PIP_FIND_LINKS`\nONNX\n')
