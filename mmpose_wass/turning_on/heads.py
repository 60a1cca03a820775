"""Turn MMPose's heatmap heads and their losses into those of this plugin."""

from __future__ import annotations

from typing import Any

from .config_walk import like, type_name

# Heads with a counterpart here: probabilities are averaged in the flip test, W1 is logged.
PROBABILITY_HEADS = dict(HeatmapHead='ProbabilityHeatmapHead', CPMHead='ProbabilityCPMHead')
# Heads without one: loss and codec work in them as they are, their flip test averages logits.
UNCHANGED_HEADS = ('ViPNASHead', 'MSPNHead')
# Heads that wrap another one: the argument that holds it.
WRAPPING_HEADS = dict(VisPredictHead='pose_cfg')

LOSSES = {
    'wasserstein': ('WassersteinHeatmapLoss', ),
    'wasserstein+kl': ('WassersteinHeatmapLoss', 'KLHeatmapLoss'),
    'kl': ('KLHeatmapLoss', ),
}
_TERM_NAMES = dict(WassersteinHeatmapLoss='wasserstein', KLHeatmapLoss='kl')

_OTHER_KINDS = {
    'RTMCCHead': 'SimCC classification', 'SimCCHead': 'SimCC classification',
    'RTMWHead': 'SimCC classification', 'RegressionHead': 'coordinate regression',
    'RLEHead': 'coordinate regression', 'DSNTHead': 'integral regression',
    'IntegralRegressionHead': 'integral regression', 'DEKRHead': 'bottom-up',
    'AssociativeEmbeddingHead': 'bottom-up', 'CIDHead': 'bottom-up', 'RTMOHead': 'one-stage',
    'YOLOXPoseHead': 'one-stage', 'InternetHead': '3D hand heatmaps',
}

_WHAT_WORKS = (
    'turn_on rewrites top-down heatmap models (TopdownPoseEstimator with '
    f'{", ".join([*PROBABILITY_HEADS, *UNCHANGED_HEADS])}). '
    'For the other kinds, mmpose_wass.attach_metrics(cfg) adds the face metrics and leaves the '
    'model as it is.')


def find_heatmap_head(cfg: Any) -> dict:
    """Return the heatmap head of a top-down config.

    Args:
        cfg: The config.

    Returns:
        dict: The head's own (nested) config, so that it can be changed in place.

    Raises:
        ValueError: If the model is no top-down heatmap model; says what was found and what works.
    """
    model = cfg.get('model', None)
    if not isinstance(model, dict):
        raise ValueError(f'the config has no `model`. {_WHAT_WORKS}')
    name = type_name(model)
    head = model.get('head', None)
    head_name = type_name(head)
    if not head_name:
        raise ValueError(f'model.type is {name or None!r}, without a model.head. {_WHAT_WORKS}')
    if head_name in WRAPPING_HEADS:
        head = head[WRAPPING_HEADS[head_name]]
        head_name = type_name(head)
    if head_name in _OTHER_KINDS or not _is_heatmap_head(head_name):
        kind = _OTHER_KINDS.get(head_name, 'no heatmap head that turn_on knows')
        raise ValueError(f'model.head.type is {head_name!r} ({kind}). {_WHAT_WORKS}')
    if not _is_topdown(name):
        raise ValueError(f'model.type is {name!r}, which is not top-down. {_WHAT_WORKS}')
    return head


def _registered(name: str) -> type | None:
    from mmpose.registry import MODELS
    return MODELS.get(name)


def _is_heatmap_head(name: str) -> bool:
    if name in PROBABILITY_HEADS or name in PROBABILITY_HEADS.values() or name in UNCHANGED_HEADS:
        return True
    found = _registered(name)
    if found is None:
        return False
    from mmpose.models.heads import CPMHead, HeatmapHead
    return issubclass(found, (HeatmapHead, CPMHead))


def _averages_probabilities(name: str) -> bool:
    from mmpose_wass.models.heads.probability_mixin import ProbabilityHeadMixin
    found = _registered(name)
    return found is not None and issubclass(found, ProbabilityHeadMixin)


def _is_topdown(name: str) -> bool:
    if name == 'TopdownPoseEstimator':
        return True
    found = _registered(name) if name else None
    if found is None:
        return False
    from mmpose.models.pose_estimators import TopdownPoseEstimator
    return issubclass(found, TopdownPoseEstimator)


def replace_head(head: dict) -> str | None:
    """Give a heatmap head its counterpart of this plugin (in place).

    Returns:
        str | None: A remark for the user where there is no counterpart.
    """
    name = type_name(head)
    if name in PROBABILITY_HEADS:
        head['type'] = PROBABILITY_HEADS[name]
    elif not _averages_probabilities(name):
        return (f'{name} has no counterpart that averages probabilities: it stays, and its flip '
                'test averages logits (a geometric mean of the two distributions).')
    return None


def build_loss(loss: str | dict, *, use_target_weight: bool, loss_weight: float = 1.0) -> dict:
    """Return the config of a loss by its short name.

    Args:
        loss: A key of ``LOSSES``, or the config of any heatmap loss, which is taken as it is.
        use_target_weight: Whether landmark weights count.
        loss_weight: Factor of the whole loss.

    Returns:
        dict: A new loss config.

    Raises:
        ValueError: For an unknown name.

    Examples:
        >>> build_loss('wasserstein', use_target_weight=True)
        {'type': 'WassersteinHeatmapLoss', 'use_target_weight': True}
    """
    if isinstance(loss, dict):
        return dict(loss)
    if loss not in LOSSES:
        raise ValueError(f'loss must be one of {", ".join(LOSSES)} or a config dictionary '
                         f'of a heatmap loss, got {loss!r}')
    terms = [dict(type=kind, use_target_weight=use_target_weight) for kind in LOSSES[loss]]
    if loss_weight != 1.0:
        for term in terms:
            term['loss_weight'] = loss_weight
    if len(terms) == 1:
        return terms[0]
    return dict(
        type='WeightedSumHeatmapLoss',
        losses={_TERM_NAMES[term['type']]: term for term in terms})


def replace_loss(head: dict, loss: str | dict) -> None:
    """Replace a head's loss, or its list of losses (one a stage), in place.

    ``use_target_weight`` is carried over. The weights of a list are carried over relative to the
    largest: what they say is how much the stages count beside each other.

    Args:
        head: The head's config.
        loss: See :func:`build_loss`.
    """
    old = head.get('loss')
    if isinstance(old, (list, tuple)):
        weights = [float(one.get('loss_weight', 1.0)) for one in old]
        largest = max(weights, default=1.0) or 1.0
        head['loss'] = [
            like(one, build_loss(loss, use_target_weight=_target_weight(one),
                                 loss_weight=weight / largest))
            for one, weight in zip(old, weights)]
    else:
        head['loss'] = build_loss(loss, use_target_weight=_target_weight(old))
    if head.get('refine_loss'):
        # CPN's last stage mines hard landmarks; it goes on to, with the new loss.
        refine = head['refine_loss']
        new = build_loss(loss, use_target_weight=_target_weight(refine.get('loss', refine)))
        head['refine_loss'] = dict(refine, loss=new) if 'loss' in refine else dict(
            type='HardLandmarkLoss', loss=new)


def _target_weight(loss: dict | None) -> bool:
    """Whether the old loss counts landmark weights; a head without a loss counts them."""
    if loss is None:
        return True
    if 'use_target_weight' in loss:
        return bool(loss['use_target_weight'])
    # Losses already turned on carry it in their terms; MMPose's own default differs by class,
    # and losses that hold others say it inside.
    terms = loss.get('losses', None)
    terms = list(terms.values()) if isinstance(terms, dict) else terms
    if terms:
        return any(_target_weight(term) for term in terms)
    found = _registered(type_name(loss))
    if found is None:
        return True
    import inspect
    parameter = inspect.signature(found.__init__).parameters.get('use_target_weight')
    return bool(parameter.default) if parameter is not None else True
