"""What can be wrong with image files, and what tells one face's picture from another's."""
from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import List, Optional, Tuple

import cv2
import numpy as np
from PIL import Image

from .parallel import advance

THUMBNAIL = 32  # side of a face's thumbnail in pixels
_EXIF_ORIENTATION = 0x0112
_UPRIGHT = 1


@dataclass(frozen=True)
class ImageTask:
    """An image to look at.

    Attributes:
        path: The file.
        size: Width and height that the annotation file gives.
        boxes: (center x, center y, side) of the faces to make thumbnails of, in pixels.
        decode: Whether the pixels are read, and not only the header.
    """

    path: Path
    size: Tuple[int, int]
    boxes: Tuple[Tuple[float, float, float], ...] = ()
    decode: bool = True


@dataclass
class ImageResult:
    """What an image is like.

    Attributes:
        problem: Why it cannot be used: ``missing`` or ``corrupt``; None if it can.
        detail: More about that.
        size: Width and height of the picture.
        rotated: Whether its header asks for a rotation that annotations do not know of.
        digest: Hash of the file's bytes.
        thumbnails: ``[F, 32, 32]`` uint8, a grey one for each face.
    """

    problem: Optional[str] = None
    detail: str = ''
    size: Optional[Tuple[int, int]] = None
    rotated: bool = False
    digest: str = ''
    thumbnails: List[np.ndarray] = field(default_factory=list)


def look_at_image(task: ImageTask) -> ImageResult:
    """Read an image as far as the task asks for."""
    try:
        return _look(task)
    finally:
        advance()


def _look(task: ImageTask) -> ImageResult:
    try:
        content = task.path.read_bytes()
    except OSError as error:
        return ImageResult('missing', str(error))
    result = ImageResult(digest=hashlib.sha256(content).hexdigest())
    try:
        with Image.open(io.BytesIO(content)) as image:
            result.size = image.size
            if image.format == 'JPEG':  # elsewhere, looking for EXIF decodes the image
                result.rotated = image.getexif().get(_EXIF_ORIENTATION, _UPRIGHT) != _UPRIGHT
            if task.decode:
                image.load()  # unlike OpenCV, this refuses a file that is cut off
                if task.boxes:
                    pixels = np.asarray(image.convert('L'))
                    result.thumbnails = [crop_square(pixels, (x, y), side, THUMBNAIL)[0]
                                         for x, y, side in task.boxes]
    except Exception as error:  # decoders raise all sorts of errors for damaged files
        return ImageResult('corrupt', f'{type(error).__name__}: {error}', digest=result.digest)
    return result


def crop_square(image: np.ndarray, center, side: float,
                size: int) -> Tuple[np.ndarray, np.ndarray, float]:
    """Cut a square out of an image; what lies outside of it repeats its border.

    Args:
        image: ``[H, W]`` or ``[H, W, 3]`` uint8.
        center: (x, y) in pixels.
        side: Side of the square in pixels.
        size: Side of the result in pixels.

    Returns:
        tuple: The picture, ``[size, size]`` or ``[size, size, 3]`` uint8, the first pixel (x, y) of
        the square and the picture's scale: a point p lies at (p - first + 0.5) * scale - 0.5 in it.
    """
    side = max(2, int(round(side)))
    left, top = (int(round(value - side / 2)) for value in center)
    columns = np.clip(np.arange(left, left + side), 0, image.shape[1] - 1)
    rows = np.clip(np.arange(top, top + side), 0, image.shape[0] - 1)
    square = image[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]
    square = square[rows - rows[0]][:, columns - columns[0]]
    rule = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    picture = cv2.resize(np.ascontiguousarray(square), (size, size), interpolation=rule)
    return picture, np.array([left, top]), size / side
