"""Perturbed boxes as a transform."""
from __future__ import annotations

from typing import Any, Optional

import numpy as np
from mmpose.registry import TRANSFORMS

from ..perturbations.box import UNIFORMS_PER_BOX, perturb_box
from ..perturbations.pipelines import ALIGN
from ..perturbations.protocol import Severity, check_severity
from .perturbation import Perturbation, box_sides, in_range


@TRANSFORMS.register_module()
class BoxPerturbation(Perturbation):
    """Shift, resize and turn the box that the face is cropped from, as a detector might.

    Each amount is exact, its direction is random, so that a curve over amounts shows what an error
    of just this size does. Belongs right before ``TopdownAffine``, after everything that
    sets the box. Only the crop changes: ``bbox``, which errors may be normalised by and which
    occlusions are placed in, does not.

    MMPose maps predictions back to the image without regard to a turned box. When testing with
    ``rotation``, put ``AlignTargetsWithRotatedBox`` after ``TopdownAffine``
    (``insert_perturbation`` does); without it this transform refuses to run.

    Required Keys:

        - bbox
        - bbox_center
        - bbox_scale
        - bbox_rotation (optional)

    Modified Keys:

        - bbox_center
        - bbox_scale
        - bbox_rotation

    Added Keys:

        - perturbations: a list of what was done

    Args:
        shift (float | tuple[float, float]): Length of the shift as a fraction of the face box's
            longer side, or a range to draw it from.
        scale (float | tuple[float, float]): The box gets ``1 + scale`` times larger or smaller.
        rotation (float | tuple[float, float]): Degrees to turn by.
        seed (int): See :class:`Perturbation`.
        random (bool): Fresh random numbers each time, for training.
        prob (float): Share of boxes to perturb.
        data_root (str, optional): See :class:`Perturbation`.

    Raises:
        ValueError: If an amount is negative or not finite.

    Examples:
        In a test pipeline::

            dict(type='BoxPerturbation', shift=0.1)
    """

    purpose = 'box'

    def __init__(self,
                 shift: Severity = 0.0,
                 scale: Severity = 0.0,
                 rotation: Severity = 0.0,
                 seed: int = 0,
                 random: bool = False,
                 prob: float = 1.0,
                 data_root: Optional[str] = None) -> None:
        super().__init__(seed, random, prob, data_root)
        self.shift = check_severity('shift', shift)
        self.scale = check_severity('scale', scale)
        self.rotation = check_severity('rotation', rotation)

    def transform(self, results: dict) -> dict:
        """Perturb a sample.

        Args:
            results (dict): The results, see above.

        Returns:
            dict: The results.
        """
        for name in ('bbox_center', 'bbox_scale'):
            if name not in results:
                raise KeyError(f'BoxPerturbation needs the field {name!r}; put it after '
                               'GetBBoxCenterScale, right before TopdownAffine')
        if 'input_center' in results:
            raise ValueError('BoxPerturbation comes too late: put it before TopdownAffine')
        self._check_alignment(results)
        boxes = self.face_boxes(results)
        apply, _, uniforms = self.draw(results, len(boxes), UNIFORMS_PER_BOX + 3)
        if not apply:
            self.record(results, shift=0.0, scale=0.0, rotation=0.0)
            return results
        amounts = {name: in_range(getattr(self, name), uniforms[:, UNIFORMS_PER_BOX + column])
                   for column, name in enumerate(('shift', 'scale', 'rotation'))}
        before = results['bbox_center'], results['bbox_scale']
        center, scale, rotation = perturb_box(
            *before, box_sides(boxes), amounts['shift'], amounts['scale'], amounts['rotation'],
            uniforms[:, :UNIFORMS_PER_BOX])
        results['bbox_center'] = center.astype(before[0].dtype)
        results['bbox_scale'] = scale.astype(before[1].dtype)
        if self.rotation[1] > 0:
            turned = np.asarray(results.get('bbox_rotation', np.zeros(len(boxes))))
            results['bbox_rotation'] = (turned + rotation).astype(np.float32)
        self.record(results, **{name: [float(one) for one in value]
                                for name, value in amounts.items()})
        return results

    def _check_alignment(self, results: dict) -> None:
        """Refuse to spoil a test silently."""
        dataset = results.get('dataset')
        steps = getattr(getattr(dataset, 'pipeline', None), 'transforms', None)
        if (self.rotation[1] > 0 and steps is not None and getattr(dataset, 'test_mode', False)
                and not _holds_alignment(steps)):
            raise ValueError(
                'BoxPerturbation(rotation=...) in a test pipeline needs '
                f"dict(type='{ALIGN}') after TopdownAffine, as MMPose maps predictions back "
                'without regard to the rotation and all errors would be wrong')

    def __repr__(self) -> str:
        return (f'{type(self).__name__}(shift={self.shift}, scale={self.scale}, '
                f'rotation={self.rotation}, seed={self.seed}, random={self.random}, '
                f'prob={self.prob})')


def _holds_alignment(steps: Any) -> bool:
    return any(type(step).__name__ == ALIGN for step in steps)
