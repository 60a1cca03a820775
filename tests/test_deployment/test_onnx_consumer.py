"""examples/onnx_consumer.py finds in an image what MMPose's own inference finds."""
from __future__ import annotations

import ast
import runpy
import sys
import warnings

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from test_deployment.deployment_models import SIDE, small_source

from mmpose_wass.datasets.synthetic import render_face, sample_face_parameters
from mmpose_wass.deployment import ExportOptions, export_model
from mmpose_wass.deployment.source_model import Crop

pytest.importorskip('onnx', reason='onnx is not installed')
pytest.importorskip('onnxruntime', reason='onnxruntime is not installed')

BOX = (61.5, 70.25, 120.0, 95.0)  # x, y, width, height: neither square nor on whole pixels


@pytest.fixture(scope='module')
def photo(tmp_path_factory):
    """A picture with a face in it."""
    path = tmp_path_factory.mktemp('photo') / 'face.png'
    face = render_face(sample_face_parameters(np.random.default_rng(3)), size=256)
    assert cv2.imwrite(str(path), face.image)
    return path


@pytest.fixture
def consume(root_dir, tmp_path, monkeypatch, capsys):
    """The example, in this process; returns points ``[K, 2]``, confidences and the picture."""

    def call(model, photo, box=BOX):
        drawn = tmp_path / 'drawn.png'
        script = root_dir / 'examples/onnx_consumer.py'
        monkeypatch.setattr(sys, 'argv', [str(script), str(model), str(photo), *map(str, box),
                                          str(drawn)])
        capsys.readouterr()  # what building the model said
        runpy.run_path(str(script))
        table = np.array([line.split() for line in capsys.readouterr().out.splitlines()], float)
        return table[:, 1:3], table[:, 3], cv2.imread(str(drawn))

    return call


def infer_with_mmpose(source, photo, use_udp):
    from mmpose.apis import inference_topdown
    model = source.model
    pipeline = [dict(type='LoadImage'), dict(type='GetBBoxCenterScale', padding=1.25),
                dict(type='TopdownAffine', input_size=(SIDE, SIDE), use_udp=use_udp),
                dict(type='PackPoseInputs')]
    model.cfg = Config(dict(test_dataloader=dict(dataset=dict(pipeline=pipeline))))
    model.dataset_meta = {}
    x, y, width, height = BOX
    box = np.array([[x, y, x + width, y + height]], dtype=np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        found = inference_topdown(model, str(photo), box)[0].pred_instances
    return found.keypoints[0], found.keypoint_scores[0]


@pytest.mark.parametrize('use_udp, coordinates, options', [
    (False, 'half_pixel', ExportOptions()), (True, 'udp', ExportOptions()),
    (False, 'mmpose', ExportOptions(channel_order='rgb', input_type='float32'))])
def test_landmarks_in_image_pixels_are_those_of_mmpose(use_udp, coordinates, options, photo,
                                                       consume, tmp_path):
    source = small_source(coordinates=coordinates)._replace(crop=Crop(1.25, use_udp))
    model = export_model(source, str(tmp_path / 'model.onnx'), options).path
    points, confidences, drawn = consume(model, photo)
    wanted, scores = infer_with_mmpose(source, photo, use_udp)
    # Both warp with OpenCV; MMPose computes the matrix in float32, which may move a sample by
    # OpenCV's step of 1/32 pixel here and there.
    assert np.abs(points - wanted).max() < .05
    assert np.abs(confidences - scores).max() < .01
    changed = np.argwhere((drawn != cv2.imread(str(photo))).any(axis=2))[:, ::-1]
    assert all(np.abs(changed - point).sum(axis=1).min() < 2 for point in points)


def test_it_says_what_it_wants(consume, photo, tmp_path, root_dir, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['onnx_consumer.py', 'model.onnx'])
    with pytest.raises(SystemExit):
        runpy.run_path(str(root_dir / 'examples/onnx_consumer.py'))
    assert 'MODEL.onnx PHOTO X Y WIDTH HEIGHT' in capsys.readouterr().err
    model = export_model(small_source(), str(tmp_path / 'model.onnx')).path
    with pytest.raises(SystemExit, match='none.png: OpenCV cannot read it'):
        consume(model, tmp_path / 'none.png')


def test_it_is_as_short_as_the_page_says(root_dir):
    _, _, code = (root_dir / 'examples/onnx_consumer.py').read_text().split('"""', 2)
    lines = [line for line in code.splitlines() if line.strip() and line.lstrip()[0] != '#']
    page = (root_dir / 'docs/deployment.md').read_text(encoding='utf-8')
    assert f'onnx_consumer.py) does it in {len(lines)} lines of code' in page


def test_it_imports_nothing_else(root_dir):
    tree = ast.parse((root_dir / 'examples/onnx_consumer.py').read_text())
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import)
                for name in node.names}
    assert imported == {'argparse', 'json', 'sys', 'cv2', 'numpy', 'onnxruntime'}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
