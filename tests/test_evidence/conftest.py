"""Data that the tests of the evidence share."""
from __future__ import annotations

import pytest
from test_evidence.small_evidence import write_faces


@pytest.fixture(scope='session')
def rendered_300w(tmp_path_factory):
    """Rendered faces in 300W's layout; not to be changed."""
    return write_faces(tmp_path_factory.mktemp('evidence') / '300w')
