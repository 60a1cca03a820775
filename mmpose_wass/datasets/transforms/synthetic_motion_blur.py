"""Synthetic motion blur as a transform."""
from __future__ import annotations

import math
from typing import Optional, Union

import numpy as np
from mmengine.logging import MMLogger
from mmpose.registry import TRANSFORMS

from ..perturbations.motion_blur import blur_image
from ..perturbations.motion_direction import MotionDirection, motion_direction
from ..perturbations.protocol import Severity, choose_severity, get_protocol
from .perturbation import Perturbation, box_sides, in_range

MISSING = ('skip', 'random', 'error')


@TRANSFORMS.register_module()
class SyntheticMotionBlur(Perturbation):
    """Blur the image along a line, as if the face moved while it was taken (Section 4).

    The direction is that of a landmark's motion from frame t-1 to t+1, which a data set has to
    tell (``VideoFaceDataset`` does); where one of these frames is missing, from t-1 to t or from t
    to t+1. Works in any MMPose pipeline, on the whole image: after ``LoadImage`` and before
    ``TopdownAffine``. Landmarks stay where they are, in the middle of the path. Flips of the image
    before it are accounted for.

    Required Keys:

        - img
        - bbox
        - prev_keypoints, next_keypoints: ``[1, K, 2]`` or None (with direction='motion')
        - frame_keypoints: ``[1, K, 2]`` of this frame as annotated (where a neighbour is missing)

    Modified Keys:

        - img

    Added Keys:

        - perturbations: a list of what was done

    Args:
        level (str, optional): ``'medium'`` or ``'large'``, as the protocol defines them.
        severity (float | tuple[float, float], optional): Length of the path as a fraction of the
            box's longer side, or a range to draw it from. 0 leaves the image untouched.
        length (float | tuple[float, float], optional): Length in image pixels instead. Give one
            of level, severity and length.
        direction (str | float): ``'motion'``; ``'random'`` for images that are no frames; or an
            angle in degrees, from the x axis towards the y axis (downwards).
        landmark (int, optional): Index of the landmark whose motion counts, in the data set's own
            layout. Default: the protocol's, 33, the base of the nose.
        missing (str): What to do with a frame whose landmark has no direction, because both
            neighbours are missing or it does not move: ``'skip'`` leaves the frame as it is (the
            first one is logged, and ``PerturbationReportHook`` reports their number after the
            test), ``'random'`` takes a random direction that belongs to the image, ``'error'``
            raises a ValueError.
        region (float, optional): Side of the square about the box's centre that is blurred, as a
            multiple of the box's longer side. In it every pixel is as if the whole image were
            blurred, beyond it the image stays sharp. The default, 1.4, holds the crop of a test
            pipeline (padding 1.25) with room for boxes that are shifted by 0.07. Training with
            rotation 30° and scale 1.25 looks 2.14 far. None: the whole image.
        seed (int): See :class:`Perturbation`.
        random (bool): Fresh random numbers each time, for training.
        prob (float): Share of images to perturb.
        data_root (str, optional): See :class:`Perturbation`.
        protocol (int): Version of the protocol that defines levels.

    Raises:
        ValueError: For arguments that are wrong or do not go together.

    Examples:
        In a test pipeline of a ``VideoFaceDataset``, and of still images::

            dict(type='SyntheticMotionBlur', level='large')
            dict(type='SyntheticMotionBlur', level='large', direction='random')
    """

    purpose = 'motion_blur'

    def __init__(self,
                 level: Optional[str] = None,
                 severity: Optional[Severity] = None,
                 length: Optional[Severity] = None,
                 direction: Union[str, float] = 'motion',
                 landmark: Optional[int] = None,
                 missing: str = 'skip',
                 region: Optional[float] = 1.4,
                 seed: int = 0,
                 random: bool = False,
                 prob: float = 1.0,
                 data_root: Optional[str] = None,
                 protocol: int = 1) -> None:
        super().__init__(seed, random, prob, data_root)
        self.amount, self.bounds = choose_severity(
            'motion_blur', level, protocol, severity=severity, length=length)
        if isinstance(direction, str):
            if direction not in ('motion', 'random'):
                raise ValueError("direction must be 'motion', 'random' or an angle in degrees, got "
                                 f'{direction!r}')
        elif isinstance(direction, bool) or not math.isfinite(direction):
            raise ValueError(f'direction must be a finite angle in degrees, got {direction!r}')
        if missing not in MISSING:
            raise ValueError(f'missing must be one of {MISSING}, got {missing!r}')
        if region is not None and not region > 0:
            raise ValueError(f'region must be positive or None, got {region!r}')
        self.level = level
        self.direction = direction
        self.landmark = get_protocol(protocol)['motion_blur']['landmark'] if landmark is None \
            else int(landmark)
        if self.landmark < 0:
            raise ValueError(f'landmark must be an index that is 0 or more, got {landmark!r}')
        self.missing = missing
        self.region = region
        self._warned = False

    def transform(self, results: dict) -> dict:
        """Perturb a sample.

        Args:
            results (dict): The results, see above.

        Returns:
            dict: The results.
        """
        image, boxes = self.image(results), self.face_boxes(results)
        if len(boxes) != 1:
            raise ValueError(f'SyntheticMotionBlur takes one face per sample, found {len(boxes)} '
                             'boxes: use data_mode="topdown"')
        if self._needs_numbers():
            apply, share, uniforms = self.draw(results, 1, 1)
        else:
            apply, share, uniforms = True, 0.0, np.zeros((1, 1))
        side = float(box_sides(boxes)[0])
        length = in_range(self.bounds, share) * (side if self.amount == 'severity' else 1)
        if not apply or length == 0:
            self.record(results, length=0.0, angle=None, source='untouched')
            return results

        angle, source = self._direction(results, float(uniforms[0, 0]))
        if angle is None:
            self._tell_first(results, source)
            self.record(results, length=0.0, angle=None, source=source)
            return results
        results['img'] = blur_image(image, length, angle, self._window(boxes[0], side))
        self.record(results, length=length, angle=math.degrees(angle), source=source)
        return results

    def motion(self, data_info: dict) -> MotionDirection:
        """Direction of the landmark's motion in a frame, before any flip.

        Args:
            data_info (dict): The sample, of which no image is needed.

        Returns:
            MotionDirection: The direction and what it comes from.

        Raises:
            KeyError: If the sample does not tell its neighbours.
            IndexError: If there is no such landmark.
        """
        if 'prev_keypoints' not in data_info or 'next_keypoints' not in data_info:
            raise KeyError(
                'SyntheticMotionBlur needs the landmarks of the neighbouring frames, but the '
                f'sample of image {data_info.get("img_path")!r} has no fields prev_keypoints and '
                "next_keypoints. Use the data set VideoFaceDataset; for still images set "
                "direction='random' or an angle")
        places = []
        for name in ('prev_keypoints', 'frame_keypoints', 'next_keypoints'):
            points = data_info.get(name)
            if points is not None and self.landmark >= points.shape[-2]:
                raise IndexError(f'landmark={self.landmark} does not exist: the data set has '
                                 f'{points.shape[-2]} landmarks')
            places.append(None if points is None else points[0, self.landmark, :2])
        return motion_direction(*places)

    def _direction(self, results: dict, share: float):
        """Angle in radians or None, and what it comes from."""
        if not isinstance(self.direction, str):
            return math.radians(self.direction), 'explicit'
        if self.direction == 'random':
            return math.pi * share, 'random'
        motion = self.motion(results)
        if motion.angle is not None:
            return _flipped(motion.angle, results), motion.source
        if self.missing == 'random':
            return math.pi * share, f'{motion.source}, random'
        if self.missing == 'error':
            raise ValueError(f'image {results.get("img_path")!r}: landmark {self.landmark} has no '
                             f'direction of motion ({motion.source})')
        return None, motion.source

    def _needs_numbers(self) -> bool:
        return (self.prob < 1 or self.bounds[0] != self.bounds[1] or self.direction == 'random'
                or (self.direction == 'motion' and self.missing == 'random'))

    def _window(self, box: np.ndarray, side: float):
        if self.region is None:
            return None
        center, half = (box[:2] + box[2:]) / 2, self.region * side / 2
        return (*(center - half), *(center + half))

    def _tell_first(self, results: dict, reason: str) -> None:
        if not self._warned:
            self._warned = True
            MMLogger.get_current_instance().warning(
                f'SyntheticMotionBlur leaves {results.get("img_path")} sharp: landmark '
                f'{self.landmark} has no direction of motion ({reason}). More such frames are not '
                'named; PerturbationReportHook counts them')

    def __repr__(self) -> str:
        return (f'{type(self).__name__}({self.amount}={self.bounds}, level={self.level!r}, '
                f'direction={self.direction!r}, landmark={self.landmark}, '
                f'missing={self.missing!r}, region={self.region}, seed={self.seed}, '
                f'random={self.random}, prob={self.prob})')


def _flipped(angle: float, results: dict) -> float:
    """The angle in the flipped image: neighbours' landmarks are not flipped along."""
    direction = results.get('flip_direction') if results.get('flip') else None
    x, y = math.cos(angle), math.sin(angle)
    if direction in ('horizontal', 'diagonal'):
        x = -x
    if direction in ('vertical', 'diagonal'):
        y = -y
    return math.atan2(y, x)
