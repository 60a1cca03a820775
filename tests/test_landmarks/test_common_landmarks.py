"""Conversions: flips, round trips, chains, masks, and faces that are annotated in both schemes."""
import pickle
from itertools import permutations

import numpy as np
import pytest

from mmpose_wass.datasets.synthetic import project_landmarks, sample_face_parameters, to_scheme
from mmpose_wass.landmarks import (
    get_common_landmarks,
    get_scheme,
    list_conversions,
    list_schemes,
    register_conversion,
)
from mmpose_wass.landmarks.annotations import read_annotated_faces
from mmpose_wass.landmarks.check import check_on_rendered_faces, check_on_shapes
from mmpose_wass.landmarks.composition import compose

#: The package's own, whatever other tests registered.
SHIPPED = ['300vw', '300w', '300wlp', 'aflw', 'aflw21', 'coco_wholebody', 'coco_wholebody_face',
           'cofw', 'halpe', 'lapa', 'paper17', 'wflw']
CONVERSIONS = [entry for entry in list_conversions() if {entry[0], entry[1]} <= set(SHIPPED)]
CHAINS = [('wflw', 'paper17', None), ('cofw', 'paper17', None), ('lapa', 'aflw', None),
          ('halpe', 'wflw', None), ('wflw', '300vw', 'interpolated_eyelids'),
          ('300vw', 'aflw21', None), ('cofw', 'aflw', 'through_wflw')]
RENDERED = ['300w', '300vw', 'wflw', 'cofw', 'aflw']


def key(common, side):
    return [frozenset(group) for group in getattr(common, f'{side}_points')]


@pytest.mark.parametrize('conversion', CONVERSIONS + CHAINS, ids=str)
class TestEvery:

    def test_flipping_commutes_with_converting(self, conversion):
        common = get_common_landmarks(*conversion)
        random = np.random.default_rng(0)
        for side, take in (('model_scheme', common.model_landmarks),
                           ('data_scheme', common.data_landmarks)):
            scheme = get_scheme(getattr(common, side))
            points = random.normal(size=(3, scheme.num_landmarks, 2))
            valid = random.random((3, scheme.num_landmarks)) < .8
            flip = scheme.flip_indices()
            flipped, flipped_valid = take(points[:, flip] * [-1, 1], valid[:, flip])
            converted, converted_valid = take(points, valid)
            order = common.flip_indices()
            np.testing.assert_allclose(flipped, converted[:, order] * [-1, 1], atol=1e-12)
            np.testing.assert_array_equal(flipped_valid, converted_valid[:, order])
        assert (order[order] == np.arange(len(common))).all()

    def test_there_and_back_keeps_what_is_kept(self, conversion):
        common = get_common_landmarks(*conversion)
        back = get_common_landmarks(common.data_scheme, common.model_scheme, common.variant)
        assert set(zip(key(common, 'model'), key(common, 'data'), common.named_equal)) == set(
            zip(key(back, 'data'), key(back, 'model'), back.named_equal))
        if conversion in CONVERSIONS:  # a chain may come in another order
            assert back == common.reversed() and back.reversed() == common
        round_trip = compose(common, back)
        assert len(round_trip) == len(common)
        assert round_trip.model_points == round_trip.data_points
        assert round_trip.model_weights == round_trip.data_weights
        assert set(key(round_trip, 'model')) == set(key(common, 'model'))

    def test_can_be_sent_to_other_processes(self, conversion):
        common = get_common_landmarks(*conversion)
        assert pickle.loads(pickle.dumps(common)) == common

    def test_mean_shapes_fit(self, conversion):
        check = check_on_shapes(get_common_landmarks(*conversion))
        assert check.residuals.mean() < .045
        # Only where nothing fits better: 300W's nostrils for the wings of the nose, and the ends
        # of LaPa's jaw.
        expected = ('_nose_wing', '_nose_base_outer')
        expected += ('_jaw_1', '_jaw_2') if 'lapa' in conversion else ()
        assert all(name.endswith(expected) for name in check.notable)
        assert check.residuals.max() < .1


@pytest.mark.parametrize('model, data', permutations(RENDERED, 2))
def test_rendered_faces_annotated_in_both_schemes(model, data):
    """The generator reads both schemes off one face; named-equal points must coincide."""
    common = get_common_landmarks(model, data)
    distances = check_on_rendered_faces(common, count=40)
    equal = np.array(common.named_equal)
    assert equal.sum() >= 12
    assert distances[:, equal].max() < .02
    # Approximations are near: the worst is the brow's lower edge from the brow's two ends.
    assert distances[:, ~equal].size == 0 or distances[:, ~equal].mean() < .06


def test_a_wrong_table_would_be_seen():
    """Exchange two points of the lip, or the eyes: the checks must notice."""
    good = check_on_rendered_faces(get_common_landmarks('300w', 'wflw'), count=10)
    assert good.max() < .02
    swapped = [(point, group) for point, group in zip(
        [*range(48), 49, 48, *range(50, 68)], get_common_landmarks('300w', 'wflw').data_points)]
    wrong = register_conversion('300w', 'wflw', [(point, list(group)) for point, group in swapped],
                                variant='of this test', force=True)
    assert check_on_rendered_faces(wrong, count=10)[:, 48:50].min() > .02
    assert check_on_shapes(wrong).residuals[48:50].min() > .1


def test_the_papers_protocols():
    expected = {('cofw', 'aflw'): 19, ('300w', '300vw'): 68, ('300w', 'wflw'): 68,
                ('wflw', '300vw'): 68, ('300w', 'cofw'): 29, ('wflw', '300w'): 68,
                ('300w', 'aflw'): 19}
    for pair, count in expected.items():
        assert len(get_common_landmarks(*pair)) == count, pair
    # The order is the data set's.
    assert get_common_landmarks('cofw', 'aflw').data_points == tuple((k, ) for k in range(19))
    assert get_common_landmarks('wflw', '300vw').data_points == tuple((k, ) for k in range(68))


def test_wflw_to_300w_on_public_mean_shapes():
    """At most .08 after a fit of each axis; interpolated lids fit better."""
    residuals = {variant: check_on_shapes(get_common_landmarks('wflw', '300w', variant)).residuals
                 for variant in ('points', 'brow_means', 'interpolated_eyelids',
                                 'brow_means_interpolated_eyelids')}
    assert all(values.max() <= .08 for values in residuals.values())
    eyes = [37, 38, 40, 41, 43, 44, 46, 47]
    assert residuals['interpolated_eyelids'][eyes].mean() < .7 * residuals['points'][eyes].mean()


def test_identity():
    common = get_common_landmarks('wflw', 'wflw')
    points = np.random.default_rng(0).normal(size=(2, 98, 2))
    assert len(common) == 98 and all(common.named_equal)
    np.testing.assert_array_equal(common.model_landmarks(points)[0], points)
    assert (common.flip_indices() == get_scheme('wflw').flip_indices()).all()


def test_means_weights_and_masks():
    common = get_common_landmarks('wflw', '300w', 'brow_means_interpolated_eyelids')
    points = np.random.default_rng(1).normal(size=(4, 98, 2))
    valid = np.ones((4, 98), bool)
    valid[0, 61] = valid[1, 41] = valid[2, 0] = False
    found, kept = common.model_landmarks(points, valid)
    np.testing.assert_allclose(found[:, 37], (2 * points[:, 61] + points[:, 62]) / 3)
    np.testing.assert_allclose(found[:, 18], (points[:, 34] + points[:, 41]) / 2)
    np.testing.assert_array_equal(found[:, 48], points[:, 76])  # a single point: bit for bit
    lost = [tuple(entry) for entry in np.argwhere(~kept)]
    assert lost == [(0, 37), (1, 18), (2, 0)]
    same, same_kept = common.data_landmarks(points[:, :68], np.ones((4, 68)))
    np.testing.assert_array_equal(same, points[:, :68])
    assert same_kept.all() and same_kept.dtype == bool


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_precision_is_kept(dtype):
    common = get_common_landmarks('300w', 'cofw')
    assert common.model_landmarks(np.zeros((2, 68, 2), dtype))[0].dtype == dtype


def test_shapes_are_checked():
    common = get_common_landmarks('300w', 'cofw')
    with pytest.raises(ValueError, match=r'300w must be \[..., 68, 2\], found \[3, 29, 2\]'):
        common.model_landmarks(np.zeros((3, 29, 2)))
    with pytest.raises(ValueError, match=r'valid must be \[3, 29\], found \[29\]'):
        common.data_landmarks(np.zeros((3, 29, 2)), np.ones(29))


def test_subset_reduces_both_sides():
    common = get_common_landmarks('300w', 'cofw', subset='paper17')
    assert common.names == get_scheme('paper17').landmark_names
    assert common.model_points[13:16] == ((48, ), (62, 66), (54, ))
    assert common.data_points[13:16] == ((22, ), (25, 26), (23, ))
    assert len(get_common_landmarks('wflw', 'wflw', subset='paper17')) == 17
    assert get_common_landmarks('300w', '300w', subset='paper17').model_points == \
        get_common_landmarks('300w', 'paper17').model_points
    names = ['chin', 'nose_tip']
    assert get_common_landmarks('300w', 'aflw', subset=names).data_points == ((18, ), (13, ))
    with pytest.raises(KeyError, match='right_ear: not common to 300w and aflw; they share right_'):
        get_common_landmarks('300w', 'aflw', subset=['right_ear'])


@pytest.mark.parametrize('model', SHIPPED)
def test_every_shipped_pair_meets(model):
    for data in SHIPPED:
        common = get_common_landmarks(model, data)
        assert len(common) >= 17
        assert (common.model_scheme, common.data_scheme) == (model, data)


def test_a_chain_tells_its_way_and_its_loss():
    common = get_common_landmarks('300w', 'aflw', 'through_cofw')
    assert common.variant == 'through_cofw' and 'then through cofw' in common.source
    # A mean of 300W's that COFW has is kept, where AFLW has COFW's point.
    place = common.names.index('right_mouth_corner')
    assert common.model_points[place] == (48, 60)


@pytest.mark.parametrize('call, error, words', [
    (lambda: get_common_landmarks('300w', 'helen194'), KeyError, 'no landmark scheme named'),
    (lambda: get_common_landmarks('300w', 'wflw', 'nonsense'), KeyError,
     "of variant 'nonsense' is known between .* Known are .*300w and wflw .points, brow_means"),
    (lambda: get_common_landmarks('300w', 'wflw', 'through_nowhere'), KeyError, 'nowhere'),
    (lambda: get_common_landmarks('300w', 'cofw', 'nonsense', 'paper17'), KeyError,
     "variant 'nonsense'"),
    (lambda: register_conversion('300w', '300w', [(0, 0)]), ValueError, 'meets itself'),
    (lambda: register_conversion('300w', 'nowhere', [(0, 0)]), KeyError, 'nowhere'),
    (lambda: register_conversion('300w', 'wflw', [(0, 0)], 'points'), ValueError,
     "a variant 'points' already"),
    (lambda: register_conversion('wflw', '300w', [(0, 0)], 'points'), ValueError,
     "a variant 'points' already"),
    (lambda: register_conversion('300w', 'wflw', [], 'bad'), ValueError, 'there are none'),
    (lambda: register_conversion('300w', 'wflw', [(0, 98)], 'bad'), ValueError,
     r'entry 0 names the points \[98\] of wflw, which has 0..97'),
    (lambda: register_conversion('300w', 'wflw', [(0, 0, 1)], 'bad'), ValueError,
     'entry 0 must be a pair'),
    (lambda: register_conversion('300w', 'wflw', [('chin', 0)], 'bad'), ValueError,
     'a group is an index'),
    (lambda: register_conversion('300w', 'wflw', [(0, [1, 1])], 'bad'), ValueError,
     'one or more different points'),
    (lambda: register_conversion('300w', 'wflw', [(0, {1: .5, 2: .4})], 'bad'), ValueError,
     'sum to 1'),
    (lambda: register_conversion('300w', 'wflw', [(0, 0), (1, 0)], 'bad'), ValueError,
     'occur twice'),
    (lambda: register_conversion('300w', 'wflw', [(0, 0)], 'through_x'), ValueError,
     "not beginning with 'through_'"),
])
def test_refusals(call, error, words):
    with pytest.raises(error, match=words):
        call()
    assert 'bad' not in {variant for *_, variant in list_conversions()}


def test_a_table_without_mirror_images_cannot_be_flipped():
    common = register_conversion('300w', 'aflw', [(36, 6), (8, 18)], 'one eye of this test',
                                 force=True)
    with pytest.raises(ValueError, match='mirror image of right_eye_outer_corner is not among'):
        common.flip_indices()


def shape_space(faces, modes):
    """Mean and main modes of variation of faces, after a similarity transform each."""
    mean = get_scheme('300w').mean_shape
    aligned = np.stack([onto(face, mean) for face in faces])
    center = aligned.mean(axis=0)
    return center, np.linalg.svd((aligned - center).reshape(len(faces), -1),
                                 full_matrices=False)[2][:modes]


def onto(face, shape):
    points, target = (values[:, 0] + 1j * values[:, 1] for values in (face, shape))
    points, target = points - points.mean(), target - target.mean()
    turned = (points.conj() @ target) / (points.conj() @ points) * points
    return np.stack([turned.real, turned.imag], axis=1)


def test_real_wflw_faces_are_faces_of_300w(shared_dir):
    """The genuine WFLW faces, as 300W's points, lie in the space that 2012 real 300W faces span.

    Their heads are turned and their mouths open, so their mean shape alone (four faces) is no
    measure: what turns and talks is taken away by the space's modes.
    """
    train = read_annotated_faces(
        shared_dir / 'data/300w/annotations/face_landmarks_300w_train.json').points
    center, modes = shape_space(train, 20)

    def residuals(common, faces):
        gaps = []
        for face in common.model_landmarks(faces)[0]:
            gap = (onto(face, center) - center).ravel()
            gaps.append((gap - modes.T @ (modes @ gap)).reshape(-1, 2))
        return np.array(gaps)

    faces = read_annotated_faces(
        shared_dir / 'data/mmpose_samples/wflw/test_wflw.json').points
    gaps = residuals(get_common_landmarks('wflw', '300w'), faces)
    assert np.linalg.norm(gaps, axis=-1).mean() < .04
    # What is common to all of them would be the table's fault.
    assert np.linalg.norm(gaps.mean(axis=0), axis=-1).max() < .08
    wrong = register_conversion('300w', 'wflw', [
        (point, (point + 1) % 98) for point in range(68)], 'shifted, of this test', force=True)
    assert np.linalg.norm(residuals(wrong.reversed(), faces), axis=-1).mean() > .08


def test_known_schemes_are_those_of_this_test():
    assert set(SHIPPED) <= set(list_schemes())
    points = project_landmarks(sample_face_parameters(np.random.default_rng(0)), 64)
    assert to_scheme(points, 'wflw').shape == (98, 2)
