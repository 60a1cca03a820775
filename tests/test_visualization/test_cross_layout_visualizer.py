"""Predictions and annotations of different layouts in one picture."""
from __future__ import annotations

import cv2
import numpy as np
import pytest
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from mmpose.registry import VISUALIZERS
from mmpose.structures import PoseDataSample
from mmpose.visualization import PoseLocalVisualizer
from mmpose_abilities import mmposes_metainfo

from mmpose_wass.landmarks import get_common_landmarks, get_scheme
from mmpose_wass.visualization import CrossLayoutVisualizer

SIDE = 240
TRUTH, PREDICTION, GAP = (0, 200, 0), (200, 0, 0), (0, 0, 200)
COLORS = dict(truth_color=TRUTH, prediction_color=PREDICTION, gap_color=GAP)


def spread(count, offset=0):
    """Points on a grid, far enough apart to be told from each other."""
    places = np.stack(np.meshgrid(np.arange(12), np.arange(12)), axis=-1).reshape(-1, 2)
    return (places[:count] * 19 + 10 + offset).astype(float)[None]


def sample(model='300w', data='wflw', predicted=None, annotated=None, visible=None):
    predicted = spread(get_scheme(model).num_landmarks) if predicted is None else predicted
    annotated = spread(get_scheme(data).num_landmarks) if annotated is None else annotated
    found = PoseDataSample(metainfo=dict(model_scheme=model, dataset_name=data))
    boxes = np.array([[0, 0, SIDE, SIDE]], dtype=float)
    found.pred_instances = InstanceData(
        keypoints=predicted, keypoint_scores=np.ones(predicted.shape[:2]),
        keypoints_visible=np.ones(predicted.shape[:2]), bboxes=boxes)
    found.gt_instances = InstanceData(
        keypoints=annotated, bboxes=boxes,
        keypoints_visible=np.ones(annotated.shape[:2]) if visible is None else visible)
    return found


def visualizer(data='wflw', kind=CrossLayoutVisualizer, **options):
    if kind is CrossLayoutVisualizer:
        options = {**COLORS, **options}
    made = kind(**options)
    made.set_dataset_meta(mmposes_metainfo(data))
    return made


def draw(made, data_sample, **options):
    # As MMPose's hook calls it.
    options = dict(dict(draw_gt=False, draw_bbox=False, draw_heatmap=True), **options)
    return made.add_datasample('face', np.full((SIDE, SIDE, 3), 255, np.uint8), data_sample,
                               **options)


def is_color(picture, point, color):
    x, y = np.round(point).astype(int)
    return tuple(picture[y, x]) == color


def test_mmpose_stops_at_different_numbers_of_landmarks():
    """What upstream does; should this fail after an update, its visualizer may do."""
    stock = visualizer(kind=PoseLocalVisualizer)
    with pytest.raises(ValueError, match='does not matches'):
        draw(stock, sample())


def test_both_layouts_are_drawn_where_they_are():
    model, data = '300w', 'wflw'
    annotated = spread(98, offset=5)
    picture = draw(visualizer(links=False, radius=1), sample(model, data, annotated=annotated))
    assert picture.shape == (SIDE, SIDE, 3)
    assert all(is_color(picture, point, PREDICTION) for point in spread(68)[0])
    assert all(is_color(picture, point, TRUTH) for point in annotated[0])
    count, _ = cv2.connectedComponents((picture[..., 0] == 200).astype(np.uint8))
    assert count - 1 == 68
    count, _ = cv2.connectedComponents((picture[..., 1] == 200).astype(np.uint8))
    assert count - 1 == 98


def test_a_perfect_prediction_leaves_a_ring_of_the_annotation():
    picture = draw(visualizer('300w', radius=2), sample('300w', '300w'))
    for point in spread(68)[0]:
        assert is_color(picture, point, PREDICTION)
        assert is_color(picture, point + [3, 0], TRUTH)


def test_lines_join_the_common_landmarks():
    model, data = '300w', 'wflw'
    common = get_common_landmarks(model, data)
    annotated = spread(98, offset=9)
    picture = draw(visualizer(radius=1), sample(model, data, annotated=annotated))
    starts, _ = common.data_landmarks(annotated)
    ends, _ = common.model_landmarks(spread(68))
    blank = np.zeros((SIDE, SIDE, 3), np.uint8)
    for start, end in zip(starts[0].round().astype(int), ends[0].round().astype(int)):
        cv2.line(blank, tuple(map(int, start)), tuple(map(int, end)), GAP, 1)
    # The dots lie above the lines, so where the picture has a line there is one.
    drawn = (picture == GAP).all(axis=-1)
    assert drawn.sum() > 500
    assert (blank[drawn] == GAP).all()


def test_unlabelled_and_lost_points_are_left_out():
    predicted, annotated = spread(68), spread(98, offset=5)
    predicted[0, 3] = np.nan
    predicted[0, 4] = 1e12
    visible = np.ones((1, 98))
    visible[0, 7] = 0
    data_sample = sample(predicted=predicted, annotated=annotated, visible=visible)
    picture = draw(visualizer(links=False, radius=1), data_sample)
    assert is_color(picture, spread(68)[0, 3], (255, 255, 255))
    assert is_color(picture, annotated[0, 7], (255, 255, 255))
    # Flags stacked with weights, as MMPose's KeypointConverter leaves them.
    data_sample.gt_instances.keypoints_visible = np.stack([visible, np.ones((1, 98))], axis=-1)
    assert (draw(visualizer(links=False, radius=1), data_sample) == picture).all()


def test_side_by_side_as_asked():
    picture = draw(visualizer(truth='as_asked', radius=1), sample(annotated=spread(98, 5)),
                   draw_gt=True)
    left, right = picture[:, :SIDE], picture[:, SIDE:]
    assert picture.shape == (SIDE, 2 * SIDE, 3)
    assert (left == TRUTH).all(axis=-1).any() and not (left == PREDICTION).all(axis=-1).any()
    assert (right == PREDICTION).all(axis=-1).any() and not (right == TRUTH).all(axis=-1).any()
    alone = draw(visualizer(truth='as_asked', radius=1), sample(annotated=spread(98, 5)))
    assert not (alone == TRUTH).all(axis=-1).any()


def test_one_visualizer_serves_samples_of_different_schemes():
    made = visualizer('aflw', radius=1)
    for model, data in (('cofw', 'aflw'), ('300w', 'wflw'), ('300w', '300w')):
        picture = draw(made, sample(model, data, annotated=spread(
            get_scheme(data).num_landmarks, 5)))
        assert (picture == TRUTH).all(axis=-1).any()


def test_schemes_that_nothing_joins_are_drawn_without_lines():
    data_sample = sample(annotated=spread(98, 9))
    data_sample.set_metainfo(dict(model_scheme='of my own'))
    picture = draw(visualizer(), data_sample)
    assert (picture == PREDICTION).all(axis=-1).any()
    assert not (picture == GAP).all(axis=-1).any()


def test_it_is_registered_and_checks_its_arguments():
    init_default_scope('mmpose')
    made = VISUALIZERS.build(dict(type='CrossLayoutVisualizer', name='of this test'))
    assert isinstance(made, CrossLayoutVisualizer)
    with pytest.raises(ValueError, match='overlay, as_asked'):
        CrossLayoutVisualizer(truth='never')


def test_dots_grow_with_the_face():
    made = visualizer()
    draw(made, sample())
    small = made.radius
    large = sample()
    large.gt_instances.bboxes = np.array([[0, 0, 900., 900.]])
    draw(made, large)
    assert made.radius > small >= 1
