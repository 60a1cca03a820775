"""Round trips through MMPose's own data sets and transforms, back to the image."""
import numpy as np
import pytest
from mmengine.dataset import Compose
from mmpose.registry import DATASETS

from mmpose_wass.codecs import BarycenterCodec
from mmpose_wass.codecs.coordinates import CONVENTIONS

SAMPLES = dict(
    aflw=('AFLWDataset', 'test_aflw.json'),
    cofw=('COFWDataset', 'test_cofw.json'),
    lapa=('LapaDataset', 'test_lapa.json'),
    wflw=('WFLWDataset', 'test_wflw.json'),
    **{
        '300w': ('Face300WDataset', 'test_300w.json'),
        '300wlp': ('Face300WLPDataset', 'test_300wlp.json'),
        '300vw': ('Face300VWDataset', 'anno_300vw.json'),
    })


def back_to_image(keypoints, sample):
    """As TopdownPoseEstimator.add_pred_to_datasample maps predictions."""
    return keypoints / sample['input_size'] * sample['input_scale'] + \
        sample['input_center'] - .5 * sample['input_scale']


@pytest.mark.parametrize('name', sorted(SAMPLES))
@pytest.mark.parametrize('coordinates', CONVENTIONS)
@pytest.mark.parametrize('sigma', [1.0, 1.5, 3.0])
def test_image_round_trip(shared_dir, name, coordinates, sigma):
    kind, annotation = SAMPLES[name]
    dataset = DATASETS.build(dict(
        type=kind, data_root=str(shared_dir / 'data/mmpose_samples' / name),
        ann_file=annotation, data_prefix=dict(img=''), data_mode='topdown', test_mode=True))
    prepare = Compose([
        dict(type='LoadImage', _scope_='mmpose'),
        dict(type='GetBBoxCenterScale', _scope_='mmpose'),
        dict(type='TopdownAffine', input_size=(256, 256), use_udp=coordinates == 'udp',
             _scope_='mmpose')])
    codec = BarycenterCodec((256, 256), (64, 64), sigma=sigma, coordinates=coordinates)
    checked = 0
    for index in range(len(dataset)):
        sample = prepare(dataset.get_data_info(index))
        truth = sample['keypoints'][0]
        transformed = sample['transformed_keypoints']
        encoded = codec.encode(transformed, sample['keypoints_visible'])
        with np.errstate(divide='ignore'):
            decoded, _ = codec.decode(np.log(encoded['heatmaps']))
        centres = codec.coordinate_map.to_heatmap(transformed[0])
        # All the way round: the image point, compared in input pixels.
        error = np.linalg.norm(back_to_image(decoded[0], sample) - truth, axis=1)
        error *= 256 / sample['input_scale'][0]
        chosen = (encoded['keypoint_weights'][0] > 0) & \
            ((centres >= 4 * sigma) & (centres <= 63 - 4 * sigma)).all(axis=1)
        assert error[chosen].max(initial=0) <= .05
        checked += chosen.sum()
    assert checked > 0
