"""What builds and checks the documentation site; `make docs` builds and checks the real one."""

from __future__ import annotations

import importlib.util
import json
import re

import pytest
from documentation import ROOT
from packaging.requirements import Requirement


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def check_site():
    return load(ROOT / 'docs/check_site.py')


@pytest.fixture(scope='module')
def other_files():
    return load(ROOT / 'docs/_ext/other_files.py')


PAGE = '<html><body><h1 id="top">Page</h1>{}</body></html>'


@pytest.fixture
def site(tmp_path):
    """Two good pages."""
    (tmp_path / 'sub').mkdir()
    (tmp_path / 'picture.png').write_bytes(b'x')
    (tmp_path / 'index.html').write_text(PAGE.format(
        '<a href="sub/a%20b.html#top">a</a><a href="https://example.org/x">away</a>'
        '<img src="picture.png" alt="a picture">'))
    (tmp_path / 'sub/a b.html').write_text(
        PAGE.format('<a href="../">home</a><a href="#top">up</a>'))
    return tmp_path


def test_good_site(check_site, site, capsys):
    assert check_site.check_files(site) == {}
    assert check_site.main([str(site)]) == 0
    assert '2 pages (files): no problems' in capsys.readouterr().out


@pytest.mark.parametrize(('content', 'problem'), [
    ('<a href="gone.html">x</a>', 'broken link: gone.html'),
    ('<a href="index.html#gone">x</a>', 'no such heading: index.html#gone'),
    ('<a href="#gone">x</a>', 'no such heading: #gone'),
    ('<script src="https://cdn.example.org/x.js"></script>',
     'comes from another machine: https://cdn.example.org/x.js'),
    ('<link rel="stylesheet" href="//fonts.example.org/x.css">',
     'comes from another machine: //fonts.example.org/x.css'),
    ('<link rel="stylesheet" href="gone.css">', 'missing: gone.css'),
    ('<img src="picture.png">', 'no description: picture.png'),
    ('<h1>again</h1>', '2 main headings'),
])
def test_problems_are_found(check_site, site, capsys, content, problem):
    index = site / 'index.html'
    index.write_text(index.read_text().replace('</body>', f'{content}</body>'))
    assert check_site.check_files(site) == {'index.html': [problem]}
    assert check_site.main([str(site)]) == 1
    assert f'index.html: {problem}\n2 pages (files): 1 problem\n' in capsys.readouterr().out


def test_pages_that_nothing_links_to(check_site, site):
    (site / 'lonely.html').write_text(PAGE.format(''))
    assert check_site.check_files(site) == {'lonely.html': ['no page links here']}


def test_no_site(check_site, tmp_path):
    with pytest.raises(FileNotFoundError, match='make docs'):
        check_site.check_files(tmp_path)


def test_links_of_files_that_move_into_the_site(other_files):
    text = '[a](docs/tour.md#3-train-test) [b](tools/train.py) [c](https://x.org/docs/a) [d](#here)'
    assert other_files.relative_links(text, ROOT) == (
        '[a](tour.md#3-train-test) [b](../tools/train.py) [c](https://x.org/docs/a) [d](#here)')
    assert other_files.relative_links('[e](../docs/faq.md)', ROOT / 'examples') == '[e](faq.md)'
    # Files that are pages of the site, which has no other copy of them.
    assert other_files.relative_links('[f](CHANGELOG.md) [g](examples/tour.ipynb)', ROOT) == (
        '[f](changelog.md) [g](notebook.md)')


def test_notebook_becomes_a_page(other_files, tmp_path, monkeypatch):
    # Pictures have to lie below docs/; here that is the test's folder.
    monkeypatch.setattr(other_files, 'ROOT', tmp_path)
    (tmp_path / 'examples').mkdir()
    notebook = tmp_path / 'examples/some.ipynb'
    notebook.write_text(json.dumps(dict(cells=[
        dict(cell_type='markdown', source=['# Title\n', 'See [it](../docs/faq.md).']),
        dict(cell_type='code', source=['print(1)'], metadata=dict(alt='a red dot'), outputs=[
            dict(output_type='stream', name='stdout', text=['1\n']),
            dict(output_type='display_data', data={'image/png': 'AAAA'})])])))
    page = other_files.notebook_markdown(notebook, tmp_path / 'docs/_build')
    (picture, ) = (tmp_path / 'docs/_build').glob('*.png')
    assert page == (f'# Title\nSee [it](faq.md).\n\n```python\nprint(1)\n```\n\n```text\n1\n```\n\n'
                    f'![a red dot](/_build/{picture.name})\n')


def test_every_page_from_elsewhere_has_its_file(other_files):
    for name, path in other_files.PAGES.items():
        assert (ROOT / 'docs' / f'{name}.md').is_file() and (ROOT / path).is_file(), path


@pytest.fixture(scope='module')
def choosing_numbers():
    return load(ROOT / 'docs/choosing_numbers.py')


def test_numbers_of_the_advice_are_those_of_the_records(choosing_numbers, capsys):
    """docs/choosing.md is what docs/choosing_numbers.py makes of results/evidence."""
    assert choosing_numbers.main(['--check']) == 0, capsys.readouterr().out


def test_numbers_need_records(choosing_numbers, tmp_path):
    with pytest.raises(ValueError, match='no records'):
        choosing_numbers.measured_text(tmp_path)


def test_what_the_site_is_built_with_fits_the_extra():
    """requirements/docs.txt, which `make docs` installs, lies within the ranges of setup.py."""
    setup = (ROOT / 'setup.py').read_text(encoding='utf-8')
    extra = re.search(r"'docs': \[(.*?)\]", setup, re.DOTALL)[1]
    ranges = {one.name: one.specifier for one in map(Requirement, re.findall(r"'(.*?)'", extra))}
    pins = dict(line.split('==') for line in (ROOT / 'requirements/docs.txt').read_text(
        encoding='utf-8').splitlines() if '==' in line)
    assert set(pins) == set(ranges)
    for name, version in pins.items():
        assert version in ranges[name], name
    conf = (ROOT / 'docs/conf.py').read_text(encoding='utf-8')
    for name in ('furo', 'myst_parser', 'sphinx_copybutton', 'autoapi'):
        assert name in conf
