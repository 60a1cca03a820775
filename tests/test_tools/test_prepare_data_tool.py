"""The command line of tools/prepare_data.py."""
from __future__ import annotations

import importlib.util

import pytest
from miniature_archives import members_300w, write_300w, write_zip


@pytest.fixture(scope='module')
def tool(root_dir):
    path = root_dir / 'tools/prepare_data.py'
    spec = importlib.util.spec_from_file_location('prepare_data', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize('command', ['synthetic', '300w', '300vw', 'wflw', 'cofw', 'aflw', 'check'])
def test_help_has_examples(tool, command, capsys):
    with pytest.raises(SystemExit) as stopped:
        tool.main([command, '--help'])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    assert 'examples:' in text and f'prepare_data.py {command}' in text


def test_prepare_and_check(tool, tmp_path, capsys):
    downloads, root = write_300w(tmp_path / 'downloads'), tmp_path / '300w'
    assert tool.main(['300w', str(downloads), str(root)]) == 1
    captured = capsys.readouterr()
    assert 'error: 300w: the data set is not complete' in captured.err
    assert 'train: 6 (published: 3148)' in captured.err and '--allow-incomplete' in captured.err
    assert tool.main(['300w', str(downloads), str(root), '--allow-incomplete']) == 0
    out = capsys.readouterr().out
    assert 'face_landmarks_300w_train.json: 6 faces' in out and 'INCOMPLETE' in out
    assert tool.main(['check', str(root)]) == 0
    out = capsys.readouterr().out
    assert '0 errors, 0 warnings' in out and 'contact_sheet.png' in out
    (root / 'images/afw/1051618982_1.jpg').unlink()
    assert tool.main(['check', str(root), '--quick', '--out', str(tmp_path / 'out')]) == 1
    assert 'error: image missing: 1' in capsys.readouterr().out
    assert (tmp_path / 'out/check.json').exists()


def test_archives_by_name(tool, tmp_path, capsys):
    """Several sources: all but the last argument."""
    archives = [str(write_zip(tmp_path / name, members_300w()[name]))
                for name in ('afw.zip', 'ibug.zip')]
    root = tmp_path / '300w'
    assert tool.main(['300w', *archives, str(root), '--allow-incomplete']) == 0
    assert 'train.json: 3 faces' in capsys.readouterr().out


def test_film_options_reach_their_place(tool, tmp_path, capsys):
    assert tool.main(['300vw', str(tmp_path), str(tmp_path / 'out'), '--splits', 'test_3',
                      '--format', 'jpg', '--quality', '200']) == 1
    assert 'quality must be 1 … 100, found 200' in capsys.readouterr().err
    assert tool.main(['300vw', str(tmp_path), str(tmp_path / 'out'), '--splits', 'test_3']) == 1
    assert 'video of test_3 missing: 14' in capsys.readouterr().err


def test_no_such_source(tool, tmp_path, capsys):
    assert tool.main(['wflw', str(tmp_path / 'nowhere'), str(tmp_path / 'wflw')]) == 1
    assert 'nowhere does not exist' in capsys.readouterr().err
