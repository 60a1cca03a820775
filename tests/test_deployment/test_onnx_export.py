"""ONNX models say in onnxruntime what the model says in MMPose."""
from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from test_deployment.deployment_models import (
    FLIP_INDICES,
    LANDMARKS,
    SIDE,
    leaks_of,
    predict_with_mmpose,
    random_images,
    small_source,
)
from torch_abilities import needs_dynamo_exporter

from mmpose_wass.deployment import ExportOptions, export_model, load_exported, onnx_export
from mmpose_wass.deployment.onnx_export import choose_opset

onnx = pytest.importorskip('onnx', reason='onnx is not installed')
onnxruntime = pytest.importorskip('onnxruntime', reason='onnxruntime is not installed')

MAX_PX = 1e-3  # what is promised


@pytest.fixture(scope='module')
def default(tmp_path_factory):
    """The default export of a small model: source, and what export_model returned."""
    source = small_source()
    path = tmp_path_factory.mktemp('default') / 'model.onnx'
    return source, export_model(source, str(path))


def assert_parity(source, path, images=None):
    images = random_images(4) if images is None else images
    found = load_exported(path, threads=1).predict(images)
    wanted = predict_with_mmpose(source.model, images)
    assert np.abs(wanted[0][0] - wanted[0][1]).max() > .1
    # Random weights multiply rounding: how far PyTorch is from itself with other kernels, on the
    # same images and processor, is the measure where that is more (as in docs/deployment.md).
    with torch.backends.mkldnn.flags(enabled=False):
        other_kernels = predict_with_mmpose(source.model, images)[0]
    own = np.linalg.norm(other_kernels - wanted[0], axis=-1).max()
    distance = np.linalg.norm(found[0] - wanted[0], axis=-1).max()
    assert distance <= max(MAX_PX, 3 * own), f'PyTorch is {own:.2g} px from itself'
    assert np.abs(found[1] - wanted[1]).max() <= 1e-4
    assert found[0].dtype == found[1].dtype == np.float32


@pytest.mark.parametrize('batch', [1, 2, 5])
def test_the_batch_is_dynamic(default, batch):
    source, done = default
    assert_parity(source, done.path, random_images(6)[:max(batch, 2)])
    landmarks, confidences = load_exported(done.path).predict(random_images(batch))
    assert landmarks.shape == (batch, LANDMARKS, 2) and confidences.shape == (batch, LANDMARKS)


@pytest.mark.parametrize('name, estimator', [
    ('hrnet', 'TopdownPoseEstimator'), ('hourglass', 'TopdownPoseEstimator'),
    ('cpn', 'CoordConvPoseEstimator'), ('simple_baselines', 'CoordConvPoseEstimator')])
def test_every_model(name, estimator, tmp_path):
    source = small_source(name, estimator)
    done = export_model(source, str(tmp_path / 'model.onnx'))
    assert done.parity.agrees and done.parity.max_px < MAX_PX
    assert_parity(source, done.path)


@pytest.mark.parametrize('codec', [
    dict(sampling='argmax', coordinates='udp'),
    dict(normalization='sum', coordinates='mmpose'),
    dict(sampling='argmax', normalization='sum', coordinates='mmpose', score_radius=1.5)])
def test_every_codec(codec, tmp_path):
    source = small_source(**codec)
    assert_parity(source, export_model(source, str(tmp_path / 'model.onnx')).path)


def test_flip_test_in_the_graph(tmp_path):
    source = small_source(test_cfg=dict(flip_test=True))
    done = export_model(source, str(tmp_path / 'flip.onnx'), ExportOptions(flip_test=True))
    assert done.metadata['flip_test']
    assert_parity(source, done.path)


@pytest.mark.parametrize('opset', [13, 20])
def test_operator_sets(opset, tmp_path):
    source = small_source()
    done = export_model(source, str(tmp_path / 'model.onnx'), opset=opset)
    model = onnx.load(done.path)
    assert model.opset_import[0].version == opset == done.metadata['opset']
    assert_parity(source, done.path)


@needs_dynamo_exporter
def test_dynamo_exporter(tmp_path):
    pytest.importorskip('onnxscript', reason='onnxscript is not installed')
    source = small_source(test_cfg=dict(flip_test=True))
    done = export_model(source, str(tmp_path / 'model.onnx'), ExportOptions(flip_test=True),
                        exporter='dynamo')
    assert done.metadata['opset'] == 18
    assert_parity(source, done.path)
    with open(done.path, 'rb') as file:
        assert leaks_of(file.read()) == []


def test_a_torch_without_the_exporter_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, 'has_dynamo', lambda: False)
    with pytest.raises(RuntimeError, match='needs torch 2.5 or later, this is'):
        export_model(small_source(), str(tmp_path / 'model.onnx'), exporter='dynamo')


def test_half_precision_is_measured_and_half_the_size(default, tmp_path):
    source, full = default
    done = export_model(source, str(tmp_path / 'half.onnx'), ExportOptions(precision='fp16'))
    assert .5 < done.size / full.size < .6
    assert 1e-4 < done.parity.max_px < .5 == done.parity.tolerance_px
    landmarks, _ = load_exported(done.path).predict(random_images())
    wanted, _ = predict_with_mmpose(source.model, random_images())
    distance = np.linalg.norm(landmarks - wanted, axis=-1)
    assert landmarks.dtype == np.float32 and 1e-4 < distance.max() < .5
    weights = [tensor.data_type for tensor in onnx.load(done.path).graph.initializer
               if len(tensor.dims) == 4 and tensor.dims[1] > 3]
    assert set(weights) == {onnx.TensorProto.FLOAT16}


def test_rgb_in_float32(default, tmp_path):
    source, _ = default
    done = export_model(source, str(tmp_path / 'rgb.onnx'),
                        ExportOptions(input_type='float32', channel_order='rgb'))
    images = random_images()
    landmarks, _ = load_exported(done.path).predict(images[:, ::-1].astype(np.float32))
    assert np.abs(landmarks - predict_with_mmpose(source.model, images)[0]).max() <= MAX_PX
    assert done.metadata['input']['channel_order'] == 'rgb'


def test_fixed_batch(default, tmp_path):
    source, _ = default
    done = export_model(source, str(tmp_path / 'four.onnx'), batch_size=4)
    assert done.parity.images == 4
    assert_parity(source, done.path, random_images(4))
    with pytest.raises(Exception, match='[Ii]nvalid dimensions|Got invalid'):
        load_exported(done.path).predict(random_images(3))
    with pytest.raises(ValueError, match='batch_size'):
        export_model(source, str(tmp_path / 'none.onnx'), batch_size=0)


def test_the_graph_names_its_ends(default):
    model = onnx.load(default[1].path)
    shapes = {
        end.name: [axis.dim_param or axis.dim_value for axis in end.type.tensor_type.shape.dim]
        for end in (*model.graph.input, *model.graph.output)}
    assert shapes == dict(images=['batch', 3, SIDE, SIDE], landmarks=['batch', LANDMARKS, 2],
                          confidences=['batch', LANDMARKS])
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert model.opset_import[0].version == 17


def test_the_file_names_no_folder_of_this_machine(default):
    with open(default[1].path, 'rb') as file:
        assert leaks_of(file.read()) == []


def test_metadata_tells_all_that_a_user_needs(default):
    source, done = default
    strings = onnxruntime.InferenceSession(done.path).get_modelmeta().custom_metadata_map
    metadata = {name: json.loads(text) for name, text in strings.items()}
    assert metadata == done.metadata == load_exported(done.path).metadata
    assert metadata['scheme'] == 'five' and metadata['landmark_names'] == list('abcde')
    assert metadata['num_landmarks'] == LANDMARKS
    assert metadata['flip_indices'] == list(FLIP_INDICES)
    assert metadata['input'] == dict(name='images', shape=[3, SIDE, SIDE], type='uint8',
                                     channel_order='bgr', range=[0, 255])
    assert metadata['input_size'] == [SIDE, SIDE]
    assert metadata['normalization'] == dict(
        mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], channel_order='rgb')
    assert metadata['crop']['padding'] == 1.25 and metadata['crop']['use_udp'] is False
    assert metadata['codec']['sampling'] == 'barycenter'
    assert metadata['codec']['temperature'] == source.model.head.decoder.temperature
    assert metadata['mmpose_wass'] and metadata['torch'] == str(torch.__version__)


@pytest.mark.parametrize('exporter, opset', [('torchscript', 12), ('torchscript', 21),
                                             ('dynamo', 17), ('dynamo', 24)])
def test_operator_sets_that_cannot_be_made_are_refused(exporter, opset):
    with pytest.raises(ValueError, match=f'opset {opset}: the {exporter} exporter makes'):
        choose_opset(exporter, opset)


def test_unknown_exporter_is_refused():
    with pytest.raises(ValueError, match='exporter must be one of'):
        choose_opset('tflite')
