"""Frames of videos that know the landmarks of their neighbours."""
from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Dict, List, Optional, Tuple

import numpy as np
from mmengine.logging import MMLogger
from mmpose.registry import DATASETS

from .face_300vw import Face300VWDataset


@DATASETS.register_module()
class VideoFaceDataset(Face300VWDataset):
    """Video frames with 300VW's annotations, each with the landmarks of the frames t-1 and t+1.

    The annotation file is COCO-style like those of MMPose's 300W and 300VW. Which video a frame
    is of, and its number there, are told by the fields ``sequence`` and ``frame`` of the image
    records; a file without these (from MMPose's own converter) is read by its file names, whose
    last folder but ``imgs`` is the video and whose number is the frame: ``001/imgs/000006.jpg``.
    Several faces in one frame need a field ``track_id`` in their annotations.

    Neighbours come from the annotation file alone: no image of them is opened, and they may be
    frames that ``indices``, ``sample_interval`` or a filter leave out. How many frames lack one is
    logged. Data of another layout of landmarks: give its ``metainfo``.

    Each sample gets, besides MMPose's fields:

    - ``sequence`` (str), ``frame`` (int), ``scenario`` (str, if the image record has it).
    - ``prev_keypoints``, ``next_keypoints``: float32 ``[1, K, 2]`` in pixels of the neighbours,
      NaN where a landmark is not labelled, or None where the frame is missing.
    - ``frame_keypoints``: the same of this frame, which no transform flips or converts.

    Args:
        *args: See ``Face300VWDataset``.
        **kwargs: See ``Face300VWDataset``. ``bbox_file`` and ``data_mode='bottomup'`` are refused.

    Raises:
        ValueError: For these two, or if the file's frames are ambiguous.
        KeyError: If a record does not tell its video and frame.

    Examples:
        In a config::

            dataset=dict(type='VideoFaceDataset', data_root='data/300vw/', test_mode=True,
                         ann_file='anno_300vw_test_3.json', data_prefix=dict(img=''),
                         pipeline=val_pipeline)
    """

    def __init__(self, *args, **kwargs) -> None:
        if kwargs.get('bbox_file'):
            raise ValueError(
                f'{type(self).__name__} takes no bbox_file: MMPose gives detected boxes dummy '
                'landmarks at (0, 0), with which neither errors nor motion can be measured')
        if kwargs.get('data_mode', 'topdown') != 'topdown':
            raise ValueError(f"{type(self).__name__} needs data_mode='topdown', got "
                             f'{kwargs["data_mode"]!r}')
        self._landmarks = np.zeros((0, 0, 2), dtype=np.float32)
        self._neighbours = np.zeros((0, 2), dtype=np.int64)
        self._rows: Dict[int, int] = {}
        super().__init__(*args, **kwargs)

    def _load_annotations(self) -> Tuple[List[dict], List[dict]]:
        """Load the file as MMPose does, and find each frame's neighbours."""
        instances, images = super()._load_annotations()
        self._index_frames()
        for instance in instances:
            instance['video_row'] = self._rows[instance['id']]
        self._rows = {}
        self._report(instances)
        return instances, images

    def parse_data_info(self, raw_data_info: dict) -> Optional[dict]:
        """Parse a face; see ``Face300VWDataset``."""
        data_info = super().parse_data_info(raw_data_info)
        if data_info is not None:
            image = raw_data_info['raw_img_info']
            data_info['sequence'], data_info['frame'] = frame_of(image, self.ann_file)
            if 'scenario' in image:
                data_info['scenario'] = image['scenario']
        return data_info

    def get_data_info(self, idx: int) -> dict:
        """Get a sample with its neighbours' landmarks.

        Args:
            idx (int): Index of the sample.

        Returns:
            dict: See the class.
        """
        data_info = super().get_data_info(idx)
        row = data_info.pop('video_row')
        before, after = self._neighbours[row]
        data_info['prev_keypoints'] = self._landmarks[before][None].copy() if before >= 0 else None
        data_info['frame_keypoints'] = self._landmarks[row][None].copy()
        data_info['next_keypoints'] = self._landmarks[after][None].copy() if after >= 0 else None
        return data_info

    def _index_frames(self) -> None:
        """Landmarks of all annotations, and the rows of each one's neighbours (-1: missing)."""
        images = self.coco.imgs
        rows: Dict[tuple, int] = {}
        landmarks = []
        for annotation in self.coco.anns.values():
            image = images[annotation['image_id']]
            key = (*frame_of(image, self.ann_file), annotation.get('track_id', 0))
            if key in rows:
                raise ValueError(
                    f'{self.ann_file}: frame {key[1]} of sequence {key[0]!r} has two faces '
                    f'(annotation {annotation["id"]} is the second). Give annotations of several '
                    'faces a field "track_id" that tells who is who from frame to frame')
            rows[key] = self._rows[annotation['id']] = len(landmarks)
            points = np.array(annotation['keypoints'], dtype=np.float32).reshape(-1, 3)
            points[points[:, 2] <= 0] = np.nan
            landmarks.append(points[:, :2])
        counts = {len(points) for points in landmarks}
        if len(counts) > 1:
            raise ValueError(f'{self.ann_file}: annotations have {sorted(counts)} landmarks; all '
                             'need the same number')
        if landmarks:
            self._landmarks = np.stack(landmarks)
        self._neighbours = np.array(
            [[rows.get((sequence, frame + step, track), -1) for step in (-1, 1)]
             for sequence, frame, track in rows], dtype=np.int64).reshape(-1, 2)

    def _report(self, instances: List[dict]) -> None:
        rows = [instance['video_row'] for instance in instances]
        there = (self._neighbours[rows] >= 0).sum(axis=1)
        sequences = len({instance['sequence'] for instance in instances})
        MMLogger.get_current_instance().info(
            f'{type(self).__name__}: {len(rows)} frames of {sequences} sequences in '
            f'{self.ann_file}; {int((there == 2).sum())} have both neighbours, '
            f'{int((there == 1).sum())} one, {int((there == 0).sum())} none')


def frame_of(image: dict, where: str = '') -> Tuple[str, int]:
    """Which video an image is of, and its number there.

    Args:
        image: Image record of an annotation file.
        where: The file, for errors.

    Returns:
        tuple[str, int]: Video and frame.

    Raises:
        KeyError: If neither fields nor the file's name tell.

    Example:
        >>> frame_of(dict(file_name='001/imgs/000006.jpg'))
        ('001', 6)
    """
    if 'sequence' in image and 'frame' in image:
        return str(image['sequence']), int(image['frame'])
    path = PurePosixPath(str(image.get('file_name', '')).replace('\\', '/'))
    folders = [part for part in path.parent.parts if part != 'imgs']
    number = re.search(r'(\d+)$', path.stem)
    if not folders or number is None:
        raise KeyError(
            f'{where}: the record of image {str(path)!r} has no fields "sequence" and "frame", and '
            'its name is not like 001/imgs/000006.jpg, which would tell them')
    return '/'.join(folders), int(number.group(1))
