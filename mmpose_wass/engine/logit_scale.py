"""Turn a heatmap model that was trained with the L2 loss into a start for the Wasserstein loss.

The maps of an L2 model lie between 0 and about 1: their softmax is almost uniform, its barycentre
the middle of the map (Table 2). Multiplied by the right factor, they are logits of distributions
close to the targets; the factor goes into the last convolution.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterable, List, Tuple

import torch
from mmengine.utils import track_iter_progress
from torch import Tensor, nn

from mmpose_wass.models.heads.probability_mixin import stage_targets
from mmpose_wass.ot import barycenter, log_softmax_map

from .logit_scale_fit import check_maps, choose_logit_scale, divergences


def map_convolutions(model: nn.Module) -> List[nn.Module]:
    """The convolutions that make the maps of a model, one for each stage, the last one predicts.

    Args:
        model: A ``TopdownPoseEstimator`` with one of MMPose's or this package's heatmap heads.

    Raises:
        ValueError: If they cannot be told; names the head.
    """
    head = model.head
    if hasattr(head, 'refine_predictor'):
        layers = [*reversed(head.global_predictors), head.refine_predictor]
    else:
        layers = list(getattr(head, 'multi_final_layers', [getattr(head, 'final_layer', None)]))
        if all(isinstance(layer, nn.Identity) for layer in layers):
            layers = list(getattr(model.backbone, 'predictors', layers))
    if not layers or not all(isinstance(layer, nn.Conv2d) for layer in layers):
        raise ValueError(f'{type(head).__name__} on {type(model.backbone).__name__}: the '
                         'convolution that makes its maps is not known')
    return layers


@torch.no_grad()
def fold_logit_scale(model: nn.Module, scales: List[Tensor]) -> None:
    """Multiply the maps of every stage by a factor a landmark, in the weights.

    What else reads a stage's maps (the next hourglass) sees what it saw before.

    Args:
        model: The model; it is changed in place.
        scales: A tensor ``[K]`` for each stage.

    Raises:
        ValueError: If their number or length is not the model's.
    """
    layers = map_convolutions(model)
    if len(scales) != len(layers):
        raise ValueError(f'{len(layers)} stages, but {len(scales)} logit scales')
    consumers = getattr(model.backbone, 'map_consumers', dict)()
    for layer, scale in zip(layers, scales):
        if scale.shape != (layer.out_channels, ):
            raise ValueError(f'a logit scale must have shape [{layer.out_channels}], got '
                             f'{list(scale.shape)}')
        scale = scale.to(layer.weight)
        layer.weight.mul_(scale[:, None, None, None])
        if layer.bias is not None:
            layer.bias.mul_(scale)
        if layer in consumers:
            # Channels of the features come first, coordinates perhaps after them.
            consumers[layer].weight[:, :len(scale)].div_(scale[None, :, None, None])


@dataclass
class StageReport:
    """What the conversion did to the maps of a stage.

    Attributes:
        scale: Factors ``[K]``.
        divergence: Mean KL divergence of the softmaxed maps from the targets before and after,
            in nats.
        barycenter_error: Mean distance of the barycentres of softmaxed maps and targets before
            and after, in heatmap pixels.
    """

    scale: List[float]
    divergence: Tuple[float, float]
    barycenter_error: Tuple[float, float]

    def as_dict(self) -> Dict[str, object]:
        """For a JSON file."""
        return dict(scale=self.scale, divergence=list(self.divergence),
                    barycenter_error_px=list(self.barycenter_error))


@torch.no_grad()
def collect_maps(model: nn.Module, batches: Iterable[dict],
                 count: int) -> List[Tuple[Tensor, Tensor, Tensor]]:
    """Run a model over batches of a data loader.

    Args:
        model: A pose estimator in evaluation mode.
        batches: As MMEngine's loaders give them, with targets.
        count: How many batches to take.

    Returns:
        list[tuple[Tensor, Tensor, Tensor]]: Maps ``[N, K, H, W]``, targets and weights ``[N, K]``
        of every stage.

    Raises:
        ValueError: If the samples have no targets or there is no batch.
    """
    seen: List[List[Tuple[Tensor, ...]]] = []
    iterator = iter(batches)
    for _ in track_iter_progress(range(count)):
        batch = next(iterator, None)
        if batch is None:
            break
        batch = model.data_preprocessor(batch, training=False)
        samples = batch['data_samples']
        if 'heatmaps' not in getattr(samples[0], 'gt_fields', {}):
            raise ValueError('the data have no heatmaps: the pipeline needs GenerateTarget before '
                             'it packs its results')
        output = model(batch['inputs'], None, mode='tensor')
        output = list(output) if isinstance(output, (list, tuple)) else [output]
        seen.append([tuple(part.cpu() for part in (maps.float(), *wanted)) for maps, wanted in zip(
            output, stage_targets(samples, len(output)))])
    if not seen:
        raise ValueError('the data loader gave no batch')
    return [tuple(torch.cat(part) for part in zip(*stage)) for stage in zip(*seen)]


def convert_model(model: nn.Module, batches: Iterable[dict], count: int,
                  shared: bool = False) -> List[StageReport]:
    """Fit the logit scales of a model on a few batches and fold them into it.

    Args:
        model: A pose estimator with the weights of the L2 model, and a ``BarycenterCodec`` that
            softmaxes; it is changed in place.
        batches: Data loader with targets of that codec.
        count: How many batches to take.
        shared: One factor for all landmarks.

    Returns:
        list[StageReport]: One for each stage.

    Raises:
        ValueError: If the codec does not softmax its maps, and as :func:`choose_logit_scale`.
    """
    decoder = model.head.decoder
    if not hasattr(decoder, 'probabilities') or decoder.normalization != 'softmax':
        raise ValueError('the config is not that of a model whose maps are softmaxed: give the '
                         'config to train with (BarycenterCodec, normalization=\'softmax\'), not '
                         'that of the L2 model, or add --wass')
    model.eval()
    reports = []
    for maps, target, weights in collect_maps(model, batches, count):
        maps = maps / decoder.temperature
        scale = choose_logit_scale(maps, target, weights, shared)
        scaled = scale[None, :, None, None] * maps
        reports.append(StageReport(
            scale=scale.tolist(),
            divergence=tuple(float(divergences(one, target, weights).nanmean())
                             for one in (maps, scaled)),
            barycenter_error=tuple(_barycenter_error(one, target, weights)
                                   for one in (maps, scaled))))
    fold_logit_scale(model, [torch.tensor(report.scale) for report in reports])
    return reports


def load_weights(model: nn.Module, checkpoint: dict, name: str) -> None:
    """Load a checkpoint's weights, all of them.

    Args:
        model: The model.
        checkpoint: As read from its file.
        name: The file's name, for messages.

    Raises:
        ValueError: If weights are missing, too many or of other shapes; names the first ones.
    """
    weights = checkpoint.get('state_dict', checkpoint)
    try:
        missing, unexpected = model.load_state_dict(weights, strict=False)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()]
        raise ValueError(f'checkpoint {name}: does not fit the model of the config. '
                         + ' '.join(lines[1:4])) from error
    for what, names in (('lacks', missing), ('has besides', unexpected)):
        names = [one for one in names if not one.startswith('data_preprocessor.')]
        if names:
            raise ValueError(f'checkpoint {name}: does not fit the model of the config: it '
                             f'{what} {len(names)} weights, such as {", ".join(names[:3])}')


def _barycenter_error(maps: Tensor, target: Tensor, weights: Tensor) -> float:
    maps, target, weights = check_maps(maps, target, weights)
    distance = (barycenter(log_softmax_map(maps).exp()) - barycenter(target)).norm(dim=-1)
    return float((weights * distance).sum() / weights.sum())
