"""Small faces, data sets and pipelines that the tests of perturbations share."""
from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Dict, Optional, Sequence

import cv2
import numpy as np

SIDE = 96
LANDMARKS = 68


def write_frames(root: Path, frames: Dict[str, Sequence[int]], side: int = SIDE,
                 fields: bool = True, unlabelled: Sequence[int] = ()) -> Dict[tuple, np.ndarray]:
    """Write videos of noise and their annotations; returns the landmarks of each frame."""
    rng = np.random.default_rng(5)
    images, annotations, places = [], [], {}
    for sequence, numbers in frames.items():
        for number in numbers:
            name = f'{sequence}/imgs/{number:06d}.png'
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
            assert cv2.imwrite(str(root / name), pixels)
            points = rng.uniform(.3 * side, .7 * side, (LANDMARKS, 2)).astype(np.float32)
            flags = np.ones(LANDMARKS)
            flags[list(unlabelled)] = 0
            identity = len(images)
            record = dict(id=identity, file_name=name, width=side, height=side)
            if fields:
                record.update(sequence=sequence, frame=number)
            images.append(record)
            annotations.append(dict(
                id=identity, image_id=identity, category_id=1, iscrowd=0, num_keypoints=LANDMARKS,
                keypoints=np.column_stack([points, flags]).ravel().tolist(),
                bbox=[.3 * side, .3 * side, .4 * side, .4 * side], area=.16 * side * side,
                center=[side / 2, side / 2], scale=.4 * side / 200))
            places[sequence, number] = points
    write_annotations(root, images, annotations)
    return places


def write_annotations(root: Path, images: list, annotations: list) -> None:
    """Write anno.json."""
    (root / 'anno.json').write_text(json.dumps(dict(
        images=images, annotations=annotations,
        categories=[dict(id=1, name='face', keypoints=[], skeleton=[])])))


def dataset_config(root: Path, pipeline: Sequence[dict], kind: str = 'VideoFaceDataset',
                   test_mode: bool = True, **options) -> dict:
    """Config of the data set that :func:`write_frames` wrote."""
    return dict(type=kind, data_root=str(root), ann_file='anno.json', data_prefix=dict(img=''),
                test_mode=test_mode, pipeline=list(pipeline), **options)


def test_pipeline(*perturbations: dict, size: int = 64) -> list:
    """Steps of a top-down test, with perturbations before the crop."""
    return [dict(type='LoadImage'), dict(type='GetBBoxCenterScale'), *perturbations,
            dict(type='TopdownAffine', input_size=(size, size)), dict(type='PackPoseInputs')]


test_pipeline.__test__ = False  # a helper, whatever pytest thinks of its name


def pixel_hashes(dataset, workers: int, order: Optional[Sequence[int]] = None) -> Dict[str, str]:
    """Hash of the network's input for each image of a data set, loaded by a DataLoader."""
    from torch.utils.data import DataLoader
    loader = DataLoader(dataset, batch_size=2, num_workers=workers, collate_fn=list,
                        sampler=order)
    return {
        '/'.join(Path(sample['data_samples'].img_path).parts[-3:]):
        hashlib.sha256(sample['inputs'].numpy().tobytes()).hexdigest()
        for batch in loader for sample in batch
    }


def sample_results(image: np.ndarray, points: np.ndarray, box: Sequence[float],
                   identity: str = 'a.png', **more) -> dict:
    """What a pipeline's results hold before the crop."""
    points = np.asarray(points, dtype=np.float32)
    return dict(
        img=image, img_path=f'/somewhere/{identity}', img_shape=image.shape[:2],
        image_identity=identity, bbox=np.array([box], dtype=np.float32),
        keypoints=points[None], keypoints_visible=np.ones((1, len(points)), np.float32), **more)
