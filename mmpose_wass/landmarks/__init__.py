"""Landmark schemes as data: eye corners, pupils and regions of every face layout."""
from . import tables  # noqa: F401  registers the schemes
from .scheme import LandmarkScheme, find_scheme, get_scheme, list_schemes, register_scheme

__all__ = ['LandmarkScheme', 'find_scheme', 'get_scheme', 'list_schemes', 'register_scheme']
