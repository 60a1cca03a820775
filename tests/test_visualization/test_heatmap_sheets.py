"""The pictures: a panel for each face and model, marks where they belong, words that say it."""
from __future__ import annotations

import cv2
import numpy as np
import pytest

from mmpose_wass.codecs import BarycenterCodec
from mmpose_wass.landmarks import get_scheme
from mmpose_wass.visualization.heatmaps import (
    FaceView,
    HeatmapRow,
    draw_heatmap_sheet,
    draw_side_by_side,
    heatmap_figure,
    landmark_name,
    side_by_side_figure,
    strips_figure,
    worst_landmark,
)
from mmpose_wass.visualization.heatmaps.choose import choose_places, choose_rows
from mmpose_wass.visualization.heatmaps.marks import TRUTH
from mmpose_wass.visualization.picture_grid import new_picture_grid, to_pixels

CODEC = BarycenterCodec((64, 64), (16, 16), sigma=1.0)
SHAPE = get_scheme('300w').mean_shape * 24 + [32, 22]


def face(shift=0., name='somebody', known=True, hidden=(), maps=True, scheme='300w', worst=None):
    points = SHAPE + [shift, 0]
    if worst is not None:
        points[worst] += [6, 6]
    target = SHAPE.copy() if known else np.full_like(SHAPE, np.nan)
    flags = np.zeros(68, bool)
    flags[list(hidden)] = True
    return FaceView(
        name=name, picture=np.full((128, 128, 3), 90, np.uint8), zoom=np.full(2, 2.), points=points,
        target=target, unit=30. if known else float('nan'),
        unit_name='inter-ocular distance' if known else '',
        maps=CODEC.encode(points[None])['heatmaps'] if maps else None,
        places=CODEC.coordinate_map if maps else None, hidden=flags, scheme=scheme)


def panels(figure):
    """Panels that hold a picture."""
    return [axes for axes in figure.axes if axes.images]


def texts(figure):
    found = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        found += [text.get_text() for text in axes.texts]
    return ' | '.join(found)


def test_a_panel_for_each_model_and_one_for_the_input():
    rows = [HeatmapRow('eye', [face(), face(3)], [36, 36]),
            HeatmapRow('nose', [face(), face(3)], [30, 30])]
    figure = heatmap_figure(rows, ['L2', 'W'], title='Two models')
    assert len(panels(figure)) == 2 * 3
    words = texts(figure)
    for part in ('Two models', 'L2', 'W', 'input', 'eye', 'nose', 'error 10.0 %', 'error 0.0 %',
                 'somebody', 'inter-ocular distance'):
        assert part in words
    # The panel shows what the view's overlay is, and the marks stand on the landmarks.
    shown = panels(figure)[1]
    np.testing.assert_array_equal(shown.images[0].get_array(), face().overlay(36)[..., ::-1])
    marks = np.array([line.get_xydata()[0] for line in shown.lines])
    np.testing.assert_allclose(marks, [SHAPE[36] * 2] * 2)
    # Nothing is marked on the input but the annotation.
    assert len(panels(figure)[0].lines) == 1


def test_no_text_lies_on_another_and_none_is_cut_off():
    """Long names are wrapped: in pixels nothing overlaps."""
    long = 'a model with a name that somebody made much too long for its column of pictures'
    rows = [HeatmapRow('left lower lid inner third (47)', [face(name='folder/' + 'x' * 60)] * 3,
                       [47] * 3)] * 2
    figure = heatmap_figure(rows, ['short', long, long], title='Title')
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.texts if text.get_text()]
    for axes in panels(figure):
        boxes += [text.get_window_extent() for text in axes.texts]
        boxes.append(axes.get_window_extent())
    legend = figure.axes[-2].get_legend() or figure.axes[-1].get_legend()
    boxes += [legend.get_window_extent()] if legend else []
    width, height = figure.canvas.get_width_height()
    for place, box in enumerate(boxes):
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, place
        for other in boxes[:place]:
            across = min(box.x1, other.x1) - max(box.x0, other.x0)
            along = min(box.y1, other.y1) - max(box.y0, other.y0)
            assert across <= 1 or along <= 1


def test_what_a_model_does_not_have_is_said():
    rows = [HeatmapRow('eye', [face(), face(maps=False), face()], [36, 36, -1])]
    words = texts(heatmap_figure(rows, ['a', 'b', 'c'])).replace('\n', ' ')
    assert 'no heatmaps' in words and 'no such' in words
    with pytest.raises(ValueError, match='2 models'):
        heatmap_figure(rows, ['a', 'b'])
    with pytest.raises(ValueError, match='rows'):
        heatmap_figure([], ['a'])


def test_files_are_written(tmp_path):
    path = draw_heatmap_sheet([HeatmapRow('eye', [face(hidden=[36])], [36])], ['one'],
                              [str(tmp_path / 'deep/sheet.png')])[0]
    picture = cv2.imread(path)
    assert min(picture.shape[:2]) > 300
    # The ring's colour is there, and the overlay's brightest.
    blue = np.array(TRUTH[::-1]) * 255
    assert (np.abs(picture - blue).max(axis=2) < 12).sum() > 20
    assert draw_side_by_side(dict(a=[face()]), [str(tmp_path / 'one.pdf')])[0].endswith('.pdf')


def test_side_by_side_has_a_row_for_each_model_and_marks_the_best():
    models = dict(good=[face(1), face(6)], bad=[face(3), face(3)])
    figure = side_by_side_figure(models, columns=2)
    assert len(panels(figure)) == 4
    captions = {axes.texts[-1].get_text(): axes.texts[-1].get_fontweight()
                for axes in panels(figure)}
    assert captions == {'3.3 %': 'bold', '20.0 %': 'normal', '10.0 %': captions['10.0 %']}
    weights = [axes.texts[-1].get_fontweight() for axes in panels(figure)]
    assert weights == ['bold', 'normal', 'normal', 'bold']
    # 5 faces in rows of 2: three blocks of both models.
    many = side_by_side_figure(dict(a=[face()] * 5, b=[face()] * 5), columns=2)
    assert len(panels(many)) == 10
    for wrong in (dict(a=[face()], b=[]), dict(a=[]), ):
        with pytest.raises(ValueError, match='same faces'):
            side_by_side_figure(wrong)
    with pytest.raises(ValueError, match='columns'):
        side_by_side_figure(models, columns=0)


def test_strips_show_the_worst_landmark():
    views = [face(worst=50), face(known=False), face(maps=False, worst=3)]
    assert worst_landmark(views[0]) == 50 and worst_landmark(views[2]) == 3
    figure = strips_figure(views, 'epoch 3')
    # Grey panels stand for maps that are not there.
    assert len(panels(figure)) == 9
    words = texts(figure).replace('\n', ' ')
    assert 'upper lip top' in words and '(50)' in words and 'no heatmaps' in words
    pixels = to_pixels(figure, 50)
    assert pixels.dtype == np.uint8 and pixels.shape[2] == 3 and pixels.flags.c_contiguous
    assert len(panels(strips_figure(views[:1], landmarks=[36, 45]))) == 4


def test_worst_landmark_without_annotation_has_the_most_stray_mass():
    view = face(known=False)
    view.maps[7] = 1 / 256
    assert worst_landmark(view) == 7


def test_names_of_landmarks():
    assert landmark_name(face(), 30) == 'nose tip (30)'
    assert landmark_name(face(scheme='somebodys own'), 30) == 'landmark 30'


def test_rows_for_names_numbers_and_words():
    views = dict(a=[face(worst=8), face(worst=9)], b=[face(), face()])
    rows = choose_rows(views, ['nose_tip', '45', 'worst', 'all', 'outer_eye_corner'])
    assert [row.landmarks[0] for row in rows] == [30, 45, 8, None, 36, 30, 45, 9, None, 36]
    assert all(len(row.views) == 2 for row in rows)
    with pytest.raises(ValueError, match='no landmark is named'):
        choose_rows(views, ['elbow'])
    with pytest.raises(ValueError, match='rows'):
        choose_rows(dict(a=[face()] * 30))


def test_a_landmark_keeps_its_name_in_a_model_of_another_scheme():
    cofw = get_scheme('cofw')
    other = face(scheme='cofw')
    other.points = other.target = np.zeros((29, 2))
    rows = choose_rows(dict(a=[face()], b=[other]), ['nose_tip', '0'])
    assert rows[0].landmarks == [30, cofw.landmark_names.index('nose_tip')]
    assert rows[1].landmarks == [0, -1]  # the jaw's first point: COFW has none


class Runner:
    """Finds what it is told to."""

    def __init__(self, views):
        self.views = views

    def run(self, faces, with_maps=True, progress=None):
        progress(len(faces))
        return [self.views[face] for face in faces]


def test_faces_are_chosen_by_what_was_asked_for(capsys):
    first = [face(2), face(9), face(5, hidden=[36]), face(1, hidden=[3]), face(known=False)]
    runners = dict(a=Runner(first), b=Runner([face(2), face(8), face(1), face(7), face()]))
    faces = list(range(5))
    assert choose_places(runners, faces, 'first', 2) == [0, 1]
    assert choose_places(runners, faces, 'spread', 3) == [0, 2, 4]
    assert choose_places(runners, faces, 'worst', 3) == [1, 2, 0]
    assert choose_places(runners, faces, 'differ', 2) == [3, 2]
    assert choose_places(runners, faces, 'hidden', 5) == [2, 3]
    assert choose_places(runners, faces, 'hidden', 5, landmarks=['36']) == [2]
    assert choose_places(runners, faces, 'worst', 1, among=2) == [0]  # faces 0 and 4
    with pytest.raises(ValueError, match='hidden'):
        choose_places(runners, faces, 'hidden', 1, landmarks=['50'])
    with pytest.raises(ValueError, match='annotation'):
        choose_places(dict(a=Runner([face(known=False)])), [0], 'worst', 1)
    with pytest.raises(ValueError, match='pick'):
        choose_places(runners, faces, 'nicest', 1)


def test_a_grid_needs_rows_and_columns():
    with pytest.raises(ValueError, match='0 and 1'):
        new_picture_grid([], ['a'])
