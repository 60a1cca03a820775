"""The prior of shapes against closed forms and its own meaning."""
import numpy as np
import pytest

from mmpose_wass.landmarks.shape_prior import (
    ShapePrior,
    fit_shape_prior,
    load_shape_prior,
    similarity,
    write_shape_prior,
)


@pytest.fixture(scope='module')
def faces():
    """Faces that differ in two ways, moved, turned and resized."""
    rng = np.random.default_rng(0)
    mean, first, second = rng.normal(size=(3, 9, 2))
    amounts = rng.normal(size=(400, 2)) * .1
    shapes = mean + amounts[:, :1, None] * first + amounts[:, 1:, None] * second
    angles, sizes = rng.uniform(-.4, .4, 400), rng.uniform(5, 9, 400)
    turns = np.stack([np.stack([np.cos(angles), -np.sin(angles)], -1),
                      np.stack([np.sin(angles), np.cos(angles)], -1)], -2)
    return np.einsum('nij,nkj->nki', turns * sizes[:, None, None], shapes) + (
        rng.uniform(20, 40, (400, 1, 2)))


def test_a_similarity_is_found_again(faces):
    angle = .7
    turn = 2.5 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = faces[:3] @ turn.T + [4., -1.]
    matrix, offset = similarity(faces[:3], moved, np.random.default_rng(0).random((3, 9)) + .1)
    assert np.allclose(matrix, turn)
    assert np.allclose(offset, [4., -1.])


def test_sure_landmarks_stay_and_an_unsure_one_is_found(faces):
    prior = fit_shape_prior(faces[:350])
    seen = faces[350:].copy()
    covariances = np.tile(1e-4 * np.eye(2), (50, 9, 1, 1))
    seen[:, 4] += 12.
    covariances[:, 4] = 1e4 * np.eye(2)
    refined = prior.refine(seen, covariances)
    distance = np.linalg.norm(refined - faces[350:], axis=2)
    assert np.delete(distance, 4, axis=1).max() < .2
    assert np.linalg.norm(seen - faces[350:], axis=2)[:, 4].min() > 16
    assert np.median(distance[:, 4]) < 1.


def test_it_is_the_minimum_of_the_posterior(faces):
    """One step from a known similarity equals dense Gaussian conditioning."""
    prior = fit_shape_prior(faces)
    rng = np.random.default_rng(1)
    observed = prior.mean + rng.normal(size=prior.mean.shape) * .02
    noise = np.tile(.01 * np.eye(2), (1, 9, 1, 1))
    refined = prior.refine(observed[None], noise, steps=1)[0]
    matrix, offset = (part[0] for part in similarity(
        prior.mean[None], observed[None], np.ones((1, 9))))
    inverse = np.linalg.inv(matrix)
    z = ((observed - offset) @ inverse.T - prior.mean).ravel()
    spread = np.kron(np.eye(9), inverse @ (.01 * np.eye(2)) @ inverse.T)
    gain = prior.covariance @ np.linalg.inv(prior.covariance + spread)
    expected = (prior.mean + (gain @ z).reshape(-1, 2)) @ matrix.T + offset
    assert np.allclose(refined, expected, atol=1e-9)


def test_moving_turning_and_resizing_the_observation_moves_the_result(faces):
    prior = fit_shape_prior(faces)
    rng = np.random.default_rng(2)
    seen = faces[:4] + rng.normal(size=(4, 9, 2))
    covariances = np.tile(np.eye(2), (4, 9, 1, 1)) * rng.uniform(.2, 3, (4, 9, 1, 1))
    turn = 1.7 * np.array([[.6, -.8], [.8, .6]])
    once = prior.refine(seen, covariances) @ turn.T + 5
    other = prior.refine(seen @ turn.T + 5, turn @ covariances @ turn.T)
    assert np.allclose(once, other, atol=1e-8)


def test_round_trip_and_the_shipped_one(faces, tmp_path):
    prior = fit_shape_prior(faces, 'made up')
    write_shape_prior(prior, tmp_path / 'own.npz')
    again = load_shape_prior(str(tmp_path / 'own.npz'))
    assert again.source == 'made up'
    assert np.allclose(again.covariance, prior.covariance, atol=1e-6)
    shipped = load_shape_prior('300w')
    assert shipped.num_landmarks == 68
    assert np.linalg.eigvalsh(shipped.covariance).min() > 0


def test_bad_input_is_named(faces):
    with pytest.raises(FileNotFoundError, match='shape-prior'):
        load_shape_prior('unheard')
    with pytest.raises(ValueError, match='two faces'):
        fit_shape_prior(faces[:1])
    with pytest.raises(ValueError, match='not finite'):
        fit_shape_prior(np.full((3, 4, 2), np.nan))
    with pytest.raises(ValueError, match=r'\[N, 9, 2\]'):
        fit_shape_prior(faces).refine(faces[:, :5], np.ones((400, 5, 2, 2)))
    with pytest.raises(ValueError, match=r'\[2K, 2K\]'):
        ShapePrior(np.zeros((4, 2)), np.eye(4))
