"""The model in the package: small, loadable, and not a stub."""
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from mmpose_wass.assets import default_model


def test_size_and_precision():
    config, checkpoint = default_model()
    assert os.path.getsize(checkpoint) <= 5_000_000
    weights = torch.load(checkpoint, weights_only=True)['state_dict']
    assert {value.dtype for value in weights.values() if value.is_floating_point()} == {
        torch.float16}
    assert 'load_from' not in Path(config).read_text(encoding='utf-8')


def test_it_finds_rendered_faces_better_than_a_mean_face(tmp_path):
    from mmpose.apis import inference_topdown, init_model

    from mmpose_wass.datasets.mean_shape import read_faces
    from mmpose_wass.datasets.synthetic import write_dataset
    folder = tmp_path
    write_dataset('300w', folder, dict(train=1, test=6), seed=3)
    faces = read_faces(folder / 'annotations/face_landmarks_300w_valid_common.json')
    model = init_model(*default_model(), device='cpu')
    errors = []
    listed = json.loads((folder / 'annotations/face_landmarks_300w_valid_common.json').read_text())
    names = {image['id']: image['file_name'] for image in listed['images']}
    for place, annotation in enumerate(listed['annotations']):
        center, size = faces['centers'][place], faces['sizes'][place]
        box = np.concatenate([center - size / 2, center + size / 2])[None].astype(np.float32)
        found = inference_topdown(model, str(folder / 'images' / names[annotation['image_id']]),
                                  box)[0].pred_instances.keypoints[0]
        truth = faces['keypoints'][place]
        errors.append(np.linalg.norm(found - truth, axis=1).mean()
                      / np.linalg.norm(truth[36] - truth[45]))
    assert np.median(errors) < .1


@pytest.mark.parametrize('part', ['landmarks', 'confidence'])
def test_face_landmarker_uses_it(part):
    from mmpose_wass import FaceLandmarker
    image = np.full((128, 128, 3), 127, np.uint8)
    face, = FaceLandmarker()(image, boxes=[[20, 20, 100, 100]])
    assert np.isfinite(getattr(face, part)).all()
