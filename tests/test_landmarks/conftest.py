"""What a test registers is forgotten after it."""
import pytest

from mmpose_wass.landmarks import conversions, scheme, scheme_file


@pytest.fixture(autouse=True)
def _registries_as_before():
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
