"""One, two and four real processes give the same numbers to the last digit, and the same files."""
import json
import multiprocessing
import socket

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from mmpose_wass.evaluation import FaceLandmarkMetric, load_result

COUNT = 13  # divided by neither two nor four


def make_samples():
    rng = np.random.default_rng(7)
    samples = []
    for index in range(COUNT):
        targets = rng.uniform(10, 200, (1, 29, 2)).astype(np.float32)
        visible = (rng.random((1, 29)) < .8).astype(np.float32)
        samples.append(
            dict(
                id=index,
                img_id=index,
                # Sorted by name is not sorted by arrival.
                img_path=f'images/{(index * 7) % COUNT}.jpg',
                pred_instances=dict(
                    keypoints=targets + rng.normal(0, 9, targets.shape).astype(np.float32),
                    keypoint_scores=rng.random((1, 29)).astype(np.float32)),
                gt_instances=dict(
                    keypoints=targets,
                    keypoints_visible=visible,
                    occluded=(rng.random((1, 29)) < .3) & (visible > 0),
                    bboxes=np.array([[0., 0., 90., 120.]], dtype=np.float32))))
    return samples


def evaluate_share(rank, processes, port, folder, dealing, distributed):
    if distributed:
        # Not MMEngine's init_dist: where there is a GPU it makes a CUDA context, which a fork of a
        # process that has one cannot.
        torch.distributed.init_process_group(
            'gloo', init_method=f'tcp://127.0.0.1:{port}', rank=rank, world_size=processes)
    init_default_scope('mmpose')
    samples = make_samples()
    if dealing == 'padded':
        # MMEngine's sampler repeats the first ones, for shares of one length.
        samples += samples[:-COUNT % processes]
    metric = FaceLandmarkMetric(
        outfile_prefix=f'{folder}/run', extra_normalizations=['box_width', 'inter_pupil'])
    metric.dataset_meta = parse_pose_metainfo(dict(from_file='configs/_base_/datasets/cofw.py'))
    share = samples[rank::processes]
    if dealing == 'blocks':
        # Another sampler: samples arrive in another order than with one process.
        share = samples[rank * COUNT // processes:(rank + 1) * COUNT // processes]
    for start in range(0, len(share), 3):
        metric.process([], share[start:start + 3])
    measures = metric.evaluate(COUNT)
    with open(f'{folder}/measures.{rank}.json', 'w', encoding='utf-8') as file:
        json.dump(measures, file)


def run(folder, processes, dealing, monkeypatch):
    folder.mkdir()
    monkeypatch.chdir(folder)  # MMEngine gathers results through a folder below the current one
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    # A fork has everything imported; the process group must not be made in this process.
    context = multiprocessing.get_context('fork')
    workers = [
        context.Process(
            target=evaluate_share, args=(rank, processes, port, folder, dealing, processes > 1))
        for rank in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0] * processes
    # Each process is told the same measures; Python writes all digits of a number.
    told = [(folder / f'measures.{rank}.json').read_text() for rank in range(processes)]
    assert len(set(told)) == 1
    return told[0], load_result(folder / 'run')


@pytest.mark.parametrize('dealing', ['padded', 'unequal', 'blocks'])
def test_same_to_the_last_digit(tmp_path, monkeypatch, dealing):
    measures, result = run(tmp_path / '1', 1, dealing, monkeypatch)
    assert 'face/NME_occluded' in measures and result.num_faces == COUNT
    for processes in (2, 4):
        others, other = run(tmp_path / str(processes), processes, dealing, monkeypatch)
        assert others == measures
        assert other.content == result.content
        for name in ('errors', 'distances', 'image_paths', 'annotation_ids', 'predictions',
                     'targets', 'valid', 'occluded', 'scores', 'boxes', 'ced_landmarks'):
            np.testing.assert_array_equal(getattr(other, name), getattr(result, name), name)
