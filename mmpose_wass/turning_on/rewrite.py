"""Turn a stock top-down heatmap config into one with the Wasserstein loss and the barycentre."""

from __future__ import annotations

import copy
import warnings

from mmengine.config import Config

from .codecs import check_codecs, choose_coordinates, replace_codecs, set_affine
from .config_walk import type_name
from .heads import find_heatmap_head, replace_head, replace_loss
from .metrics import add_custom_import, add_face_metric, has_face_data, save_best_by_face_metric


def turn_on(cfg: Config,
            *,
            sigma: float | None = None,
            loss: str | dict = 'wasserstein',
            sampling: str = 'barycenter',
            coordinates: str | None = None,
            target: str | None = None,
            temperature: float | None = None,
            metric: bool | dict = True) -> Config:
    """Rewrite an MMPose top-down heatmap config for the 2D Wasserstein loss.

    What changes: the loss, the head, the codec in every place (``codec``, the head's decoder and
    each ``GenerateTarget``, however deep its data set is wrapped), the flip test's settings, the
    evaluators and ``save_best`` on face data, and ``custom_imports``. What stays: everything
    else, above all the backbone, the training schedule and the data.

    Args:
        cfg: Any MMPose config whose model is a ``TopdownPoseEstimator`` with a heatmap head. It
            is not changed.
        sigma: Sigma of the Gaussian targets in heatmap pixels. ``None`` keeps the config's own.
        loss: ``'wasserstein'``, the paper's loss, meant for a pretrained backbone;
            ``'wasserstein+kl'``, with a term that is sharp from the first step on, for training
            from random weights; ``'kl'``; or the config of any heatmap loss.
        sampling: How landmarks are read off: ``'barycenter'`` (GET_BC, Eq. 6 of the paper) or
            ``'argmax'`` (GET_MAX, Eq. 5).
        coordinates: ``'half_pixel'``, ``'udp'`` or ``'mmpose'``. ``None`` follows the pipelines:
            ``'udp'`` where ``TopdownAffine(use_udp=True)``, else ``'half_pixel'``. A wish that
            does not fit the pipelines changes ``use_udp`` in them. ``'mmpose'`` (x / 4) cannot be
            flipped without a bias, so it turns the flip test off.
        target: ``'probability'`` (sum 1, default) or ``'peak'`` (peak 1, for MSE-like losses).
        temperature: Temperature of the softmax, set in the codec and, where ``loss`` is a name,
            in the loss.
        metric: Whether face data get a ``FaceLandmarkMetric`` and ``save_best='face/NME'``; a
            dictionary holds further arguments of the metric.

    Returns:
        Config: A new config that builds, trains, tests and can be dumped by itself.

    Raises:
        ValueError: If the model is no top-down heatmap model, a codec makes no heatmaps, or an
            option has an unknown value. The message names what was found and what works.

    Examples:
        >>> from mmengine.hub import get_config
        >>> stock = get_config(
        ...     'mmpose::face_2d_keypoint/topdown_heatmap/wflw/'
        ...     'td-hm_hrnetv2-w18_8xb64-60e_wflw-256x256.py')
        >>> cfg = turn_on(stock, sigma=1.5)
        >>> cfg.model.head.loss.type, cfg.model.head.decoder.type, cfg.model.head.decoder.sigma
        ('WassersteinHeatmapLoss', 'BarycenterCodec', 1.5)
    """
    if sigma is not None and not 0 < float(sigma) < float('inf'):
        raise ValueError(f'sigma must be positive and finite (heatmap pixels), got {sigma!r}')
    if sampling not in ('barycenter', 'argmax'):
        raise ValueError(f"sampling must be 'barycenter' or 'argmax', got {sampling!r}")
    if temperature is not None and not 0 < float(temperature) < float('inf'):
        raise ValueError(f'temperature must be positive and finite, got {temperature!r}')

    after = copy.deepcopy(cfg)
    model = after.get('model', None)
    head = find_heatmap_head(after)
    check_codecs(after, head)
    coordinates = choose_coordinates(after, coordinates)

    _drop_offset_maps(head)
    remark = replace_head(head)
    if remark is not None:
        warnings.warn(remark, stacklevel=2)
        # A stock head computes, at every step, an accuracy that means nothing for logits.
        train_cfg = dict(model.get('train_cfg', None) or {})
        train_cfg['compute_acc'] = False
        model['train_cfg'] = train_cfg
    replace_loss(head, loss)
    if temperature is not None and isinstance(loss, str):
        _set_temperature(head['loss'], float(temperature))

    replace_codecs(
        after, sigma=sigma, coordinates=coordinates, sampling=sampling, target=target,
        temperature=None if temperature is None else float(temperature))
    set_affine(after, coordinates)
    _set_flip_test(model, coordinates)

    if metric is not False and has_face_data(after):
        add_face_metric(after, dict(metric) if isinstance(metric, dict) else None)
        save_best_by_face_metric(after)
    add_custom_import(after)
    return after


def _drop_offset_maps(head: dict) -> None:
    """Drop the offset maps of ``UDPHeatmap(heatmap_type='combined')`` (in place).

    That codec needs three channels a landmark, a disc and two offsets; a distribution needs one.
    """
    decoder = head.get('decoder')
    if type_name(decoder) == 'UDPHeatmap' and decoder.get('heatmap_type', None) == 'combined':
        head['out_channels'] = int(head['out_channels']) // 3


def _set_temperature(loss: dict | list, temperature: float) -> None:
    """Write the softmax's temperature into a loss or into each of its terms (in place)."""
    for one in loss if isinstance(loss, list) else [loss]:
        terms = one['losses'].values() if 'losses' in one else [one]
        for term in terms:
            term['temperature'] = temperature


def _set_flip_test(model: dict, coordinates: str) -> None:
    """Choose flip settings under which the barycentre has no bias (in place)."""
    test_cfg = model.get('test_cfg')
    if not test_cfg:
        return
    if coordinates == 'mmpose':
        test_cfg['flip_test'] = False
    if test_cfg.get('flip_mode', None) == 'udp_combined':
        test_cfg['flip_mode'] = 'heatmap'
    if 'shift_heatmap' in test_cfg or test_cfg.get('flip_test', False):
        # Both half-pixel and UDP coordinates put the mirror axis of the map on that of the
        # image; the shift, made for x / 4, would put it off by one input pixel and a half.
        test_cfg['shift_heatmap'] = False
