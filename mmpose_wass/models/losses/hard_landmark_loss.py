"""Online hard keypoint mining (Chen et al., 2018, arXiv 1711.07319) for any loss."""
from __future__ import annotations

import copy
import math
from typing import Optional, Union

import torch
from mmpose.registry import MODELS
from torch import Tensor, nn

from .softmax_heatmap_loss import SoftmaxHeatmapLoss
from .weighted_sum_heatmap_loss import WeightedSumHeatmapLoss

# Eight of COCO's seventeen joints did best in the paper of CPN.
HARD_SHARE = 8 / 17


@MODELS.register_module()
class HardLandmarkLoss(nn.Module):
    """A loss over the hardest landmarks of each image: those where it is largest.

    It is the weighted mean over the landmarks chosen. Landmarks of weight 0 are never chosen; an
    image with fewer valid landmarks than asked for counts with those that it has.

    For the L2 loss there is MMPose's ``KeypointOHKMMSELoss``.

    Args:
        loss: Config of a loss of this package (Wasserstein, KL, Jensen-Shannon, soft arg max,
            ...) or of their :class:`WeightedSumHeatmapLoss`, whose terms then choose together.
        hard_landmarks: How many to take: a number, or a fraction of the landmarks (rounded up).

    Raises:
        ValueError: For a loss without values per landmark, or a number that cannot be.

    Example:
        >>> loss = HardLandmarkLoss(dict(type='KLHeatmapLoss'), hard_landmarks=1)
        >>> target = torch.eye(4).expand(1, 3, 4, 4)
        >>> logits = torch.stack([target[0, 0], 9 * target[0, 0], -target[0, 0]])[None]
        >>> every = MODELS.build(dict(type='KLHeatmapLoss', reduction='none'))(logits, target)
        >>> bool(loss(logits, target) == every[0, 2])
        True
    """

    def __init__(self, loss: dict, hard_landmarks: Union[int, float] = HARD_SHARE) -> None:
        super().__init__()
        is_count = isinstance(hard_landmarks, int) and not isinstance(hard_landmarks, bool)
        if not (is_count and hard_landmarks > 0 or
                isinstance(hard_landmarks, float) and 0 < hard_landmarks <= 1):
            raise ValueError('hard_landmarks must be a whole number above 0 or a fraction in '
                             f'(0, 1], got {hard_landmarks!r}')
        self.hard_landmarks = hard_landmarks
        self.loss = MODELS.build(_per_landmark(loss))

    def forward(self,
                output: Tensor,
                target: Tensor,
                target_weights: Optional[Tensor] = None,
                mask: Optional[Tensor] = None) -> Tensor:
        """Loss of the hardest landmarks; arguments as :class:`SoftmaxHeatmapLoss`, a scalar.

        Raises:
            ValueError: If more landmarks are asked for than there are.
        """
        arguments = (output, target, target_weights) + (() if mask is None else (mask, ))
        values = self.loss(*arguments)
        landmarks = values.shape[1]
        count = self.hard_landmarks
        if isinstance(count, float):
            count = math.ceil(count * landmarks - 1e-9)
        if count > landmarks:
            raise ValueError(f'hard_landmarks={count}, but there are {landmarks} landmarks')
        weights = torch.ones_like(values)
        if target_weights is not None:
            weights = target_weights.to(values).view_as(values).clamp_min(0)
        # Ignored landmarks come with value 0: let them be chosen last and weigh nothing.
        valid = (weights > 0) & (target.detach().flatten(2) > 0).any(dim=-1)
        score = torch.where(valid, weights * values.detach(), -torch.inf)
        chosen = score.topk(count, dim=1).indices
        weights = torch.where(valid, weights, 0.0).gather(1, chosen)
        total = (weights * values.gather(1, chosen)).sum()
        return total / weights.sum().clamp_min(torch.finfo(values.dtype).tiny)

    def extra_repr(self) -> str:
        return f'hard_landmarks={self.hard_landmarks}'


def _per_landmark(loss: dict) -> dict:
    """The config of a loss that returns ``[B, K]``."""
    loss = copy.deepcopy(dict(loss))
    kind = loss.get('type')
    found = kind if isinstance(kind, type) else MODELS.get(kind)
    if found is not None and issubclass(found, WeightedSumHeatmapLoss):
        loss['losses'] = {name: _per_landmark(term) for name, term in loss['losses'].items()}
        return loss
    if found is None or not issubclass(found, SoftmaxHeatmapLoss):
        raise ValueError(
            f'HardLandmarkLoss needs a loss with values per landmark, {kind} has none: take a '
            "loss of this package, or MMPose's KeypointOHKMMSELoss for the L2 loss")
    if loss.setdefault('reduction', 'none') != 'none':
        raise ValueError(f"HardLandmarkLoss reduces itself: leave reduction={loss['reduction']!r} "
                         f'out of {kind}')
    return loss
