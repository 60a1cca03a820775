"""What MMPose's heatmap heads cannot do with maps that are distributions."""
from __future__ import annotations

from typing import Dict, List, Sequence, Tuple, Union

import torch
from mmengine.structures import PixelData
from mmpose.models.utils.tta import flip_heatmaps
from mmpose.structures import MultilevelPixelData, PoseDataSample
from torch import Tensor, nn

from mmpose_wass.models.losses import WassersteinHeatmapLoss


class ProbabilityHeadMixin:
    """Mixin for a MMPose heatmap head whose decoder is a ``BarycenterCodec``.

    It changes four things of the head that it is mixed into:

    - *Flip test on probabilities.* A stock head averages the raw maps of the two passes, which
      for logits is the geometric mean of the distributions; here the distributions themselves
      are averaged.
    - ``test_cfg.output_heatmaps`` returns these distributions as ``pred_fields``.
    - *Log.* Every term of a :class:`WeightedSumHeatmapLoss` is logged as ``loss_<name>`` (any
      other loss as ``loss_kpt``), and the mean W1 as ``wasserstein_px``, in heatmap pixels. Where
      no term of the loss gives W1, it is computed besides, without gradient, unless
      ``model.train_cfg=dict(log_wasserstein=False)``: by ``method='sliced'``, which takes targets
      of any kind and is 0.1 % off in the median, up to 7 % too low for scattered predictions. There
      is no PCK, which is meaningless for logits.
    - Settings of the flip test that would bias the barycentre are refused.

    With any other decoder, prediction is the stock head's.
    """

    def predict(self, feats, batch_data_samples, test_cfg={}):  # noqa: B006 (MMPose's signature)
        """Predict landmarks; arguments and results as in MMPose's heads."""
        if not hasattr(self.decoder, 'probabilities'):
            return super().predict(feats, batch_data_samples, test_cfg)
        if test_cfg.get('flip_test', False):
            check_flip_test(test_cfg, self.decoder)
            plain, mirrored = (self._probabilities(passed) for passed in feats)
            mirrored = flip_heatmaps(
                mirrored,
                flip_mode='heatmap',
                flip_indices=batch_data_samples[0].metainfo['flip_indices'],
                shift_heatmap=test_cfg.get('shift_heatmap', False))
            probability = .5 * (plain + mirrored)
        else:
            probability = self._probabilities(feats)

        predictions = self.decode(self.decoder.maps_of(probability))
        if test_cfg.get('output_heatmaps', False):
            return predictions, [PixelData(heatmaps=maps) for maps in probability.detach()]
        return predictions

    def loss(self, feats, batch_data_samples, train_cfg={}):  # noqa: B006
        """Loss terms by name; arguments as in MMPose's heads."""
        stages = self._stages(feats)
        targets = stage_targets(batch_data_samples, len(stages))
        losses: Dict[str, Tensor] = {}
        for maps, (target, weights), loss_module in zip(
                stages, targets, self._stage_losses(len(stages))):
            terms, distance = loss_terms(loss_module, maps, target, weights)
            for name, value in terms.items():
                losses[name] = losses[name] + value if name in losses else value
        # Of the last stage, the one that predicts.
        if distance is None and train_cfg.get('log_wasserstein', True):
            distance = self._mean_wasserstein(maps, target, weights)
        if distance is not None:
            losses['wasserstein_px'] = distance
        return losses

    @torch.no_grad()
    def _mean_wasserstein(self, maps: Tensor, target: Tensor, weights: Tensor):
        """Mean W1 in heatmap pixels of what the decoder sees in the maps, None without one."""
        if not hasattr(self.decoder, 'probabilities'):
            return None
        # The targets need not be the decoder's (`TargetSigmaHook`) nor compact, so no disc.
        measure = WassersteinHeatmapLoss(method='sliced')
        return measure(self.decoder.probabilities(maps).clamp_min(1e-37).log(), target, weights)

    def _stages(self, feats) -> List[Tensor]:
        """Maps ``[B, K, H, W]`` of every stage, the predicting one last."""
        maps = self.forward(feats)
        return list(maps) if isinstance(maps, (list, tuple)) else [maps]

    def _stage_losses(self, count: int) -> List[nn.Module]:
        if isinstance(self.loss_module, nn.ModuleList):
            return list(self.loss_module)
        return [self.loss_module] * count

    def _probabilities(self, feats) -> Tensor:
        return self.decoder.probabilities(self.final_stage(feats))

    def final_stage(self, feats) -> Tensor:
        """Maps ``[B, K, H, W]`` of the stage that predicts."""
        return self._stages(feats)[-1]


def stage_targets(samples: Sequence[PoseDataSample],
                  stages: int) -> List[Tuple[Tensor, Tensor]]:
    """Targets and weights of every stage of a head.

    Args:
        samples: Of a batch; their targets are those of all stages, or one for each
            (``GenerateTarget(multilevel=True)``).
        stages: Number of stages.

    Returns:
        list[tuple[Tensor, Tensor]]: ``[B, K, H, W]`` and ``[B, K]`` for each stage.

    Raises:
        ValueError: If there is another number of targets.
    """
    fields = [sample.gt_fields for sample in samples]
    weights = torch.cat([sample.gt_instance_labels.keypoint_weights for sample in samples])
    if not isinstance(fields[0], MultilevelPixelData):
        return [(torch.stack([field.heatmaps for field in fields]), weights)] * stages
    levels = len(fields[0].heatmaps)
    if levels != stages:
        raise ValueError(f'GenerateTarget(multilevel=True) has {levels} encoders, but the head has '
                         f'{stages} stages: give one for each, in the order of its maps')
    # Stacked by PackPoseInputs: [levels, 1, K] of each sample.
    weights = weights.view(len(samples), levels, -1)
    return [(torch.stack([field.heatmaps[level] for field in fields]), weights[:, level])
            for level in range(levels)]


def loss_terms(loss_module: nn.Module, maps: Tensor, target: Tensor,
               weights: Tensor) -> Tuple[Dict[str, Tensor], Union[Tensor, None]]:
    """Terms of a loss by the names to log them under, and the mean W1.

    Args:
        loss_module: Any heatmap loss.
        maps: ``[B, K, H, W]``.
        target: ``[B, K, H, W]``.
        weights: ``[B, K]``.

    Returns:
        The terms, and the mean W1 in heatmap pixels (detached) where the loss has such a
        term, else None.
    """
    modules = getattr(loss_module, 'losses', None)
    if hasattr(loss_module, 'terms'):
        values = loss_module.terms(maps, target, weights)
        named = {f'loss_{name}': value for name, value in values.items()}
    else:
        modules, values = {'kpt': loss_module}, {'kpt': loss_module(maps, target, weights)}
        named = {'loss_kpt': values['kpt']}
    for name, module in modules.items():
        if isinstance(module, WassersteinHeatmapLoss) and module.loss_weight and \
                module.reduction == 'mean':
            return named, values[name].detach() / module.loss_weight
    return named, None


def check_flip_test(test_cfg: dict, decoder) -> None:
    """Refuse settings under which averaging with the flipped pass moves the barycentre.

    Args:
        test_cfg: The model's ``test_cfg``.
        decoder: A ``BarycenterCodec``.

    Raises:
        ValueError: Naming the setting to change.
    """
    mode = test_cfg.get('flip_mode', 'heatmap')
    if mode != 'heatmap':
        raise ValueError(f"model.test_cfg.flip_mode={mode!r} does not fit BarycenterCodec's maps: "
                         "set flip_mode='heatmap'")
    if decoder.sampling != 'barycenter':
        return
    if decoder.coordinates == 'mmpose':
        raise ValueError(
            "a flip test with coordinates='mmpose' moves every barycentre: with that convention "
            'mirroring the input does not mirror the heatmap. Set coordinates=\'half_pixel\' '
            "(stock TopdownAffine) or 'udp' (TopdownAffine(use_udp=True)) in the codec, in "
            'model.head.decoder and in GenerateTarget, or model.test_cfg.flip_test=False')
    if test_cfg.get('shift_heatmap', False):
        raise ValueError('model.test_cfg.shift_heatmap=True moves every barycentre by half a '
                         f'heatmap pixel with coordinates={decoder.coordinates!r}: set '
                         'shift_heatmap=False')
