"""Fixtures for all tests."""
from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pytest
import torch
from known_skips import (  # noqa: F401  hooks
    pytest_make_collect_report,
    pytest_runtest_makereport,
)
from mmengine.registry import init_default_scope
from mmengine.visualization import Visualizer

import mmpose_wass  # noqa: F401  registers everything
from mmpose_wass.landmarks import conversions, scheme, scheme_file

# Their examples would be collected as modules of one name; as plugins they are loaded anyway.
collect_ignore_glob = ['*conftest.py']

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope='session', autouse=True)
def _one_thread():
    """Small tensors: more threads only wait for each other."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _mmpose_scope():
    """Whatever scope a runner of an earlier test left behind."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        init_default_scope('mmpose')


@pytest.fixture(autouse=True)
def _no_visualizer_of_before():
    """MMEngine keeps visualizers by their names: a runner would write where an earlier one did."""
    kinds = [Visualizer]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
        kind._instance_dict.clear()


@pytest.fixture(autouse=True)
def _landmark_schemes_as_before():
    """Schemes and conversions that a test registers are forgotten after it."""
    registries = (scheme._SCHEMES, conversions._CONVERSIONS, scheme_file._LOADED)
    before = [{key: dict(value) if isinstance(value, dict) else value
               for key, value in registry.items()} for registry in registries]
    added = set(scheme_file._ADDED)
    yield
    for registry, content in zip(registries, before):
        registry.clear()
        registry.update(content)
    scheme_file._ADDED.clear()
    scheme_file._ADDED.update(added)


@pytest.fixture(scope='session')
def root_dir() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope='session')
def shared_dir() -> Path:
    """Data beside the checkout (real faces, exact transport fixtures), where there are any."""
    path = ROOT.parent / 'shared'
    if not path.is_dir():
        pytest.skip('no ../shared beside the checkout')
    return path


@pytest.fixture
def benchmarks_path(root_dir, monkeypatch):
    """benchmarks/, importable while the test runs."""
    folder = root_dir / 'benchmarks'
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for script in folder.glob('*.py'):
        sys.modules.pop(script.stem, None)
