"""Landmarks of many images and films: batched, counted, and with nothing lost in silence."""
from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, field
from typing import Any, Dict, List, Optional, Sequence, Tuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from .detectors import Boxes
from .face import LandmarkedFace
from .face_landmarker import FaceLandmarker, check_boxes
from .given_boxes import GivenBoxes, boxes_or_none
from .outputs import Outputs
from .sources import Frame, Source
from .tracking import FaceTracker

#: Frames that are looked at together, if their pixels fit.
FRAMES_TOGETHER = 16
_BYTES_TOGETHER = 1 << 28


@dataclass
class RunReport:
    """What became of the input.

    Attributes:
        frames (int): Images and frames that came in.
        unreadable (int): Those that could not be read.
        unusable (int): Those that could be read, but whose given boxes do not fit them.
        with_faces (int): Those with a face.
        without_faces (int): Those without.
        faces (int): Faces in all of them.
        not_finite (int): Faces of which a landmark is no finite number.
        dropped_boxes (int): Detected boxes whose landmarks were too unsure for a face.
        problems (list[str]): What went wrong, each naming its file.
        notes (list[str]): What is good to know.
        interrupted (bool): Whether the run was ended early.
    """
    frames: int = 0
    unreadable: int = 0
    unusable: int = 0
    with_faces: int = 0
    without_faces: int = 0
    faces: int = 0
    not_finite: int = 0
    dropped_boxes: int = 0
    problems: List[str] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)
    interrupted: bool = False

    def counts(self) -> Dict[str, Any]:
        """Everything but the texts."""
        return {name: value for name, value in asdict(self).items()
                if name not in ('problems', 'notes')}

    def summary(self) -> str:
        """One line."""
        text = (f'{self.frames} frames: {self.with_faces} with a face, {self.without_faces} without'
                f', {self.unreadable} unreadable')
        if self.unusable:
            text += f', {self.unusable} with boxes that do not fit'
        text += f'; {self.faces} faces'
        if self.not_finite:
            text += f', {self.not_finite} of them with landmarks that are not finite'
        if self.dropped_boxes:
            text += f'; {self.dropped_boxes} detected boxes dropped as no faces'
        return text


class InferenceRun:
    """Takes sources through a landmarker into outputs.

    Args:
        landmarker: Finds faces and landmarks.
        outputs: Takes what was found.
        boxes: Given boxes in place of the detector.
        detect_every: In films, frames from one call of the detector to the next (see
            :class:`~.tracking.FaceTracker`); 1 detects in every frame, in batches.
        limit: Frames of each film or camera after which to stop.
        progress: Whether to show a progress bar.
    """

    def __init__(self, landmarker: FaceLandmarker, outputs: Outputs,
                 boxes: Optional[GivenBoxes] = None, detect_every: int = 10,
                 limit: Optional[int] = None, progress: bool = True) -> None:
        self.landmarker, self.outputs, self.boxes = landmarker, outputs, boxes
        self.tracker = FaceTracker(landmarker, detect_every) \
            if boxes is None and detect_every > 1 else None
        self.limit, self.progress = limit, progress
        self.report = RunReport()
        self._waiting: List[Tuple[Source, Frame, Optional[Boxes]]] = []
        self._bar: Optional[Progress] = None
        self._task = None
        #: In the film: first frame with landmarks that are not finite, and number of such faces.
        self._broken: Optional[Tuple[int, int]] = None

    def run(self, sources: Sequence[Source], notes: Sequence[str] = ()) -> RunReport:
        """Do it; after Ctrl-C what is there is finished and kept.

        Args:
            sources: From :func:`~.sources.find_sources`.
            notes: Its notes.

        Returns:
            RunReport: The counts.

        Raises:
            OSError: If results cannot be written. What was written stays.
        """
        self.report.notes += notes
        dropped = self.landmarker.dropped
        with self._progress(sources):
            try:
                for source in sources:
                    self._run_source(source)
                    if self.outputs.stopped:
                        self.report.interrupted = True
                        break
                self._flush()
            except KeyboardInterrupt:
                self.report.interrupted = True
            except BaseException:
                self.outputs.abandon()
                raise
        self.report.dropped_boxes = self.landmarker.dropped - dropped
        if self.boxes is not None and not self.report.interrupted:
            unused = self.boxes.unused()
            if unused:
                self.report.problems.append(
                    f'{self.boxes.path}: boxes of {len(unused)} images that are not among the '
                    f'inputs, such as {", ".join(unused[:3])}')
        report = self.report
        self.outputs.close(dict(counts=report.counts(), problems=report.problems,
                                notes=report.notes))
        return report

    def _run_source(self, source: Source) -> None:
        if not source.is_film:
            for frame in source.frames():
                self._take(source, frame)
            return
        self._flush()
        if self.tracker is not None:
            self.tracker.reset()
        try:
            for frame in source.frames():
                if self.tracker is None:
                    self._take(source, frame)
                else:
                    self._follow(source, frame)
                if self.outputs.stopped or self.limit and frame.index + 1 >= self.limit:
                    break
            self._flush()
        except KeyboardInterrupt:
            self._flush()
            raise
        finally:
            if self._broken is not None:
                first, broken = self._broken
                self._broken = None
                self.report.problems.append(
                    f'{source.path}, from frame {first} on: {_not_finite(broken)}')
            try:
                self.outputs.finish_source(source)
            except OSError as error:
                self.report.problems.append(str(error))
        for text, texts in ((source.problem, self.report.problems),
                            (source.note, self.report.notes)):
            if text:
                texts.append(text)

    def _follow(self, source: Source, frame: Frame) -> None:
        if frame.pixels is None:
            self.tracker.reset()
            self._write(source, frame, [])
        else:
            self._write(source, frame, self.tracker.follow(frame.pixels))

    def _take(self, source: Source, frame: Frame) -> None:
        """Put a frame into the batch."""
        boxes = None
        if frame.pixels is not None:
            try:
                boxes = boxes_or_none(self.boxes, source.path, frame.index)
                boxes = None if boxes is None else check_boxes(boxes, frame.pixels.shape)
            except ValueError as error:
                where = f'{source.path}, frame {frame.index}' if source.is_film else source.path
                frame = frame._replace(problem=f'{where}: {error}')
                self.report.problems.append(frame.problem)
                self.report.unusable += 1
                boxes = check_boxes([], frame.pixels.shape)
        self._waiting.append((source, frame, boxes))
        held = sum(one.pixels.nbytes for _, one, _ in self._waiting if one.pixels is not None)
        if len(self._waiting) >= FRAMES_TOGETHER or held > _BYTES_TOGETHER:
            self._flush()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        readable = [entry for entry in waiting if entry[1].pixels is not None]
        found = self.landmarker.predict([frame.pixels for _, frame, _ in readable],
                                        [boxes for _, _, boxes in readable]) if readable else []
        faces = iter(found)
        for source, frame, _ in waiting:
            self._write(source, frame, [] if frame.pixels is None else next(faces))

    def _write(self, source: Source, frame: Frame, faces: List[LandmarkedFace]) -> None:
        report = self.report
        report.frames += 1
        if frame.pixels is None:
            report.unreadable += 1
            report.problems.append(frame.problem)
        elif faces:
            report.with_faces += 1
        else:
            report.without_faces += 1
        report.faces += len(faces)
        broken = sum(not face.is_finite for face in faces)
        report.not_finite += broken
        if broken and source.is_film:  # one line for a film, told when it ends
            first, before = self._broken or (frame.index, 0)
            self._broken = first, before + broken
        elif broken:
            report.problems.append(f'{source.path}: {_not_finite(broken)}')
        if frame.note:
            report.notes.append(frame.note)
        self.outputs.add(source, frame, faces)
        if self._bar is not None:
            self._bar.update(self._task, advance=1, faces=report.faces)

    def _progress(self, sources: Sequence[Source]) -> Progress:
        totals = [source.total for source in sources]
        if self.limit:
            totals = [total if total is None or not source.is_film else min(total, self.limit)
                      for total, source in zip(totals, sources)]
        self._bar = Progress(
            TextColumn('frames'), BarColumn(), MofNCompleteColumn(),
            TextColumn('{task.fields[faces]} faces'), _Rate(), TimeRemainingColumn(),
            console=Console(file=sys.stderr), disable=not self.progress)
        known = sum(totals) if None not in totals else None
        self._task = self._bar.add_task('frames', total=known, faces=0)
        return self._bar


def _not_finite(count: int) -> str:
    return f'landmarks of {count} faces are not finite: is the checkpoint sound?'


class _Rate(TextColumn):
    """Frames per second so far."""

    def __init__(self) -> None:
        super().__init__('')

    def render(self, task):
        """The text."""
        from rich.text import Text
        return Text(f'{task.finished_speed or task.speed or 0:.1f}/s')
