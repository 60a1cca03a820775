"""How faces vary: a Gaussian of shapes, and landmarks made consistent with it."""
from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Tuple, Union

import numpy as np

from .mean_shape import procrustes_mean

#: Shipped priors, ``<scheme>.npz``; ``tools/landmarks.py shape-prior`` makes one.
PRIORS_FOLDER = Path(__file__).parent / 'shape_priors'
#: Variance that every coordinate has besides, as a share of the mean variance.
_RIDGE = 5e-5
_ALIGNMENT_STEPS = 5


@dataclass(frozen=True)
class ShapePrior:
    r"""Gaussian of face shapes after translation, rotation and size are taken out.

    Attributes:
        mean (np.ndarray): [K, 2], centred, root of the sum of squares 1.
        covariance (np.ndarray): [2K, 2K], of the aligned shapes' coordinates.
        source (str): What it was made of.

    Raises:
        ValueError: If shapes do not fit.
    """
    mean: np.ndarray
    covariance: np.ndarray
    source: str = ''

    def __post_init__(self) -> None:
        size = self.mean.size
        if self.mean.ndim != 2 or self.mean.shape[1] != 2 or (
                self.covariance.shape != (size, size)):
            raise ValueError('a prior has a mean [K, 2] and a covariance [2K, 2K], got '
                             f'{self.mean.shape} and {self.covariance.shape}')

    @property
    def num_landmarks(self) -> int:
        """K."""
        return len(self.mean)

    def refine(self, points: np.ndarray, covariances: np.ndarray,
               steps: int = 3) -> np.ndarray:
        r"""Landmarks that agree with what was seen and with how faces are.

        Maximises the posterior of shape x and similarity (A, t), given observations
        :math:`m_k \sim N(A x_k + t, R_k)` and the prior :math:`x \sim N(\bar x, C)`. In turns,
        A and t are the weighted least-squares similarity that carries x onto the observations, and
        x solves the linear system :math:`(C^{-1} + \mathrm{diag}(S_k^{-1}))\,(x - \bar x) =
        S^{-1} (z - \bar x)` with observations z and their covariances S in the prior's frame.
        A landmark that is sure stays; one that is not goes where the others say.

        Costs one solution of 2K equations a face and step: about 1 ms for K = 68.

        Args:
            points (np.ndarray): [N, K, 2], observed, any unit.
            covariances (np.ndarray): [N, K, 2, 2], positive definite, in that unit squared.
            steps (int): Turns.

        Returns:
            np.ndarray: [N, K, 2].

        Raises:
            ValueError: If shapes do not fit.
        """
        points = np.asarray(points, dtype=np.float64)
        covariances = np.asarray(covariances, dtype=np.float64)
        count = self.num_landmarks
        if points.shape[1:] != (count, 2) or covariances.shape != (*points.shape, 2):
            raise ValueError(f'points must be [N, {count}, 2] and covariances [N, {count}, 2, 2], '
                             f'got {points.shape} and {covariances.shape}')
        precision = np.linalg.inv(self.covariance)
        weights = 1 / np.trace(covariances, axis1=2, axis2=3)
        shape = np.broadcast_to(self.mean, points.shape)
        index = np.arange(count)
        for _ in range(steps):
            matrix, offset = similarity(shape, points, weights)
            inverse = np.linalg.inv(matrix)
            seen = np.einsum('nij,nkj->nki', inverse, points - offset[:, None])
            sharpness = np.linalg.inv(np.einsum(
                'nij,nkjl,nml->nkim', inverse, covariances, inverse))
            system = np.broadcast_to(precision, (len(points), *precision.shape)).copy()
            blocks = system.reshape(-1, count, 2, count, 2)
            # Advanced indices apart from each other come first: [K, N, 2, 2].
            blocks[:, index, :, index, :] += sharpness.transpose(1, 0, 2, 3)
            right = np.einsum('nkij,nkj->nki', sharpness, seen - self.mean)
            moved = np.linalg.solve(system, right.reshape(len(points), -1, 1))
            shape = self.mean + moved.reshape(points.shape)
        return np.einsum('nij,nkj->nki', matrix, shape) + offset[:, None]


def fit_shape_prior(shapes: np.ndarray, source: str = '') -> ShapePrior:
    """Fit a prior to annotated faces.

    Args:
        shapes (np.ndarray): [N, K, 2], all landmarks finite, any unit.
        source (str): What they are.

    Returns:
        ShapePrior: Their mean after Procrustes alignment, and the covariance of what is left.

    Raises:
        ValueError: If there are fewer than two faces or a landmark is not finite.
    """
    shapes = np.asarray(shapes, dtype=np.float64)
    if shapes.ndim != 3 or shapes.shape[2] != 2 or len(shapes) < 2:
        raise ValueError(f'shapes must be [N, K, 2] of at least two faces, got {shapes.shape}')
    if not np.isfinite(shapes).all():
        raise ValueError('a landmark is not finite; leave out faces that lack one')
    mean = procrustes_mean(shapes)
    mean = mean - mean.mean(axis=0)
    mean = mean / np.sqrt((mean**2).sum())
    ones = np.ones(shapes.shape[:2])
    matrix, offset = similarity(shapes, np.broadcast_to(mean, shapes.shape), ones)
    aligned = np.einsum('nij,nkj->nki', matrix, shapes) + offset[:, None]
    left = (aligned - aligned.mean(axis=0)).reshape(len(shapes), -1)
    covariance = left.T @ left / len(left)
    covariance += np.eye(len(covariance)) * _RIDGE * np.trace(covariance) / len(covariance)
    return ShapePrior(aligned.mean(axis=0), covariance, source)


def similarity(source: np.ndarray, target: np.ndarray,
               weights: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Weighted least-squares similarities that carry points onto others.

    Args:
        source (np.ndarray): [N, K, 2].
        target (np.ndarray): [N, K, 2].
        weights (np.ndarray): [N, K], positive.

    Returns:
        tuple[np.ndarray, np.ndarray]: [N, 2, 2] (rotation times scale, no reflection) and
        offsets [N, 2]: ``matrix @ source + offset`` is near ``target``.

    Examples:
        >>> square = np.array([[[0., 0.], [1., 0.], [1., 1.], [0., 1.]]])
        >>> matrix, offset = similarity(square, 2 * square + 3, np.ones((1, 4)))
        >>> (matrix[0].round(9) + 0.0).tolist(), offset[0].round(9).tolist()
        ([[2.0, 0.0], [0.0, 2.0]], [3.0, 3.0])
    """
    weights = weights / weights.sum(axis=1, keepdims=True)
    # The plane as complex numbers: a similarity is z -> a z + b.
    one = source[..., 0] + 1j * source[..., 1]
    other = target[..., 0] + 1j * target[..., 1]
    mean_one, mean_other = ((weights * each).sum(axis=1, keepdims=True) for each in (one, other))
    centred = one - mean_one
    factor = (weights * centred.conj() * (other - mean_other)).sum(axis=1) / (
        weights * np.abs(centred)**2).sum(axis=1)
    moved = mean_other[:, 0] - factor * mean_one[:, 0]
    matrix = np.stack([np.stack([factor.real, -factor.imag], axis=-1),
                       np.stack([factor.imag, factor.real], axis=-1)], axis=-2)
    return matrix, np.stack([moved.real, moved.imag], axis=-1)


def write_shape_prior(prior: ShapePrior, path: Union[str, Path]) -> None:
    """Write a prior as ``.npz``; the covariance as float32."""
    np.savez_compressed(path, mean=prior.mean.astype(np.float32),
                        covariance=prior.covariance.astype(np.float32),
                        source=np.array(prior.source))


@lru_cache(maxsize=8)
def load_shape_prior(name: str) -> ShapePrior:
    """Load a prior.

    Args:
        name: Name of a scheme with a shipped prior, such as ``'300w'``, or a ``.npz`` file.

    Returns:
        ShapePrior: The prior.

    Raises:
        FileNotFoundError: If there is none; the message lists those that are shipped.
    """
    path = Path(name) if str(name).endswith('.npz') else PRIORS_FOLDER / f'{name}.npz'
    if not path.is_file():
        shipped = ', '.join(sorted(file.stem for file in PRIORS_FOLDER.glob('*.npz')))
        raise FileNotFoundError(
            f'there is no shape prior {path}; shipped are those of {shipped or "no scheme"}. Make '
            'one with: python tools/landmarks.py shape-prior ANNOTATIONS.json --out FILE.npz')
    with np.load(path, allow_pickle=False) as file:
        return ShapePrior(file['mean'].astype(np.float64), file['covariance'].astype(np.float64),
                          str(file['source']))
