"""Pictures of the evidence: what they are drawn from, and what they refuse."""
import cv2
import numpy as np
import pytest
import torch
from test_evidence.small_evidence import made_up_record

from mmpose_wass.evidence import figures
from mmpose_wass.evidence.figures import (
    descend,
    draw_calibration,
    draw_cumulative_errors,
    draw_gradient_over_map,
    draw_level_curves,
    draw_tradeoff,
    draw_training_curves,
    logit_gradients,
    render_samples,
)
from mmpose_wass.evidence.figures import systems as systems_module
from mmpose_wass.evidence.figures.gradient_maps import example_states, target_region
from mmpose_wass.evidence.figures.gradient_training import draw_gradient_through_training
from mmpose_wass.evidence.records import group_by_experiment

SYSTEMS = [('l2', 'max', 'L2, max'), ('w', 'bc', 'W, BC')]
LEVELS = {'occlusion': dict(clean='clean', medium='occlusion_medium', large='occlusion_large')}


@pytest.fixture(scope='module')
def groups():
    return group_by_experiment([made_up_record(name, seed, nme + .1 * seed) for name, nme in
                                (('l2', 4.5), ('w', 4.2)) for seed in range(2)]
                               + [made_up_record('scratch', 0, 6., start=None)])


@pytest.fixture
def drawn(monkeypatch):
    """Figures as they are written."""
    found = []
    save = systems_module.save_figure
    monkeypatch.setattr(systems_module, 'save_figure',
                        lambda figure, path, **kwargs: (found.append(figure),
                                                        save(figure, path, **kwargs))[1])
    return found


def lines(panel):
    """Values of a panel's curves by their labels."""
    return {line.get_label(): np.asarray(line.get_ydata()) for line in panel.get_lines()
            if not line.get_label().startswith('_')}


def draw(name, groups, path):
    return dict(
        cumulative=lambda: draw_cumulative_errors(groups, SYSTEMS, 'occlusion_large', path),
        training=lambda: draw_training_curves(groups, ['l2', 'w', 'scratch'], path,
                                              {'mean face': 16.8}),
        calibration=lambda: draw_calibration(groups, 'w', 'bc', ['score', 'peak'], path),
        tradeoff=lambda: draw_tradeoff(groups, SYSTEMS, path),
        levels=lambda: draw_level_curves(groups, SYSTEMS, path, LEVELS))[name]()


@pytest.mark.parametrize('name', ['cumulative', 'training', 'calibration', 'tradeoff', 'levels'])
def test_pictures_are_small_and_the_same_each_time(groups, tmp_path, name):
    paths = [tmp_path / f'{place}.png' for place in range(2)]
    for path in paths:
        assert draw(name, groups, path) == str(path)
    first, second = (path.read_bytes() for path in paths)
    assert first == second and len(first) < 150_000
    picture = cv2.imread(str(paths[0]))
    assert picture.shape[1] > 300 and (picture != 255).any(axis=2).mean() > .01


def test_cumulative_errors_are_those_of_the_records(groups, tmp_path, drawn):
    draw('cumulative', groups, tmp_path / 'a.png')
    landmarks, faces, failures = drawn[0].axes[:3]
    for (experiment, reading, label), color in zip(SYSTEMS, ('#0072B2', '#D55E00')):
        curves = [record.content['tests']['occlusion_large'][reading]['ced']
                  for record in groups[experiment]]
        for panel, level in ((landmarks, 'landmarks'), (faces, 'images')):
            found, = [values for text, values in lines(panel).items() if text.startswith(label)]
            np.testing.assert_allclose(found, np.mean([curve[level] for curve in curves], axis=0))
        tail, = [values for text, values in lines(failures).items() if text.startswith(label)]
        np.testing.assert_allclose(tail[20], 1 - np.mean(
            [curve['landmarks'][20] for curve in curves]))
        line, = [one for one in landmarks.get_lines() if one.get_label().startswith(label)]
        assert line.get_color() == color and '2 seeds' in line.get_label()
    assert len(landmarks.collections) == 2  # a band from seed to seed


def test_training_from_random_weights_stands_apart(groups, tmp_path, drawn):
    draw('training', groups, tmp_path / 'a.png')
    warm, random = drawn[0].axes[:2]
    assert 'rendered' in warm.get_title() and 'random weights' in random.get_title()
    assert [label.split(':')[0] for label in lines(warm)] == ['L2', 'W']
    np.testing.assert_allclose(lines(random)['SCRATCH: 6.00 %'], [18, 6])
    np.testing.assert_allclose(lines(warm)['L2: 4.55 %'], [13.65, 4.55])
    assert warm.get_ylim() == random.get_ylim()


def test_a_resumed_training_s_later_validation_holds(groups):
    record = made_up_record('w', 0, 4.)
    record.content['training']['curve'].append(dict(epoch=2, NME=3.5))
    assert figures.training.validation_curve(record) == {1: 12., 2: 3.5}
    record.content['training']['curve'] = [dict(step=5, loss=1.)]
    with pytest.raises(ValueError, match='w_seed0 has no validation'):
        figures.training.validation_curve(record)


def test_tradeoff_has_intervals_and_labels_that_do_not_touch(groups, tmp_path, drawn):
    draw('tradeoff', groups, tmp_path / 'a.png')
    panel = drawn[0].axes[0]
    texts = {one.get_text(): one for one in panel.texts}
    assert set(texts) == {'L2, max', 'W, BC'}
    renderer = drawn[0].canvas.get_renderer()
    first, second = (one.get_window_extent(renderer) for one in texts.values())
    assert not first.overlaps(second)
    bars = [segment for one in panel.containers for part in one[2]
            for segment in part.get_segments()]
    assert len(bars) == 4 and all(np.ptp(bar, axis=0).max() > 0 for bar in bars)


def test_gradients_are_those_that_were_logged(tmp_path, drawn):
    record = made_up_record('watched', 0, 6., start=None)
    record.content['training']['curve'] = [
        dict(step=step, loss=1., gradient_size=8 / step, gradient_near_target=2.)
        for step in (1, 2, 4)] + [dict(epoch=1, NME=9.)]
    draw_gradient_through_training({'watched': [record]}, ['watched'], tmp_path / 'a.png')
    sizes, shares = drawn[0].axes[:2]
    line, = sizes.get_lines()
    np.testing.assert_allclose(line.get_ydata(), [1, 1 / 2, 1 / 4])
    np.testing.assert_allclose(shares.get_lines()[0].get_ydata(), [25, 50, 100])
    with pytest.raises(ValueError, match='star_seed0 has no gradient.*GradientSizeHook'):
        draw_gradient_through_training({'star': [made_up_record('star', 0, 5.)]}, ['star'],
                                       tmp_path / 'b.png')


def test_what_is_not_there_is_named(groups, tmp_path):
    path = tmp_path / 'a.png'
    with pytest.raises(KeyError, match="no record of the experiment 'star'; .* of l2, w, scratch"):
        draw_tradeoff(groups, [('star', 'bc', 'STAR')], path)
    with pytest.raises(KeyError, match="'w' holds the test 'imm73' with the reading 'bc'"):
        draw_cumulative_errors(groups, [('w', 'bc', 'W')], 'imm73', path)
    with pytest.raises(KeyError, match="w_seed0 has no confidence 'entropy' on clean; it has"):
        draw_calibration(groups, 'w', 'bc', ['entropy'], path)
    for function in (draw_tradeoff, draw_level_curves):
        with pytest.raises(ValueError, match='at least one system'):
            function(groups, [], path)
    with pytest.raises(ValueError, match='at least one experiment'):
        draw_training_curves(groups, [], path)
    assert not path.exists()


@pytest.fixture(scope='module')
def states():
    return example_states()


def drawn_share(states, name, state):
    """Part of the rise of the logits that lies at the target, and the gradient's size."""
    _, gradient = logit_gradients(name, states.logits[state][None], states.target)
    rise = (-gradient[0]).clamp_min(0)
    return (float((rise * target_region(states.target)).sum() / rise.sum()),
            float(gradient.abs().sum()))


def test_exact_draws_hardly_anything_to_a_target_without_mass(states):
    for state in ('uniform', 'a broad wrong mode', 'a sharp wrong mode'):
        exact, mixture, kl = (drawn_share(states, name, state)[0]
                              for name in ('exact', 'mixture', 'kl'))
        assert exact < .3 and mixture > .9 and kl > .9
    assert drawn_share(states, 'exact', 'a broad wrong mode')[0] < .05
    assert drawn_share(states, 'exact', 'near the target')[0] > .9


def test_exact_is_small_on_a_wrong_pixel_and_the_others_are_not(states):
    broad, sharp = (drawn_share(states, 'exact', f'a {kind} wrong mode')[1]
                    for kind in ('broad', 'sharp'))
    assert sharp < .3 * broad
    for name in ('mixture', 'power', 'kl'):
        broad, sharp = (drawn_share(states, name, f'a {kind} wrong mode')[1]
                        for kind in ('broad', 'sharp'))
        assert sharp > .8 * broad


def test_descent_by_mixture_arrives_first(states):
    logits = torch.stack([states.logits[name] for name in ('uniform', 'a broad wrong mode')])
    exact, mixture = (descend(name, logits, states.target, 50) for name in ('exact', 'mixture'))
    assert exact.masses.shape == (2, 50)
    assert (mixture.masses[:, -1] > .8).all() and (exact.masses[:, -1] < .2).all()
    assert (mixture.distances[:, -1] < exact.distances[:, -1]).all()
    torch.testing.assert_close(mixture.distances[:, 0], exact.distances[:, 0])
    with pytest.raises(ValueError, match='steps and rate must be positive, got 0'):
        descend('kl', logits, states.target, 0)
    with pytest.raises(KeyError, match="no gradient 'l2'; there are exact, mixture"):
        descend('l2', logits, states.target, 1)


def test_the_gradients_of_a_descent_are_the_losses_own(states):
    """KL's is p - q."""
    logits = states.logits['a broad wrong mode'][None]
    values, gradient = logit_gradients('kl', logits, states.target)
    p = logits.exp() / logits.exp().sum()
    torch.testing.assert_close(gradient, p - states.target, rtol=1e-4, atol=1e-7)
    log_ratio = torch.where(states.target > 0, states.target.clamp_min(1e-38).log() - p.log(), 0.)
    assert values.item() == pytest.approx((states.target * log_ratio).sum().item(), rel=1e-4)


def test_gradient_maps_share_a_scale_in_each_row(states, tmp_path, drawn):
    draw_gradient_over_map(tmp_path / 'a.png')
    assert (tmp_path / 'a.png').stat().st_size < 150_000
    panels = [one for one in drawn[0].axes if one.images]
    assert len(panels) == len(states.logits) * 5
    for row in range(len(states.logits)):
        limits = {panel.images[0].get_clim() for panel in panels[5 * row + 1:5 * row + 5]}
        (low, high), = limits
        assert low == -high
        peak = max(float(np.abs(panel.images[0].get_array()).max())
                   for panel in panels[5 * row + 1:5 * row + 5])
        assert peak == pytest.approx(high, rel=1e-5)


def test_samples_are_rendered_and_perturbed():
    samples = render_samples(2, seed=3)
    assert [one.variant for one in samples] == ['clean'] * 2 + ['occluded'] * 2 + ['blurred'] * 2
    clean, occluded, blurred = samples[0], samples[2], samples[4]
    assert np.array_equal(clean.landmarks, occluded.landmarks)
    changed = (clean.image != occluded.image).any(axis=2)
    assert .005 < changed.mean() < .4 and (occluded.image[changed] == 0).all()
    assert blurred.image.std() < clean.image.std()
    again = render_samples(2, seed=3)
    assert all(np.array_equal(one.image, other.image) for one, other in zip(samples, again))


def test_the_sheet_shows_each_model_on_each_face(tmp_path, monkeypatch):
    class Model:
        """Predicts the middle of the box."""

        def __init__(self, config, checkpoint, device, uncertainty):
            self.count = 68 if config == 'a.py' else 98

        def predict(self, crops):
            middle = [(crop.box[:2] + crop.box[2:]) / 2 for crop in crops]
            return [type('Face', (), dict(landmarks=np.tile(one, (self.count, 1))))
                    for one in middle]

    module = figures.samples
    monkeypatch.setattr(module, 'LandmarkModel', Model)
    path = tmp_path / 'sheet.jpg'
    models = dict(A=('a.py', 'a.pth'), B=('a.py', 'b.pth'))
    assert module.draw_sample_sheet(models, path, count=2) == str(path)
    sheet = cv2.imread(str(path))
    assert path.stat().st_size < 150_000
    assert sheet.shape[1] > 4 * module._TILE and sheet.shape[0] > 3 * module._TILE
    with pytest.raises(ValueError, match='b.py: predicts 98 landmarks, .* 68 of 300W'):
        module.draw_sample_sheet(dict(B=('b.py', 'b.pth')), path, count=1)
    with pytest.raises(ValueError, match='at least one model'):
        module.draw_sample_sheet({}, path)


def test_areas_of_boxes():
    assert figures.tradeoff._overlap((0, 0, 2, 2), (1, 1, 4, 4)) == 1
    assert figures.tradeoff._overlap((0, 0, 2, 2), (3, 0, 4, 2)) == 0
    assert figures.tradeoff._outside((0, 0, 2, 2), (1, 0, 4, 4)) == 2


def test_a_page_has_the_pictures_that_its_records_allow(groups, tmp_path, monkeypatch):
    module = figures.page_pictures
    monkeypatch.setattr(module, 'draw_gradient_descent', lambda path: str(path))
    monkeypatch.setattr(module, 'draw_gradient_over_map', lambda path: str(path))
    systems = [*SYSTEMS, ('w', 'local', 'not read so'), ('star', 'bc', 'not run')]
    drawn = module.draw_page_pictures(
        groups, tmp_path / 'pictures', systems, systems,
        [('w', 'bc', 'W, BC'), ('star', 'bc', 'not run')], ['scratch', 'not_run'])
    # No record holds blurred faces.
    assert list(drawn) == ['cumulative_clean', 'cumulative_occlusion_large', 'tradeoff',
                           'calibration_w', 'training', 'gradient_over_map', 'gradient_descent']
    for path in list(drawn.values())[:5]:
        assert cv2.imread(path) is not None
