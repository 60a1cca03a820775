"""Rendered faces: landmarks sit on what is drawn, schemes agree, sets are reproducible and load in
MMPose.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmpose_wass.datasets.synthetic import (
    Camera,
    FaceParameters,
    FaceShape,
    contact_sheet,
    mean_shape_error,
    project_landmarks,
    render_face,
    sample_face_parameters,
    sample_sequence,
    to_scheme,
    write_dataset,
)
from mmpose_wass.datasets.synthetic.splits import LAYOUTS

PLAIN = dict(hair_style='bald', ambient=1.0, light=(0.0, 0.0, 1.0), scale=0.32)


def faces(count, **options):
    rng = np.random.default_rng(7)
    return [sample_face_parameters(rng, **options) for _ in range(count)]


def signed_distance(mask):
    """Distance of every pixel to the edge of a mask, positive inside."""
    inside = (mask > 127).astype(np.uint8)
    within = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    without = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    return np.where(inside > 0, within - 0.5, 0.5 - without).astype(np.float32)


def look_up(image, points):
    points = np.asarray(points, np.float32)
    return cv2.remap(image, points[None, :, 0], points[None, :, 1], cv2.INTER_LINEAR)[0]


# ---------------------------------------------------------------------- landmarks and what is drawn
def test_jaw_points_lie_on_the_edge_of_the_face():
    errors = []
    for face in faces(25, yaw_range=(0, 75), profile_share=0.0):
        drawn = render_face(face, 256)
        jaw = drawn.landmarks[:33]
        inside = ((jaw > 2) & (jaw < 253)).all(axis=1)
        errors.append(np.abs(look_up(signed_distance(drawn.face_mask), jaw))[inside])
    errors = np.concatenate(errors)
    assert errors.mean() < 0.7
    assert np.percentile(errors, 97) < 1.5
    # The measure can fail: the same points three pixels aside are off the edge.
    assert np.abs(look_up(signed_distance(drawn.face_mask), jaw + [3, 0])).mean() > 1.5


@pytest.mark.parametrize('yaw', [0.0, 35.0, -35.0])
def test_lips_lie_on_the_drawn_lips(yaw):
    """The edge is found in the picture: two renderings that differ in lip paint only."""
    plain = FaceParameters(yaw=yaw, makeup=0.0, lip_red=0.3, **PLAIN)
    pair = []
    for lip_red in (0.0, 1.0):
        pair.append(render_face(replace(plain, lip_red=lip_red), 384, degraded=False))
    changed = np.abs(pair[0].image.astype(int) - pair[1].image).sum(axis=2) > 12
    # Seam and shine are painted over the lips: fill what lies within the outer border.
    borders, _ = cv2.findContours(
        changed.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    mask = np.zeros(changed.shape, np.uint8)
    cv2.drawContours(mask, borders, -1, 255, cv2.FILLED)
    outer = pair[0].landmarks[76:88]
    error = np.abs(look_up(signed_distance(mask), outer))
    assert error[[1, 2, 3, 4, 5, 7, 8, 9, 10, 11]].max() < 2.0
    assert error.mean() < 1.2


def test_pupils_lie_in_the_drawn_iris():
    face = FaceParameters(iris_color=(255.0, 0.0, 0.0), gaze=(0.4, 0.0), **PLAIN)
    drawn = render_face(face, 384, degraded=False)
    blue = drawn.image[..., 0].astype(int) - drawn.image[..., 2] > 80
    for pupil, lids in ((96, slice(60, 68)), (97, slice(68, 76))):
        low, high = drawn.landmarks[lids].min(axis=0), drawn.landmarks[lids].max(axis=0)
        rows, columns = np.nonzero(blue)
        inside = (columns > low[0]) & (columns < high[0]) & (rows > low[1]) & (rows < high[1])
        assert inside.sum() > 20
        assert abs(columns[inside].mean() - drawn.landmarks[pupil, 0]) < 1.5


def test_brow_points_border_the_drawn_brow():
    """A brow that is painted green is found where its upper and lower edge points say."""
    face = FaceParameters(hair_color=(0.0, 250.0, 0.0), **PLAIN)
    drawn = render_face(face, 384, degraded=False)
    green = drawn.image[..., 1].astype(int) - drawn.image[..., 2]
    distance = signed_distance(np.where(green > 10, 255, 0).astype(np.uint8))
    edge = look_up(distance, drawn.landmarks[[34, 35, 36, 39, 40, 43, 44, 45, 48, 49]])
    assert np.abs(edge).max() < 2.0
    middle = 0.5 * (drawn.landmarks[35] + drawn.landmarks[98])
    assert look_up(distance, middle[None])[0] > 1.0


@pytest.mark.parametrize('name', ['300w', 'wflw', 'cofw', 'aflw'])
def test_mirrored_face_has_mirrored_landmarks(name):
    """A mirrored face gives the points that MMPose's own flip of the picture expects."""
    from mmpose.datasets.datasets.utils import parse_pose_metainfo

    flip = parse_pose_metainfo(dict(from_file=f'configs/_base_/datasets/{name}.py'))['flip_indices']
    for face in faces(6, yaw_range=(0, 80)):
        points = to_scheme(project_landmarks(face, 256), name)
        mirrored = to_scheme(project_landmarks(face.mirrored(), 256), name)
        expected = points[flip] * [-1, 1] + [255, 0]
        np.testing.assert_allclose(mirrored, expected, atol=1e-6)


def test_far_jaw_slides_to_the_silhouette():
    """Turned away, the ear-side points come forward to the visible edge instead of hiding behind
    the face.
    """
    face = FaceParameters(yaw=45.0, **PLAIN)
    shape, camera = FaceShape(face), Camera(face, 256)
    hidden = camera.project(shape.surface(np.ones((1, 1)), np.full((1, 1), 6.0))[:, 0])[0]
    visible = project_landmarks(face, 256)[30]
    assert visible[0] > hidden[0] + 5
    near = camera.project(shape.surface(-np.ones((1, 1)), np.full((1, 1), 6.0))[:, 0])[0]
    np.testing.assert_allclose(project_landmarks(face, 256)[2], near[:2], atol=0.3)


def test_pose_moves_the_nose_as_documented():
    base = project_landmarks(FaceParameters(), 256)[54]
    assert project_landmarks(FaceParameters(yaw=20.0), 256)[54, 0] > base[0] + 5
    assert project_landmarks(FaceParameters(pitch=20.0), 256)[54, 1] < base[1] - 5
    level = project_landmarks(FaceParameters(roll=20.0), 256)
    assert level[72, 1] > level[60, 1] + 5  # clockwise: the image-right eye goes down


def test_expression_moves_its_own_points():
    rest = project_landmarks(FaceParameters(), 256)
    opened = project_landmarks(FaceParameters(jaw_open=0.8), 256)
    assert opened[94, 1] - opened[90, 1] > rest[94, 1] - rest[90, 1] + 8  # inner lips apart
    np.testing.assert_allclose(opened[60:76], rest[60:76], atol=1e-9)  # eyes stay
    closed = project_landmarks(FaceParameters(blink=(1.0, 0.0)), 256)
    assert closed[66, 1] - closed[62, 1] < 0.4 * (rest[66, 1] - rest[62, 1])
    np.testing.assert_allclose(closed[68:76], rest[68:76], atol=1e-9)  # the other eye stays


def test_profile_hides_the_far_eye():
    drawn = render_face(FaceParameters(yaw=80.0, **PLAIN), 256)
    assert drawn.occluded[68:76].mean() > 0.7
    # The near eye is seen, but for the inner corner, which the bridge of the nose may cover.
    assert not drawn.occluded[[60, 61, 62, 66, 67]].any()
    assert not render_face(FaceParameters(**PLAIN), 256).occluded.any()


def test_something_in_front_hides_points():
    covered = render_face(FaceParameters(occluder='scarf', **PLAIN), 256)
    assert covered.occluded[16] and covered.occluded[85]
    assert not covered.occluded[60:76].any()
    assert (
        render_face(FaceParameters(glasses='dark', **PLAIN), 256)
        .occluded[[62, 66, 70, 74, 96, 97]]
        .all()
    )


# ---------------------------------------------------------------------- schemes
def test_schemes_agree_on_their_common_points():
    points = np.random.default_rng(0).normal(size=(100, 2))
    wflw, many, cofw, aflw = (to_scheme(points, name) for name in ('wflw', '300w', 'cofw', 'aflw'))
    from_wflw = [
        *range(0, 33, 2),
        *range(33, 38),
        *range(42, 47),
        *range(51, 60),
        60,
        61,
        63,
        64,
        65,
        67,
        68,
        69,
        71,
        72,
        73,
        75,
        *range(76, 96),
    ]
    np.testing.assert_array_equal(many, wflw[from_wflw])
    to_cofw = {
        0: 17,
        1: 26,
        2: 21,
        3: 22,
        4: 19,
        6: 24,
        8: 36,
        9: 45,
        10: 39,
        11: 42,
        18: 31,
        19: 35,
        20: 30,
        21: 33,
        25: 62,
        26: 66,
    }
    for target, source in to_cofw.items():
        np.testing.assert_array_equal(cofw[target], many[source])
    to_aflw = {
        0: (0,),
        1: (4, 5),
        2: (2,),
        3: (3,),
        4: (6, 7),
        5: (1,),
        6: (8,),
        7: (16,),
        8: (10,),
        9: (11,),
        10: (17,),
        11: (9,),
        12: (18,),
        13: (20,),
        14: (19,),
        15: (22,),
        16: (25, 26),
        17: (23,),
        18: (28,),
    }
    for target, sources in to_aflw.items():
        np.testing.assert_allclose(aflw[target], cofw[list(sources)].mean(axis=0))
    np.testing.assert_array_equal(to_scheme(points, '300vw'), many)


def test_averaged_common_points_are_close():
    """Where one scheme's point is the mean of another's, the drawn curve bends: equal within 5 % of
    the eye distance.
    """
    points = project_landmarks(FaceParameters(), 256)
    many, cofw = to_scheme(points, '300w'), to_scheme(points, 'cofw')
    unit = np.linalg.norm(many[36] - many[45])
    means = {
        12: (37, 38),
        13: (40, 41),
        14: (43, 44),
        15: (46, 47),
        22: (48, 60),
        23: (54, 64),
        24: (50, 51, 52),
        27: (56, 57, 58),
        28: (7, 8, 9),
    }
    for target, sources in means.items():
        assert np.linalg.norm(cofw[target] - many[list(sources)].mean(axis=0)) < 0.05 * unit


def test_unknown_scheme_and_wrong_shape():
    with pytest.raises(KeyError, match='lapa'):
        to_scheme(np.zeros((100, 2)), 'lapa')
    with pytest.raises(ValueError, match=r'\(98, 2\)'):
        to_scheme(np.zeros((98, 2)), '300w')


# ---------------------------------------------------------------------- data sets
COUNTS = dict(train=6, test=14)


def bytes_of(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(Path(root).rglob('*'))
        if path.is_file() and not path.name.startswith('.')
    }


def test_bytes_do_not_depend_on_the_number_of_workers(tmp_path):
    write_dataset(
        'cofw', tmp_path / 'one', dict(train=12, test=5), seed=3, image_size=96, workers=1
    )
    write_dataset(
        'cofw', tmp_path / 'two', dict(train=12, test=5), seed=3, image_size=96, workers=2
    )
    assert bytes_of(tmp_path / 'one') == bytes_of(tmp_path / 'two')
    write_dataset('cofw', tmp_path / 'other', dict(train=12, test=5), seed=4, image_size=96)
    assert (
        bytes_of(tmp_path / 'one')['images/train/000000.jpg']
        != bytes_of(tmp_path / 'other')['images/train/000000.jpg']
    )


def test_an_image_depends_on_its_index_only(tmp_path):
    write_dataset('aflw', tmp_path / 'few', dict(train=2, test=2), image_size=64)
    write_dataset('aflw', tmp_path / 'more', dict(train=4, test=3), image_size=64)
    few, more = bytes_of(tmp_path / 'few'), bytes_of(tmp_path / 'more')
    for name in ('images/train/000001.jpg', 'images/test/000001.jpg'):
        assert few[name] == more[name]


@pytest.mark.parametrize(
    'name, dataset_class, points',
    [
        ('300w', 'Face300WDataset', 68),
        ('wflw', 'WFLWDataset', 98),
        ('cofw', 'COFWDataset', 29),
        ('aflw', 'AFLWDataset', 19),
        ('300vw', 'Face300VWDataset', 68),
    ],
)
def test_sets_load_in_mmpose(tmp_path, name, dataset_class, points):
    from mmpose.datasets import datasets

    written = write_dataset(name, tmp_path, COUNTS, image_size=64, frames=5)
    assert set(written) == set(LAYOUTS[name].annotations)
    for path, count in written.items():
        if count == 0:
            continue
        loaded = getattr(datasets, dataset_class)(
            data_root=str(tmp_path),
            ann_file=path,
            data_prefix=dict(img=LAYOUTS[name].image_folder),
            pipeline=[],
            test_mode='train' not in path,
        )
        assert len(loaded) == count
        assert loaded.metainfo['num_keypoints'] == points
        item = loaded.get_data_info(0)
        assert item['keypoints'].shape == (1, points, 2)
        assert cv2.imread(item['img_path']).shape == (64, 64, 3)
        low, high = item['keypoints'][0].min(axis=0), item['keypoints'][0].max(axis=0)
        if name in ('300w', '300vw', 'wflw'):  # the box spans the landmarks
            np.testing.assert_allclose(item['bbox_center'][0], (low + high) / 2, atol=1e-2)
            np.testing.assert_allclose(item['bbox_scale'][0], (high - low).max(), atol=1e-2)
        if name == 'aflw' and 'train' not in path:  # MMPose hands it on for testing only
            assert item['box_size'] >= (high - low).max()
    train = next(path for path in written if 'train' in path)
    assert written[train] == COUNTS['train']
    if name == 'wflw':
        assert [written[p] for p in written if 'test_' in p] == [2] * 6
    if name == '300w':
        assert written['annotations/face_landmarks_300w_valid.json'] == 2 * COUNTS['test']


def test_cofw_flags(tmp_path):
    write_dataset('cofw', tmp_path, dict(train=20, test=1), image_size=96)
    annotations = json.loads((tmp_path / 'annotations/cofw_train.json').read_text())['annotations']
    flags = np.array([a['keypoints'] for a in annotations]).reshape(20, 29, 3)[..., 2]
    assert set(np.unique(flags)) == {1, 2}
    assert 0.02 < (flags == 1).mean() < 0.5


def test_poses_of_the_fixed_test_sets(tmp_path):
    write_dataset('300w', tmp_path, dict(train=60, test=60), image_size=48)
    folder = tmp_path / 'annotations'

    def yaws(part):
        content = json.loads((folder / f'face_landmarks_300w_{part}.json').read_text())
        return np.abs([a['yaw'] for a in content['annotations']])

    common, challenge = yaws('valid_common'), yaws('valid_challenge')
    assert common.max() <= 45 and (common > 30).mean() >= 0.2
    assert challenge.min() >= 45 and challenge.max() <= 90
    assert yaws('train').max() > 55
    # A model that does not look must not come far.
    assert (
        mean_shape_error(
            folder / 'face_landmarks_300w_train.json',
            folder / 'face_landmarks_300w_valid_common.json',
        )
        > 15
    )


def test_interrupted_run_goes_on(tmp_path, monkeypatch):
    """Stopped after seven images, then run again: no image is drawn twice and the result is the
    same.
    """
    from mmpose_wass.datasets.synthetic import write

    counts = dict(train=10, test=3)
    write_dataset('wflw', tmp_path / 'straight', counts, image_size=64)
    drawn = []

    def counting(face, size):
        if len(drawn) == 7:
            raise KeyboardInterrupt
        drawn.append(face)
        return render_face(face, size)

    monkeypatch.setattr(write, 'render_face', counting)
    with pytest.raises(KeyboardInterrupt):
        write_dataset('wflw', tmp_path / 'broken', counts, image_size=64)
    assert not (tmp_path / 'broken/annotations').exists()
    drawn_again = []
    monkeypatch.setattr(
        write,
        'render_face',
        lambda face, size: (drawn_again.append(face), render_face(face, size))[1],
    )
    write_dataset('wflw', tmp_path / 'broken', counts, image_size=64)
    assert len(drawn_again) == 13 - 7
    assert bytes_of(tmp_path / 'broken') == bytes_of(tmp_path / 'straight')
    write_dataset('wflw', tmp_path / 'broken', counts, image_size=64)  # finished: nothing is drawn
    assert len(drawn_again) == 13 - 7
    (tmp_path / 'broken/images/test/000001.jpg').unlink()  # a lost image comes back
    write_dataset('wflw', tmp_path / 'broken', counts, image_size=64)
    assert len(drawn_again) == 13 - 7 + 1
    assert bytes_of(tmp_path / 'broken') == bytes_of(tmp_path / 'straight')


def test_other_settings_need_overwrite(tmp_path):
    write_dataset('aflw', tmp_path / 'set', dict(train=2, test=2), image_size=64)
    with pytest.raises(FileExistsError, match='seed'):
        write_dataset('aflw', tmp_path / 'set', dict(train=2, test=2), image_size=64, seed=1)
    write_dataset(
        'aflw', tmp_path / 'set', dict(train=1, test=1), image_size=64, seed=1, overwrite=True
    )
    assert not (tmp_path / 'set/images/train/000001.jpg').exists()


def test_foreign_data_is_never_replaced(tmp_path):
    (tmp_path / 'annotations').mkdir()
    real = tmp_path / 'annotations/face_landmarks_300w_train.json'
    real.write_text('{}')
    with pytest.raises(FileExistsError, match='not written by this generator'):
        write_dataset('300w', tmp_path, dict(train=1, test=1), overwrite=True)
    assert real.read_text() == '{}'


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(name='lfpw'), 'lfpw'),
        (dict(counts=dict(train=0, test=1)), 'at least 1'),
        (dict(counts=dict(train=1)), 'test'),
        (dict(image_size=8), '32'),
        (dict(workers=0), 'workers'),
        (dict(yaw=(50, 20)), 'yaw'),
        (dict(frames=2), '3 frames'),
    ],
)
def test_wrong_arguments(tmp_path, change, message):
    arguments = dict(
        name='300w', root=tmp_path / 'set', counts=dict(train=1, test=1), image_size=64
    )
    with pytest.raises(ValueError, match=message):
        write_dataset(**{**arguments, **change})
    assert not (tmp_path / 'set').exists()


def test_wrong_sampler_arguments():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match='yaw_range'):
        sample_face_parameters(rng, yaw_range=(40, 20))
    with pytest.raises(ValueError, match='smoke'):
        sample_face_parameters(rng, attribute='smoke')
    with pytest.raises(ValueError, match='S9'):
        sample_sequence(rng, 10, 'S9')


# ---------------------------------------------------------------------- sequences
@pytest.mark.parametrize('scenario', ['train', 'S1', 'S2', 'S3'])
def test_frames_move_smoothly(scenario):
    frames = sample_sequence(np.random.default_rng(11), 40, scenario)
    points = np.stack([to_scheme(project_landmarks(face, 256), '300vw') for face in frames])
    nose = points[:, 33]
    step = np.linalg.norm(np.diff(nose, axis=0), axis=1)
    assert 0.05 < step.mean() < 6  # it moves, and not by leaps
    jerk = np.linalg.norm(np.diff(nose, n=2, axis=0), axis=1)
    assert jerk.max() < 2.0
    assert len({face.appearance_seed for face in frames}) == 1  # one person in one place
    assert [face.frame for face in frames] == list(range(40))


def test_sequence_records(tmp_path):
    write_dataset('300vw', tmp_path, dict(train=8, test=5), image_size=64, frames=4)
    content = json.loads((tmp_path / 'anno_300vw_train.json').read_text())
    assert [i['frame'] for i in content['images']] == [1, 2, 3, 4] * 2
    assert len({i['sequence'] for i in content['images']}) == 2
    for image, annotation in zip(content['images'], content['annotations']):
        pts = tmp_path / image['file_name'].replace('/imgs/', '/annot/').replace('.jpg', '.pts')
        lines = pts.read_text().split('{')[1].split('}')[0].split('\n')
        values = np.array([line.split() for line in lines if line], float)
        np.testing.assert_allclose(
            values, np.array(annotation['keypoints']).reshape(-1, 3)[:, :2], atol=1e-3
        )
    scenarios = {
        i['scenario']
        for k in (1, 2, 3)
        for i in json.loads((tmp_path / f'anno_300vw_test_{k}.json').read_text())['images']
    }
    assert scenarios == {'S1', 'S2', 'S3'}


# ---------------------------------------------------------------------- looking at them
def test_contact_sheet():
    drawn = [render_face(face, 64) for face in faces(3)]
    sheet = contact_sheet(
        [d.image for d in drawn], [d.landmarks for d in drawn], columns=2, tile=48
    )
    assert sheet.shape == (96, 96, 3)
    with pytest.raises(ValueError, match='as many'):
        contact_sheet([], [])


def test_pictures_vary():
    """Different faces differ in shape, pose and brightness; the same face comes out the same."""
    several = [render_face(face, 64) for face in faces(8)]
    brightness = [d.image.mean() for d in several]
    assert np.std(brightness) > 10
    again = render_face(several[0].parameters, 64)
    np.testing.assert_array_equal(again.image, several[0].image)
    shapes = np.stack([d.landmarks - d.landmarks.mean(axis=0) for d in several])
    assert shapes.std(axis=0).mean() > 2
