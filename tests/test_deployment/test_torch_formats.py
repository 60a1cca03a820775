"""TorchScript and torch.export."""
from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from test_deployment.deployment_models import (
    predict_with_mmpose,
    random_images,
    small_source,
)
from torch_abilities import HAS_HALF_ON_CPU, needs_torch_export

from mmpose_wass.deployment import ExportOptions, export_model, load_exported


@pytest.mark.parametrize('name, estimator, ending', [
    ('hrnet', 'TopdownPoseEstimator', '.pt'), ('hourglass', 'TopdownPoseEstimator', '.pt'),
    ('cpn', 'CoordConvPoseEstimator', '.pt'),
    pytest.param('cpn', 'CoordConvPoseEstimator', '.pt2', marks=needs_torch_export)])
def test_every_model(name, estimator, ending, tmp_path):
    source = small_source(name, estimator)
    done = export_model(source, str(tmp_path / f'model{ending}'))
    assert done.parity.max_px < 1e-3
    loaded = load_exported(done.path)
    assert loaded.metadata == done.metadata and loaded.metadata['opset'] is None
    for images in (random_images(3), random_images(1)):
        landmarks, confidences = loaded.predict(images)
        wanted, scores = predict_with_mmpose(source.model, images)
        assert np.linalg.norm(landmarks - wanted, axis=-1).max() < 1e-3
        assert np.abs(confidences - scores).max() < 1e-4


@pytest.mark.parametrize('ending', ['.pt', pytest.param('.pt2', marks=needs_torch_export)])
def test_flip_test_arg_max_and_half_precision(ending, tmp_path):
    source = small_source(test_cfg=dict(flip_test=True), sampling='argmax')
    done = export_model(source, str(tmp_path / f'flip{ending}'), ExportOptions(flip_test=True))
    assert done.parity.max_px < 1e-3
    half = str(tmp_path / f'half{ending}'), ExportOptions(precision='fp16')
    if not HAS_HALF_ON_CPU:
        with pytest.raises(RuntimeError, match='no half precision on the CPU'):
            export_model(small_source(), *half)
        return
    half = export_model(small_source(), *half)
    assert half.size < .7 * done.size and 0 < half.parity.max_px < .5


def test_torchscript_needs_nothing_but_torch(tmp_path):
    """The archive's code imports no class of MMPose, and runs in plain torch.jit."""
    source = small_source()
    done = export_model(source, str(tmp_path / 'model.pt'))
    with open(done.path, 'rb') as file:
        module = torch.jit.load(io.BytesIO(file.read()))
    assert 'mmpose' not in module.code
    landmarks, _ = module(torch.from_numpy(random_images()))
    np.testing.assert_allclose(landmarks, predict_with_mmpose(source.model, random_images())[0],
                               atol=1e-3)


@needs_torch_export
def test_fixed_batch_of_torch_export(tmp_path):
    done = export_model(small_source(), str(tmp_path / 'three.pt2'), batch_size=3)
    loaded = load_exported(done.path)
    assert loaded.predict(random_images(3))[0].shape[0] == 3
    with pytest.raises(Exception, match='shape|size'):
        loaded.predict(random_images(2))


def test_an_old_torch_export_is_named(tmp_path, monkeypatch):
    monkeypatch.delattr(torch.export, 'Dim', raising=False)
    with pytest.raises(RuntimeError, match='with torch.export: .* needs torch 2.2 or later'):
        export_model(small_source(), str(tmp_path / 'model.pt2'))
