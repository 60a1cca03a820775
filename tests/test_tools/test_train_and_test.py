"""tools/train.py and tools/test.py from the outside, run from another folder."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import mmpose
import numpy as np
import pytest
from mmengine.config import Config
from tiny_run import call_tool, run_tool, write_config, write_faces


@pytest.fixture
def call(folder, monkeypatch, capsys):
    """Run a tool inside this process."""
    def run(*arguments):
        return call_tool(*arguments, monkeypatch=monkeypatch, capsys=capsys, cwd=folder)
    return run


STOCK = ('mmpose::face_2d_keypoint/topdown_heatmap/300w/'
         'td-hm_hrnetv2-w18_8xb64-60e_300w-256x256')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('tools')
    write_faces(folder / 'data', 8, 'train')
    write_faces(folder / 'data', 5, 'test', seed=1)
    write_config(folder / 'stock.py', folder / 'data', folder / 'run', epochs=2)
    return folder


@pytest.fixture(scope='module')
def trained(folder):
    """A stock config with --wass, trained for two epochs."""
    result = run_tool(
        'train.py', 'stock.py', '--wass', '--sigma', '2', '--loss', 'wasserstein+kl', '--wass-out',
        'out/wass.py', cwd=folder)
    return folder, result.stdout


def test_train_prints_what_wass_changes(trained):
    _, printed = trained
    assert "model.head.loss.type: 'KeypointMSELoss' -> 'WeightedSumHeatmapLoss'" in printed
    assert 'codec.sigma: 1.5 -> 2.0' in printed
    for term in ('loss_wasserstein', 'loss_kl', 'wasserstein_px', 'face/NME'):
        assert term in printed


def test_wass_out_stands_alone(trained):
    folder, _ = trained
    cfg = Config.fromfile(folder / 'out' / 'wass.py')
    assert cfg.model.head.type == 'ProbabilityHeatmapHead'
    assert 'launcher' not in cfg
    assert cfg.custom_imports.imports == ['mmpose_wass']


def test_test_writes_metrics_and_predictions(trained):
    folder, _ = trained
    result = run_tool(
        'test.py', 'out/wass.py', 'run/epoch_2.pth', '--out', 'results/metrics.json',
        '--out-predictions', 'results/faces.json', '--dump', 'dump.pkl', cwd=folder)
    report = json.loads((folder / 'results' / 'metrics.json').read_text())
    for name in ('NME', 'face/NME', 'face/FR_I@0.08', 'face/FR_I@0.10', 'face/FR_L@0.05',
                 'face/FR_L@0.20', 'face/AUC@0.10'):
        assert name in report['metrics'] and name in result.stdout
    assert report['data']['faces'] == report['data']['images'] == 5
    assert report['data']['annotated_landmarks'] == 5 * 68
    assert report['data']['sets'][0]['annotations'].endswith('annotations/test.json')
    assert report['checkpoint']['epoch'] == 2
    assert report['checkpoint']['file'] == str(folder / 'run' / 'epoch_2.pth')
    assert report['config']['codec']['type'] == 'BarycenterCodec'
    assert report['versions']['torch'] and report['versions']['mmpose_wass']
    assert report['date'].endswith('+00:00')

    predictions = json.loads((folder / 'results' / 'faces.json').read_text())['faces']
    assert [face['id'] for face in predictions] == list(range(5))
    truth = json.loads((folder / 'data' / 'annotations' / 'test.json').read_text())
    for face, annotation in zip(predictions, truth['annotations']):
        np.testing.assert_allclose(
            face['ground_truth'], np.reshape(annotation['keypoints'], (68, 3))[:, :2], rtol=1e-6)
        assert face['img_path'].endswith(f'test_{face["img_id"]}.png')
        assert np.shape(face['keypoints']) == (68, 2)
        assert np.shape(face['keypoint_scores']) == (68, )
    # The file holds what the metric was computed from.
    errors = [np.linalg.norm(np.subtract(face['keypoints'], face['ground_truth']), axis=1).mean()
              / np.linalg.norm(np.subtract(*np.array(face['ground_truth'])[[36, 45]]))
              for face in predictions]
    assert report['metrics']['face/NME'] == pytest.approx(100 * np.mean(errors), rel=1e-5)
    assert len(pickle.loads((folder / 'dump.pkl').read_bytes())) == 5


def test_wass_again_gives_the_same_as_the_written_config(trained):
    folder, _ = trained
    for config, options, name in (('out/wass.py', [], 'written'), (
            'stock.py', ['--wass', '--sigma', '2', '--loss', 'wasserstein+kl'], 'again')):
        run_tool('test.py', config, 'run/epoch_2.pth', '--out', f'{name}.json', *options,
                 cwd=folder)
    written, again = (json.loads((folder / f'{name}.json').read_text())
                      for name in ('written', 'again'))
    assert written['metrics'] == again['metrics']


def test_resume_goes_on(trained):
    folder, _ = trained
    printed = run_tool(
        'train.py', 'out/wass.py', '--resume', '--work-dir', 'run', '--cfg-options',
        'train_cfg.max_epochs=3', cwd=folder).stdout
    assert 'resumed epoch: 2' in printed
    assert 'Epoch(train) [3]' in printed and 'Epoch(train) [1]' not in printed
    assert (folder / 'run' / 'epoch_2.pth').exists()


def test_checkpoints_of_mmposes_own_tool_load(folder):
    stock_tool = Path(mmpose.__file__).parent / '.mim' / 'tools' / 'train.py'
    environment = dict(os.environ, OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='-1')
    subprocess.run(
        [sys.executable, stock_tool, 'stock.py', '--work-dir', 'by_mmpose', '--cfg-options',
         'train_cfg.max_epochs=1', 'val_cfg=None', 'val_dataloader=None', 'val_evaluator=None',
         'default_hooks.checkpoint.save_best=None'],
        cwd=folder, env=environment, check=True, capture_output=True, text=True)
    run_tool('test.py', 'stock.py', 'by_mmpose/epoch_1.pth', '--out', 'by_mmpose.json', cwd=folder)
    assert json.loads((folder / 'by_mmpose.json').read_text())['metrics']['NME'] > 0
    printed = run_tool(
        'train.py', 'stock.py', '--wass', '--resume', 'by_mmpose/epoch_1.pth', '--work-dir',
        'continued', cwd=folder).stdout
    assert 'Epoch(train) [2]' in printed and 'Epoch(train) [1]' not in printed


def test_without_wass_a_config_stays_as_it_is(call):
    _, printed, _ = call('train.py', 'stock.py', '--show-config')
    assert "type='MSRAHeatmap'" in printed and 'mmpose_wass' not in printed


def test_options_of_mmpose(call):
    status, printed, _ = call(
        'train.py', 'stock.py', '--show-config', '--amp', '--no-validate', '--work-dir',
        'elsewhere', '--cfg-options', 'model.backbone.init_cfg=None', 'train_cfg.max_epochs=7',
        'model.backbone.depth=34', 'my_list=[1,2]')
    assert status == 0
    for text in ("type='AmpOptimWrapper'", "loss_scale='dynamic'", 'val_dataloader = None',
                 "work_dir = 'elsewhere'", 'max_epochs=7', 'depth=34', 'init_cfg=None',
                 'my_list = ['):
        assert text in printed
    assert 'save_best' not in printed, 'there would be nothing to choose the best by'


def test_visualization_and_resume_options(call):
    status, _, errors = call('train.py', 'stock.py', '--show-config', '--show-dir', 'drawn')
    assert status == 1 and 'PoseVisualizationHook' in errors
    _, printed, _ = call('train.py', STOCK, '--show-config', '--show-dir', 'drawn', '--interval',
                         '3', '--resume', '--auto-scale-lr')
    for text in ("out_dir='drawn'", 'interval=3', 'resume = True', 'enable=True',
                 'auto_scale_lr = dict(base_batch_size=512, enable=True)',
                 "work_dir = './work_dirs/td-hm_hrnetv2-w18_8xb64-60e_300w-256x256'"):
        assert text in printed


def test_dry_run_checks_and_stops(call, folder):
    status, printed, _ = call(
        'train.py', 'stock.py', '--wass', '--dry-run', '--work-dir', 'untouched')
    assert status == 0
    assert 'BarycenterCodec' in printed and 'Dry run' in printed
    assert not (folder / 'untouched').exists()


@pytest.mark.parametrize('arguments, message', [
    (['train.py', 'nothing.py'], 'config nothing.py: no such file'),
    (['train.py', 'mmpose::face_2d_keypoint/nothing'], 'not found in the installed package'),
    (['train.py', STOCK, '--wass'], 'annotations/face_landmarks_300w_train.json'),
    (['train.py', STOCK, '--wass'], 'train_dataloader.dataset.data_root=/path/to/300w'),
    (['train.py', 'stock.py', '--resume', 'gone.pth'], 'checkpoint gone.pth: no such file'),
    (['train.py', 'stock.py', '--cfg-options', 'codec.sigma.x=1'], '--cfg-options codec.sigma.x=1'),
    (['train.py', 'stock.py', '--sigma', '2'], 'only together with --wass'),
    (['train.py', 'stock.py', '--wass', '--sigma', '-2'], 'sigma must be positive'),
    (['train.py', 'mmpose::face_2d_keypoint/rtmpose/wflw/rtmpose-m_8xb64-60e_wflw-256x256',
      '--wass'], 'RTMCCHead'),
    (['train.py', 'stock.py', '--launcher', 'pytorch'], 'tools/dist_train.sh'),
    (['test.py', 'stock.py', 'gone.pth'], 'checkpoint gone.pth: no such file'),
    (['test.py', 'stock.py', 'stock.py'], 'checkpoint stock.py'),
    (['test.py', 'stock.py', 'x.pth', '--out', 'x.txt'], 'must end in .json'),
    (['test.py', 'stock.py', 'x.pth', '--out-predictions', 'x.csv'], '.npz'),
])
def test_errors_name_what_is_wrong(call, arguments, message):
    status, _, errors = call(*arguments)
    assert status in (1, 2)
    assert message in errors


def test_errors_come_without_a_stack_trace(folder):
    result = run_tool('train.py', 'nothing.py', cwd=folder, check=False)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith('error: config nothing.py')
    assert 'Traceback' not in result.stderr


def test_unavailable_pretrained_weights(folder):
    # A host that no name server may know (RFC 6761), so that the test needs no network.
    address = 'https://weights.invalid/resnet.pth'
    write_config(folder / 'pretrained.py', folder / 'data', folder / 'pretrained', epochs=1,
                 init_cfg=dict(type='Pretrained', checkpoint=address))
    result = run_tool('train.py', 'pretrained.py', cwd=folder, check=False, timeout=120)
    assert result.returncode == 1
    assert address in result.stderr and 'Traceback' not in result.stderr
    assert '--cfg-options model.backbone.init_cfg=None' in result.stderr
    assert not (folder / 'pretrained').exists()
    # And the option that it names does it.
    run_tool('train.py', 'pretrained.py', '--cfg-options', 'model.backbone.init_cfg=None',
             cwd=folder)
    assert (folder / 'pretrained' / 'epoch_1.pth').exists()


@pytest.mark.parametrize('tool', ['train.py', 'test.py'])
def test_help_has_examples(call, tool):
    status, printed, _ = call(tool, '--help')
    assert status == 0
    for option in ('--wass', '--sigma', '--loss', '--wass-out', '--cfg-options', '--work-dir',
                   '--launcher', '--show-dir', 'examples:'):
        assert option in printed
    assert ('--out-predictions' in printed) == (tool == 'test.py')
