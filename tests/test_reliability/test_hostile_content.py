"""Files that mean harm: checkpoints, archives, names."""
from __future__ import annotations

import html
import io
import os
import stat
import tarfile
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import hypothesis
import pytest
import torch
from hypothesis import strategies as st
from situations import told
from test_tools.tiny_run import call_tool, write_config, write_faces

from mmpose_wass.datasets.preparation.archives import extract
from mmpose_wass.datasets.preparation.report import PreparationError
from mmpose_wass.engine.checkpoint import _names_allowed
from mmpose_wass.robustness.markup import Markup, tag

many = hypothesis.settings(derandomize=True, deadline=None, max_examples=50)


safe = pytest.mark.skipif(not _names_allowed(), reason='torch < 2.6 does not load safely by itself')


class Attack:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f'touch {self.marker}', )


@safe
@pytest.mark.parametrize('command', [
    ('test.py', 'tiny.py', 'evil.pth'),
    ('train.py', 'tiny.py', '--resume', 'evil.pth'),
    ('train.py', 'tiny.py', '--resume', '--work-dir', 'run'),
    ('train.py', 'tiny.py', '--cfg-options', 'load_from=evil.pth'),
    ('train.py', 'pretrained.py'),
], ids=['test', 'resume', 'resume-last', 'load', 'pretrained'])
def test_no_tool_runs_a_crafted_checkpoint(tmp_path, monkeypatch, capsys, command):
    write_faces(tmp_path / 'data', 2, 'train')
    write_faces(tmp_path / 'data', 2, 'test')
    write_config(tmp_path / 'tiny.py', tmp_path / 'data', tmp_path / 'run')
    write_config(tmp_path / 'pretrained.py', tmp_path / 'data', tmp_path / 'run',
                 init_cfg=dict(type='Pretrained', checkpoint='evil.pth'))
    marker = tmp_path / 'marker'
    torch.save(dict(state_dict={}, meta=Attack(marker)), tmp_path / 'evil.pth')
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run' / 'epoch_1.pth').write_bytes((tmp_path / 'evil.pth').read_bytes())
    status, printed, errors = call_tool(*command, monkeypatch=monkeypatch, capsys=capsys,
                                        cwd=tmp_path)
    assert not marker.exists()
    assert status == 1 and ('evil.pth' in errors or 'epoch_1.pth' in errors)
    if 'pretrained.py' not in command:
        assert told('evil-pickle', printed + errors)
    # What the file would have done in the hands of a careless loader.
    torch.load(tmp_path / 'evil.pth', weights_only=False)
    assert marker.exists()


def write_zip(path, names):
    with zipfile.ZipFile(path, 'w') as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), b'x')


def write_tar(path, names):
    with tarfile.open(path, 'w') as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 1
            archive.addfile(member, io.BytesIO(b'x'))


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob('*') if not path.is_dir())


# Names of archive members, those first that have led out of a folder somewhere.
parts = st.sampled_from(['..', '.', '', 'a', 'b.txt', ' ', '...', 'C:', '~', 'a\x00b', 'é', '\\..',
                         '..\\..', 'con', '-rf', '*', 'x' * 300])
member_names = st.one_of(
    st.lists(parts, min_size=1, max_size=5).map('/'.join), st.text(max_size=20)).filter(
        lambda name: not any('\ud800' <= letter <= '\udfff' for letter in name))


@pytest.mark.parametrize('write, ending', [(write_zip, 'zip'), (write_tar, 'tar')],
                         ids=['zip', 'tar'])
@pytest.mark.filterwarnings('ignore:Duplicate name')
@many
@hypothesis.given(names=st.lists(member_names, min_size=1, max_size=4))
def test_archives_stay_in_their_folder(tmp_path_factory, write, ending, names):
    root = tmp_path_factory.mktemp('archive')
    archive = root / 'in' / f'evil.{ending}'
    archive.parent.mkdir()
    try:
        write(archive, names)
    except (ValueError, OSError, UnicodeError):  # not even an attacker's library writes it
        hypothesis.reject()
    cache = root / 'deep' / 'down' / 'cache'
    before = files_below(root)
    try:
        folder = extract(archive, cache)
    except (PreparationError, OSError) as error:
        # All or nothing, and the archive is named.
        assert files_below(root) == before
        assert 'evil' in str(error)
        assert ending != 'zip' or 'Traceback' not in str(error)
    else:
        for path in set(files_below(root)) - set(before):
            assert folder in path.parents and path.is_file() and not path.is_symlink()


@pytest.mark.parametrize('name', ['../x', '/tmp/x', 'a/../../x', 'C:/x', '..\\x'])
@pytest.mark.parametrize('write, ending', [(write_zip, 'zip'), (write_tar, 'tar')],
                         ids=['zip', 'tar'])
def test_leaving_members_are_told(tmp_path, write, ending, name):
    write(tmp_path / f'evil.{ending}', ['fine.txt', name])
    with pytest.raises(PreparationError) as error:
        extract(tmp_path / f'evil.{ending}', tmp_path / 'cache')
    assert told('evil-archive', str(error.value)) and f'evil.{ending}' in str(error.value)
    assert files_below(tmp_path) == [tmp_path / f'evil.{ending}']


@pytest.mark.parametrize('kind', [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE,
                                  tarfile.FIFOTYPE])
def test_members_that_are_no_files(tmp_path, kind):
    with tarfile.open(tmp_path / 'evil.tar', 'w') as archive:
        member = tarfile.TarInfo('link')
        member.type, member.linkname = kind, '/etc/passwd'
        archive.addfile(member)
        # Through the link, a file would be written outside.
        inside = tarfile.TarInfo('link/x')
        archive.addfile(inside, io.BytesIO(b''))
    with pytest.raises(PreparationError, match="evil.tar.*'link' is a link or a device"):
        extract(tmp_path / 'evil.tar', tmp_path / 'cache')
    assert files_below(tmp_path) == [tmp_path / 'evil.tar']


def test_a_link_in_a_zip_is_written_as_a_file(tmp_path):
    with zipfile.ZipFile(tmp_path / 'evil.zip', 'w') as archive:
        link = zipfile.ZipInfo('link')
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, '/etc/passwd')
    folder = extract(tmp_path / 'evil.zip', tmp_path / 'cache')
    assert not (folder / 'link').is_symlink() and (folder / 'link').read_text() == '/etc/passwd'


def test_files_that_lie_on_each_other(tmp_path):
    write_tar(tmp_path / 'evil.tar', ['a', 'a/b'])
    with pytest.raises(PreparationError, match="evil.tar.*'a/b'"):
        extract(tmp_path / 'evil.tar', tmp_path / 'cache')
    assert files_below(tmp_path) == [tmp_path / 'evil.tar']


class Texts(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = [], ''

    def handle_starttag(self, name, attributes):
        self.tags.append((name, attributes))

    def handle_data(self, data):
        self.text += data


texts = st.one_of(st.text(max_size=40), st.sampled_from([
    '<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "' onload='x", '&lt;b&gt;',
    ']]>', '<!--', '</p><p>', '\x00<b>', 'javascript:alert(1)']))


@many
@hypothesis.given(text=texts, attribute=texts)
def test_any_text_stays_text_in_html(text, attribute):
    source = tag('p', text, tag('b', [text, None]), title=attribute)
    parsed = Texts()
    parsed.feed(source)
    parsed.close()
    assert [name for name, _ in parsed.tags] == ['p', 'b']
    assert [key for key, _ in parsed.tags[0][1]] == ['title'] and not parsed.tags[1][1]
    assert isinstance(source, Markup)
    assert source.count(html.escape(text)) >= 2
