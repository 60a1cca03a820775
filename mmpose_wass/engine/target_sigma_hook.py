"""Change the targets' sigma while training goes on."""
from __future__ import annotations

from typing import Any, Iterator, Mapping

from mmengine.hooks import Hook
from mmpose.datasets.transforms import GenerateTarget
from mmpose.registry import HOOKS


@HOOKS.register_module()
class TargetSigmaHook(Hook):
    """Gives the codec of the training pipeline another sigma at the beginning of some epochs.

    Wide targets first tell the network roughly where a landmark is, sharp ones later exactly where
    (the paper's Sec. 7.2 trades one against the other). ``WassersteinHeatmapLoss(sigma=...)`` must
    be told the largest; the decoder of the head keeps its own.

    Args:
        sigma_at_epoch: Sigma in heatmap pixels by the epoch, counted from 0, from which on it
            holds; epoch 0 must be there.

    Raises:
        ValueError: If epoch 0 is missing or a sigma is not positive.
    """

    def __init__(self, sigma_at_epoch: Mapping[int, float]) -> None:
        self.sigma_at_epoch = {int(epoch): float(sigma)
                               for epoch, sigma in sigma_at_epoch.items()}
        if 0 not in self.sigma_at_epoch:
            raise ValueError('sigma_at_epoch must say with which sigma epoch 0 begins, got '
                             f'{dict(sigma_at_epoch)}')
        for epoch, sigma in self.sigma_at_epoch.items():
            if not sigma > 0:
                raise ValueError(f'sigma_at_epoch[{epoch}] must be positive, got {sigma}')

    def sigma(self, epoch: int) -> float:
        """Sigma of an epoch.

        Example:
            >>> TargetSigmaHook({0: 3, 4: 1.5}).sigma(5)
            1.5
        """
        return self.sigma_at_epoch[max(first for first in self.sigma_at_epoch if first <= epoch)]

    def before_train_epoch(self, runner) -> None:
        """Set the epoch's sigma, also after a resumption.

        Raises:
            ValueError: If worker processes outlive an epoch and would not see the change, or the
                pipeline draws no targets with a sigma.
        """
        loader = runner.train_dataloader
        if loader.num_workers and getattr(loader, 'persistent_workers', False):
            raise ValueError('TargetSigmaHook needs train_dataloader.persistent_workers=False: '
                             'workers that live on keep the sigma they were started with')
        encoders = [step.encoder for step in _target_steps(loader.dataset)
                    if hasattr(step.encoder, 'sigma')]
        if not encoders:
            raise ValueError('TargetSigmaHook found no GenerateTarget whose encoder has a sigma in '
                             'the training pipeline')
        sigma = self.sigma(runner.epoch)
        for encoder in encoders:
            encoder.sigma = sigma
        runner.logger.info(f'targets of epoch {runner.epoch + 1} have sigma {sigma:g}')


def _target_steps(dataset: Any) -> Iterator[GenerateTarget]:
    for member in getattr(dataset, 'datasets', ()):
        yield from _target_steps(member)
    inner = getattr(dataset, 'dataset', None)
    if inner is not None:
        yield from _target_steps(inner)
    pipeline = getattr(dataset, 'pipeline', None)
    for step in getattr(pipeline, 'transforms', ()):
        if isinstance(step, GenerateTarget):
            yield step
