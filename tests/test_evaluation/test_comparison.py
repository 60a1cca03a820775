"""Runs are paired face by face, or refused with the reason; differences are what they claim."""
import numpy as np
import pytest
from written_results import face_points, random_errors, write_result

from mmpose_wass.evaluation import load_result
from mmpose_wass.evaluation.comparison import Settings, System, align_results, compare_systems
from mmpose_wass.evaluation.comparison.build_tables import build_tables
from mmpose_wass.evaluation.comparison.mean_face import common_regions, mean_face
from mmpose_wass.evaluation.comparison.ranking import find_landmark, rank_faces
from mmpose_wass.evaluation.comparison.sentences import describe
from mmpose_wass.evaluation.comparison.tables import Cell, Table, escape_latex
from mmpose_wass.evaluation.functional import summarize_errors

NAN, INF = float('nan'), float('inf')
FAST = Settings(resamples=400)


@pytest.fixture
def write(tmp_path):
    """Write a result and read it back."""

    def run(name, errors, **fields):
        return load_result(write_result(tmp_path / name, errors, **fields))

    return run


class TestAlignment:
    errors = random_errors(6, 3, 0)

    def test_same_files(self, write):
        runs = align_results(dict(a=write('a', self.errors), b=write('b', 2 * self.errors)))
        np.testing.assert_array_equal(runs.errors['b'], 2 * self.errors)
        assert runs.path_parts == 0 and runs.report['faces'] == 6
        assert not any(runs.report['faces_left_out'].values())

    def test_any_order_of_faces_and_landmarks(self, write):
        rows, columns = [3, 1, 0, 5, 4, 2], [2, 0, 1]
        points = face_points(6, 3)
        other = write('b', self.errors[rows][:, columns],
                      images=[f'images/face_{n}.png' for n in rows],
                      ids=[f'{n:012d}' for n in rows], targets=points[rows][:, columns],
                      names=[f'point_{k}' for k in columns])
        runs = align_results(dict(a=write('a', self.errors), b=other))
        np.testing.assert_array_equal(runs.errors['a'], self.errors)
        np.testing.assert_array_equal(runs.errors['b'], self.errors)
        np.testing.assert_allclose(runs.take('targets', 'b'), points)

    def test_other_folders(self, write):
        here = [f'/data/300w/images/{n % 2}/face.png' for n in range(6)]
        there = [f'D:\\faces\\300w\\images\\{n % 2}\\face.png' for n in range(6)]
        runs = align_results(dict(a=write('a', self.errors, images=here),
                                  b=write('b', self.errors, images=there)))
        assert runs.report['faces'] == 6
        # 'face.png' alone would make one image of two.
        assert runs.path_parts == 4
        assert set(runs.image_names) == {'300w/images/0/face.png', '300w/images/1/face.png'}

    def test_equal_file_names_are_not_equal_images(self, write):
        """Numbered frames in folders of other videos are other images, whatever their ids."""
        results = {
            name: write(name, self.errors, images=[f'{video}_{n // 3}/{n % 3}.jpg'
                                                   for n in range(6)])
            for name, video in (('a', 'video'), ('b', 'film'))
        }
        with pytest.raises(ValueError, match='0 faces can be paired'):
            align_results(results)

    def test_faces_without_ids_in_one_image(self, write):
        images = ['a.png'] * 4 + ['b.png'] * 2
        runs = align_results({name: write(name, self.errors, images=images, ids=[''] * 6)
                              for name in 'ab'})
        assert runs.report['faces'] == 6

    def test_missing_faces(self, write):
        part = write('b', self.errors[:4], targets=face_points(6, 3)[:4])
        results = dict(a=write('a', self.errors), b=part)
        with pytest.raises(ValueError, match=r'4 faces can be paired.*a: 6 faces, 2 of them not in '
                           r'all runs \(such as images/face_4.png id 000000000004.*--common-only'):
            align_results(results)
        runs = align_results(results, common_only=True)
        assert runs.report['faces_left_out'] == dict(a=2, b=0)
        np.testing.assert_array_equal(runs.errors['a'], self.errors[:4])

    def test_no_common_face(self, write):
        other = write('b', self.errors, images=[f'x{n}.png' for n in range(6)])
        with pytest.raises(ValueError, match='0 faces can be paired.*no face in common'):
            align_results(dict(a=write('a', self.errors), b=other), common_only=True)

    def test_missing_landmarks(self, write):
        part = write('b', self.errors[:, 1:], targets=face_points(6, 3)[:, 1:],
                     names=['point_1', 'point_2'])
        results = dict(a=write('a', self.errors), b=part)
        with pytest.raises(ValueError, match='different landmarks: a: 3, b: 2; 2 of them are in'):
            align_results(results)
        runs = align_results(results, common_only=True)
        assert runs.landmark_names == ['point_1', 'point_2']
        np.testing.assert_array_equal(runs.errors['a'], runs.errors['b'])
        strange = write('c', self.errors, names=['x', 'y', 'z'])
        with pytest.raises(ValueError, match='nothing to compare'):
            align_results(dict(a=results['a'], c=strange), common_only=True)

    def test_missing_points(self, write):
        gaps = self.errors.copy()
        gaps[2, 1] = NAN
        results = dict(a=write('a', self.errors), b=write('b', gaps))
        with pytest.raises(ValueError, match='a: 1 points that not all score'):
            align_results(results)
        runs = align_results(results, common_only=True)
        assert np.isnan(runs.errors['a'][2, 1]) and runs.report['points_left_out']['a'] == 1

    @pytest.mark.parametrize('field, value, message', [
        ('dataset_name', 'other', 'different data set.*a: own, b: other'),
        ('normalization', 'box_width', 'different normalisation.*b: box_width'),
        ('targets', face_points(6, 3) + [0, .5], r'different annotations of 6 of 6.*0.5 px'),
        ('distances', np.linspace(100, 110, 6), 'of 5 of 6 paired faces by different lengths'),
        ('names', ['point_0', 'point_0', 'point_2'], 'point_0 more than once'),
    ])
    @pytest.mark.parametrize('common_only', [False, True])
    def test_what_cannot_be_compared(self, write, field, value, message, common_only):
        results = dict(a=write('a', self.errors), b=write('b', self.errors, **{field: value}))
        with pytest.raises(ValueError, match=message):
            align_results(results, common_only)


class TestDifferences:

    def compare(self, write, settings=FAST, systems=None, **errors):
        runs = align_results({name: write(name, array) for name, array in errors.items()})
        return compare_systems(runs, systems, settings)

    def test_values_are_the_metrics_own(self, write):
        first, second = random_errors(50, 4, 1), random_errors(50, 4, 2, 1.5)
        comparison = self.compare(write, a=first, b=second)
        for name, errors in dict(a=first, b=second).items():
            expected = summarize_errors(errors)
            for value in comparison.values[name]:
                assert value.estimate == pytest.approx(expected[value.measure.name])
                assert value.low <= value.estimate <= value.high
        for one in comparison.differences:
            gap = summarize_errors(second)[one.measure.name] - summarize_errors(first)[
                one.measure.name]
            assert one.estimate == pytest.approx(gap)
            assert (one.system, one.baseline) == ('b', 'a')

    def test_a_large_difference_is_found_and_its_direction_told(self, write):
        comparison = self.compare(write, a=random_errors(80, 4, 1),
                                  b=random_errors(80, 4, 2, 1.6))
        by_name = {one.measure.name: one for one in comparison.differences}
        for name in ('NME', 'FR_L@0.10', 'AUC@0.10'):
            assert by_name[name].significant and not by_name[name].better, name
        assert by_name['AUC@0.10'].estimate < 0 < by_name['NME'].estimate
        text = describe(comparison)[0]
        assert text.startswith('b compared with a: significantly worse in NME (+')
        assert 'significantly better' not in text

    def test_no_difference_is_rarely_found(self, write):
        """Two systems of equal quality: at most one test in twenty finds something."""
        found = 0
        for seed in range(40):
            comparison = self.compare(
                write, Settings(resamples=300, seed=seed), a=random_errors(60, 3, 2 * seed),
                b=random_errors(60, 3, 2 * seed + 1))
            found += any(one.significant for one in comparison.differences)
        assert found <= 6  # a chance of 1 % at a true rate of 5 %

    def test_identical_runs(self, write):
        errors = random_errors(20, 3, 0)
        comparison = self.compare(write, a=errors, b=errors)
        for one in comparison.differences:
            assert one.estimate == one.low == one.high == 0 and one.p_value == 1
            assert one.units_differing == 0
        assert 'Equal on every image: NME' in describe(comparison)[0]

    def test_few_failures_are_not_over_interpreted(self, write):
        """Three failing images against none: the interval excludes zero, the test does not."""
        good, bad = np.full((100, 2), .02), np.full((100, 2), .02)
        bad[:3] = .5
        comparison = self.compare(write, Settings(measures=('FR_I@0.10', ), resamples=2000),
                                  bad=bad, good=good)
        (one, ) = comparison.differences
        assert one.estimate == pytest.approx(-3) and one.units_differing == 3
        assert one.p_value == .25 and not one.significant
        assert 'no difference is significant' in describe(comparison)[0]

    def test_infinite_errors_are_told(self, write):
        errors = random_errors(30, 3, 0)
        broken = errors.copy()
        broken[4, 1] = INF
        comparison = self.compare(write, a=errors, b=broken)
        by_name = {one.measure.name: one for one in comparison.differences}
        assert by_name['NME'].estimate == INF and np.isnan(by_name['NME'].p_value)
        assert 'not finite' in by_name['NME'].note
        assert np.isfinite(by_name['FR_L@0.10'].p_value)
        assert 'NME not finite' in describe(comparison)[0]
        assert 'n/a' in build_tables(comparison)['differences'].to_markdown()

    def test_pairs(self, write):
        errors = {name: random_errors(10, 2, seed) for seed, name in enumerate('abc')}
        assert self.compare(write, **errors).pairs == [('b', 'a'), ('c', 'a')]
        assert self.compare(write, Settings(resamples=100, baseline='b'), **errors).pairs == [
            ('a', 'b'), ('c', 'b')]
        assert self.compare(write, Settings(resamples=100, all_pairs=True), **errors).pairs == [
            ('b', 'a'), ('c', 'a'), ('c', 'b')]
        with pytest.raises(ValueError, match="baseline 'x' is none of the systems a, b, c"):
            self.compare(write, Settings(resamples=100, baseline='x'), **errors)

    def test_multiplicity_is_corrected_over_all_tests(self, write):
        errors = {name: random_errors(40, 3, seed, 1 + .1 * seed)
                  for seed, name in enumerate('abcd')}
        comparison = self.compare(write, **errors)
        p_values = np.array([one.p_value for one in comparison.differences])
        corrected = np.array([one.corrected_p_value for one in comparison.differences])
        assert len(p_values) == 18
        assert corrected.min() == pytest.approx(min(1, 18 * p_values.min()))
        assert (corrected >= p_values).all()
        assert any('18 tests were made (3 pairs × 6 measures)' in text
                   for text in describe(comparison))

    def test_same_seed_same_numbers(self, write):
        errors = dict(a=random_errors(30, 3, 0), b=random_errors(30, 3, 1))
        rows = [self.compare(write, Settings(resamples=200, seed=seed), **errors).differences
                for seed in (1, 1, 2)]
        assert rows[0] == rows[1] != rows[2]

    def test_folders_are_resampled_whole(self, write):
        """Frames of a video resemble each other: more of them say little more."""
        generator = np.random.default_rng(0)
        video = generator.lognormal(-3, .5, (8, 1, 2))
        errors = (video * generator.lognormal(0, .02, (8, 25, 2))).reshape(200, 2)
        images = [f'clip_{n // 25}/{n:03d}.jpg' for n in range(200)]
        runs = align_results(dict(a=write('a', errors, images=images)))
        widths = {}
        for unit in ('image', 'folder'):
            comparison = compare_systems(runs, settings=Settings(resamples=800, unit=unit))
            value = comparison.values['a'][0]
            widths[unit] = value.high - value.low
        assert comparison.num_units == 8
        assert widths['folder'] > 3 * widths['image']

    def test_settings_are_checked(self):
        for wrong, message in ((dict(resamples=5), 'at least 100'), (dict(unit='face'), 'unit'),
                               (dict(level=95), 'level'), (dict(method='t'), 'method'),
                               (dict(measures=()), 'at least one measure'),
                               (dict(measures=('PCK', )), 'no measure is named'),
                               (dict(landmark_threshold=10), 'landmark_threshold')):
            with pytest.raises(ValueError, match=message):
                Settings(**wrong)


class TestSeeds:

    def test_mean_and_deviation(self, write):
        errors = {f's{n}': random_errors(40, 3, n) for n in range(3)}
        runs = align_results({name: write(name, array) for name, array in errors.items()})
        comparison = compare_systems(runs, [System('s', ('s0', 's1', 's2'))], FAST)
        expected = [summarize_errors(array)['NME'] for array in errors.values()]
        value = comparison.values['s'][0]
        assert value.estimate == pytest.approx(np.mean(expected))
        assert value.deviation == pytest.approx(np.std(expected, ddof=1))
        assert value.per_seed == pytest.approx(tuple(expected))
        markdown = build_tables(comparison)['measures'].to_markdown()
        assert f'{value.estimate:.2f} ± {value.deviation:.2f} [' in markdown

    def test_seeds_that_vary_take_significance_away(self, write):
        """A gap that any one pair of runs shows clearly, but that seeds show in both directions."""
        base = random_errors(100, 3, 0)
        factors = dict(a0=1.0, a1=1.3, a2=1.1, b0=1.25, b1=1.05, b2=1.35)
        runs = align_results({name: write(name, factor * base)
                              for name, factor in factors.items()})
        settings = Settings(resamples=1000, measures=('NME', ))
        single = compare_systems(runs, [System('a', ('a0', )), System('b', ('b0', ))], settings)
        assert single.differences[0].significant
        several = compare_systems(runs, [System('a', ('a0', 'a1', 'a2')),
                                         System('b', ('b0', 'b1', 'b2'))], settings)
        (one, ) = several.differences
        assert one.interval_method == 'hierarchical' and not one.significant
        assert one.low < 0 < one.high

    def test_interval_is_that_of_welch_when_seeds_dominate(self, write):
        """Behrens-Fisher draws agree with Welch's t where images hardly matter."""
        stats = pytest.importorskip('scipy.stats')
        shape = np.full((400, 3), .05)
        first, second = [1.0, 1.02, .97, 1.01, .99], [1.1, 1.13, 1.07, 1.12, 1.06]
        names = {f'{letter}{n}': factor for letter, factors in (('a', first), ('b', second))
                 for n, factor in enumerate(factors)}
        runs = align_results({name: write(name, factor * shape)
                              for name, factor in names.items()})
        systems = [System(letter, tuple(f'{letter}{n}' for n in range(5))) for letter in 'ab']
        comparison = compare_systems(runs, systems,
                                     Settings(resamples=20000, measures=('NME', )))
        (one, ) = comparison.differences
        welch = stats.ttest_ind(5 * np.array(second), 5 * np.array(first),
                                equal_var=False).confidence_interval(.95)
        assert (one.low, one.high) == pytest.approx(
            (welch.low, welch.high), abs=.08 * (welch.high - welch.low))

    def test_one_seed_against_several_is_told(self, write):
        runs = align_results({name: write(name, random_errors(30, 3, n))
                              for n, name in enumerate('abc')})
        comparison = compare_systems(runs, [System('one', ('a', )), System('two', ('b', 'c'))],
                                     FAST)
        assert 'one has one seed' in comparison.differences[0].note
        text = ' '.join(describe(comparison))
        assert 'One has one seed' in text and 'except for one (one seed)' in text
        assert 'Two seeds hardly tell' in ' '.join(comparison.warnings)


class TestLandmarks:

    def test_only_the_landmark_that_differs_is_marked(self, write):
        first = np.random.default_rng(0).lognormal(-3, .5, (150, 6))
        second = first.copy()
        second[:60, 2] = .4
        runs = align_results(dict(a=write('a', first), b=write('b', second)))
        comparison = compare_systems(runs, settings=FAST)
        (one, ) = comparison.landmark_differences
        assert one.significant.tolist() == [False, False, True, False, False, False]
        np.testing.assert_allclose(
            comparison.landmark_rates['b'], 100 * (second > .1).mean(axis=0))
        markdown = build_tables(comparison)['landmarks'].to_markdown()
        assert markdown.count('*|') + markdown.count('*** |') == 1

    def test_a_landmark_never_scored(self, write):
        errors = random_errors(20, 3, 0)
        errors[:, 1] = NAN
        runs = align_results(dict(a=write('a', errors), b=write('b', 2 * errors)))
        comparison = compare_systems(runs, settings=FAST)
        assert np.isnan(comparison.landmark_rates['a'][1])
        assert not comparison.landmark_differences[0].significant[1]
        points, source = mean_face(runs)
        assert np.isnan(points[1]).all() and np.isfinite(points[[0, 2]]).all()
        assert source == 'mean of the annotated faces'

    def test_mean_face_of_annotations_is_upright(self, write):
        """Faces are turned by up to 40 degrees, the first by 40; their mean stands upright."""
        shape = np.array([[0., 0.], [1., 0.], [.5, .6], [.5, 1.1]]) * 100
        turns = np.deg2rad([40, -40, 20, -20, 10, -10, 0, 0])
        targets = np.stack([shape @ np.array([[np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]])
                            for t in turns])
        runs = align_results(dict(a=write('a', random_errors(8, 4, 0), targets=targets)))
        points, _ = mean_face(runs)
        eyes = points[1] - points[0]
        assert abs(np.arctan2(eyes[1], eyes[0])) < .02
        np.testing.assert_allclose((points - points[0]) / eyes[0], (shape - shape[0]) / 100,
                                   atol=.02)

    def test_regions_of_earlier_files_come_from_the_scheme(self, write):
        runs = align_results(dict(a=write('a', random_errors(5, 68, 0), dataset_name='300w')))
        regions = common_regions(runs)
        assert regions['right_eye'] == list(range(36, 42))
        points, _ = mean_face(runs)
        assert points.shape == (68, 2) and points[8, 1] > points[27, 1]  # the chin is below


class TestTables:

    def test_saturation_is_counted_on_common_faces(self, write):
        errors = np.array([[.05, .2, .06], [.2, .2, .01], [.01, .02, .03], [.5, .5, .5]])
        runs = align_results(dict(a=write('a', errors),
                                  b=write('b', errors[:3], targets=face_points(4, 3)[:3])),
                             common_only=True)
        table = build_tables(compare_systems(runs, settings=FAST))['saturation']
        record = table.records[0]
        # Means .103, .137, .02 of the three common faces.
        assert (record['failing_images'], record['images']) == (2, 3)
        assert (record['failing_points'], record['points']) == (3, 9)
        assert record['step_image'] == pytest.approx(100 / 3)
        assert record['step_point'] == pytest.approx(100 / 9)

    def test_occlusion(self, write):
        errors = np.tile([.02, .3], (5, 1))
        hidden = np.tile([False, True], (5, 1))
        runs = align_results(dict(a=write('a', errors, occluded=hidden)))
        table = build_tables(compare_systems(runs, settings=FAST))['occlusion']
        assert table.records[0]['NME'] == pytest.approx(2)
        assert table.records[1]['NME'] == pytest.approx(30)
        assert table.records[1]['FR_L@0.10'] == 100 and table.records[1]['landmarks'] == 5

    def test_the_best_is_bold(self, write):
        """Less is better for failures, more for the area."""
        good, bad = np.full((10, 2), .02), np.full((10, 2), .02)
        bad[:5] = .3
        regions = np.array(['nose', 'chin'])
        runs = align_results({name: write(name, errors, regions=regions)
                              for name, errors in (('good', good), ('bad', bad))})
        tables = build_tables(compare_systems(runs, settings=FAST))
        assert '| nose | 1 | **0.00** | 50.00 |' in tables['regions'].to_markdown()
        assert '| point_0 | **0.00** | 50.00 |' in tables['landmarks'].to_markdown()
        measures = tables['measures'].to_markdown().splitlines()
        assert measures[2].startswith('| good | **2.00') and measures[2].count('**') == 12
        assert '**' not in measures[3]

    def test_formats(self):
        table = Table('name', 'caption 5 %', ['a_b', 'c'], [['x & y', Cell('1', bold=True)]],
                      [dict(a=1, b=2.5), dict(a=3, c='u,v')])
        assert table.to_csv() == 'a,b,c\n1,2.5,\n3,,"u,v"\n'
        latex = table.to_latex()
        assert r'x \& y & \textbf{1} \\' in latex and r'caption 5 \%' in latex
        assert latex.count('{') == latex.count('}')
        assert escape_latex('W, σ → 3_1') == r'W, $\sigma$ $\to$ 3\_1'


class TestRanking:
    errors = np.array([[.1, .4], [.3, .3], [NAN, NAN], [INF, .1], [.2, NAN]])

    def rows(self, *args, **kwargs):
        return [(face.row, face.landmark) for face in rank_faces(self.errors, *args, **kwargs)]

    def test_by_image(self):
        assert self.rows() == [(3, None), (1, None), (0, None), (4, None)]

    def test_by_landmark(self):
        assert self.rows('landmark') == [(3, 0), (0, 1), (1, 0), (4, 0)]
        assert self.rows('landmark', landmark=1) == [(0, 1), (1, 1), (3, 1)]

    def test_changes(self):
        other = np.array([[.1, .1], [.5, .3], [NAN, NAN], [INF, .1], [.2, NAN]])
        assert self.rows(other_errors=other) == [(0, None)]
        assert self.rows(other_errors=other, improved=True) == [(1, None)]
        faces = rank_faces(self.errors, 'landmark', other_errors=other)
        assert [(face.row, face.landmark, face.error, face.other_error) for face in faces] == [
            (0, 1, .4, .1)]

    def test_refusals(self):
        with pytest.raises(ValueError, match="found 'face'"):
            rank_faces(self.errors, 'face')
        with pytest.raises(ValueError, match="by='landmark'"):
            rank_faces(self.errors, 'image', landmark=1)
        with pytest.raises(ValueError, match='another run'):
            rank_faces(self.errors, improved=True)
        with pytest.raises(ValueError, match='other_errors must be'):
            rank_faces(self.errors, other_errors=self.errors[:2])

    def test_landmark_names(self):
        names = ['chin', 'nose_tip', 'right_eye_outer_corner', '7']
        assert find_landmark(names, 'chin') == 0
        assert find_landmark(names, '2') == 2
        assert find_landmark(names, '7') == 3  # a name comes first
        with pytest.raises(ValueError, match='similar are nose_tip'):
            find_landmark(names, 'nose')
        with pytest.raises(ValueError, match='there is no landmark 9; there are 4, 0 to 3'):
            find_landmark(names, '9')
