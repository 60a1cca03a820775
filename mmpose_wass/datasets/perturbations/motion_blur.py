"""Linear motion blur with kernels of any real length and angle (Section 4).

What a pixel sees while the image moves on a straight line at constant speed: the image,
interpolated linearly, averaged over a segment centred on the pixel.

Two properties are built in. *Geometry*: interpolation widens the kernel, by different amounts along
x and y; the narrower axis is widened to match, so that the kernel's second moments are those of
the segment plus a multiple of the identity: direction and length are exact. *Reproducibility*:
weights are multiples of 1/Q with Q odd, so no blurred 8-bit value comes closer than 1/(2Q) to the
middle between two whole numbers. The rounding errors of the Fourier transforms stay below that, and
the result is the exact convolution, rounded, on any processor.
"""
from __future__ import annotations

import math
import threading
from typing import Optional, Sequence, Tuple

import cv2
import numpy as np

_KEPT = threading.local()
#: Q: weights of a quantised kernel add up to this.
BLUR_UNITS = 4095


def line_kernel(length: float, angle: float) -> np.ndarray:
    """Kernel of a motion.

    Args:
        length: Length of the path in pixels, 0 or more.
        angle: Its direction in radians, from the x axis towards the y axis (downwards). A
            direction and its opposite are the same.

    Returns:
        np.ndarray: ``[h, w]`` float64, h and w odd, symmetric about its middle, not negative, of
        sum 1.

    Raises:
        ValueError: If the length is negative or an argument is not finite.

    Example:
        >>> line_kernel(2, 0.0).round(3)
        array([[0.021, 0.042, 0.021],
               [0.208, 0.417, 0.208],
               [0.021, 0.042, 0.021]])
    """
    if not (math.isfinite(length) and math.isfinite(angle)) or length < 0:
        raise ValueError('length must be a finite number that is 0 or more and angle finite, got '
                         f'{length!r} and {angle!r}')
    direction = np.array([math.cos(angle), math.sin(angle)])
    reach = np.ceil(np.abs(direction) * length / 2 - 1e-9).astype(int) + 1
    weights, points = _segment_nodes(length, direction)
    kernel = _splat(weights, points, reach)
    kernel = _equalise(kernel, reach, direction * direction * length**2 / 12)
    kernel = (kernel + kernel[::-1, ::-1]) / 2
    kernel /= kernel.sum()
    return _trim(kernel)


def quantize_kernel(kernel: np.ndarray) -> np.ndarray:
    """Round a symmetric kernel to whole numbers of sum :data:`BLUR_UNITS`, symmetric again.

    Args:
        kernel: ``[h, w]`` from :func:`line_kernel`.

    Returns:
        np.ndarray: ``[h, w]`` int64.
    """
    flat = kernel.ravel()[:kernel.size // 2] * BLUR_UNITS
    half = np.floor(flat + 1e-9).astype(np.int64)
    missing = int(round(float(flat.sum()))) - int(half.sum())
    if missing > 0:
        # Largest remainders first; equal ones in order, whatever the last bits say.
        order = np.argsort(-np.round(flat - half, 9), kind='stable')
        half[order[:missing]] += 1
    whole = np.concatenate([half, [BLUR_UNITS - 2 * half.sum()], half[::-1]])
    return whole.reshape(kernel.shape)


def blur_image(image: np.ndarray, length: float, angle: float,
               region: Optional[Tuple[float, float, float, float]] = None) -> np.ndarray:
    """Blur an image along a line.

    Beyond its border the image is mirrored, without its outermost pixels being repeated.

    Args:
        image: ``[H, W]`` or ``[H, W, C]``, 8-bit, 16-bit or floating point.
        length: Length of the path in pixels; 0 returns the image itself.
        angle: Direction in radians, from the x axis towards the y axis (downwards).
        region: Rectangle (left, top, right, bottom) in pixels to blur; every pixel in it gets the
            value that blurring the whole image would give, the others stay. None: all.

    Returns:
        np.ndarray: A new image of the same type.

    Raises:
        ValueError: If the image has another number of dimensions or type.
    """
    if image.ndim not in (2, 3) or image.dtype not in (np.uint8, np.uint16, np.float32, np.float64):
        raise ValueError('image must be [H, W] or [H, W, C] of type uint8, uint16, float32 or '
                         f'float64, found {list(image.shape)} of {image.dtype}')
    if length == 0:
        return image
    height, width = image.shape[:2]
    left, top, right, bottom = (0, 0, width, height) if region is None else (
        max(math.floor(region[0]), 0), max(math.floor(region[1]), 0),
        min(math.ceil(region[2]) + 1, width), min(math.ceil(region[3]) + 1, height))
    blurred = image.copy()
    if left < right and top < bottom:
        kernel = quantize_kernel(line_kernel(length, angle))
        blurred[top:bottom, left:right] = _convolve(image, kernel, (left, top, right, bottom))
    return blurred


def _segment_nodes(length: float, direction: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Weights ``[n]`` and points ``[n, 2]`` that integrate bilinear weights over the segment."""
    half = length / 2
    if half == 0:
        return np.ones(1), np.zeros((1, 2))
    cuts = [np.array([-half, half])]
    for component in np.abs(direction):
        if component * half >= 1e-9:
            last = math.floor(component * half)
            cuts.append(np.arange(-last, last + 1) / component)
    cuts = np.unique(np.clip(np.concatenate(cuts), -half, half))
    # Between cuts the weights are quadratic in the position: two Gauss points are exact.
    middle, spread = (cuts[1:] + cuts[:-1]) / 2, np.diff(cuts) / 2
    positions = np.concatenate([middle - spread / math.sqrt(3), middle + spread / math.sqrt(3)])
    return np.concatenate([spread, spread]) / length, positions[:, None] * direction


def _splat(weights: np.ndarray, points: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Bilinear weights of points on a grid of ``2 * reach + 1``."""
    columns, rows = 2 * reach + 1
    corner = np.floor(points).astype(int)
    share = points - corner
    kernel = np.zeros(rows * columns)
    for dx in (0, 1):
        for dy in (0, 1):
            part = (np.abs(1 - dx - share[:, 0]) * np.abs(1 - dy - share[:, 1]))
            index = (corner[:, 1] + dy + reach[1]) * columns + corner[:, 0] + dx + reach[0]
            kernel += np.bincount(index, weights * part, minlength=rows * columns)
    return kernel.reshape(rows, columns)


def _equalise(kernel: np.ndarray, reach: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Widen the axis along which interpolation widened less."""
    x, y = (np.arange(-r, r + 1) for r in reach)
    excess_x = kernel.sum(axis=0) @ (x * x) - variance[0]
    excess_y = kernel.sum(axis=1) @ (y * y) - variance[1]
    lacking = excess_y - excess_x  # of x, in squared pixels
    axis = 1 if lacking > 0 else 0
    widening = abs(lacking) / 2
    padded = np.pad(kernel, [(1, 1), (0, 0)] if axis == 0 else [(0, 0), (1, 1)])
    return ((1 - 2 * widening) * padded + widening * np.roll(padded, 1, axis)
            + widening * np.roll(padded, -1, axis))


def _trim(kernel: np.ndarray) -> np.ndarray:
    """Drop empty borders, evenly."""
    used = kernel > 1e-12
    rows, columns = np.flatnonzero(used.any(axis=1)), np.flatnonzero(used.any(axis=0))
    y, x = rows[0], columns[0]
    return kernel[y:kernel.shape[0] - y, x:kernel.shape[1] - x]


def _convolve(image: np.ndarray, kernel: np.ndarray,
              window: Tuple[int, int, int, int]) -> np.ndarray:
    """The convolution of the image with a quantised kernel, in a window."""
    left, top, right, bottom = window
    reach_y, reach_x = (size // 2 for size in kernel.shape)
    size = (_transform_size(bottom - top + 2 * reach_y),
            _transform_size(right - left + 2 * reach_x))
    padded = _cut(image, (left - reach_x, top - reach_y), size)
    # 8-bit images fit single precision, see the module's beginning.
    precision = np.float32 if image.dtype == np.uint8 else np.float64
    # Close to zero on the average, which halves the rounding errors.
    offset = 128.0 if image.dtype == np.uint8 else 0.0

    spectrum = _real_spectrum(kernel, size, precision)
    work = _buffer('plane', size, precision)
    planes = []
    for plane in cv2.split(padded):
        np.subtract(plane, precision(offset), out=work)
        cv2.dft(work, dst=work)
        work *= spectrum
        cv2.idft(work, dst=work, flags=cv2.DFT_SCALE | cv2.DFT_REAL_OUTPUT)
        part = work[reach_y:reach_y + bottom - top, reach_x:reach_x + right - left]
        planes.append(_to_type(part, offset, image.dtype))
    return planes[0] if image.ndim == 2 else cv2.merge(planes).reshape(
        bottom - top, right - left, -1)


def _real_spectrum(kernel: np.ndarray, size: Sequence[int], precision: type) -> np.ndarray:
    """What to multiply an image's packed spectrum by: that of a symmetric kernel is real.

    It is twice the real part of the lower half's spectrum, whose middle row counts half. In
    OpenCV's packed format real and imaginary parts alternate: along the rows, and in the first and
    (of an even number) the last column along that column.
    """
    (rows, columns), (reach_y, reach_x) = size, (length // 2 for length in kernel.shape)
    half = kernel[reach_y:] * (2 / BLUR_UNITS)
    half[0] /= 2
    spectrum = _buffer('spectrum', size, precision)
    spectrum[:] = 0
    spectrum[:reach_y + 1, :reach_x + 1] = half[:, reach_x:]
    spectrum[:reach_y + 1, columns - reach_x:] = half[:, :reach_x]
    cv2.dft(spectrum, dst=spectrum, nonzeroRows=reach_y + 1)
    inner = (columns - 1) // 2
    spectrum[:, 2:2 * inner + 1:2] = spectrum[:, 1:2 * inner:2]
    inner = (rows - 1) // 2
    for column in (0, columns - 1) if columns % 2 == 0 else (0, ):
        spectrum[2:2 * inner + 1:2, column] = spectrum[1:2 * inner:2, column]
    return spectrum


def _transform_size(length: int) -> int:
    """Smallest size for a Fourier transform that is fast: of factors 2, 3, 5, eight among them."""
    return 8 * cv2.getOptimalDFTSize(-(-length // 8))


def _buffer(name: str, size: Tuple[int, int], kind: type) -> np.ndarray:
    """Memory of the calling thread, kept: getting it anew from the system takes as long as a
    transform."""
    kept = _KEPT.__dict__.setdefault('buffers', {})
    key = name, kind
    if key not in kept or kept[key].size < size[0] * size[1]:
        kept[key] = np.empty(size[0] * size[1], dtype=kind)
    return kept[key][:size[0] * size[1]].reshape(size)


def _cut(image: np.ndarray, corner: Tuple[int, int], size: Tuple[int, int]) -> np.ndarray:
    """A rectangle of ``size`` (rows, columns) of the image, mirrored where that ends."""
    (x, y), (rows, columns) = corner, size
    height, width = image.shape[:2]
    before = max(-y, 0), max(-x, 0)
    after = max(y + rows - height, 0), max(x + columns - width, 0)
    if max(before[0], after[0]) < height and max(before[1], after[1]) < width:
        # What is mirrored lies near the border: OpenCV needs no more than that part.
        top = 0 if before[0] else min(y, height - 1 - after[0])
        left = 0 if before[1] else min(x, width - 1 - after[1])
        end_y = height if after[0] else max(y + rows, before[0] + 1)
        end_x = width if after[1] else max(x + columns, before[1] + 1)
        part = cv2.copyMakeBorder(image[top:end_y, left:end_x], before[0], after[0], before[1],
                                  after[1], cv2.BORDER_REFLECT_101)
        y0, x0 = y + before[0] - top, x + before[1] - left
        return part[y0:y0 + rows, x0:x0 + columns]
    return image[_mirror(np.arange(y, y + rows), height)][
        :, _mirror(np.arange(x, x + columns), width)]


def _mirror(index: np.ndarray, size: int) -> np.ndarray:
    """Indices of an axis that goes to and fro for ever."""
    if size == 1:
        return np.zeros_like(index)
    index = np.abs(index) % (2 * size - 2)
    return np.minimum(index, 2 * size - 2 - index)


def _to_type(plane: np.ndarray, offset: float, kind: np.dtype) -> np.ndarray:
    if kind == np.uint8:
        return cv2.convertScaleAbs(plane, beta=offset)  # rounds
    if kind == np.uint16:
        return np.clip(np.rint(plane), 0, 65535).astype(np.uint16)
    return plane.astype(kind)
