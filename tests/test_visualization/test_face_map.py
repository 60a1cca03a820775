"""Values on a face: colours, rings and numbers are where they belong."""
import re

import cv2
import numpy as np
import pytest

from mmpose_wass.visualization.ced import plot_level
from mmpose_wass.visualization.face_map import draw_face_map, face_outline
from mmpose_wass.visualization.image_files import find_images

NAN = float('nan')
POINTS = np.array([[0., 0.], [1., 0.], [.5, .6], [.5, 1.]])


def texts(path):
    return re.findall(r'<text[^>]*>([^<]*)</text>', path.read_text())


def dots(path):
    """Dots of an SVG of matplotlib: (x, y, fill)."""
    found = []
    pattern = r'<path d="([^"]*)" clip-path="[^"]*" style="fill: (#\w+); stroke'
    for shape, fill in re.findall(pattern, path.read_text()):
        numbers = np.array(re.findall(r'-?[\d.]+', shape), dtype=float).reshape(-1, 2)
        x, y = (numbers.min(axis=0) + numbers.max(axis=0)) / 2
        found.append((x, y, fill))
    return found


class TestFaceMap:

    def test_places_and_order_of_colours(self, tmp_path):
        path = tmp_path / 'new' / 'map.svg'
        values = np.array([0., 10., 20., 40.])
        assert draw_face_map({'run': values}, POINTS, [str(path)], 'rate (%)') == [str(path)]
        found = sorted(dots(path), key=lambda dot: dot[1])
        assert len(found) == 4
        # The chin (y = 1) lies lowest on the page, the eyes at one height, 1 apart.
        xs, ys = np.array([dot[:2] for dot in found]).T
        assert ys[0] == pytest.approx(ys[1]) and ys[1] < ys[2] < ys[3]
        scale = abs(xs[0] - xs[1])
        assert (ys[3] - ys[0]) / scale == pytest.approx(1.0, abs=.02)
        # Darker is more: lightness falls with the value.
        light = [sum(int(dot[2][i:i + 2], 16) for i in (1, 3, 5))
                 for dot in sorted(found, key=lambda dot: (round(dot[1]), dot[0]))]
        assert light[0] > light[1] > light[2] > light[3]
        assert {'run', 'rate (%)'} <= set(texts(path))
        assert '40.0' in texts(path) and '0.0' not in texts(path)

    def test_one_scale_for_all_panels(self, tmp_path):
        path = tmp_path / 'map.svg'
        draw_face_map({'a': np.full(4, 5.), 'b': np.array([5., 5., 5., 50.])}, POINTS, [str(path)],
                      'rate')
        colors = [dot[2] for dot in dots(path)]
        assert len(colors) == 8 and len(set(colors)) == 2

    def test_differences(self, tmp_path):
        path = tmp_path / 'map.svg'
        values = np.array([-8., 8., 0., -2.])
        draw_face_map({'d': values}, POINTS, [str(path)], 'points', diverging=True,
                      rings={'d': np.array([True, True, False, False])}, note='a note')
        shown = texts(path)
        assert '−8.0' in shown and '+8.0' in shown and 'a note' in shown
        assert '−2.0' not in shown  # not ringed, so not written
        fills = {dot[2] for dot in dots(path)}
        red = [color for color in fills if int(color[1:3], 16) > int(color[5:7], 16) + 20]
        blue = [color for color in fills if int(color[5:7], 16) > int(color[1:3], 16) + 20]
        assert len(red) == 1 and len(blue) == 2

    def test_unknown_values_and_points(self, tmp_path):
        path = tmp_path / 'map.svg'
        points = POINTS.copy()
        points[3] = NAN
        draw_face_map({'a': np.array([1., NAN, 2., 3.])}, points, [str(path)], 'rate')
        assert len(dots(path)) == 2
        nothing = {'a': np.full(4, NAN)}
        draw_face_map(nothing, POINTS, [str(tmp_path / 'nothing.png')], 'rate')
        assert cv2.imread(str(tmp_path / 'nothing.png')) is not None

    def test_refusals(self, tmp_path):
        path = [str(tmp_path / 'map.png')]
        with pytest.raises(ValueError, match='at least one map'):
            draw_face_map({}, POINTS, path, '')
        with pytest.raises(ValueError, match=r"map 'a' must be \[K\] = \[4\], found \[3\]"):
            draw_face_map({'a': np.zeros(3)}, POINTS, path, '')
        with pytest.raises(ValueError, match=r'points must be \[K, 2\]'):
            draw_face_map({'a': np.zeros(3)}, np.zeros(3), path, '')
        with pytest.raises(ValueError, match="no entry for the map 'a'"):
            draw_face_map({'a': np.zeros(4)}, POINTS, path, '', rings={})

    def test_many_panels_go_into_rows(self, tmp_path):
        path = tmp_path / 'map.png'
        draw_face_map({str(n): np.arange(4.) for n in range(9)}, POINTS, [str(path)], 'rate')
        height, width = cv2.imread(str(path)).shape[:2]
        assert width < 150 * 16 and height > 150 * 8


class TestOutline:

    def test_regions(self):
        points = np.array([[0., 0.], [1., -.5], [2., 0.], [1., .5], [1., 0.],  # eye with pupil
                           [0., -2.], [1., -2.5], [2., -2.],                  # brow
                           [0., 3.], [1., 3.], [2., 3.], [5., 5.], [6., 5.]])  # nose in two parts
        lines = face_outline(points, dict(left_eye=range(5), left_brow=range(5, 8),
                                          nose=range(8, 13), ear=[0]))
        eye, brow, bridge, base = lines
        assert len(eye) == 5 and eye[0].tolist() == eye[-1].tolist()
        assert [1., 0.] not in eye.tolist()
        assert brow.tolist() == points[5:8].tolist()
        assert bridge.tolist() == points[8:11].tolist() and len(base) == 2

    def test_points_that_are_not_there(self):
        points = np.array([[0., 0.], [NAN, NAN], [1., 0.]])
        assert face_outline(points, dict(contour=range(3)))[0].shape == (2, 2)
        assert face_outline(points, dict(contour=[1])) == []


class TestLevelPlot:
    errors = np.array([[.02, .2], [.04, NAN], [NAN, NAN]])

    def test_legend(self, tmp_path):
        path = tmp_path / 'ced.svg'
        seeds = [np.full((2, 2), .05), np.full((2, 2), .07)]
        plot_level({'ours': self.errors, 'seeds': seeds}, [str(path)], thresholds=(.1, ),
                   normalization='box width')
        content = path.read_text()
        # Means of images: 11 and 4 %; of the seeds 5 and 7 %.
        assert 'NME 7.50' in content and 'NME 6.00' in content and '2 seeds' in content
        assert 'box width' in content

    def test_formats_and_refusals(self, tmp_path):
        paths = [str(tmp_path / name) for name in ('a.png', 'a.pdf')]
        assert plot_level({'a': self.errors}, paths, level='images') == paths
        assert (tmp_path / 'a.pdf').read_bytes()[:4] == b'%PDF'
        with pytest.raises(ValueError, match="found 'faces'"):
            plot_level({'a': self.errors}, paths, level='faces')
        with pytest.raises(ValueError, match='at least one'):
            plot_level({}, paths)

    def test_no_failures_at_all(self, tmp_path):
        plot_level({'perfect': np.zeros((3, 2))}, [str(tmp_path / 'a.png')])
        assert (tmp_path / 'a.png').is_file()


class TestImageFiles:

    def test_longest_end_below_the_root(self, tmp_path):
        for name in ('a/face.png', 'face.png'):
            (tmp_path / 'images' / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / 'images' / name).write_bytes(b'x')
        root = str(tmp_path / 'images')
        found, missing = find_images(['/old/images/a/face.png', 'C:\\old\\face.png',
                                      '/old/b/gone.png'], root)
        assert found[0] == str(tmp_path / 'images/a/face.png')
        assert found[1] == str(tmp_path / 'images/face.png')
        assert missing == ['/old/b/gone.png']

    def test_as_recorded(self, tmp_path):
        path = tmp_path / 'face.png'
        path.write_bytes(b'x')
        assert find_images([str(path)]) == ([str(path)], [])
        with pytest.raises(FileNotFoundError, match='no such folder'):
            find_images([str(path)], str(tmp_path / 'nowhere'))
