"""tools/convert_checkpoint.py on a tiny model that learns a tiny task with the L2 loss."""
from __future__ import annotations

import json

import pytest
import torch
from mmengine.config import Config
from test_tools.tiny_run import call_tool, write_config, write_faces

from mmpose_wass.engine.logit_scale import load_weights
from mmpose_wass.turning_on import turn_on


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Config of an L2 model, its checkpoint of random weights, and the tool."""
    write_faces(tmp_path / 'data', 8, 'train')
    write_faces(tmp_path / 'data', 4, 'test', seed=1)
    config = write_config(tmp_path / 'config.py', tmp_path / 'data', tmp_path / 'work')
    from mmengine.registry import init_default_scope
    from mmpose.registry import MODELS
    init_default_scope('mmpose')
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(str(config)).model)
    torch.save(dict(state_dict=model.state_dict(), optimizer=dict(lr=1),
                    meta=dict(epoch=7, experiment_name='l2')), tmp_path / 'l2.pth')

    def convert(*options):
        return call_tool('convert_checkpoint.py', *options, monkeypatch=monkeypatch,
                         capsys=capsys, cwd=tmp_path)

    return convert, config, tmp_path


def overfit(config, checkpoint):
    """A few dozen steps of the L2 loss on the eight training images."""
    from mmengine.runner import Runner
    from mmpose.registry import MODELS
    cfg = Config.fromfile(str(config))
    model = MODELS.build(cfg.model)
    loader = Runner.build_dataloader(cfg.train_dataloader)
    batch = model.data_preprocessor(next(iter(loader)), training=True)
    target = torch.stack([sample.gt_fields.heatmaps for sample in batch['data_samples']])
    with torch.no_grad():
        features = model.eval().extract_feat(batch['inputs'])[-1]
    # The final layer alone, solved: it sees 64 features of each pixel.
    rows = features.permute(0, 2, 3, 1).flatten(0, 2)
    rows = torch.cat([rows, torch.ones(len(rows), 1)], dim=1)
    wanted = target.permute(0, 2, 3, 1).flatten(0, 2)
    solution = torch.linalg.lstsq(rows.double(), wanted.double()).solution.float()
    with torch.no_grad():
        model.head.final_layer.weight.copy_(solution[:-1].T[..., None, None])
        model.head.final_layer.bias.copy_(solution[-1])
    torch.save(dict(state_dict=model.state_dict(), optimizer=dict(lr=1),
                    meta=dict(epoch=7, experiment_name='l2')), checkpoint)


def test_converts_and_writes_a_loadable_checkpoint(run):
    convert, config, folder = run
    overfit(config, folder / 'l2.pth')
    status, out, err = convert(config, 'l2.pth', 'new/start.pth', '--wass', '--sigma', '1.5',
                               '--batches', '1', '--report', 'report.json', '--wass-out',
                               'wass.py')
    assert status == 0, err
    report = json.loads((folder / 'report.json').read_text())['stages'][0]
    before, after = report['divergence']
    assert after < before and f'{after:.3f} nats' in out
    assert len(report['scale']) == 68 and min(report['scale']) > 0
    written = torch.load(folder / 'new/start.pth')
    assert set(written) == {'meta', 'state_dict'}  # no optimizer: it is a new start
    assert 'epoch' not in written['meta'] and written['meta']['experiment_name'] == 'l2'
    assert written['meta']['logit_scale']['source'] == 'l2.pth'
    original = torch.load(folder / 'l2.pth')['state_dict']
    changed = {name for name in original
               if not torch.equal(original[name], written['state_dict'][name])}
    assert changed == {'head.final_layer.weight', 'head.final_layer.bias'}
    scale = torch.tensor(report['scale'])
    torch.testing.assert_close(written['state_dict']['head.final_layer.bias'],
                               scale * original['head.final_layer.bias'])
    from mmpose.registry import MODELS
    model = MODELS.build(turn_on(Config.fromfile(str(config)), sigma=1.5).model)
    load_weights(model, written, 'start.pth')
    MODELS.build(Config.fromfile(str(folder / 'wass.py')).model)


def test_says_what_is_wrong(run):
    convert, config, folder = run
    status, _, err = convert(config, 'l2.pth', 'start.pth')
    assert status == 1 and 'add --wass' in err
    status, _, err = convert(config, 'nowhere.pth', 'start.pth', '--wass')
    assert status == 1 and 'nowhere.pth: no such file' in err
    torch.save(dict(state_dict={}), folder / 'empty.pth')
    status, _, err = convert(config, 'empty.pth', 'start.pth', '--wass')
    assert status == 1 and 'does not fit the model' in err
    status, _, err = convert(config, 'l2.pth', 'start.txt', '--wass')
    assert status == 2 and 'must end in .pth' in err
    assert not (folder / 'start.pth').exists()
