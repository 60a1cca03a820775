"""The paper's four models, as narrow as they come."""
from __future__ import annotations

from mmpose.registry import MODELS

LANDMARKS = 5
BRANCHES = dict(
    stage1=dict(num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(1, ),
                num_channels=(8, )),
    stage2=dict(num_modules=1, num_branches=2, block='BASIC', num_blocks=(1, 1),
                num_channels=(4, 8)),
    stage3=dict(num_modules=1, num_branches=3, block='BASIC', num_blocks=(1, 1, 1),
                num_channels=(4, 8, 16)),
    stage4=dict(num_modules=1, num_branches=4, block='BASIC', num_blocks=(1, 1, 1, 1),
                num_channels=(4, 8, 16, 32), multiscale_output=True),
    upsample=dict(mode='bilinear', align_corners=False))
NARROW = dict(type='ResNet', depth=18, base_channels=8, stem_channels=8)
FOUR_MODELS = dict(
    hrnet=dict(
        backbone=dict(type='HRNet', in_channels=3, extra=BRANCHES),
        neck=dict(type='FeatureMapProcessor', concat=True),
        head=dict(
            type='ProbabilityHeatmapHead', in_channels=60, out_channels=LANDMARKS,
            deconv_out_channels=None, conv_out_channels=(60, ), conv_kernel_sizes=(1, ))),
    hourglass=dict(
        backbone=dict(
            type='StackedHourglass', out_channels=LANDMARKS, num_stacks=2, channels=16, depth=2),
        head=dict(
            type='ProbabilityCPMHead', in_channels=LANDMARKS, out_channels=LANDMARKS,
            num_stages=2, final_layer=None)),
    cpn=dict(
        backbone=dict(NARROW, out_indices=(0, 1, 2, 3)),
        neck=dict(type='CPNNeck', in_channels=(8, 16, 32, 64), out_channels=16),
        head=dict(type='CPNHead', in_channels=16, out_channels=LANDMARKS)),
    simple_baselines=dict(
        backbone=dict(NARROW),
        head=dict(
            type='ProbabilityHeatmapHead', in_channels=64, out_channels=LANDMARKS,
            deconv_out_channels=(8, 8, 8))))


def build_model(name: str, estimator: str = 'TopdownPoseEstimator', loss=None, decoder=None,
                **kwargs):
    """Build one of the four, in evaluation mode and with initialised weights."""
    parts = {part: dict(config) for part, config in FOUR_MODELS[name].items()}
    for key, value in dict(loss=loss, decoder=decoder).items():
        if value is not None:
            parts['head'][key] = value
    model = MODELS.build(dict(type=estimator, **parts, **kwargs))
    model.init_weights()
    return model.eval()
