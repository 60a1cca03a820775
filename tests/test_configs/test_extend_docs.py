"""docs/extend.md, executed: its files are written to a folder, and what they describe is run."""
from __future__ import annotations

import json
import re
import shutil
import sys

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS, EVALUATORS, MODELS
from test_configs.zoo import FACE, shrink

from mmpose_wass.datasets.synthetic import write_dataset

BLOCK = re.compile(r'^`([\w/.-]+\.py)`\n\n```python\n(.*?)```', re.MULTILINE | re.DOTALL)


@pytest.fixture(scope='module')
def checkout(tmp_path_factory, root_dir):
    """A checkout with the parts that are there, and the files of the page."""
    root = tmp_path_factory.mktemp('checkout')
    shutil.copytree(FACE / '_base_', root / 'configs/face/_base_')
    shutil.copytree(FACE / '300w', root / 'configs/face/300w')
    files = BLOCK.findall((root_dir / 'docs/extend.md').read_text(encoding='utf-8'))
    assert len(files) == 6
    for name, text in files:
        path = root / name
        assert not path.exists()  # new files; nothing that is there is edited
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    write_dataset('300w', root / 'data/studio', dict(train=2, test=2), image_size=64)
    folder = root / 'data/studio/annotations'
    for part, name in dict(train='train', valid='test', valid_common='easy',
                           valid_challenge='hard').items():
        shutil.copy(folder / f'face_landmarks_300w_{part}.json', folder / f'{name}.json')
    sys.path.insert(0, str(root))
    yield root
    sys.path.remove(str(root))
    sys.modules.pop('my_losses', None)


def load(root, name):
    init_default_scope('mmpose')
    (path, ) = (root / 'configs/face').rglob(f'{name}.py')
    return Config.fromfile(path)


@pytest.mark.parametrize('name', [
    'td-hm_hrnetv2-w18_wass-sigma3-1xb16-60e_studio-256x256',
    'td-hm_hrnetv2-w18_l2-sigma1-1xb16-60e_300w-to-studio-256x256',
    'td-hm_hrnetv2-w18-coordconv_squared-barycenter-sigma1-1xb16-60e_studio-256x256'])
def test_the_page_trains_and_tests(checkout, name):
    # The page's own paths lead to the data.
    cfg = shrink(load(checkout, name), lambda data_root: checkout / 'data/studio')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    train = DATASETS.build(cfg.train_dataloader.dataset)
    batch = model.data_preprocessor(pseudo_collate([train[0], train[1]]), training=True)
    total, _ = model.parse_losses(model(**batch, mode='loss'))
    total.backward()
    assert torch.isfinite(total) and total > 0
    test = DATASETS.build(cfg.test_dataloader.dataset)
    evaluator = EVALUATORS.build(cfg.test_evaluator)
    evaluator.dataset_meta = test.metainfo
    model.eval()
    with torch.no_grad():
        evaluator.process(model.test_step(pseudo_collate([test[0], test[2]])))
    metrics = evaluator.evaluate(2)
    assert {'easy/face/NME', 'hard/face/NME', 'all/face/NME'} <= set(metrics)


def test_the_new_loss_is_what_the_page_says(checkout):
    cfg = load(checkout, 'td-hm_hrnetv2-w18-coordconv_squared-barycenter-sigma1-1xb16-60e_'
                         'studio-256x256')
    assert cfg.custom_imports.imports == ['mmpose_wass', 'my_losses']
    loss = MODELS.build(cfg.model.head.loss)
    logits = torch.full((2, 1, 1, 16, 16), -50.)
    logits[0, ..., 3, 4], logits[1, ..., 6, 8] = 50, 50
    assert loss(logits[0], logits[1].exp()).item() == pytest.approx(25)
    assert cfg.model.type == 'CoordConvPoseEstimator'


def test_the_new_data_set_is_a_part_and_nothing_else_changes(checkout):
    """The same recipe on 300W differs in the data alone."""
    ours, theirs = (load(checkout, f'td-hm_hrnetv2-w18_wass-sigma3-1xb16-60e_{data}-256x256')
                    .to_dict() for data in ('studio', '300w'))
    names = {name for name in {*ours, *theirs} if json.dumps(ours.get(name), default=str)
             != json.dumps(theirs.get(name), default=str)}
    assert names == {'data_studio', 'data_300w', 'train_dataloader', 'val_dataloader',
                     'test_dataloader', 'test_evaluator'}
