"""The distributions: what they hold, and that configs are found in them."""
from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml
from mmengine.config import Config

import mmpose_wass
from mmpose_wass.__main__ import main
from mmpose_wass.project import CONFIG_ROOT, IN_REPOSITORY

pytestmark = pytest.mark.skipif(not (Path(__file__).parents[1] / '.git').exists(),
                                reason='made from a repository only')


@pytest.fixture(scope='module')
def source(root_dir, tmp_path_factory):
    """A copy of what git knows or would add: building writes into the source."""
    folder = tmp_path_factory.mktemp('source')
    listed = subprocess.run(['git', 'ls-files', '-coz', '--exclude-standard'], cwd=root_dir,
                            capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split('\0')):
        if (root_dir / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root_dir / name, folder / name)
    return folder


def build(source: Path, kind: str, out: Path) -> Path:
    """Builds a distribution with the project's own backend."""
    code = f'from setuptools import build_meta as b; print("built", b.build_{kind}({str(out)!r}))'
    done = subprocess.run([sys.executable, '-c', code], cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out / re.findall(r'built (\S+)', done.stdout)[-1]


@pytest.fixture(scope='module')
def wheel(source, tmp_path_factory):
    return build(source, 'wheel', tmp_path_factory.mktemp('wheel'))


def test_wheel_holds_package_model_configs_and_tools(source, wheel):
    assert wheel.name == f'mmpose_wass-{mmpose_wass.__version__}-py3-none-any.whl'
    held = set(zipfile.ZipFile(wheel).namelist())
    for path in source.rglob('*'):
        name = path.relative_to(source).as_posix()
        if not path.is_file() or '/__pycache__/' in name or '.egg-info' in name:
            continue
        if name.startswith('mmpose_wass/'):
            assert name in held
        elif name.startswith(('configs/', 'tools/')) or name == 'model-index.yml':
            assert f'mmpose_wass/.mim/{name}' in held
    assert not [name for name in held if name.startswith(('tests/', 'build/'))]
    assert wheel.stat().st_size < 10e6


def test_wheel_works_where_there_is_no_repository(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / 'site')
    code = ('import mmpose_wass, mmpose_wass.project as p; from mmengine.config import Config;'
            'print(mmpose_wass.__file__); print(p.CONFIG_ROOT); print(p.IN_REPOSITORY);'
            'print(Config.fromfile("mine.py").model.head.loss.type)')
    (tmp_path / 'mine.py').write_text("_base_ = ['mmpose_wass::face/hrnet_w18_300w_wass.py']\n")
    done = subprocess.run([sys.executable, '-c', code], cwd=tmp_path, capture_output=True,
                          text=True, env=dict(PYTHONPATH=str(tmp_path / 'site'), PATH='/usr/bin'))
    assert done.returncode == 0, done.stderr
    package, configs, in_repository, loss = done.stdout.splitlines()
    assert Path(package).parent == tmp_path / 'site/mmpose_wass'
    assert Path(configs) == tmp_path / 'site/mmpose_wass/.mim/configs/face'
    assert (in_repository, loss) == ('False', 'WassersteinHeatmapLoss')


def test_source_distribution_holds_the_tests_and_what_they_read(source, tmp_path):
    with tarfile.open(build(source, 'sdist', tmp_path)) as archive:
        held = {name.partition('/')[2] for name in archive.getnames()}
    left_out = {'.gitignore', '.gitattributes'}
    missing = [name for path in source.rglob('*') if path.is_file()
               for name in [path.relative_to(source).as_posix()]
               if name not in held | left_out and '.egg-info' not in name
               and not name.startswith('build/') and '/__pycache__/' not in name]
    assert not missing


def test_a_config_of_ones_own_can_build_on_ours(tmp_path):
    if IN_REPOSITORY and not (CONFIG_ROOT.parents[1] / 'mmpose_wass/.mim/configs').exists():
        pytest.skip('imported from a folder: not installed')
    mine = tmp_path / 'mine.py'
    mine.write_text("_base_ = ['mmpose_wass::face/hrnet_w18_300w_wass.py']\nwork_dir = 'mine'\n")
    ours = Config.fromfile(CONFIG_ROOT / 'hrnet_w18_300w_wass.py')
    assert Config.fromfile(mine).model == ours.model


def test_tools_run_by_name(root_dir, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['mmpose_wass'])
    monkeypatch.setattr(sys, 'path', [*sys.path])
    main([])
    assert 'train' in capsys.readouterr().out
    with pytest.raises(SystemExit) as end:
        main(['landmarks', '--help'])
    assert end.value.code == 0 and 'usage: landmarks.py' in capsys.readouterr().out
    with pytest.raises(SystemExit, match="there is no tool 'trian'"):
        main(['trian'])


def test_model_index_names_what_there_is(root_dir):
    first = yaml.safe_load((root_dir / 'model-index.yml').read_text(encoding='utf-8'))
    index = yaml.safe_load((root_dir / first['Import'][0]).read_text(encoding='utf-8'))
    assert index['Collections'][0]['Code']['Version'] == f'v{mmpose_wass.__version__}'
    for model in index['Models']:
        assert (root_dir / model['Config']).is_file(), model['Name']


def test_versions_agree(root_dir):
    version = mmpose_wass.__version__
    assert f'\nversion: {version}\n' in (root_dir / 'CITATION.cff').read_text(encoding='utf-8')
    heading = re.search(r'^## \[(.+?)\]', (root_dir / 'CHANGELOG.md').read_text(encoding='utf-8'),
                        re.M)
    assert heading.group(1) == version
