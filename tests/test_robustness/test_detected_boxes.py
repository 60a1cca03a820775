"""A detector's boxes: who found whom, and misses that count."""
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmpose.registry import DATASETS
from robustness_data import write_model

from mmpose_wass.robustness import (
    Bench,
    DetectedBoxes,
    ResultCache,
    RunOptions,
    make_jobs,
    make_plan,
    match_boxes,
    match_faces,
    own_data,
    read_boxes,
    read_models,
    write_report,
)
from mmpose_wass.robustness.boxes import intersection_over_union
from mmpose_wass.robustness.summary import find_all

boxes_of_image = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(1, 12), st.integers(1, 12)),
    max_size=5)


def corners(listed):
    array = np.array(listed, dtype=float).reshape(-1, 4)
    return np.concatenate([array[:, :2], array[:, :2] + array[:, 2:]], axis=1)


@given(boxes_of_image, boxes_of_image, st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_matching_takes_each_detection_once_and_none_below_the_overlap(first, second, seed):
    detections, faces = corners(first), corners(second)
    scores = np.random.default_rng(seed).random(len(detections))
    found = match_boxes(detections, scores, faces, .3)
    taken = found[found >= 0]
    assert found.shape == (len(faces), ) and len(set(taken)) == len(taken)
    shares = intersection_over_union(detections, faces)
    assert all(shares[number, face] >= .3 for face, number in enumerate(found) if number >= 0)
    free = [number for number in range(len(detections)) if number not in taken]
    # Nobody is left who could still be matched.
    assert all(shares[number, face] < .3 for number in free
               for face in np.flatnonzero(found < 0))


def test_the_surer_detection_chooses_first():
    face = np.array([[0., 0, 10, 10]])
    both = np.array([[0., 0, 10, 10], [0, 0, 10, 9]])
    assert match_boxes(both, np.array([.5, .9]), face).tolist() == [1]


def test_overlap_against_counted_pixels():
    rng = np.random.default_rng(0)
    for _ in range(20):
        a, b = corners(np.column_stack([rng.integers(0, 15, (2, 2)),
                                        rng.integers(1, 12, (2, 2))]))
        grids = []
        for box in (a, b):
            grid = np.zeros((40, 40), bool)
            grid[int(box[1]):int(box[3]), int(box[0]):int(box[2])] = True
            grids.append(grid)
        expected = (grids[0] & grids[1]).sum() / (grids[0] | grids[1]).sum()
        assert intersection_over_union(a[None], b[None])[0, 0] == pytest.approx(expected)


@pytest.mark.parametrize('content, message', [
    ('{', 'is no JSON'),
    ('{}', 'list of detections, found dict'),
    ('[3]', 'detection 0 must be an object'),
    ('[{"bbox": [0, 0, 1, 1]}]', 'detection 0 has neither image_id nor file_name'),
    ('[{"image_id": 1}]', 'detection 0: bbox must be 4 finite numbers, found None'),
    ('[{"image_id": 1, "bbox": [0, 0, 0, 5]}]', 'found the size 0 x 5'),
    ('[{"image_id": 1, "bbox": [0, 0, 1, 1], "score": "x"}]', 'detection 0: score'),
])
def test_bad_files_are_named(tmp_path, content, message):
    path = tmp_path / 'boxes.json'
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        read_boxes(str(path))


def test_faces_of_one_image_and_false_alarms():
    samples = [dict(img_id=4, file_name='a.jpg', bbox=[[0, 0, 10, 10]]),
               dict(img_id=4, file_name='a.jpg', bbox=[[50, 50, 60, 60]]),
               dict(img_id=5, file_name='b.jpg', bbox=[[0, 0, 10, 10]])]
    boxes = {'id:4': (np.array([[49., 50, 60, 60], [20, 20, 30, 30]]), np.ones(2)),
             'file:b.jpg': (np.array([[0., 0, 9, 10]]), np.ones(1))}
    chosen, counts = match_faces(samples, boxes, .5)
    assert chosen[0] is None and chosen[1].tolist() == [49, 50, 60, 60]
    assert chosen[2].tolist() == [0, 0, 9, 10]
    assert counts == dict(faces=3, missed=1, detections=3, false_alarms=1)
    with pytest.raises(ValueError, match='none of the 1 images with detections is one of the 2'):
        match_faces(samples, {'id:9': boxes['id:4']}, .5)


@pytest.fixture(scope='module')
def model(faces):
    return read_models([write_model(faces, 'heatmap')])[0]


def run_with_boxes(model, folder, detections):
    file = folder / 'detections.json'
    file.write_text(json.dumps(detections))
    plan = make_plan(own_data(model.cfg), {}, ('clean', 'boxes'), curves=False,
                     boxes=DetectedBoxes(str(file)))
    jobs, _ = make_jobs([model], plan, RunOptions())
    bench = Bench(ResultCache(str(folder / 'cache')), RunOptions())
    return plan, bench, {job.protocol.key: (job, bench.run(job)) for job in jobs}


def annotated_boxes(model):
    dataset = DATASETS.build(model.cfg.test_dataloader.dataset)
    found = []
    for place in range(len(dataset)):
        info = dataset.get_data_info(place)
        left, top, right, bottom = info['bbox'][0].tolist()
        found.append(dict(image_id=info['img_id'], bbox=[left, top, right - left, bottom - top],
                          score=.9))
    return found


def test_annotated_boxes_as_detections_change_nothing(model, tmp_path):
    _, _, found = run_with_boxes(model, tmp_path, annotated_boxes(model))
    (_, clean), (_, detected) = found['clean'], found['detected_boxes']
    np.testing.assert_allclose(clean.predictions, detected.predictions, atol=1e-3)


def test_misses_are_failures(model, tmp_path):
    detections = annotated_boxes(model)
    lost = detections.pop()
    plan, bench, found = run_with_boxes(model, tmp_path, detections)
    job, detected = found['detected_boxes']
    clean = found['clean'][1]
    missed = np.isinf(detected.errors).all(axis=1)
    share = 100 / clean.num_faces
    assert missed.sum() == 1
    assert int(detected.image_ids[missed][0]) == lost['image_id']
    assert np.isinf(detected.metrics['NME'])
    assert detected.metrics['FR_I@0.10'] >= share
    assert bench.cache.entry(job.key)['detections']['missed'] == 1

    paths = write_report(
        str(tmp_path / 'report'), plan, [model], [one for one, _ in found.values()],
        {one.key: result for one, result in found.values()}, [],
        dict(limit=None, resamples=100, seed=0, version=1, device='cpu'), '', bench, faces=0)
    page = Path(paths['html']).read_text(encoding='utf-8')
    assert f'The detector missed 1 of {clean.num_faces} faces' in page and '∞' in page

    results = {('m', key): result for key, (_, result) in found.items()}
    findings, _ = find_all(plan, ['m'], results, resamples=100)
    values = {finding.key: {one.measure.name: one.estimate
                            for one in finding.comparison.values['m']} for finding in findings}
    expected = 100 * clean.errors[~missed].mean()
    assert values['detected_boxes/found']['NME'] == pytest.approx(expected, rel=1e-3)
    assert np.isinf(values['detected_boxes']['NME'])


def test_shifted_boxes_move_the_crop(model, tmp_path):
    detections = annotated_boxes(model)
    for one in detections:
        one['bbox'][0] += .15 * one['bbox'][2]
    _, _, found = run_with_boxes(model, tmp_path, detections)
    (_, clean), (_, detected) = found['clean'], found['detected_boxes']
    assert np.abs(clean.predictions - detected.predictions).max() > 1
    np.testing.assert_array_equal(clean.distances, detected.distances)


def test_bbox_file_is_refused(faces):
    files = write_model(faces, 'heatmap', 'with_bbox_file')
    with pytest.raises(ValueError, match=r'bbox_file=.*refused.*--boxes FILE.json'):
        read_models([files], change=lambda cfg: cfg.merge_from_dict(
            {'test_dataloader.dataset.bbox_file': 'detections.json'}))
