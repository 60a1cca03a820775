"""Random input: whatever comes in, what goes out keeps its promises, or a clear error does."""
from __future__ import annotations

import copy
import json
import math
from argparse import Namespace

import cv2
import hypothesis
import numpy as np
import pytest
import torch
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mmengine.config import Config
from mmengine.hub import get_config
from mmpose.registry import MODELS

from mmpose_wass import turn_on
from mmpose_wass.codecs import BarycenterCodec
from mmpose_wass.codecs.barycenter import NORMALIZATIONS, SAMPLINGS, TARGETS
from mmpose_wass.codecs.coordinates import CONVENTIONS
from mmpose_wass.datasets.preparation.check_annotations import Findings, check_annotations
from mmpose_wass.datasets.preparation.check_images import ImageTask, look_at_ends, look_at_image
from mmpose_wass.datasets.preparation.pts import read_pts
from mmpose_wass.engine.options import merge_cfg_options
from mmpose_wass.evaluation.functional import normalized_errors, summarize_errors
from mmpose_wass.landmarks import get_common_landmarks, list_conversions
from mmpose_wass.turning_on.config_walk import find_typed, type_name
from mmpose_wass.turning_on.heads import LOSSES

fuzzed = hypothesis.settings(
    derandomize=True, deadline=None, max_examples=60,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
pytestmark = pytest.mark.filterwarnings('ignore')

sizes = st.tuples(st.integers(8, 40), st.integers(8, 40))
scales = st.integers(1, 6)
any_float = st.floats(width=32)


@st.composite
def codecs(draw, **fixed):
    size = draw(sizes)
    options = dict(
        heatmap_size=size, input_size=tuple(side * draw(scales) for side in size),
        sigma=draw(st.floats(0.5, 4)), coordinates=draw(st.sampled_from(CONVENTIONS)),
        target=draw(st.sampled_from(TARGETS)), sampling=draw(st.sampled_from(SAMPLINGS)),
        normalization=draw(st.sampled_from(NORMALIZATIONS)),
        temperature=draw(st.floats(0.1, 10)))
    return BarycenterCodec(**{**options, **fixed})


@fuzzed
@hypothesis.given(codec=codecs(), data=st.data())
def test_codec_round_trip(codec, data):
    """A landmark well inside comes back, from the target as from the logits that give it."""
    margin = 5 * codec.sigma
    size = np.array(codec.heatmap_size)
    hypothesis.assume((size > 2 * margin + 1).all())
    place = np.array([data.draw(st.floats(margin, side - 1 - margin)) for side in size])
    # Decoding returns what MMPose's inverse crop expects, which for UDP is another scale.
    target = codec.coordinate_map.to_input(place)
    source = (place - codec.coordinate_map.offset) / codec.coordinate_map.encode_scale
    encoded = codec.encode(source[None, None])
    assert encoded['keypoint_weights'].tolist() == [[1.0]]
    probability = torch.from_numpy(encoded['heatmaps'])[None].double()
    probability /= probability.sum()
    points, scores = codec.batch_decode(codec.maps_of(probability))
    stride = np.array(codec.input_size) / size
    # Sampling at whole pixels shifts the mean of a narrow Gaussian: the first term of Poisson's
    # summation formula. A window cuts one side more than the other; an arg max rounds.
    aliasing = 4 * math.pi * codec.sigma**2 * math.exp(-2 * (math.pi * codec.sigma)**2)
    allowed = {'barycenter': 0.0, 'local_barycenter': 0.1, 'argmax': 0.5}[codec.sampling]
    assert (np.abs(points[0][0, 0] - target) <= (allowed + aliasing) * stride + 2e-3).all()
    assert 0 <= scores[0][0, 0] <= 1


@fuzzed
@hypothesis.given(codec=codecs(), landmarks=arrays(np.float32, (1, 5, 2), elements=any_float),
                  visible=arrays(np.float32, (1, 5), elements=st.sampled_from([0., .5, 1., 2.])))
def test_codec_takes_any_landmark(codec, landmarks, visible):
    encoded = codec.encode(landmarks, visible)
    maps, weights = encoded['heatmaps'], encoded['keypoint_weights']
    assert np.isfinite(maps).all() and (maps >= 0).all() and np.isfinite(weights).all()
    with np.errstate(all='ignore'):
        centres = codec.coordinate_map.to_heatmap(landmarks[0].astype(float))
        inside = ((centres >= -.5) & (centres <= np.array(codec.heatmap_size) - .5)).all(axis=1)
    np.testing.assert_array_equal(weights[0], np.where(inside, visible[0], 0))
    sums = maps.sum(axis=(1, 2))
    assert (sums[weights[0] == 0] == 0).all()
    if codec.target == 'probability':
        np.testing.assert_allclose(sums[weights[0] > 0], 1, atol=1e-4)


@fuzzed
@hypothesis.given(codec=codecs(heatmap_size=(12, 9), input_size=(24, 36)),
                  maps=arrays(np.float32, (3, 9, 12), elements=any_float))
def test_codec_decodes_any_map(codec, maps):
    points, scores = codec.decode(maps)
    assert points.shape == (1, 3, 2) and scores.shape == (1, 3)
    with np.errstate(all='ignore'):
        usable = np.isfinite(maps / np.float32(codec.temperature)).all(axis=(1, 2))
        usable &= np.isfinite(maps.clip(0).sum(axis=(1, 2), dtype=np.float32))
    # What is not finite may come out as NaN, never as a wrong landmark of a finite map.
    assert np.isfinite(points[0, usable]).all()
    low = codec.coordinate_map.to_input(np.array([-.26, -.26]))
    high = codec.coordinate_map.to_input(np.array([11.26, 8.26]))
    assert ((points[0, usable] >= low - 1e-3) & (points[0, usable] <= high + 1e-3)).all()
    assert ((scores[0, usable] >= 0) & (scores[0, usable] <= 1)).all()
    assert np.isnan(points[0, np.isnan(maps).any(axis=(1, 2))]).all()


@st.composite
def evaluations(draw):
    faces, landmarks = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    predictions = draw(arrays(np.float32, (faces, landmarks, 2), elements=any_float))
    targets = draw(arrays(np.float32, (faces, landmarks, 2), elements=st.floats(
        -1e4, 1e4, width=32)))
    distances = draw(arrays(np.float64, (faces, ), elements=st.one_of(
        st.floats(0.1, 1e3), st.sampled_from([0.0, math.nan]))))
    valid = draw(arrays(bool, (faces, landmarks)))
    return predictions, targets, distances, valid


@fuzzed
@hypothesis.given(evaluation=evaluations(), seed=st.integers(0, 100))
def test_measures_of_anything(evaluation, seed):
    predictions, targets, distances, valid = evaluation
    errors = normalized_errors(predictions, targets, distances, valid)
    usable = (distances > 0)[:, None] & valid
    assert (np.isnan(errors) == ~usable).all()
    finite = np.isfinite(predictions).all(axis=-1)
    assert (np.isinf(errors[usable & ~finite])).all()
    measures = summarize_errors(errors)
    for name, value in measures.items():
        if usable.any():
            assert value >= 0, name
            if name.startswith('FR'):
                assert value <= 100
            if name.startswith('AUC'):
                assert value <= 1
        else:
            assert math.isnan(value)
    rates = [measures[f'FR_L@{threshold}'] for threshold in ('0.05', '0.08', '0.10', '0.15')]
    if usable.any():
        assert rates == sorted(rates, reverse=True)
    order = np.random.default_rng(seed).permutation(len(errors))
    shuffled = summarize_errors(errors[order])
    np.testing.assert_allclose(list(shuffled.values()), list(measures.values()), rtol=1e-9)


CONVERSIONS = sorted({(model, data, variant) for model, data, variant in list_conversions()})


@fuzzed
@hypothesis.given(conversion=st.sampled_from(CONVERSIONS), seed=st.integers(0, 2**31),
                  matrix=arrays(np.float64, (2, 2), elements=st.floats(-3, 3)),
                  shift=arrays(np.float64, (2, ), elements=st.floats(-1e3, 1e3)))
def test_conversions_commute_with_affine_maps(conversion, seed, matrix, shift):
    """Means of points go where the points go."""
    common = get_common_landmarks(*conversion)
    generator = np.random.default_rng(seed)
    for side in ('model', 'data'):
        scheme = get_common_landmarks(*conversion)
        count = 1 + max(max(group) for group in getattr(scheme, f'{side}_points'))
        from mmpose_wass.landmarks import get_scheme
        count = get_scheme(getattr(scheme, f'{side}_scheme')).num_landmarks
        points = generator.uniform(-100, 100, (3, count, 2))
        valid = generator.random((3, count)) < 0.9
        convert = getattr(common, f'{side}_landmarks')
        before, kept = convert(points, valid)
        after, kept_after = convert(points @ matrix + shift, valid)
        np.testing.assert_allclose(after, before @ matrix + shift, atol=1e-8)
        np.testing.assert_array_equal(kept, kept_after)
        for place, group in enumerate(getattr(common, f'{side}_points')):
            np.testing.assert_array_equal(kept[:, place], valid[:, list(group)].all(axis=1))


pts_lines = st.one_of(
    st.tuples(any_float, any_float).map(lambda point: f'{point[0]} {point[1]}'),
    st.text(max_size=12), st.sampled_from(['{', '}', 'n_points: 3', '1 2 3', 'version: 1', '']))


@fuzzed
@hypothesis.given(content=st.one_of(
    st.binary(max_size=80), st.lists(pts_lines, max_size=8).map(
        lambda lines: '\n'.join(lines).encode('utf-8', 'replace'))))
def test_any_pts_file(tmp_path, content):
    path = tmp_path / 'face.pts'
    path.write_bytes(content)
    try:
        points = read_pts(path)
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert points.ndim == 2 and points.shape[1] == 2 and np.isfinite(points).all()


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=6),
                            st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=6)
FIELDS = {'images': ('id', 'file_name', 'width', 'height'),
          'annotations': ('id', 'image_id', 'keypoints', 'center', 'scale', 'bbox', 'iscrowd',
                          'num_keypoints')}


@fuzzed
@hypothesis.given(changes=st.lists(st.tuples(
    st.sampled_from([(kind, field) for kind, fields in FIELDS.items() for field in fields]),
    st.integers(0, 1), st.booleans(), anything), max_size=3))
def test_any_annotation_record(changes):
    """Whatever a field holds: the face can be used as it is, or a finding names it."""
    content = json.loads(json.dumps(dict(
        images=[dict(id=k, file_name=f'{k}.png', width=64, height=48) for k in range(2)],
        annotations=[dict(id=k, image_id=k, keypoints=[20, 20, 1, 30, 30, 1], num_keypoints=2,
                          center=[25, 25], scale=0.1, bbox=[20, 20, 10, 10], iscrowd=0)
                     for k in range(2)])))
    for (kind, field), place, removed, value in changes:
        if removed:
            content[kind][place].pop(field, None)
        else:
            content[kind][place][field] = value
    findings = Findings()
    faces = check_annotations('x.json', content, findings)
    assert len(faces) == 2 or findings.list()
    for face in faces:
        assert np.isfinite(face['points']).all() and np.isfinite(face['center']).all()
        assert face['side'] > 0 and len(face['flags']) == len(face['points'])


@fuzzed
@hypothesis.given(ending=st.sampled_from(['.jpg', '.png', '.bmp']), data=st.data())
def test_any_image_bytes(tmp_path, ending, data):
    """Bytes cut off or changed: a result in any case, and no false alarm for a sound file."""
    sound = cv2.imencode(ending, np.random.default_rng(0).integers(
        0, 256, (24, 32, 3), dtype=np.uint8))[1].tobytes()
    content = bytearray(sound[:data.draw(st.integers(0, len(sound)))])
    for _ in range(data.draw(st.integers(0, 3))):
        if content:
            place = data.draw(st.integers(0, len(content) - 1))
            content[place] = data.draw(st.integers(0, 255))
    path = tmp_path / f'x{ending}'
    path.write_bytes(bytes(content))
    ends = look_at_ends(path)
    whole = look_at_image(ImageTask(path, (32, 24), ((10., 10., 8.), )))
    for result in (ends, whole):
        assert result.problem in (None, 'corrupt')
        assert result.problem is None or result.detail
    if bytes(content) == sound:
        assert ends.problem is None and whole.problem is None and ends.size == (32, 24)
    if whole.problem is None and len(content) < len(sound) and ending != '.bmp':
        assert ends.problem is not None or whole.complaint or whole.size


STOCK = {name: get_config(f'mmpose::face_2d_keypoint/topdown_heatmap/{name}.py') for name in (
    '300w/td-hm_hrnetv2-w18_8xb64-60e_300w-256x256',
    'wflw/td-hm_hrnetv2-w18_dark-8xb64-60e_wflw-256x256',
    'cofw/td-hm_hrnetv2-w18_8xb64-60e_cofw-256x256',
    'coco_wholebody_face/td-hm_hourglass52_8xb32-60e_coco-wholebody-face-256x256')}
wishes = st.fixed_dictionaries({}, optional=dict(
    sigma=st.one_of(st.floats(0.1, 10), st.floats(), st.none()),
    loss=st.one_of(st.sampled_from(sorted(LOSSES)), st.text(max_size=6)),
    sampling=st.sampled_from(['barycenter', 'argmax', 'mean', '']),
    coordinates=st.sampled_from([None, 'half_pixel', 'udp', 'mmpose', 'centre']),
    target=st.sampled_from([None, 'probability', 'peak', 'nothing']),
    temperature=st.one_of(st.none(), st.floats(0.01, 100), st.floats()),
    metric=st.one_of(st.booleans(), st.just(dict(prefix='x')))))


@fuzzed
@hypothesis.given(name=st.sampled_from(sorted(STOCK)), options=wishes)
@hypothesis.example(name=min(STOCK), options=dict(sigma=math.inf))
@hypothesis.example(name=min(STOCK), options=dict(temperature=math.inf))
def test_any_options_of_turn_on(name, options):
    stock = STOCK[name]
    before = copy.deepcopy(stock._cfg_dict)
    try:
        after = turn_on(stock, **options)
    except ValueError as error:
        assert str(error) and '\n' not in str(error)[:10]
        return
    finally:
        assert stock._cfg_dict == before, 'the config that was handed in is not to be changed'
    for key in ('sigma', 'temperature'):
        value = options.get(key)
        assert value is None or (math.isfinite(value) and value > 0)
    codecs_found = [node for _, node in find_typed(after) if type_name(node) == 'BarycenterCodec']
    assert codecs_found and all(dict(node) == dict(codecs_found[0]) for node in codecs_found)
    MODELS.build(after.model.head)
    # It can be written and read again, and a second time changes nothing.
    assert Config.fromstring(after.pretty_text, '.py')._cfg_dict == after._cfg_dict
    again = turn_on(after, **options)
    assert again._cfg_dict == after._cfg_dict


keys = st.lists(st.sampled_from([
    'model', 'head', 'decoder', 'sigma', 'train_dataloader', 'dataset', 'pipeline', '0', '99',
    'type', 'nothing', '', 'val_evaluator', 'codec']), min_size=1, max_size=4).map('.'.join)


@fuzzed
@hypothesis.given(options=st.dictionaries(keys, st.one_of(
    st.integers(), st.text(max_size=4), st.lists(st.integers(), max_size=2),
    st.just(dict(type='X')), st.none()), min_size=1, max_size=2))
def test_any_cfg_option(options):
    cfg = copy.deepcopy(STOCK['300w/td-hm_hrnetv2-w18_8xb64-60e_300w-256x256'])
    try:
        merge_cfg_options(cfg, Namespace(cfg_options=options))
    except ValueError as error:
        assert any(f'--cfg-options {name}=' in str(error) for name in options)
