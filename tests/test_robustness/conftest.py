"""Data that the tests of the report share."""
from __future__ import annotations

import pytest
from robustness_data import write_faces


@pytest.fixture(scope='session')
def faces(tmp_path_factory):
    """Rendered test sets; not to be changed."""
    root = tmp_path_factory.mktemp('faces')
    write_faces(root)
    return root
