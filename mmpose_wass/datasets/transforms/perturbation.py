"""What the perturbation transforms share: where their randomness comes from, and their record."""
from __future__ import annotations

from typing import Any, Optional, Tuple

import numpy as np
from mmcv.transforms import BaseTransform

from ..perturbations.identity import image_identity, stable_uniforms


class Perturbation(BaseTransform):
    """Base of the transforms that perturb a sample at random.

    By default the random numbers belong to the image: they depend on its identity (see
    ``perturbations/identity.py``) and the seed alone, and are the same for every model, process,
    worker, order and machine. With ``random=True`` they are fresh each time, from NumPy's global
    generator, which MMEngine seeds in every worker: that is for training.

    The faces of an image that has several get the same numbers, each relative to its own box.

    Args:
        seed (int): Seed of the numbers that belong to the image.
        random (bool): Whether to draw fresh numbers instead.
        prob (float): Share of images to perturb, in [0, 1].
        data_root (str, optional): Folder of all images, where the data set's own image folder does
            not tell a name that other machines share.
    """

    #: Part of the key of the numbers; fixed with the protocol.
    purpose = ''

    def __init__(self, seed: int = 0, random: bool = False, prob: float = 1.0,
                 data_root: Optional[str] = None) -> None:
        super().__init__()
        if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool):
            raise ValueError(f'seed must be a whole number, got {seed!r}')
        if not 0 <= prob <= 1:
            raise ValueError(f'prob must be in [0, 1], got {prob!r}')
        self.seed = int(seed)
        self.random = bool(random)
        self.prob = float(prob)
        self.data_root = data_root

    def draw(self, results: dict, rows: int, columns: int) -> Tuple[bool, float, np.ndarray]:
        """Draw all random numbers that a sample needs.

        Args:
            results: The pipeline's results.
            rows: How many things are perturbed.
            columns: Numbers for each.

        Returns:
            tuple[bool, float, np.ndarray]: Whether to perturb at all, a number in [0, 1) that
            chooses the severity in its range, and ``[rows, columns]`` more.
        """
        size = 2 + rows * columns
        if self.random:
            uniforms = np.random.random_sample(size)
        else:
            identity = image_identity(results, self.data_root)
            uniforms = stable_uniforms(identity, self.seed, self.purpose, (size, ))
        return (bool(uniforms[0] < self.prob), float(uniforms[1]),
                uniforms[2:].reshape(rows, columns))

    def record(self, results: dict, **what: Any) -> None:
        """Note in ``results['perturbations']`` what was done, as plain values."""
        # A new list: the old one may be shared with the sample that the results were made from.
        results['perturbations'] = [*results.get('perturbations', ()),
                                    dict(name=type(self).__name__, **what)]

    def face_boxes(self, results: dict) -> np.ndarray:
        """The face boxes ``[n, 4]``, checked.

        Raises:
            KeyError: If there are none.
            ValueError: If one is empty or not finite.
        """
        name = type(self).__name__
        if results.get('bbox') is None:
            raise KeyError(f'{name} needs the face box: the results have no field "bbox" '
                           f'(there are {", ".join(sorted(map(str, results)))})')
        boxes = np.asarray(results['bbox'], dtype=np.float64)
        if boxes.ndim != 2 or boxes.shape[1] != 4:
            raise ValueError(f'bbox must be [n, 4] (left, top, right, bottom), found '
                             f'{list(boxes.shape)}')
        if not np.isfinite(boxes).all() or not (boxes[:, 2:] > boxes[:, :2]).all():
            raise ValueError(f'{name}: a face box of image {results.get("img_path")!r} is empty or '
                             f'not finite: {boxes.tolist()} (left, top, right, bottom)')
        return boxes

    def image(self, results: dict) -> np.ndarray:
        """The image, checked to be a whole one.

        Raises:
            KeyError: If none is loaded yet.
            ValueError: If there are several, or the face has been cropped already.
        """
        name = type(self).__name__
        if 'img' not in results:
            raise KeyError(f'{name}: there is no image yet; put it after LoadImage')
        if not isinstance(results['img'], np.ndarray):
            raise ValueError(f'{name} takes one image per sample, found '
                             f'{type(results["img"]).__name__}')
        if 'transformed_keypoints' in results or 'input_center' in results:
            raise ValueError(f'{name} works on the whole image: put it before TopdownAffine')
        return results['img']


def in_range(bounds: Tuple[float, float], share: float) -> float:
    """The number that lies at a share of a range."""
    return bounds[0] + share * (bounds[1] - bounds[0])


def box_sides(boxes: np.ndarray) -> np.ndarray:
    """Longer sides ``[n]`` of boxes ``[n, 4]``."""
    return (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
