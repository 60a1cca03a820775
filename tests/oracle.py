"""A model that knows the answer: it draws the truth of its scheme into heatmaps.

Everything after the maps is the real thing: the flip test of MMPose's estimator, the config's head,
its decoder, the metric. A mirrored input gets mirrored maps in which left and right have changed
places, as a trained model would give them, by the flip pairs of MMPose's own metainfo.

The maps hold a point exactly: its unit of mass lies on the four pixels around it so that their
barycentre is the point.
"""
from __future__ import annotations

import numpy as np
import torch
from mmengine.model import BaseModule
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.models import TopdownPoseEstimator
from mmpose.registry import MODELS

from mmpose_wass.datasets.synthetic import project_landmarks, to_scheme
from mmpose_wass.datasets.synthetic.splits import LAYOUTS, face_of, file_name

EMPTY = -1e4  # a logit whose softmax is 0


def truth_of(dataset, scheme, counts, seed, image_size, frames):
    """Landmarks [K, 2] in another scheme of every test image of a rendered data set, by path."""
    found = {}
    for split in LAYOUTS[dataset].splits:
        for index in range(counts[split.counts]):
            face, _ = face_of(dataset, split, seed, index, (0.0, 60.0), frames)
            name = file_name(dataset, split, index, frames)
            found[name] = to_scheme(project_landmarks(face, image_size), scheme)
    return found


def splat(points, height, width):
    """Maps [K, h, w] of mass 1 whose barycentres are the points [K, 2], clipped to the map."""
    points = np.clip(points, 0, [width - 1, height - 1])
    low = np.minimum(np.floor(points).astype(int), [width - 2, height - 2])
    part = points - low
    maps = np.zeros((len(points), height, width))
    for dx, dy in ((0, 0), (0, 1), (1, 0), (1, 1)):
        weight = (part[:, 0] if dx else 1 - part[:, 0]) * (part[:, 1] if dy else 1 - part[:, 1])
        maps[np.arange(len(points)), low[:, 1] + dy, low[:, 0] + dx] += weight
    return maps


@MODELS.register_module()
class OracleBackbone(BaseModule):
    """Stands where a backbone has to stand."""


@MODELS.register_module()
class OracleEstimator(TopdownPoseEstimator):
    """``TopdownPoseEstimator`` whose features are the heatmaps of the truth.

    Args:
        truth: ``.npz`` with the landmarks [K, 2] of every image in the model's scheme, in image
            pixels, by the end of the image's path.
        metainfo_file: MMPose's metainfo file of the model's scheme.
    """

    mirrored_passes = 0

    def __init__(self, truth, metainfo_file, **kwargs):
        super().__init__(**kwargs)
        with np.load(truth) as content:
            self.truth = dict(content)
        metainfo = parse_pose_metainfo(dict(from_file=metainfo_file))
        self.mirror = metainfo['flip_indices']

    def predict(self, inputs, data_samples):
        self.seen = inputs, data_samples
        return super().predict(inputs, data_samples)

    def extract_feat(self, inputs):
        plain, samples = self.seen
        mirrored = not torch.equal(inputs, plain)
        assert not mirrored or torch.equal(inputs, plain.flip(-1))
        OracleEstimator.mirrored_passes += mirrored
        decoder = self.head.decoder
        width, height = decoder.heatmap_size
        maps = []
        for sample in samples:
            info = sample.metainfo
            (points, ) = [value for name, value in self.truth.items()
                          if info['img_path'].endswith('/' + name)]
            size = np.array(info['input_size'])
            points = (points - info['input_center']) / info['input_scale'] * size + size / 2
            if mirrored:
                points = points[self.mirror]
                points[:, 0] = size[0] - 1 - points[:, 0]
            maps.append(splat(decoder.coordinate_map.to_heatmap(points), height, width))
        mass = torch.from_numpy(np.stack(maps)).float()
        return (torch.where(mass > 0, mass.clamp_min(1e-30).log(), torch.tensor(EMPTY)), )
