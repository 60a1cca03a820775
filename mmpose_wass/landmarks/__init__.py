"""Landmark schemes as data, and the conversions between them.

:class:`LandmarkScheme` says which index is what; :class:`CommonLandmarks` at which landmarks two
schemes meet. Both are found by name, and one's own are added with :func:`register_scheme`,
:func:`register_conversion` or, both at once, a scheme file (:func:`load_scheme_file`).
"""
from . import conversion_tables, tables  # noqa: F401  register what is shipped
from .common import CommonLandmarks
from .conversions import (
    get_common_landmarks,
    list_conversions,
    register_conversion,
    unregister_scheme,
)
from .mmpose_metainfo import metainfo_of
from .scheme import LandmarkScheme, find_scheme, get_scheme, list_schemes, register_scheme
from .scheme_file import load_scheme_file, register_scheme_entry

__all__ = [
    'CommonLandmarks', 'LandmarkScheme', 'find_scheme', 'get_common_landmarks', 'get_scheme',
    'list_conversions', 'list_schemes', 'load_scheme_file', 'metainfo_of',
    'register_conversion', 'register_scheme', 'register_scheme_entry', 'unregister_scheme'
]
