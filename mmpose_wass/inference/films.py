"""Read and write films without losing a frame unnoticed."""
from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator, NamedTuple, Optional, Tuple, Union

import cv2
import numpy as np

from ..engine.opencv_path import opencv_path

FILM_SUFFIXES = ('.mp4', '.m4v', '.mov', '.avi', '.mkv', '.webm', '.mpg', '.mpeg', '.wmv', '.flv',
                 '.ts', '.mts', '.3gp', '.ogv')
#: Containers that state their number of frames; that of others is an estimate.
_COUNTED = ('.mp4', '.m4v', '.mov', '.avi', '.3gp')
_USUAL_RATE = 25.0  # frames/s, where a film or a camera states none


class FilmFrame(NamedTuple):
    """A frame of a film.

    Attributes:
        index (int): Its number, from 0.
        pixels (np.ndarray | None): [H, W, 3], BGR, uint8; None where it could not be decoded.
        seconds (float): Its time.
    """
    index: int
    pixels: Optional[np.ndarray]
    seconds: float


class FilmReader:
    """Frames of a film file or a camera, upright, one by one.

    Args:
        source: A film file, or the number of a camera.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be opened, or has no frame.

    Attributes:
        rate (float): Frames per second.
        size (tuple[int, int]): Width and height.
        stated (int | None): Number of frames that the file states; None: not known.
        problem (str): After the last frame: what is wrong with the film as a whole, or ``''``.
        note (str): The same, where it may be harmless.
    """

    def __init__(self, source: Union[str, Path, int]) -> None:
        self.source = source
        self.problem = self.note = ''
        self.is_camera = isinstance(source, int)
        if not self.is_camera:
            if not os.path.isfile(source):
                raise FileNotFoundError(f'{source}: no such file')
            if not os.path.getsize(source):
                raise ValueError(f'{source}: is empty (0 bytes); copy it again')
        if self.is_camera:
            self._capture = cv2.VideoCapture(source)
        else:
            with opencv_path(source) as name:  # once open, its name does not matter
                self._capture = cv2.VideoCapture(name)
        if not self._capture.isOpened():
            self._capture.release()
            raise ValueError(
                f'camera {source} cannot be opened: is it connected, free, and allowed to be used?'
                if self.is_camera else
                f'{source}: cannot be opened as a film: it is damaged or cut off, or OpenCV lacks '
                'its codec')
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.rate = float(rate) if 0 < rate < 1000 else _USUAL_RATE
        self.size = tuple(int(self._capture.get(name))
                          for name in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.stated = int(count) if count > 0 and not self.is_camera else None

    def __iter__(self) -> Iterator[FilmFrame]:
        index = 0
        try:
            while self._capture.grab():
                done, pixels = self._capture.retrieve()
                seconds = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                if not seconds > 0:  # some containers and cameras do not tell
                    seconds = index / self.rate
                yield FilmFrame(index, pixels if done and pixels is not None else None, seconds)
                index += 1
        finally:
            self._capture.release()
        self._judge(index)

    def _judge(self, frames: int) -> None:
        if not frames:
            self.problem = f'{self.source}: no frame can be decoded'
        elif self.stated is not None and frames < self.stated:
            text = (f'{self.source}: states {self.stated} frames, {frames} could be decoded; '
                    f'{self.stated - frames} are missing: the film is damaged or cut off')
            if Path(str(self.source)).suffix.lower() in _COUNTED:
                self.problem = text
            else:
                self.note = f'{text}, or the statement is an estimate'


def count_frames(path: Union[str, Path]) -> int:
    """Number of frames of a film that can be read, by reading all of them."""
    with opencv_path(path) as name:
        capture = cv2.VideoCapture(name)
    count = 0
    while capture.grab():
        count += 1
    capture.release()
    return count


def has_ffmpeg() -> bool:
    """Whether H.264 can be written: the package ``imageio-ffmpeg`` is installed."""
    try:
        import imageio_ffmpeg
        imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        return False
    return True


class FilmWriter:
    """Write a film that appears under its name when it is whole.

    With the package ``imageio-ffmpeg`` it is H.264, which browsers and every player show; without
    it OpenCV's MPEG-4 part 2, which browsers do not; ``.avi`` is Motion JPEG. Frames of odd
    size are enlarged by a copy of their last row or column, as these codecs need. Sound is not
    carried over.

    Args:
        path: The film, ``.mp4``, ``.mov``, ``.mkv`` or ``.avi``.
        rate: Frames per second.
        size: Width and height of the frames.
        ffmpeg: Whether to use ``imageio-ffmpeg``; by default if it is there.

    Raises:
        ValueError: If the ending is another one.
        OSError: If it cannot be written.
    """

    SUFFIXES = ('.mp4', '.mov', '.mkv', '.avi')

    def __init__(self, path: Union[str, Path], rate: float, size: Tuple[int, int],
                 ffmpeg: Optional[bool] = None) -> None:
        self.path = Path(path)
        if self.path.suffix.lower() not in self.SUFFIXES:
            raise ValueError(f'{path}: films are written as {", ".join(self.SUFFIXES)}')
        self.frames = 0
        self.size = tuple(size)
        # H.264 does not belong into AVI: its frames come in another order than they are shown.
        self.ffmpeg = self.path.suffix.lower() != '.avi' and (
            has_ffmpeg() if ffmpeg is None else ffmpeg)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._part = self.path.with_name(f'.{self.path.stem}.part{self.path.suffix}')
        self._even = tuple(length + length % 2 for length in size)
        self._open(float(rate))

    def _open(self, rate: float) -> None:
        if self.ffmpeg:
            import imageio_ffmpeg
            # Film-like content at this quality keeps thin lines; the encoder must not be the
            # slowest part on one core.
            self._stream = imageio_ffmpeg.write_frames(
                str(self._part), self._even, pix_fmt_in='bgr24', fps=rate, codec='libx264',
                macro_block_size=2, quality=None, ffmpeg_log_level='error',
                output_params=['-crf', '20', '-preset', 'veryfast'])
            self._stream.send(None)
            return
        code = 'MJPG' if self.path.suffix.lower() == '.avi' else 'mp4v'
        with opencv_path(self._part) as name:
            self._stream = cv2.VideoWriter(name, cv2.VideoWriter_fourcc(*code), rate, self._even)
        if not self._stream.isOpened():
            raise OSError(f'{self.path}: OpenCV cannot write this film ({code}); is the folder '
                          'writable, and the disk not full? `pip install imageio-ffmpeg` brings '
                          'another encoder')

    def write(self, frame: np.ndarray) -> None:
        """Add a frame [H, W, 3], BGR, uint8, of the film's size.

        Raises:
            ValueError: If it is of another size.
            OSError: If it cannot be written.
        """
        if frame.shape[1::-1] != self.size:
            raise ValueError(f'{self.path}: frame {self.frames} is {frame.shape[1]} x '
                             f'{frame.shape[0]}, the film {self.size[0]} x {self.size[1]}')
        if self._even != self.size:
            frame = cv2.copyMakeBorder(frame, 0, self._even[1] - self.size[1], 0,
                                       self._even[0] - self.size[0], cv2.BORDER_REPLICATE)
        if self.ffmpeg:
            try:
                self._stream.send(np.ascontiguousarray(frame))
            except (OSError, StopIteration) as error:
                raise OSError(f'{self.path}: ffmpeg ended at frame {self.frames} ({error})'
                              ) from error
        else:
            self._stream.write(frame)
        self.frames += 1

    def close(self) -> None:
        """Finish the film, and count its frames: OpenCV does not tell when writing fails.

        Raises:
            OSError: If the film does not hold all frames; what there is of it stays beside, as
                ``.NAME.part.mp4``.
        """
        if self.ffmpeg:
            self._stream.close()
        else:
            self._stream.release()
        if not self.frames:
            self._part.unlink(missing_ok=True)
            return
        found = count_frames(self._part)
        if found != self.frames:
            raise OSError(f'{self.path}: {self.frames} frames were written, the film holds '
                          f'{found}; is the disk full? What there is: {self._part}')
        os.replace(self._part, self.path)
