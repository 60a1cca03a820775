"""The whole model as one module of tensors: from crops to landmarks."""
from __future__ import annotations

import copy
from typing import NamedTuple, Optional, Sequence, Tuple

import torch
from mmpose.models.data_preprocessors import PoseDataPreprocessor
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.models.utils.tta import flip_heatmaps
from torch import Tensor, nn

from mmpose_wass.codecs.barycenter import BarycenterCodec, mass_within, refined_maximum
from mmpose_wass.models.heads.probability_mixin import ProbabilityHeadMixin, check_flip_test
from mmpose_wass.ot import barycenter

from .fixed_coordinates import fix_coordinates

INPUT_NAME = 'images'
OUTPUT_NAMES = ('landmarks', 'confidences')
INPUT_TYPES = dict(uint8=torch.uint8, float32=torch.float32)
CHANNEL_ORDERS = ('bgr', 'rgb')
PRECISIONS = dict(fp32=torch.float32, fp16=torch.float16)


class ExportOptions(NamedTuple):
    """What an exported model is to be like.

    Attributes:
        input_type: ``'uint8'`` or ``'float32'``: the type of the images; 0 to 255 either way.
        channel_order: ``'bgr'`` (OpenCV's) or ``'rgb'``: the order of the images' channels.
        precision: ``'fp32'``, or ``'fp16'`` for weights and features in half precision;
            normalisation, softmax and barycentre stay in float32, and so do the outputs.
        flip_test: Whether the mirrored image goes through the network too and the maps are
            averaged: twice the work.
    """

    input_type: str = 'uint8'
    channel_order: str = 'bgr'
    precision: str = 'fp32'
    flip_test: bool = False


DEFAULT_OPTIONS = ExportOptions()


class LandmarkExportModule(nn.Module):
    """Normalisation, network, softmax and sampling of a top-down model in one graph.

    The results are those of ``model.test_step`` before they are mapped back to the image. All is
    made of the classes that predict in Python (the codec's ``probabilities``, the heads' rules for
    the flip test), and holds a copy of the network, so the model may go on to train.

    Args:
        model: A ``TopdownPoseEstimator`` whose head decodes with ``BarycenterCodec``.
        options: What it is to be like.
        flip_indices: Index of each landmark after mirroring; for a flip test.

    Raises:
        ValueError: If the model is of another kind, or an option is not known.

    Shapes:
        - images: ``[B, 3, H, W]``, 0 to 255;
        - landmarks: ``[B, K, 2]`` of (x, y) in input pixels, as the codec has them;
        - confidences: ``[B, K]`` in [0, 1], the mass around each landmark.
    """

    def __init__(self,
                 model: TopdownPoseEstimator,
                 options: ExportOptions = DEFAULT_OPTIONS,
                 flip_indices: Optional[Sequence[int]] = None) -> None:
        super().__init__()
        check_options(options)
        check_exportable(model)
        self.options = options
        self.codec = copy.deepcopy(model.head.decoder)
        self.test_cfg = dict(model.test_cfg)
        self.averages_probabilities = isinstance(model.head, ProbabilityHeadMixin)
        self.flip_indices = None
        if options.flip_test:
            self._set_flip_test(model, flip_indices)
        self._set_normalization(model.data_preprocessor)
        self._set_coordinates()
        self.network = _network_of(model).eval()
        fix_coordinates(self.network, self.normalized(self.example(1)).float())
        self.network.to(PRECISIONS[options.precision])
        self.eval().requires_grad_(False)

    def _set_flip_test(self, model: nn.Module, flip_indices: Optional[Sequence[int]]) -> None:
        count = model.head.out_channels
        if flip_indices is None or len(flip_indices) != count:
            raise ValueError(
                'a flip test needs to know which landmarks mirror each other: flip_indices must '
                f'be {count} numbers, found '
                f'{"none" if flip_indices is None else len(flip_indices)}. They come from the '
                "checkpoint's dataset_meta or the training data set of the config")
        if self.averages_probabilities:
            check_flip_test(self.test_cfg, self.codec)
        self.flip_indices = [int(index) for index in flip_indices]

    def _set_normalization(self, preprocessor: PoseDataPreprocessor) -> None:
        divisor = preprocessor.pad_size_divisor
        if any(side % divisor for side in self.codec.input_size):
            raise ValueError(
                f'data_preprocessor.pad_size_divisor={divisor} pads images of '
                f'{self.codec.input_size}, which an exported model does not: remove it')
        # MMPose's pipelines load BGR; the preprocessor swaps or does not.
        network_order = 'rgb' if preprocessor._channel_conversion else 'bgr'
        self.network_channel_order = network_order
        self.swap_channels = network_order != self.options.channel_order
        normalize = preprocessor._enable_normalize
        mean = preprocessor.mean if normalize else torch.zeros(1)
        std = preprocessor.std if normalize else torch.ones(1)
        for name, value in (('mean', mean), ('std', std)):
            value = value.detach().cpu().float().view(1, -1, 1, 1)
            self.register_buffer(name, value.clone(), persistent=True)

    def _set_coordinates(self) -> None:
        coordinate_map = self.codec.coordinate_map
        for name, value in (('offset', coordinate_map.offset),
                            ('decode_scale', coordinate_map.decode_scale)):
            self.register_buffer(name, torch.as_tensor(value, dtype=torch.float32))

    @property
    def num_landmarks(self) -> int:
        """K, the number of landmarks that come out."""
        chosen = self.test_cfg.get('output_keypoint_indices', None)
        return self.network.head.out_channels if chosen is None else len(chosen)

    @property
    def input_shape(self) -> Tuple[int, int, int]:
        """Channels, height and width of an image."""
        width, height = self.codec.input_size
        return 3, int(height), int(width)

    def example(self, batch_size: int = 2) -> Tensor:
        """A batch of the right shape and type ``[batch_size, 3, H, W]``."""
        return torch.full((batch_size, *self.input_shape), 128).to(
            INPUT_TYPES[self.options.input_type])

    def forward(self, images: Tensor) -> Tuple[Tensor, Tensor]:
        """Landmarks ``[B, K, 2]`` and confidences ``[B, K]`` of images ``[B, 3, H, W]``."""
        probability = self.probabilities(images)
        sample = barycenter if self.codec.sampling == 'barycenter' else refined_maximum
        points = sample(probability)
        scores = mass_within(probability, points, self.codec.score_radius)
        landmarks = (points - self.offset) * self.decode_scale
        chosen = self.test_cfg.get('output_keypoint_indices', None)
        if chosen is not None:
            landmarks, scores = landmarks[:, list(chosen)], scores[:, list(chosen)]
        return landmarks, scores

    def probabilities(self, images: Tensor) -> Tensor:
        """The distributions ``[B, K, h, w]`` that landmarks are sampled from."""
        inputs = self.normalized(images)
        if not self.options.flip_test:
            return self.codec.probabilities(self.maps(inputs))
        # One pass with twice the batch: the graph holds the network once.
        maps = self.maps(torch.cat([inputs, inputs.flip(-1)])).float()
        if self.averages_probabilities:
            maps = self.codec.probabilities(maps)
        maps = maps.unflatten(0, (2, -1))
        mirrored = flip_heatmaps(
            maps[1], flip_mode=self.test_cfg.get('flip_mode', 'heatmap'),
            flip_indices=self.flip_indices,
            shift_heatmap=self.test_cfg.get('shift_heatmap', False))
        mean = .5 * (maps[0] + mirrored)
        if self.averages_probabilities:
            mean = self.codec.maps_of(mean)
        return self.codec.probabilities(mean)

    def normalized(self, images: Tensor) -> Tensor:
        """What the network sees of images ``[B, 3, H, W]``, in its precision."""
        images = images.float()
        if self.swap_channels:
            images = images[:, [2, 1, 0]]
        return ((images - self.mean) / self.std).to(PRECISIONS[self.options.precision])

    def maps(self, inputs: Tensor) -> Tensor:
        """Raw maps ``[B, K, h, w]`` of normalised images."""
        maps = self.network(inputs, None)
        while isinstance(maps, (list, tuple)):  # several stages, the one that predicts last
            maps = maps[-1]
        return maps


def check_options(options: ExportOptions) -> None:
    """Raise a ``ValueError`` that names the option that is not known."""
    for name, known in (('input_type', tuple(INPUT_TYPES)), ('channel_order', CHANNEL_ORDERS),
                        ('precision', tuple(PRECISIONS))):
        if getattr(options, name) not in known:
            raise ValueError(f'{name} must be one of {known}, got {getattr(options, name)!r}')


def check_exportable(model: nn.Module) -> None:
    """Raise a ``ValueError`` unless what predicts in Python can be put into a graph as it is.

    Args:
        model: Any model.

    Raises:
        ValueError: With the remedy.
    """
    if not isinstance(model, TopdownPoseEstimator):
        raise ValueError(f'{type(model).__name__} cannot be exported: a TopdownPoseEstimator (or '
                         'CoordConvPoseEstimator) is wanted, which sees one face a crop')
    if not isinstance(model.data_preprocessor, PoseDataPreprocessor):
        raise ValueError(f'model.data_preprocessor of type {type(model.data_preprocessor).__name__}'
                         " cannot be exported: type='PoseDataPreprocessor' is wanted")
    codec = getattr(model.head, 'decoder', None) if model.with_head else None
    if codec is None:
        raise ValueError('the model has no model.head.decoder, so there is nothing that makes '
                         "landmarks of heatmaps: give it decoder=dict(type='BarycenterCodec', …)")
    if not isinstance(codec, BarycenterCodec):
        raise ValueError(
            f'codec {type(codec).__name__} cannot be exported, only BarycenterCodec. Maps trained '
            "with MSRAHeatmap's targets decode alike with decoder=dict(type='BarycenterCodec', "
            "input_size=…, heatmap_size=…, sigma=…, sampling='argmax', normalization='sum', "
            "target='peak', coordinates='mmpose'); UDPHeatmap's with coordinates='udp'. What "
            'DARK and UDP add (curvature of the blurred map) is then left out. --wass is for '
            'models trained with it')
    overridden = [name for name in ('batch_decode', 'probabilities')
                  if getattr(type(codec), name) is not getattr(BarycenterCodec, name)]
    if 'batch_decode' in overridden:
        raise ValueError(f'codec {type(codec).__name__} decodes in its own way (it overrides '
                         'BarycenterCodec.batch_decode), which cannot be exported')


def _network_of(model: TopdownPoseEstimator) -> nn.Module:
    """A copy of the model with what turns images into maps, and nothing else."""
    network = copy.deepcopy(model).cpu()
    del network.data_preprocessor
    network.head.decoder = None
    if hasattr(network.head, 'loss_module'):
        del network.head.loss_module
    return network
