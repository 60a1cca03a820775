"""Check of the flip test before hours of training, not at the first validation."""
from __future__ import annotations

from mmengine.config import Config
from mmpose.registry import KEYPOINT_CODECS

from mmpose_wass.models.heads.probability_mixin import check_flip_test


def check_flip_settings(cfg: Config) -> None:
    """Refuse a config whose flip test would move every barycentre, whatever its head.

    Args:
        cfg: A config that may or may not decode by barycentre.

    Raises:
        ValueError: Naming the setting to change.
    """
    model = cfg.get('model', None) or {}
    decoder = (model.get('head', None) or {}).get('decoder', None) or {}
    test_cfg = model.get('test_cfg', None) or {}
    if isinstance(decoder, dict) and decoder.get('type') == 'BarycenterCodec' and \
            test_cfg.get('flip_test', False):
        check_flip_test(test_cfg, KEYPOINT_CODECS.build(decoder))
