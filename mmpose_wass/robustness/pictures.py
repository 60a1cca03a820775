"""Single faces as the network sees them: landmarks, and heatmaps over them."""
from __future__ import annotations

import base64
import json
import os.path as osp
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

import cv2
import numpy as np
from mmengine.dataset import pseudo_collate

from ..engine.results import write_json
from ..visualization.face_tile import draw_face
from .cache import ResultCache
from .hashing import value_hash
from .run import Bench, Job, message_of

#: Raised whenever pictures of the same content come out otherwise.
DRAWING_VERSION = 2
TILE = 208
#: Side of the cut-out in units of the landmarks' box: what the crop of the network holds.
_MARGIN = 1.28
_JPEG_QUALITY = 82
#: Share of the picture that the heatmap covers where it is highest.
_HEAT = 0.75


@dataclass(frozen=True)
class FacePicture:
    """A face by one model.

    Attributes:
        landmarks (str): JPEG in base64: the crop with annotation and prediction.
        heatmap (str | None): JPEG in base64: the crop with the heatmaps and the annotation.
    """
    landmarks: str
    heatmap: Optional[str]


def draw_pictures(bench: Bench, cache: ResultCache, job: Job, image_paths: Sequence[str],
                  annotation_ids: Sequence[str]) -> Tuple[List[FacePicture], str]:
    """Run the model on some faces again, and draw what it saw and what it made of it.

    Args:
        bench: Has the model.
        cache: Pictures are kept here.
        job: Whose faces.
        image_paths: [N], of the faces, as in the result file.
        annotation_ids: [N].

    Returns:
        tuple[list[FacePicture], str]: The pictures, and why there are no heatmaps (empty if there
        are).
    """
    names = [osp.basename(str(path)) for path in image_paths]
    key = value_hash([DRAWING_VERSION, TILE, job.key, names, list(map(str, annotation_ids))])
    path = osp.join(cache.folder, 'pictures', f'{key[:24]}.json')
    if osp.isfile(path):
        try:
            with open(path, encoding='utf-8') as file:
                content = json.load(file)
            return [FacePicture(*pair) for pair in content['pictures']], content['note']
        except (ValueError, KeyError, TypeError):
            pass  # damaged: drawn again
    faces = bench.faces_of(job)
    samples = [faces[place] for place in faces.find(image_paths, annotation_ids)]
    predicted, note = _predict(bench, job, samples)
    pictures = [_draw(sample, one) for sample, one in zip(samples, predicted)]
    write_json(path, dict(
        pictures=[(one.landmarks, one.heatmap) for one in pictures], note=note))
    return pictures, note


def _predict(bench: Bench, job: Job, samples: Sequence[dict]) -> Tuple[list, str]:
    """Predictions, with heatmaps where the model has such."""
    model = bench.model_of(job)
    before = model.test_cfg.get('output_heatmaps', False)
    note = ''
    try:
        model.test_cfg['output_heatmaps'] = True
        predicted = _in_batches(bench, job, samples)
    except Exception as error:  # a head may know no heatmaps; landmarks it knows
        note = f'this head gives no heatmaps ({type(error).__name__}: {message_of(error)})'
        model.test_cfg['output_heatmaps'] = False
        predicted = _in_batches(bench, job, samples)
    finally:
        model.test_cfg['output_heatmaps'] = before
    if not note and not all(hasattr(one, 'pred_fields') and 'heatmaps' in one.pred_fields
                            for one in predicted):
        note = 'this head predicts coordinates, it has no heatmaps'
    return predicted, note


def _in_batches(bench: Bench, job: Job, samples: Sequence[dict], size: int = 8) -> list:
    predicted = []
    for start in range(0, len(samples), size):
        predicted += bench.predict(job, pseudo_collate(list(samples[start:start + size])))
    return predicted


def _draw(sample: dict, predicted) -> FacePicture:
    crop = sample['inputs'].numpy().transpose(1, 2, 0)
    if crop.shape[2] == 1:
        crop = np.repeat(crop, 3, axis=2)
    crop = np.ascontiguousarray(crop).astype(np.uint8)
    truth = predicted.gt_instances
    labelled = np.asarray(truth.keypoints_visible)
    labelled = (labelled[..., 0] if labelled.ndim == 3 else labelled)[0] > 0
    target = to_crop(np.asarray(truth.keypoints)[0, :, :2], predicted.metainfo)
    points = to_crop(np.asarray(predicted.pred_instances.keypoints)[0, :, :2], predicted.metainfo)
    both = len(points) == len(target)
    if both:
        picture = draw_face(crop, points, target, labelled, TILE, _MARGIN)
    else:
        # Two landmark schemes: no prediction belongs to an annotation of the same number.
        everything = np.concatenate([target, points])
        picture = draw_face(crop, everything, np.concatenate([target, points]),
                            np.concatenate([labelled, np.ones(len(points), bool)]), TILE, _MARGIN)
    heat = None
    fields = getattr(predicted, 'pred_fields', None)
    if fields is not None and 'heatmaps' in fields:
        overlay = heat_overlay(crop, np.asarray(fields.heatmaps.cpu() if hasattr(
            fields.heatmaps, 'cpu') else fields.heatmaps))
        nothing = np.full_like(target, np.nan)
        heat = _jpeg(draw_face(overlay, nothing, target, labelled, TILE, _MARGIN,
                               focus=[]))
    return FacePicture(_jpeg(picture), heat)


def to_crop(points: np.ndarray, metainfo: Dict) -> np.ndarray:
    """Points of the image in pixels of the crop.

    Args:
        points: ``[K, 2]``, image pixels.
        metainfo: With ``input_center``, ``input_scale`` and ``input_size``, as MMPose's
            ``TopdownAffine`` leaves them.
    """
    center, scale, size = (np.asarray(metainfo[name], dtype=np.float64).reshape(2)
                           for name in ('input_center', 'input_scale', 'input_size'))
    return (points - (center - scale / 2)) / scale * size


def heat_overlay(crop: np.ndarray, heatmaps: np.ndarray) -> np.ndarray:
    """All heatmaps of a face over its crop.

    Each map is divided by its highest value, so that sharp and wide maps both show their shape;
    where several overlap the highest counts.

    Args:
        crop: ``[H, W, 3]`` uint8.
        heatmaps: ``[K, h, w]``; values below zero count as zero.

    Returns:
        np.ndarray: ``[H, W, 3]`` uint8.
    """
    maps = np.clip(np.nan_to_num(heatmaps.astype(np.float32)), 0, None)
    highest = maps.reshape(len(maps), -1).max(axis=1)
    maps = maps / np.where(highest > 0, highest, 1)[:, None, None]
    heat = cv2.resize(maps.max(axis=0), crop.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    heat = np.clip(heat, 0, 1)
    colors = cv2.applyColorMap((255 * heat).round().astype(np.uint8), cv2.COLORMAP_INFERNO)
    share = (_HEAT * heat)[..., None]
    faint = 0.6 * crop.astype(np.float32)
    return ((1 - share) * faint + share * colors).round().astype(np.uint8)


def _jpeg(picture: np.ndarray) -> str:
    written, data = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not written:
        raise OSError('OpenCV cannot write JPEG')
    return base64.b64encode(data.tobytes()).decode('ascii')
