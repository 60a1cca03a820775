"""Run a model on faces and keep what it saw."""
from __future__ import annotations

import copy
import functools
from contextlib import contextmanager
from typing import Any, Callable, Iterator, List, Mapping, Optional, Sequence, Tuple

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmpose.registry import TRANSFORMS
from mmpose.structures.bbox import get_warp_matrix

from mmpose_wass.datasets.perturbations import (
    get_protocol,
    insert_perturbation,
    level_severity,
    perturbation_config,
)
from mmpose_wass.engine.cross_dataset import test_pipeline_of
from mmpose_wass.turning_on.config_walk import type_name

from .face_view import FaceView, view_of_sample
from .faces import Face

#: Faces in a batch.
BATCH = 16


class FaceRunner:
    """A model with its own test pipeline, to be run on faces of any source.

    Args:
        model (torch.nn.Module): Top-down pose estimator with its weights.
        cfg (Config): Its config; the test pipeline (crop, input size) is taken from there.
        scheme (str, optional): Landmark scheme of the model; None: that of the faces.
        perturbation (tuple[str, float], optional): Kind and severity, see
            :func:`read_perturbation`; every model gets the same pixels.
        side (int): Longer side of the pictures, in pixels.

    Raises:
        ValueError: If the pipeline does not crop a face.
    """

    def __init__(self, model: torch.nn.Module, cfg: Config, scheme: Optional[str] = None,
                 perturbation: Optional[Tuple[str, float]] = None, side: int = 320) -> None:
        self.model, self.scheme = model, scheme
        self.perturbation, self.side = perturbation, side
        self._steps = test_pipeline_of(cfg, 'auto')
        if not any(type_name(step) == 'TopdownAffine' for step in self._steps):
            raise ValueError(f'config {cfg.filename}: its test pipeline has no TopdownAffine, so '
                             'there is no crop of a face to draw heatmaps on')

    def run(self, faces: Sequence[Face], with_maps: bool = True,
            progress: Optional[Callable[[int], None]] = None) -> List[FaceView]:
        """Run the model.

        Args:
            faces: The faces.
            with_maps: Whether pictures and heatmaps are needed; without, views have neither, and
                many fit into memory.
            progress: Called with the number of faces after each batch.

        Returns:
            list[FaceView]: One for each face, in order.
        """
        views: List[FaceView] = []
        for start in range(0, len(faces), BATCH):
            batch = [faces[place] for place in range(start, min(start + BATCH, len(faces)))]
            prepared = [self._prepare(face, with_maps) for face in batch]
            with torch.no_grad(), heatmaps_returned(self.model, with_maps):
                samples = self.model.test_step(pseudo_collate([one for one, _ in prepared]))
            for face, sample, (_, picture) in zip(batch, samples, prepared):
                view = view_of_sample(sample, self.model.head, face.name, picture)
                view.scheme = self.scheme or view.scheme
                views.append(view)
            if progress is not None:
                progress(len(batch))
        return views

    def _prepare(self, face: Face, with_picture: bool) -> Tuple[dict, np.ndarray]:
        """The face packed for the model, and the picture of its crop."""
        before, after = self._pipelines(
            'prev_keypoints' in face.results,
            self.scheme if self.scheme and face.scheme not in (None, self.scheme) else None)
        results = before(_copied(face.results))
        whole = results['img']
        rotation = float(np.ravel(results.get('bbox_rotation', [0.0]))[0])
        packed = after(results)
        if not with_picture:
            return packed, np.zeros((1, 1, 3), np.uint8)
        meta = packed['data_samples'].metainfo
        size = np.asarray(meta['input_size'], dtype=np.float64)
        picture_size = tuple(int(value) for value in (size * self.side / size.max()).round())
        matrix = get_warp_matrix(np.asarray(meta['input_center']), np.asarray(meta['input_scale']),
                                 rotation, output_size=picture_size)
        # The whole image is warped afresh, at the resolution to look at.
        picture = cv2.warpAffine(whole, matrix, picture_size, flags=cv2.INTER_LINEAR)
        return packed, np.clip(picture, 0, 255).astype(np.uint8)

    @functools.lru_cache(maxsize=4)  # noqa: B019  as long-lived as the runner
    def _pipelines(self, of_film: bool, model_scheme: Optional[str]) -> Tuple[Compose, Compose]:
        """The pipeline up to the crop, with the perturbation, and from the crop on."""
        steps = self._steps
        if self.perturbation is not None:
            kind, severity = self.perturbation
            options = {}
            if kind == 'motion_blur':
                # Photographs have no neighbours that would tell a direction.
                options = dict(direction='motion' if of_film else 'random')
            steps = insert_perturbation(
                steps, perturbation_config(kind, severity, **options))
        if model_scheme is not None:
            steps = [*steps, dict(type='ModelLandmarkLayout', scheme=model_scheme)]
        crop = next(place for place, step in enumerate(steps)
                    if type_name(step) == 'TopdownAffine')
        built = [TRANSFORMS.build(copy.deepcopy(step)) for step in steps]
        return Compose(built[:crop]), Compose(built[crop:])


@contextmanager
def heatmaps_returned(model: torch.nn.Module, wanted: bool = True) -> Iterator[None]:
    """Have a pose estimator return its heatmaps, for as long as the context lasts."""
    before = model.test_cfg.get('output_heatmaps', None)
    model.test_cfg['output_heatmaps'] = wanted
    try:
        yield
    finally:
        if before is None:
            model.test_cfg.pop('output_heatmaps')
        else:
            model.test_cfg['output_heatmaps'] = before


def read_perturbation(text: str) -> Tuple[str, float]:
    """A perturbation as written on a command line.

    Args:
        text: ``KIND:LEVEL`` or ``KIND:NUMBER``, such as ``occlusion:large``, ``motion_blur:0.2``
            or ``box_shift:0.1``; ``blur`` is short for ``motion_blur``.

    Returns:
        tuple[str, float]: Kind and severity.

    Raises:
        ValueError: If there is no such kind or level.

    Examples:
        >>> read_perturbation('occlusion:0.3')
        ('occlusion', 0.3)
    """
    kinds = {name: entry for name, entry in get_protocol().items() if isinstance(entry, dict)}
    kind, _, amount = text.partition(':')
    kind = dict(blur='motion_blur').get(kind, kind.replace('-', '_'))
    if kind not in kinds or not amount:
        raise ValueError(f'perturbation {text!r}: write KIND:LEVEL or KIND:NUMBER with one of '
                         f'{", ".join(kinds)}, such as occlusion:large or box_shift:0.1')
    try:
        return kind, float(amount)
    except ValueError:
        levels = kinds[kind].get('levels') or {}
        if amount not in levels:
            raise ValueError(
                f'perturbation {text!r}: {amount!r} is neither a number nor a level of {kind}'
                + (f' (levels: {", ".join(levels)})' if levels else ', which has no levels')
            ) from None
        return kind, level_severity(kind, amount)


def _copied(results: Mapping[str, Any]) -> dict:
    """A copy to run a pipeline on; the data set that it came from is not copied along."""
    return {name: value if name == 'dataset' else copy.deepcopy(value)
            for name, value in results.items()}


