"""What can be wrong with image files, and what tells one face's picture from another's."""
from __future__ import annotations

import hashlib
import io
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import List, Optional, Tuple, Union

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from .parallel import advance

THUMBNAIL = 32  # side of a face's thumbnail in pixels
_EXIF_ORIENTATION = 0x0112
_UPRIGHT = 1
#: What files of a format end with; some programs write a little behind it.
_ENDS = {'JPEG': b'\xff\xd9', 'PNG': b'IEND'}
_TAIL = 4096


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
        complaint: What OpenCV's decoder said of a JPEG that it read all the same: it repairs
            damaged places with a guess.
        digest: Hash of the file's bytes.
        thumbnails: ``[F, 32, 32]`` uint8, a grey one for each face.
    """

    problem: Optional[str] = None
    detail: str = ''
    size: Optional[Tuple[int, int]] = None
    rotated: bool = False
    complaint: str = ''
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
                image.load()  # unlike some OpenCV, this refuses a file that is cut off
                if image.format == 'JPEG':
                    result.complaint = _complaint(content)
                if task.boxes:
                    pixels = np.asarray(image.convert('L'))
                    result.thumbnails = [crop_square(pixels, (x, y), side, THUMBNAIL)[0]
                                         for x, y, side in task.boxes]
    except Exception as error:  # decoders raise all sorts of errors for damaged files
        return ImageResult('corrupt', f'{type(error).__name__}: {error}', digest=result.digest)
    return result


def look_at_ends(path: Union[str, Path]) -> ImageResult:
    """Look at an image file without decoding it: its header, and whether its end is there.

    Args:
        path: The file.

    Returns:
        ImageResult: Without digest and thumbnails; ``detail`` names the remedy.
    """
    try:
        with open(path, 'rb') as file:
            length = file.seek(0, os.SEEK_END)
            if not length:
                return ImageResult('corrupt', 'the file is empty, 0 bytes; copy it again')
            file.seek(max(0, length - _TAIL))
            tail = file.read()
            file.seek(0)
            with Image.open(file) as image:
                result = ImageResult(size=image.size)
                if image.format == 'JPEG':
                    result.rotated = image.getexif().get(_EXIF_ORIENTATION, _UPRIGHT) != _UPRIGHT
                if _ENDS.get(image.format, b'') not in tail:
                    return ImageResult('corrupt', f'the end of the {image.format} file is missing '
                                       f'after {length} bytes; copy it again', size=image.size)
    except OSError as error:
        if isinstance(error, UnidentifiedImageError) or error.errno is None:
            return ImageResult('corrupt', 'no image format that is known; copy it again')
        return ImageResult('missing', error.strerror or str(error))
    except Exception as error:  # decoders raise all sorts of errors for damaged files
        return ImageResult('corrupt', f'{type(error).__name__}: {error}')
    return result


def _complaint(content: bytes) -> str:
    """What the decoder writes to the standard error; Pillow's says nothing."""
    with tempfile.TemporaryFile() as heard:
        saved = os.dup(2)
        os.dup2(heard.fileno(), 2)
        try:
            cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
        finally:
            os.dup2(saved, 2)
            os.close(saved)
        heard.seek(0)
        return heard.read().decode('utf-8', 'replace').strip().split('\n')[0]


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
