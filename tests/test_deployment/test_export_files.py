"""What happens to files when something goes wrong, and what is said."""
from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from test_deployment.deployment_models import LANDMARKS, random_images, small_source

from mmpose_wass.deployment import (
    LandmarkExportModule,
    ParityError,
    export_model,
    load_exported,
    measure_parity,
)
from mmpose_wass.deployment.exported_model import format_of
from mmpose_wass.deployment.metadata import METADATA_VERSION, describe_metadata, from_strings


@pytest.fixture(scope='module')
def source():
    """A small model."""
    return small_source()


def test_a_disagreeing_export_is_kept_apart_and_the_earlier_file_stays(source, tmp_path):
    path = tmp_path / 'model.pt'
    path.write_bytes(b'an earlier export')
    with pytest.raises(ParityError, match='DISAGREES with PyTorch') as caught:
        export_model(source, str(path), tolerance=1e-12)
    assert path.read_bytes() == b'an earlier export'
    rejected = tmp_path / 'model.rejected.pt'
    assert str(rejected) in str(caught.value) and '--tolerance' in str(caught.value)
    assert load_exported(rejected).predict(random_images())[0].shape == (3, LANDMARKS, 2)
    assert sorted(file.name for file in tmp_path.iterdir()) == ['model.pt', 'model.rejected.pt']


def test_a_failing_exporter_leaves_no_file(source, tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise IndexError('operator unknown::op\nsecond line')

    monkeypatch.setattr(torch.jit, 'trace', fail)
    with pytest.raises(RuntimeError, match='to TorchScript: IndexError: operator unknown::op'):
        export_model(source, str(tmp_path / 'model.pt'))
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_earlier_file(source, tmp_path, monkeypatch):
    path = tmp_path / 'model.pt'
    path.write_bytes(b'an earlier export')

    def full(handle):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('os.fsync', full)
    with pytest.raises(OSError, match='No space left'):
        export_model(source, str(path), check=False)
    assert path.read_bytes() == b'an earlier export'
    assert [file.name for file in tmp_path.iterdir()] == ['model.pt']


@pytest.mark.parametrize('package', ['onnx', 'onnxruntime'])
def test_a_missing_package_is_named_with_the_remedy(package, source, tmp_path, monkeypatch):
    pytest.importorskip('onnx')
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=f'needs {package}') as caught:
        export_model(source, str(tmp_path / 'model.onnx'))
    assert f'pip install "{package}>=' in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_onnx_without_a_comparison_needs_no_onnxruntime(source, tmp_path, monkeypatch):
    pytest.importorskip('onnx')
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    done = export_model(source, str(tmp_path / 'model.onnx'), check=False)
    assert done.parity is None and done.size == (tmp_path / 'model.onnx').stat().st_size


@pytest.mark.parametrize('ending', ['.onnx', '.pt', '.pt2'])
@pytest.mark.parametrize('content', [b'', b'no model', b'PK\x03\x04'])
def test_damaged_files_are_refused_by_name(ending, content, tmp_path):
    if ending == '.onnx':
        pytest.importorskip('onnxruntime')
    path = tmp_path / f'broken{ending}'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f'broken{ending}'):
        load_exported(path)


def test_missing_files_and_unknown_endings(tmp_path):
    with pytest.raises(FileNotFoundError, match='none.onnx: no such file'):
        load_exported(tmp_path / 'none.onnx')
    with pytest.raises(ValueError, match='must end in .onnx'):
        format_of('model.tflite')


def test_other_models_and_newer_metadata_are_refused(tmp_path):
    torch.jit.save(torch.jit.trace(torch.nn.ReLU(), torch.zeros(1)), str(tmp_path / 'other.pt'))
    with pytest.raises(ValueError, match='other.pt: has no metadata of mmpose_wass'):
        load_exported(tmp_path / 'other.pt')
    with pytest.raises(ValueError, match='update mmpose_wass'):
        from_strings(dict(metadata_version=str(METADATA_VERSION + 1)), 'new.onnx')


def test_parity_notices_one_landmark_in_one_image(source):
    module = LandmarkExportModule(source.model)
    images = random_images(4)

    def predict(part, by=.002):
        landmarks, confidences = (one.numpy().copy() for one in module(torch.from_numpy(part)))
        if len(part) == 3:
            landmarks[2, 1, 0] += by
        return landmarks, confidences

    off = measure_parity(module, predict, images, tolerance=1e-3)
    assert not off.agrees and off.max_px == pytest.approx(.002, rel=.05)
    assert (off.images, off.landmarks) == (4, 4 * LANDMARKS)
    assert measure_parity(module, predict, images, tolerance=3e-3).agrees
    assert (off.beyond, off.allowed) == (1, 0)
    assert measure_parity(module, predict, images, tolerance=1e-3, allowed=.05).agrees
    assert not measure_parity(module, predict, images, tolerance=1e-3, allowed=.04).agrees
    nan = measure_parity(module, lambda part: predict(part, np.nan), images, tolerance=1.)
    assert not nan.agrees and not nan._replace(allowed=20).agrees and 'DISAGREES' in nan.sentence()


def test_parity_refuses_other_shapes(source):
    module = LandmarkExportModule(source.model)

    def predict(part):
        landmarks, confidences = module(torch.from_numpy(part))
        return landmarks[:, 1:].numpy(), confidences.numpy()

    with pytest.raises(ValueError, match=r'landmarks of shape \(3, 4, 2\), \(3, 5, 2\)'):
        measure_parity(module, predict, random_images(3), 1e-3)


def test_description_shortens_lists():
    text = describe_metadata(dict(scheme='300w', names=[f'n{i}' for i in range(68)], opset=None,
                                  crop=dict(padding=1.25)))
    assert '68 entries: n0 … n67' in text and 'padding 1.25' in text and 'opset' not in text

