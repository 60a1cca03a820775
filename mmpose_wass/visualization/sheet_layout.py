"""Captions, heading and rows of a contact sheet."""
from __future__ import annotations

import os.path as osp
from typing import List, Optional

import cv2
import numpy as np
from mmengine.utils import mkdir_or_exist

from mmpose_wass.engine.opencv_path import opencv_path

from .face_tile import PREDICTION_COLOR, TRUTH_COLOR

_PAPER, _INK, _FAINT = (255, 255, 255), (40, 40, 40), (120, 120, 120)

_FONT = cv2.FONT_HERSHEY_DUPLEX
_CAPITAL = 21.0  # height of the font's capitals at scale 1, px
_GAP = 8


def _text_width(text: str, height: float) -> int:
    return cv2.getTextSize(text, _FONT, height / _CAPITAL, 1)[0][0]


def _put_text(canvas: np.ndarray, text: str, left: int, baseline: int, height: float,
              color: tuple, width: Optional[int] = None) -> int:
    """Write ``text`` with capitals of ``height`` px, shortened to ``width``; returns its end."""
    # OpenCV's fonts know ASCII only.
    text = text.encode('ascii', 'replace').decode()
    room = canvas.shape[1] - left if width is None else width
    if _text_width(text, height) > room:
        # The end of a path or name tells more than its beginning.
        while text and _text_width('...' + text, height) > room:
            text = text[1:]
        text = '...' + text if text else ''
    cv2.putText(canvas, text, (left, baseline), _FONT, height / _CAPITAL, color, 1, cv2.LINE_AA)
    return left + _text_width(text, height)


def with_caption(picture: np.ndarray, error: str, note: str) -> np.ndarray:
    """``picture`` with a strip below it: an error, and a fainter note beside it."""
    tile = picture.shape[1]
    height = max(12, round(tile / 18))
    strip = np.full((2 * height, tile, 3), _PAPER, dtype=np.uint8)
    end = _put_text(strip, error, 2, round(1.55 * height), height, _INK)
    if note:
        _put_text(strip, note, end + height, round(1.55 * height), 0.8 * height, _FAINT,
                  tile - end - height - 2)
    return np.vstack([picture, strip])


def _heading(width: int, title: str, tile: int, hint: str) -> np.ndarray:
    height = max(12, round(tile / 16))
    legend = (('annotation', TRUTH_COLOR), ('prediction', PREDICTION_COLOR))
    rows = 2 if title else 1
    band = np.full((round(2.2 * height) * rows + height // 2, width, 3), _PAPER, dtype=np.uint8)
    baseline = round(1.8 * height)
    if title:
        _put_text(band, title, _GAP, baseline, 1.15 * height, _INK, width - 2 * _GAP)
        baseline += round(2.2 * height)
    left = _GAP
    for name, color in legend:
        center = (left + height // 2, baseline - height // 2)
        cv2.circle(band, center, round(0.5 * height), (0, 0, 0), -1, cv2.LINE_AA)
        cv2.circle(band, center, round(0.5 * height) - 1, color, -1, cv2.LINE_AA)
        left += round(1.6 * height)
        left = _put_text(band, name, left, baseline, 0.9 * height, _INK) + height
    if _text_width(hint, 0.9 * height) < width - left - height - _GAP:
        _put_text(band, hint, left + height, baseline, 0.9 * height, _FAINT)
    return band


def arrange_tiles(tiles: List[np.ndarray], columns: int, title: str, hint: str) -> np.ndarray:
    """The sheet: a heading with the colours' meaning, and the tiles in rows."""
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    height, width = tiles[0].shape[:2]
    sheet = np.full((rows * (height + _GAP), columns * (width + _GAP) + _GAP, 3), _PAPER, np.uint8)
    for index, picture in enumerate(tiles):
        row, column = divmod(index, columns)
        top, left = row * (height + _GAP), _GAP + column * (width + _GAP)
        sheet[top:top + height, left:left + width] = picture
    return np.vstack([_heading(sheet.shape[1], title, width, hint), sheet])


def write_sheet(sheet: np.ndarray, path: str) -> str:
    """Write the sheet; the folder is made.

    Raises:
        OSError: If OpenCV cannot write it.
    """
    path = str(path)
    if osp.dirname(path):
        mkdir_or_exist(osp.dirname(path))
    try:
        with opencv_path(path) as writable:
            written = cv2.imwrite(writable, sheet)
    except cv2.error as error:
        raise OSError(f'{path}: OpenCV cannot write this image; name it .png or .jpg') from error
    if not written:
        raise OSError(f'{path}: the image could not be written')
    return path
