"""Results as JSON, CSV and ``.pts``, written while they come in."""
from __future__ import annotations

import contextlib
import csv
import json
import os
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from ..datasets.synthetic.annotations import write_pts
from ..engine.results import plain
from .face import LandmarkedFace
from .uncertainty import covariance_ellipse

#: Decimals of pixels, of confidences and scores, and of pixels squared.
_PIXELS, _SHARES, _SQUARES = 3, 4, 4
#: Bytes of a file name that are no UTF-8 are written as ``\udcff``, which is JSON's own spelling.
_TEXT = dict(encoding='utf-8', errors='backslashreplace')
COLUMNS = ('source', 'frame', 'face', 'landmark', 'name', 'x', 'y', 'confidence', 'deviation_major',
           'deviation_minor', 'angle')


def face_record(face: LandmarkedFace) -> Dict[str, Any]:
    """A face as JSON has it: covariances as (xx, xy, yy), everything else as in the class."""
    record: Dict[str, Any] = dict(
        box=face.box.round(_PIXELS), box_score=round(face.box_score, _SHARES),
        landmarks=face.landmarks.round(_PIXELS), confidence=face.confidence.round(_SHARES))
    for name in ('covariance', 'heatmap_covariance'):
        if getattr(face, name) is not None:
            record[name] = getattr(face, name)[:, [0, 0, 1], [0, 1, 1]].round(_SQUARES)
    if face.track is not None:
        record['track'] = face.track
    return plain(record)


def read_records(path: str) -> Dict[str, Any]:
    """Read a ``landmarks.json`` with arrays in place of lists.

    Args:
        path: The file.

    Returns:
        dict: As written; in each face ``box`` [4], ``landmarks`` [K, 2], ``confidence`` [K],
        ``covariance`` and ``heatmap_covariance`` [K, 3] are arrays, with NaN for ``null``. A frame
        that could not be read has no faces, and ``problem`` says why.
    """
    content = json.loads(Path(path).read_text(encoding='utf-8'))
    for frame in content['frames']:
        for face in frame['faces']:
            for name in ('box', 'landmarks', 'confidence', 'covariance', 'heatmap_covariance'):
                if name in face:
                    face[name] = np.array(face[name], dtype=np.float64)
    return content


class Records:
    """``landmarks.json`` and ``landmarks.csv``, a line at a time: memory stays flat over a film.

    Files appear under their names when they are closed; until then they end in ``.part``, and what
    a killed run leaves there is readable line by line.

    Args:
        json_path: The JSON file, or None for none.
        csv_path: The CSV file, or None for none.
        head: What stands in the JSON before the frames.
        names: Names of the landmarks, for the CSV.
    """

    def __init__(self, json_path: Optional[Path], csv_path: Optional[Path], head: Dict[str, Any],
                 names: Sequence[str] = ()) -> None:
        self._paths = [path for path in (json_path, csv_path) if path is not None]
        self._names = tuple(names)
        self._first = True
        self._json = self._csv = self._rows = None
        for path in self._paths:
            path.parent.mkdir(parents=True, exist_ok=True)
        if json_path is not None:
            self._json = open(_part(json_path), 'w', **_TEXT)  # noqa: SIM115
            self._json.write(json.dumps(plain(head), ensure_ascii=False)[:-1]
                             + (', ' if head else '') + '"frames": [\n')
        if csv_path is not None:
            self._csv = open(_part(csv_path), 'w', newline='', **_TEXT)  # noqa: SIM115
            self._rows = csv.writer(self._csv)
            self._rows.writerow(COLUMNS)

    def add(self, source: str, frame: int, seconds: Optional[float], size: Optional[Sequence[int]],
            faces: Sequence[LandmarkedFace], problem: str = '') -> None:
        """Add a frame.

        Args:
            source: The file.
            frame: Number in the film, 0 for an image.
            seconds: Time in the film.
            size: Width and height in pixels; None where they are not known.
            faces: What was found.
            problem: Why the frame could not be looked at.
        """
        if self._json is not None:
            record = dict(source=source, frame=frame)
            if size is not None:
                record.update(width=size[0], height=size[1])
            if seconds is not None:
                record['seconds'] = round(seconds, 4)
            record['faces'] = [face_record(face) for face in faces]
            if problem:
                record['problem'] = problem
            text = json.dumps(plain(record), ensure_ascii=False, allow_nan=False)
            self._json.write(text if self._first else ',\n' + text)
            self._json.flush()  # a killed run leaves whole lines
            self._first = False
        if self._rows is not None:
            for number, face in enumerate(faces):
                self._rows.writerows(self._csv_rows(source, frame, number, face))

    def _csv_rows(self, source: str, frame: int, number: int, face: LandmarkedFace) -> List[tuple]:
        count = len(face.landmarks)
        names = self._names if len(self._names) == count else [''] * count
        if face.covariance is None:
            spread = [('', '', '')] * count
        else:
            axes, angles = covariance_ellipse(face.covariance, deviations=1)
            spread = np.column_stack([axes, angles]).round(_PIXELS).tolist()
        return [(source, frame, number, index, names[index], *point, confidence, *spread[index])
                for index, (point, confidence) in enumerate(zip(
                    face.landmarks.round(_PIXELS).tolist(),
                    face.confidence.round(_SHARES).tolist()))]

    def close(self, tail: Dict[str, Any]) -> None:
        """Finish the files.

        Args:
            tail: What stands in the JSON after the frames.
        """
        if self._json is not None:
            rest = json.dumps(plain(tail), ensure_ascii=False, allow_nan=False, indent=1)
            self._json.write('\n]' + (', ' + rest[1:] if tail else '}') + '\n')
        for file in (self._json, self._csv):
            if file is not None:
                file.flush()
                os.fsync(file.fileno())
                file.close()
        for path in self._paths:
            os.replace(_part(path), path)

    def abandon(self) -> None:
        """Close the files as they are; they keep their ``.part`` names."""
        for file in (self._json, self._csv):
            if file is not None:
                with contextlib.suppress(OSError):  # the disk may be full
                    file.close()


def write_face_pts(path: Path, face: LandmarkedFace) -> None:
    """Write a face as ``.pts``, 300W's format: coordinates as they are, decimals and all."""
    write_pts(path, dict(keypoints=np.column_stack(
        [face.landmarks, np.ones(len(face.landmarks))]).ravel().tolist()))


def _part(path: Path) -> Path:
    return path.with_name(path.name + '.part')
