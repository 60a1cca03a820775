"""Read any picture as the network wants it: upright, three channels, eight bits."""
from __future__ import annotations

import io
import os
from pathlib import Path
from typing import NamedTuple, Union

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

#: Endings of what is looked for in folders.
IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.bmp', '.dib', '.tif', '.tiff',
                  '.webp', '.ppm', '.pgm', '.pbm', '.gif', '.jp2', '.mpo')
_WHITE = (255, 255, 255, 255)
_SIXTEEN_TO_EIGHT = 257  # 65535 / 255


class ImageError(ValueError):
    """A file that is no picture, or a damaged one. The message names it and says what to do."""


class LoadedImage(NamedTuple):
    """A picture.

    Attributes:
        pixels (np.ndarray): [H, W, 3], BGR, uint8.
        note (str): What the user should know about it, such as that only the first of several
            pages was taken; empty mostly.
    """
    pixels: np.ndarray
    note: str = ''


def read_image(path: Union[str, Path]) -> LoadedImage:
    """Read a picture of any common kind.

    Turned upright by its EXIF orientation; grey, palette and CMYK become colour; 16 bits become
    8; what is transparent lies on white; of several pages or an animation the first is taken. A
    file that is cut off is refused (OpenCV would fill it up with grey).

    Args:
        path: The file.

    Returns:
        LoadedImage: Its pixels.

    Raises:
        FileNotFoundError: If there is no such file.
        ImageError: If it is empty, damaged or no picture.
    """
    path = os.fspath(path)
    if not os.path.exists(path):
        raise FileNotFoundError(f'{path}: no such file')
    if os.path.isdir(path):
        raise ImageError(f'{path}: is a folder, not a picture')
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ImageError(f'{path}: cannot be read ({error.strerror})') from error
    if not content:
        raise ImageError(f'{path}: is empty (0 bytes); copy it again')
    try:
        return _decode(content)
    except UnidentifiedImageError:
        return _decode_with_opencv(content, path)
    except Image.DecompressionBombError as error:
        raise ImageError(f'{path}: is too large to be read safely ({error}); make it smaller, or '
                         'raise PIL.Image.MAX_IMAGE_PIXELS if you trust it') from error
    except ImageError as error:
        raise ImageError(f'{path}: {error}') from None
    except MemoryError:
        raise
    except Exception as error:  # decoders raise anything at a damaged file
        raise ImageError(f'{path}: is damaged or cut off ({error}); copy it again') from error


def _decode(content: bytes) -> LoadedImage:
    with Image.open(io.BytesIO(content)) as file:
        pages = getattr(file, 'n_frames', 1)
        # A stereo or burst picture of a camera is one JPEG with small others behind it.
        note = f'has {pages} pages; the first was taken' if pages > 1 and file.format != 'MPO' \
            else ''
        file.load()
        upright = ImageOps.exif_transpose(file)
        rgb = _to_rgb(upright)
    return LoadedImage(np.ascontiguousarray(rgb[:, :, ::-1]), note)


def _to_rgb(image: Image.Image) -> np.ndarray:
    """[H, W, 3], RGB, uint8."""
    if image.mode.startswith('I'):
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise ImageError('has 32 bits a pixel; save it with 8 or 16')
        grey = (values / _SIXTEEN_TO_EIGHT).round().astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.mode == 'F':
        raise ImageError('has pixels that are fractions, whose white is not known; save it with 8 '
                         'or 16 bits')
    if image.mode in ('RGBA', 'LA', 'PA', 'RGBa', 'La') or 'transparency' in image.info:
        image = image.convert('RGBA')
        image = Image.alpha_composite(Image.new('RGBA', image.size, _WHITE), image)
    return np.asarray(image.convert('RGB'))


def _decode_with_opencv(content: bytes, path: str) -> LoadedImage:
    """What Pillow does not know, such as TIFF of three 16-bit channels."""
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ImageError(f'{path}: is no picture that Pillow or OpenCV can read; it may be '
                         'damaged, or of another kind than its name says')
    if pixels.dtype == np.uint16:
        pixels = (pixels / _SIXTEEN_TO_EIGHT).round().astype(np.uint8)
    if pixels.dtype != np.uint8:
        raise ImageError(f'{path}: has pixels of type {pixels.dtype}; save it with 8 or 16 bits')
    if pixels.ndim == 2:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR)
    elif pixels.shape[2] == 4:
        alpha = pixels[:, :, 3:] / 255
        pixels = (pixels[:, :, :3] * alpha + 255 * (1 - alpha)).round().astype(np.uint8)
    return LoadedImage(np.ascontiguousarray(pixels[:, :, :3]))


def as_image(image: Union[str, Path, np.ndarray]) -> np.ndarray:
    """Pixels of a path, or of an array after a check.

    Args:
        image: A path, or an array [H, W, 3] (BGR) or [H, W] (grey), uint8.

    Returns:
        np.ndarray: [H, W, 3], BGR, uint8.

    Raises:
        ImageError: If it is neither, or the array is something else.
        FileNotFoundError: If there is no such file.
    """
    if isinstance(image, (str, os.PathLike)):
        return read_image(image).pixels
    if isinstance(image, Image.Image):
        raise ImageError('an image must be a path or an array (BGR), found one of Pillow; give its '
                         "file, or np.asarray(image.convert('RGB'))[:, :, ::-1]")
    if not isinstance(image, np.ndarray):
        raise ImageError('an image must be a path or an array, uint8 [H, W, 3] (BGR, as OpenCV '
                         f'reads it) or [H, W], found {image!r:.80} ({type(image).__name__})')
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or not image.size \
            or image.ndim == 3 and image.shape[2] != 3:
        raise ImageError('an image must be uint8 [H, W, 3] (BGR, as OpenCV reads it) or [H, W], '
                         f'found {image.dtype} {list(image.shape)}')
    return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image
