"""docs/model_zoo.md and the index of models are what tools/reproduce.py --write-zoo writes."""
from __future__ import annotations

import re

import pytest
import yaml

from mmpose_wass.reproduction import CONFIG_ROOT, collect_reports
from mmpose_wass.reproduction.zoo import (
    METAFILE,
    metafile,
    model_index,
    model_zoo,
    training_configs,
)


@pytest.fixture(scope='module')
def reports(root_dir):
    folder = root_dir / 'results'
    return collect_reports([str(folder)])[0] if folder.is_dir() else []


@pytest.mark.parametrize(('name', 'make'), [('docs/model_zoo.md', model_zoo),
                                            (METAFILE, metafile),
                                            ('model-index.yml', lambda _: model_index())])
def test_files_are_up_to_date(root_dir, reports, name, make):
    assert (root_dir / name).read_text(encoding='utf-8') == make(reports), (
        f'{name} is out of date: run python tools/reproduce.py --write-zoo')


def test_links_lead_somewhere(root_dir):
    text = (root_dir / 'docs/model_zoo.md').read_text(encoding='utf-8')
    links = re.findall(r'\]\(([^)]+)\)', text)
    assert len(links) > 150
    for link in links:
        assert (root_dir / 'docs' / link).resolve().exists(), link


def test_every_config_of_the_zoo_is_listed(root_dir):
    text = (root_dir / 'docs/model_zoo.md').read_text(encoding='utf-8')
    for path in CONFIG_ROOT.rglob('*.py'):
        # Evidence has a page of its own, docs/results.md.
        if not {'schemes', 'augmentations', 'evidence'} & {*path.parts} and \
                path.parent.name != '_base_':
            assert f'configs/face/{path.relative_to(CONFIG_ROOT).as_posix()}' in text, path.name


def test_index_is_valid(root_dir):
    content = yaml.safe_load((root_dir / METAFILE).read_text(encoding='utf-8'))
    names = [model['Name'] for model in content['Models']]
    assert len(set(names)) == len(names)
    assert {'hrnet_w18_300w_wass', 'hrnet_w18_300w_l2', 'compact_synthetic_wass'} <= set(names)
    assert {path.stem for path in training_configs()} <= set(names)
    for model in content['Models']:
        assert (root_dir / model['Config']).is_file()
        assert model['In Collection'] == content['Collections'][0]['Name']
