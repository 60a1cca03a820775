"""Models of every kind are run on faces of every source, and seen as they are."""
from __future__ import annotations

import copy
import functools

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmpose.registry import DATASETS
from robustness_data import write_model
from test_engine.test_cross_dataset_models import MODELS_BY_NAME

from mmpose_wass.datasets.synthetic import write_dataset
from mmpose_wass.landmarks import get_scheme
from mmpose_wass.ot import barycenter
from mmpose_wass.robustness.models import read_models
from mmpose_wass.visualization.heatmaps.faces import (
    TestFaces,
    frontal_face,
    photographed_faces,
    rendered_faces,
)
from mmpose_wass.visualization.heatmaps.predict import FaceRunner, read_perturbation
from mmpose_wass.visualization.heatmaps.truth import align_by_name


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp('views')
    write_dataset('300w', folder / '300w', dict(train=1, test=3), seed=3, image_size=96)
    return folder


@functools.cache
def a_model(root, kind):
    """A model that is not trained, with maps that are not flat; built once."""
    model, = read_models([write_model(root, kind)])
    built = model.build()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in built.head.parameters():
            parameter.normal_(std=.2, generator=generator)
    return model, built


def a_runner(root, kind, perturbation=None, side=128):
    model, built = a_model(root, kind)
    return FaceRunner(built, model.cfg, model.scheme, perturbation, side)


@pytest.mark.parametrize('kind', MODELS_BY_NAME)
def test_every_kind_of_model_is_seen_as_it_predicts(root, kind):
    model, built = a_model(root, kind)
    faces = TestFaces(model.cfg)
    views = FaceRunner(built, model.cfg, model.scheme, side=64).run(faces)
    dataset = DATASETS.build(model.cfg.test_dataloader.dataset)
    with torch.no_grad():
        samples = built.test_step(pseudo_collate([dataset[place] for place in range(3)]))
    assert 'output_heatmaps' not in built.test_cfg
    for place, (view, sample) in enumerate(zip(views, samples)):
        size = np.array(sample.metainfo['input_size'])
        # The picture at the input's size is the input.
        assert view.picture.shape[:2] == tuple(size[::-1])
        if not kind.startswith('udp'):
            inputs = dataset[place]['inputs'].numpy().transpose(1, 2, 0)
            np.testing.assert_array_equal(view.picture, inputs)
        back = view.points / size * sample.metainfo['input_scale'] + sample.metainfo[
            'input_center'] - sample.metainfo['input_scale'] / 2
        np.testing.assert_allclose(back, sample.pred_instances.keypoints[0], atol=1e-3)
        truth = sample.gt_instances.keypoints[0]
        error = np.hypot(*(sample.pred_instances.keypoints[0] - truth).T)
        np.testing.assert_allclose(
            view.errors, error / np.hypot(*(truth[36] - truth[45])), rtol=1e-4)
        if kind == 'regression':
            assert view.maps is None
            continue
        assert len(view.maps) == len(view.points) == 68
        np.testing.assert_allclose(view.maps.sum(axis=(1, 2)), 1, rtol=1e-4)


def test_the_maps_lie_where_the_points_are_read_off(root):
    """Whatever is drawn, the barycentre of the map is the prediction."""
    for coordinates in ('half_pixel', 'udp'):
        model, built = copy.deepcopy(a_model(root, 'probability'))
        codec = type(built.head.decoder)(
            built.head.decoder.input_size, built.head.decoder.heatmap_size,
            coordinates=coordinates)
        built.head.decoder = codec
        view = FaceRunner(built, model.cfg).run(rendered_faces(1))[0]
        read_off = view.places.to_input(barycenter(torch.from_numpy(view.maps)).double().numpy())
        np.testing.assert_allclose(view.points, read_off, atol=0.02)


def test_a_perturbation_is_the_same_for_all_models(root):
    faces = rendered_faces(3)
    occlusion = read_perturbation('occlusion:large')
    plain = a_runner(root, 'probability').run(faces)
    one, other = (a_runner(root, kind, occlusion).run(faces) for kind in ('probability', 'simcc'))
    for clean, first, second in zip(plain, one, other):
        np.testing.assert_array_equal(first.picture, second.picture)
        black = (first.picture == 0).all(axis=2)
        changed = (first.picture != clean.picture).any(axis=2)
        assert changed.any() and not (changed & ~_grown(black)).any()
        # A hidden landmark lies in the black, to a pixel.
        place = first.to_picture(first.target[first.hidden]).round().astype(int)
        place = place[((place >= 0) & (place < 128)).all(axis=1)]
        assert _grown(black)[place[:, 1], place[:, 0]].all()
    assert any(view.hidden.any() for view in one)


def _grown(mask):
    return cv2.dilate(mask.astype(np.uint8), np.ones((5, 5))).astype(bool)


def test_boxes_and_blur_are_seen_too(root):
    face = rendered_faces(1)
    plain = a_runner(root, 'probability').run(face)[0]
    for text in ('blur:large', 'box_shift:0.2', 'box_rotation:30', 'box_scale:0.4'):
        view = a_runner(root, 'probability', read_perturbation(text)).run(face)[0]
        assert np.abs(view.picture.astype(int) - plain.picture).mean() > 2, text
    # A turned box turns the picture, and the annotation with it: the dark lips stay below it.
    turned = a_runner(root, 'probability', read_perturbation('box_rotation:30'))
    face = [frontal_face(320)]
    mouth, upright = (runner.run(face)[0] for runner in (turned, a_runner(root, 'probability')))
    for view in (mouth, upright):
        column, row = view.to_picture(view.target[62:68].mean(axis=0)).round().astype(int)
        blue, _, red = view.picture[row, column].astype(int)
        assert red - blue > 25


def test_what_is_no_perturbation_is_told():
    for text in ('occlusion', 'snow:1', 'occlusion:huge', 'box_shift:large'):
        with pytest.raises(ValueError, match=text.split(':')[0]):
            read_perturbation(text)


def test_another_scheme_meets_by_names(root):
    """A model of 300W on COFW's annotation: errors where both have the point."""
    runner = a_runner(root, 'probability')
    crossed = runner.run(rendered_faces(2, 'cofw'))
    cofw, ours = get_scheme('cofw'), get_scheme('300w')
    common = [index for index, name in enumerate(ours.landmark_names)
              if name in cofw.landmark_names]
    assert len(common) > 8
    for other in crossed:
        known = np.isfinite(other.target).all(axis=1)
        assert np.flatnonzero(known).tolist() == common
        assert other.unit_name == 'inter-ocular distance'
    target = np.arange(58.).reshape(29, 2)
    aligned = align_by_name(target, 'cofw', '300w')
    place = cofw.landmark_names.index(ours.landmark_names[36])
    np.testing.assert_array_equal(aligned[36], target[place])


def test_photographs_need_a_face(root, tmp_path):
    face = frontal_face(200)
    for name in ('b.png', 'a.jpg'):
        cv2.imwrite(str(tmp_path / name), face.results['img'])
    box = face.results['bbox']
    faces, notes = photographed_faces([str(tmp_path)], lambda path, pixels: box[[0, 0]], '300w')
    assert [one.name for one in faces] == ['a (1)', 'a (2)', 'b (1)', 'b (2)'] and not notes
    view = a_runner(root, 'probability').run(faces)[0]
    assert np.isnan(view.mean_error) and view.unit_name == '' and view.maps is not None
    faces, notes = photographed_faces(
        [str(tmp_path)], lambda path, pixels: box if path.endswith('png') else [], '300w')
    assert len(faces) == 1 and notes == [f'{tmp_path}/a.jpg: no face found']
    with pytest.raises(ValueError, match='no face on 2 images'):
        photographed_faces([str(tmp_path)], lambda path, pixels: [], '300w')


def test_a_config_without_data_says_so():
    with pytest.raises(ValueError, match='test_dataloader'):
        TestFaces(Config(dict(model=dict())))


def test_rendered_faces_are_the_same_again_and_others_with_another_seed():
    first, again, other = (rendered_faces(1, seed=seed)[0] for seed in (4, 4, 5))
    np.testing.assert_array_equal(first.results['img'], again.results['img'])
    assert (first.results['img'] != other.results['img']).any()
