"""How the gradient with respect to logits is formed from a potential."""
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class LogitGradient:
    r"""Where the softmax's Jacobian is taken: at the prediction, or nearer the target.

    With the potential f, the derivative of W1 with respect to the logits is

    .. math:: g = m \circ (f - \langle m, f \rangle), \qquad m = p .

    A pixel where p is tiny gets next to none of it, the right one included: mass is pushed off
    wrong pixels, hardly ever drawn to right ones. From random weights, where p is almost
    uniform or sits in a wrong place, that makes for a plateau. Here

    .. math:: m = (1 - a)\, \frac{p^\gamma}{\sum p^\gamma} + a\, q

    puts a share a of the weight where the mass should be, or lifts small values by a power
    below 1. Components still sum to 0, p = q is still where it vanishes (for gamma = 1, with the
    same slope as the true gradient there), and the value of the loss is not touched. With a > 0 or
    gamma < 1 it is no longer the derivative of the value: check it against finite differences
    with the defaults only.

    Args:
        target_share: a in [0, 1]; 0 is the true gradient.
        power: gamma in (0, 1]; 1 is the true gradient.

    Raises:
        ValueError: If one is out of its range.

    Example:
        >>> p, q = torch.tensor([[[1., 0., 0.]]]), torch.tensor([[[0., 0., 1.]]])
        >>> LogitGradient().weights(p, q).tolist()
        [[[1.0, 0.0, 0.0]]]
        >>> LogitGradient(target_share=.5).weights(p, q).tolist()
        [[[0.5, 0.0, 0.5]]]
    """

    target_share: float = 0.0
    power: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.target_share <= 1:
            raise ValueError(f'target_share must be in [0, 1], got {self.target_share}')
        if not 0 < self.power <= 1:
            raise ValueError(f'power must be in (0, 1], got {self.power}')

    def weights(self, p: Tensor, q: Tensor) -> Tensor:
        """m of the formula, ``[M, H, W]`` with sum 1.

        Args:
            p: Predicted maps ``[M, H, W]`` with sum 1.
            q: Target maps, the same.
        """
        weights = p
        if self.power < 1:
            weights = p**self.power
            weights = weights / weights.sum(dim=(1, 2), keepdim=True)
        if self.target_share > 0:
            weights = torch.lerp(weights, q, self.target_share)
        return weights


#: The derivative of the value.
EXACT = LogitGradient()
#: By name, for configs. `mixture` takes the middle between prediction and target.
LOGIT_GRADIENTS = dict(exact=EXACT, mixture=LogitGradient(target_share=.5))
