import pytest
from mmengine.config import Config

from mmpose_wass.engine import check_flip_settings


def config(flip_test=True, shift_heatmap=False, **codec):
    decoder = dict(type='BarycenterCodec', input_size=(64, 64), heatmap_size=(16, 16), **codec)
    return Config(dict(model=dict(
        head=dict(type='HeatmapHead', decoder=decoder),
        test_cfg=dict(flip_test=flip_test, shift_heatmap=shift_heatmap))))


def test_biased_flip_tests_are_refused_before_training():
    with pytest.raises(ValueError, match='shift_heatmap=False'):
        check_flip_settings(config(shift_heatmap=True))
    with pytest.raises(ValueError, match='half_pixel'):
        check_flip_settings(config(coordinates='mmpose'))


def test_sound_settings_and_other_codecs_pass():
    check_flip_settings(config())
    check_flip_settings(config(flip_test=False, shift_heatmap=True))
    check_flip_settings(config(shift_heatmap=True, sampling='argmax'))
    other = config(shift_heatmap=True)
    other.model.head.decoder.type = 'MSRAHeatmap'
    check_flip_settings(other)
    check_flip_settings(Config(dict(model=dict(head=dict()))))
