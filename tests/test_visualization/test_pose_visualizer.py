"""MMPose's drawing where an array of one element is no number, as NumPy 2.4 has it."""
from __future__ import annotations

from argparse import Namespace

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample
from mmpose.visualization import PoseLocalVisualizer, opencv_backend_visualizer
from numpy_abilities import needs_mmposes_drawing

from mmpose_wass.engine.options import set_visualization
from mmpose_wass.visualization import CrossLayoutVisualizer, FacePoseVisualizer, pose_visualizer

POINTS = np.array([[[10., 12.], [40., 30.], [20., 50.]]])


@pytest.fixture
def strict(monkeypatch):
    """``int`` as NumPy 2.4 makes it, where MMPose calls it."""
    def to_int(value, *others):
        if getattr(value, 'ndim', 0):
            raise TypeError('only 0-dimensional arrays can be converted to Python scalars')
        return int(value, *others)

    monkeypatch.setattr(opencv_backend_visualizer, 'int', to_int, raising=False)
    monkeypatch.setattr(pose_visualizer, 'arrays_are_numbers', lambda: False)


def draw(kind, **options):
    visualizer = kind(name=f'{kind.__name__}_{len(options)}', radius=3, **options)
    visualizer.set_dataset_meta(dict(
        keypoint_colors=[(255, 0, 0), (0, 255, 0), (0, 0, 255)], skeleton_links=[],
        skeleton_link_colors=[]))
    sample = PoseDataSample()
    sample.pred_instances = InstanceData(
        keypoints=POINTS, keypoint_scores=np.ones((1, 3)), bboxes=np.array([[5., 5, 60, 60]]),
        bbox_scores=np.ones(1))
    return visualizer.add_datasample('x', np.full((64, 64, 3), 255, np.uint8), sample,
                                     draw_gt=False, draw_bbox=False)


def test_what_mmpose_does_there(strict):
    """Should this fail after an update of MMPose, FacePoseVisualizer can go."""
    with pytest.raises(TypeError, match='0-dimensional'):
        draw(PoseLocalVisualizer)


@needs_mmposes_drawing
@pytest.mark.parametrize('options', [{}, dict(alpha=1.0), dict(backend='matplotlib')],
                         ids=['opencv', 'opaque', 'matplotlib'])
def test_pictures_are_mmposes(options):
    picture = draw(FacePoseVisualizer, **options)
    np.testing.assert_array_equal(picture, draw(PoseLocalVisualizer, **options))
    assert (picture != 255).any()


@pytest.mark.parametrize('kind', [FacePoseVisualizer, CrossLayoutVisualizer])
def test_ours_draw_there(strict, kind):
    picture = draw(kind)
    count, _ = cv2.connectedComponents((picture != 255).any(axis=-1).astype(np.uint8))
    assert count - 1 == 3


def visualized(kind):
    cfg = Config(dict(default_hooks=dict(visualization=dict(type='PoseVisualizationHook')),
                      visualizer=dict(type=kind, name='v')))
    set_visualization(cfg, Namespace(show=False, show_dir='drawn', interval=1), show=False)
    return cfg


@needs_mmposes_drawing
def test_elsewhere_tools_leave_mmposes_visualizer():
    cfg = visualized('PoseLocalVisualizer')
    assert cfg.visualizer.type == 'PoseLocalVisualizer' and 'custom_imports' not in cfg


def test_tools_take_ours_there(strict):
    for kind in ('PoseLocalVisualizer', 'mmpose.PoseLocalVisualizer'):
        cfg = visualized(kind)
        assert cfg.visualizer == dict(type='FacePoseVisualizer', name='v')
        assert cfg.custom_imports['imports'] == ['mmpose_wass']
    assert visualized('Pose3dLocalVisualizer').visualizer.type == 'Pose3dLocalVisualizer'
