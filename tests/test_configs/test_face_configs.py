"""Every config of the plugin loads, builds, trains a step and predicts."""
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.evaluator import Evaluator
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS, MODELS
from test_tools.tiny_run import write_faces

from mmpose_wass.datasets.synthetic import write_dataset

CONFIGS = sorted((Path(__file__).resolve().parents[2] / 'configs').rglob('*.py'))
# The protocols that test on other data, the evidence and the zoo (test_zoo.py) have tests of their
# own.
RUNNABLE = [path for path in CONFIGS if not {'_base_', 'cross_dataset', 'evidence'} & {*path.parts}
            and not path.stem.startswith('td-hm_')]


@pytest.fixture(scope='module')
def faces(tmp_path_factory):
    """Folder of a data set's faces by the data set's class, made when first asked for."""
    root = tmp_path_factory.mktemp('faces')
    schemes = dict(Face300WDataset='300w', WFLWDataset='wflw', COFWDataset='cofw')

    def write(dataset):
        folder = root / schemes[dataset]
        if folder.exists():
            pass
        elif dataset == 'Face300WDataset':
            for name in ('train', 'valid', 'valid_common'):
                write_faces(folder, 2, f'face_landmarks_300w_{name}')
        else:
            write_dataset(schemes[dataset], folder, dict(train=2, test=2), image_size=64)
        return folder

    return write


def load(path, faces):
    cfg = Config.fromfile(path)
    init_default_scope('mmpose')
    if cfg.model.backbone.get('init_cfg'):
        cfg.model.backbone.init_cfg = None
    for name in ('train', 'val', 'test'):
        dataset = cfg[f'{name}_dataloader'].dataset
        dataset.data_root = str(faces(dataset.type))
    return cfg


@pytest.mark.parametrize('path', RUNNABLE, ids=lambda path: path.stem)
def test_training_step_and_evaluation(path, faces):
    cfg = load(path, faces)
    model = MODELS.build(cfg.model)
    model.init_weights()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)

    train = DATASETS.build(cfg.train_dataloader.dataset)
    batch = model.data_preprocessor(pseudo_collate([train[0], train[1]]), training=True)
    total, log = model.parse_losses(model(**batch, mode='loss'))
    assert torch.isfinite(total) and total > 0
    total.backward()
    optimizer.step()

    test = DATASETS.build(cfg.test_dataloader.dataset)
    evaluator = Evaluator(cfg.test_evaluator)
    evaluator.dataset_meta = test.metainfo
    model.eval()
    for sample in (test[0], test[1]):
        with torch.no_grad():
            outputs = model.test_step(pseudo_collate([sample]))
        assert np.isfinite(outputs[0].pred_instances.keypoints).all()
        evaluator.process(outputs)
    metrics = evaluator.evaluate(2)
    assert {'face/NME', 'face/FR_L@0.10', 'NME'} <= set(metrics)
    assert cfg.default_hooks.checkpoint.save_best == 'face/NME'


@pytest.mark.parametrize('path', RUNNABLE, ids=lambda path: path.stem)
def test_targets_and_decoder_agree(path):
    """A config repeats its codec: the head's and the target's must put landmarks in one place."""
    cfg = Config.fromfile(path)
    (encoder, ) = (transform.encoder for transform in cfg.train_dataloader.dataset.pipeline
                   if transform.type == 'GenerateTarget')
    decoder = cfg.model.head.decoder
    for option in ('input_size', 'heatmap_size', 'sigma'):
        assert encoder[option] == decoder[option]
    if encoder.type == decoder.type:
        assert encoder == decoder
    else:
        assert decoder.coordinates == 'mmpose'


def test_twins_differ_in_loss_targets_and_sampling_alone():
    folder = Path(__file__).resolve().parents[2] / 'configs/face'
    ours, theirs = (Config.fromfile(folder / f'hrnet_w18_300w_{name}.py').to_dict()
                    for name in ('wass', 'l2'))
    for cfg in (ours, theirs):
        cfg['model']['head'] = {key: value for key, value in cfg['model']['head'].items()
                                if key not in ('type', 'loss', 'decoder')}
        cfg.pop('codec')
        for pipeline in (cfg['train_pipeline'], cfg['train_dataloader']['dataset']['pipeline']):
            pipeline[-2].pop('encoder')
    assert ours == theirs
    optimizer = ours['optim_wrapper']['optimizer']
    assert (optimizer['type'], optimizer['lr']) == ('Adam', 1e-4)
    assert ours['default_hooks']['checkpoint']['save_best'] == 'face/NME'
