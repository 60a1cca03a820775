"""Heatmaps and failures arrive in the visualizer's backends while a model is trained."""
from __future__ import annotations

import copy
import os
import sys
from types import ModuleType, SimpleNamespace

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from mmengine.visualization import Visualizer
from mmpose.registry import HOOKS
from robustness_data import write_model

from mmpose_wass.datasets.synthetic import write_dataset
from mmpose_wass.visualization import HeatmapVisualizationHook
from mmpose_wass.visualization.heatmaps import strips_figure

FACES = 5


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp('hook')
    write_dataset('300w', folder / '300w', dict(train=1, test=FACES), seed=3, image_size=96)
    return folder


def training(root, work_dir, backend='LocalVisBackend', kind='probability', epochs=2, **hook):
    """A runner that trains on the rendered test faces, one batch an epoch."""
    cfg = Config.fromfile(write_model(root, kind)[0])
    loader = cfg.test_dataloader.to_dict()
    loader['dataset']['indices'] = FACES
    training = copy.deepcopy(loader)
    training['batch_size'] = FACES
    steps = training['dataset']['pipeline']
    steps.insert(3, dict(type='GenerateTarget', encoder=cfg.model.head.decoder))
    training['dataset'].pop('test_mode')
    return Runner.from_cfg(Config(dict(
        default_scope='mmpose', work_dir=str(work_dir), experiment_name=f'hook_{work_dir.name}',
        model=cfg.model, train_dataloader=training, val_dataloader=loader,
        test_dataloader=copy.deepcopy(loader), val_cfg=dict(), test_cfg=dict(),
        train_cfg=dict(by_epoch=True, max_epochs=epochs, val_interval=1),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=1e-3)),
        val_evaluator=dict(type='FaceLandmarkMetric',
                           outfile_prefix=str(work_dir / 'validation')),
        test_evaluator=dict(type='FaceLandmarkMetric'), randomness=dict(seed=0),
        visualizer=dict(type='PoseLocalVisualizer', name=f'hook_{work_dir.name}',
                        vis_backends=[dict(type=backend)]),
        custom_hooks=[dict(type='HeatmapVisualizationHook', **hook)])))


class Recorder:
    """Stands in for the visualizer: keeps what is added."""

    def __init__(self, monkeypatch):
        self.images = []
        monkeypatch.setattr(Visualizer, 'add_image',
                            lambda _, name, image, step=0: self.images.append((name, image, step)))

    @property
    def names(self):
        return [f'{name}@{step}' for name, _, step in self.images]


def test_files_of_a_training(root, tmp_path):
    runner = training(root, tmp_path, interval=2, max_faces=2, worst=3)
    runner.train()
    found = {name for _, _, names in os.walk(tmp_path) for name in names if name.endswith('.png')}
    assert found == {f'val_{kind}_{epoch}.png' for epoch in (1, 2)
                     for kind in ('heatmaps_0', 'heatmaps_1', 'failures')}
    folder = next(folder for folder, _, names in os.walk(tmp_path) if 'val_failures_1.png' in names)
    sizes = {name: cv2.imread(os.path.join(folder, name)).shape for name in found}
    # A row of the fixed faces, three of the failures.
    assert sizes['val_failures_1.png'][0] > 2.5 * (sizes['val_heatmaps_0_1.png'][0] - 150)
    assert sizes['val_heatmaps_0_1.png'][1] == sizes['val_failures_1.png'][1]
    # The model is left as it was.
    assert 'output_heatmaps' not in runner.model.test_cfg


def test_the_worst_faces_are_those_of_the_metric(root, tmp_path, monkeypatch):
    seen = []

    def remember(views, title, landmarks):
        seen.append((title, views))
        return strips_figure(views, title, landmarks)

    monkeypatch.setattr('mmpose_wass.visualization.heatmaps.hook.strips_figure', remember)
    recorder = Recorder(monkeypatch)
    training(root, tmp_path, epochs=1, interval=0, worst=2).train()
    assert recorder.names == ['val_failures@1']
    (title, views), = seen
    with np.load(tmp_path / 'validation.errors.npz') as results:
        errors = np.nanmean(results['errors'], axis=1)
        names = [os.path.basename(path) for path in results['image_paths']]
    order = np.argsort(-errors)[:2]
    assert [os.path.basename(view.name) for view in views] == [names[place] for place in order]
    np.testing.assert_allclose([view.mean_error for view in views], errors[order], rtol=1e-4)
    assert title == 'The worst faces (2), step 1'
    assert max(views[0].picture.shape[:2]) == 256 and views[0].maps is not None


def test_pictures_at_every_second_validation_and_of_named_landmarks(root, tmp_path, monkeypatch):
    recorder = Recorder(monkeypatch)
    training(root, tmp_path, epochs=3, interval=FACES, worst=0, val_interval=2,
             landmarks=['nose_tip', 45]).train()
    assert recorder.names == ['val_heatmaps_0@1', 'val_heatmaps_0@3']
    images = [image for _, image, _ in recorder.images]
    assert all(image.dtype == np.uint8 and image.ndim == 3 for image in images)
    assert images[0].shape == images[1].shape
    # Trained in between: the maps have changed.
    assert (images[0] != images[1]).any()


def test_a_model_without_heatmaps_is_tested_all_the_same(root, tmp_path, monkeypatch):
    recorder = Recorder(monkeypatch)
    runner = training(root, tmp_path, kind='regression', interval=4, worst=1)
    runner.test()
    assert recorder.names == ['test_heatmaps_0@0', 'test_heatmaps_1@0', 'test_failures@0']


def test_an_own_setting_of_output_heatmaps_is_kept(root, tmp_path, monkeypatch):
    Recorder(monkeypatch)
    runner = training(root, tmp_path, worst=1)
    runner.model.test_cfg['output_heatmaps'] = True
    runner.test()
    assert runner.model.test_cfg['output_heatmaps'] is True


def test_an_unknown_landmark_is_named(root, tmp_path, monkeypatch):
    Recorder(monkeypatch)
    message = "HeatmapVisualizationHook.landmarks: no landmark is named 'elbow'"
    with pytest.raises(ValueError, match=message):
        training(root, tmp_path, worst=1, landmarks=['elbow']).test()


def test_an_unknown_landmark_is_told_before_the_training(root, tmp_path, monkeypatch):
    runner = training(root, tmp_path, worst=1, landmarks=['nose_tip', 68])
    monkeypatch.setattr(runner.model, 'train_step', None)
    with pytest.raises(ValueError, match='there is no landmark 68; there are 68, 0 to 67'):
        runner.train()


def test_predictions_that_are_not_finite_are_the_worst(root, tmp_path, monkeypatch):
    """Whether there is an annotation to compare them with, or not."""
    seen = []

    def remember(views, title, landmarks):
        seen.extend(view.name for view in views)
        return strips_figure(views, title, landmarks)

    monkeypatch.setattr('mmpose_wass.visualization.heatmaps.hook.strips_figure', remember)
    recorder = Recorder(monkeypatch)
    runner = training(root, tmp_path, epochs=1, interval=0, worst=3)
    step, broken = runner.model.val_step, []

    def break_two(data):
        samples = step(data)
        for sample in samples:
            if len(broken) < 2:
                sample.pred_instances.keypoints[..., 7, :] = np.nan
                sample.pred_fields.heatmaps[7] = np.nan
                if broken:
                    sample.gt_instances.keypoints_visible[...] = 0
                broken.append(os.path.basename(sample.img_path))
        return samples

    monkeypatch.setattr(runner.model, 'val_step', break_two)
    monkeypatch.setattr(runner.val_loop.evaluator, 'process', lambda *_, **__: None)
    monkeypatch.setattr(runner.val_loop.evaluator, 'evaluate', lambda _: {})
    runner.train()
    assert [os.path.basename(name) for name in seen[:2]] == broken and len(seen) == 3
    assert recorder.names == ['val_failures@1']


@pytest.mark.parametrize('options, message', [
    (dict(interval=-1), 'interval'), (dict(worst=1.5), 'worst'), (dict(val_interval=0), 'val_int'),
    (dict(worst=0, interval=0), 'nothing to draw'), (dict(worst=0, max_faces=0), 'nothing')])
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        HeatmapVisualizationHook(**options)


def test_the_hook_is_registered():
    assert isinstance(HOOKS.build(dict(type='HeatmapVisualizationHook')), HeatmapVisualizationHook)


class FakeWandb(ModuleType):
    """What MMEngine's backend calls of W&B."""

    def __init__(self):
        super().__init__('wandb')
        self.logged = []
        self.config = SimpleNamespace(update=lambda *_, **__: None)
        self.run = SimpleNamespace(log_code=lambda **_: None)

    def init(self, **_):
        pass

    def Image(self, pixels):
        return pixels.copy()

    def log(self, content, commit):
        self.logged += [(name, value) for name, value in content.items()]

    def join(self):
        pass


def test_pictures_arrive_in_wandb(root, tmp_path, monkeypatch):
    wandb = FakeWandb()
    monkeypatch.setitem(sys.modules, 'wandb', wandb)
    training(root, tmp_path, 'WandbVisBackend', interval=4, worst=2).train()
    pictures = [(name, value) for name, value in wandb.logged if isinstance(value, np.ndarray)]
    assert [name for name, _ in pictures] == 2 * [
        'val_heatmaps_0', 'val_heatmaps_1', 'val_failures']
    for _, picture in pictures:  # RGB: of the overlays, pale yellow
        assert picture.dtype == np.uint8
        assert (picture.min(axis=(0, 1)) < 170).all()
        assert ((picture[..., 0] > 180) & (picture[..., 1] > 180) & (picture[..., 2] < 170)).any()


def test_pictures_arrive_in_tensorboard(root, tmp_path):
    pytest.importorskip('tensorboard')
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    training(root, tmp_path, 'TensorboardVisBackend', interval=4, worst=2).train()
    folder = next(folder for folder, _, names in os.walk(tmp_path)
                  if any(name.startswith('events.out') for name in names))
    events = EventAccumulator(folder, size_guidance=dict(images=0)).Reload()
    assert set(events.Tags()['images']) == {'val_failures', 'val_heatmaps_0', 'val_heatmaps_1'}
    for tag in events.Tags()['images']:
        pictures = events.Images(tag)
        assert [picture.step for picture in pictures] == [1, 2]
        decoded = cv2.imdecode(np.frombuffer(pictures[0].encoded_image_string, np.uint8), 1)
        assert decoded.shape[:2] == (pictures[0].height, pictures[0].width)
        # Of the overlays: pale yellow, the colour of the highest value, in RGB as it was drawn.
        yellow = (decoded[..., 2] > 180) & (decoded[..., 1] > 180) & (decoded[..., 0] < 170)
        assert yellow.any()
