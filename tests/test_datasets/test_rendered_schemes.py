"""The landmark schemes agree on their common points."""
from __future__ import annotations

import numpy as np
import pytest

from mmpose_wass.datasets.synthetic import FaceParameters, project_landmarks, to_scheme


def test_schemes_agree_on_their_common_points():
    points = np.random.default_rng(0).normal(size=(100, 2))
    wflw, many, cofw, aflw = (to_scheme(points, name) for name in ('wflw', '300w', 'cofw', 'aflw'))
    from_wflw = [
        *range(0, 33, 2), *range(33, 38), *range(42, 47), *range(51, 60), 60, 61, 63, 64, 65, 67,
        68, 69, 71, 72, 73, 75, *range(76, 96)]
    np.testing.assert_array_equal(many, wflw[from_wflw])
    to_cofw = {
        0: 17, 1: 26, 2: 21, 3: 22, 4: 19, 6: 24, 8: 36, 9: 45, 10: 39, 11: 42, 18: 31, 19: 35,
        20: 30, 21: 33, 25: 62, 26: 66}
    for target, source in to_cofw.items():
        np.testing.assert_array_equal(cofw[target], many[source])
    to_aflw = {
        0: (0,), 1: (4, 5), 2: (2,), 3: (3,), 4: (6, 7), 5: (1,), 6: (8,), 7: (16,), 8: (10,),
        9: (11,), 10: (17,), 11: (9,), 12: (18,), 13: (20,), 14: (19,), 15: (22,), 16: (25, 26),
        17: (23,), 18: (28,)}
    for target, sources in to_aflw.items():
        np.testing.assert_allclose(aflw[target], cofw[list(sources)].mean(axis=0))
    np.testing.assert_array_equal(to_scheme(points, '300vw'), many)


def test_averaged_common_points_are_close():
    """A point that another scheme has as a mean is within 5 % of the eye distance of it."""
    points = project_landmarks(FaceParameters(), 256)
    many, cofw = to_scheme(points, '300w'), to_scheme(points, 'cofw')
    unit = np.linalg.norm(many[36] - many[45])
    means = {
        12: (37, 38), 13: (40, 41), 14: (43, 44), 15: (46, 47), 22: (48, 60), 23: (54, 64),
        24: (50, 51, 52), 27: (56, 57, 58), 28: (7, 8, 9)}
    for target, sources in means.items():
        assert np.linalg.norm(cofw[target] - many[list(sources)].mean(axis=0)) < 0.05 * unit


def test_unknown_scheme_and_wrong_shape():
    with pytest.raises(KeyError, match='lapa'):
        to_scheme(np.zeros((100, 2)), 'lapa')
    with pytest.raises(ValueError, match=r'\(98, 2\)'):
        to_scheme(np.zeros((98, 2)), '300w')
