"""How fast a film goes through tools/demo.py's work, and through MMPose's function for images.

The film is rendered here.
"""
from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Callable, Dict, List, Tuple

import cv2
import numpy as np
from mmpose.apis import inference_topdown, init_model

from mmpose_wass.datasets.synthetic import render_face, sample_sequence
from mmpose_wass.inference import (
    FaceLandmarker,
    FilmReader,
    FilmWriter,
    InferenceRun,
    Outputs,
    RunReport,
    find_sources,
)
from mmpose_wass.inference.face_landmarker import shipped_model

#: Width, height and frames from one call of the detector to the next.
SETTINGS = ((400, 300, 10), (400, 300, 1), (1280, 960, 10))
RATE = 25
_RENDERED = 256  # side of a rendered face, which is then enlarged


def write_film(path: Path, size: Tuple[int, int], frames: int, seed: int) -> Path:
    """A film of one face that moves, in the middle of a picture of width and height ``size``."""
    width, height = size
    border = (width - height) // 2
    writer = FilmWriter(path, RATE, size, ffmpeg=False)
    for face in sample_sequence(np.random.default_rng(seed), frames, 'S1'):
        picture = cv2.resize(render_face(face, _RENDERED).image, (height, height))
        writer.write(cv2.copyMakeBorder(picture, 0, 0, border, width - height - border,
                                        cv2.BORDER_REPLICATE))
    writer.close()
    return path


def measure_film(landmarker: FaceLandmarker, frames: int, rounds: int,
                 seed: int) -> Dict[str, object]:
    """Frames, of a face each, in a second of processor time; reading, drawing and writing included.

    Processor time and not the clock's: waiting for other programs does not count, though they slow
    memory and caches. MMPose's ``inference_topdown`` is timed in the same rounds, with the same
    model in a given box of each frame: no film is read or written, nothing detected or drawn.

    Args:
        landmarker: The shipped model with the detector.
        frames: Frames of each film.
        rounds: Times that each film is gone through; the median counts.
        seed: Of the face.

    Returns:
        dict: ``films``: of each of :data:`SETTINGS` its frames, the faces that were found in them,
        the speed, and that of MMPose; ``load``: programs that wanted to run meanwhile.
    """
    films = []
    peer = init_model(*shipped_model(), device='cpu')
    with tempfile.TemporaryDirectory() as folder:
        for width, height, every in SETTINGS:
            film = write_film(Path(folder, 'film.mp4'), (width, height), frames, seed)
            images = [frame.pixels for frame in FilmReader(film)]
            side = height / 2
            box = np.array([[width / 2 - side / 2, side / 2, width / 2 + side / 2, 1.5 * side]])
            reports: List[RunReport] = []

            def ours(film: Path = film, every: int = every,
                     reports: List[RunReport] = reports) -> None:
                outputs = Outputs(Path(folder, f'results_{len(reports)}'), ffmpeg=False,
                                  names=landmarker.model.landmark_names)
                run = InferenceRun(landmarker, outputs, detect_every=every, progress=False)
                reports.append(run.run(find_sources([str(film)])[0]))

            def theirs(images: List[np.ndarray] = images, box: np.ndarray = box) -> None:
                for image in images:
                    inference_topdown(peer, image, box)

            seconds, peer_seconds = _time_in_turn([ours, theirs], rounds)
            report = reports[-1]
            if report.problems or report.frames != frames:
                raise RuntimeError(f'the film did not go through: {report.summary()}; '
                                   f'{"; ".join(report.problems)}')
            films.append(dict(
                width=width, height=height, detect_every=every, frames=report.frames,
                faces=report.faces, frames_per_second=frames / seconds,
                inference_topdown_per_second=frames / peer_seconds))
    return dict(films=films, rounds=rounds, load=os.getloadavg()[1])


def _time_in_turn(functions: List[Callable[[], None]], rounds: int) -> List[float]:
    """Median processor seconds of each, after a round to warm up."""
    seconds: List[List[float]] = [[] for _ in functions]
    for _ in range(rounds + 1):
        for function, taken in zip(functions, seconds):
            start = time.process_time()
            function()
            taken.append(time.process_time() - start)
    return [statistics.median(taken[1:]) for taken in seconds]
