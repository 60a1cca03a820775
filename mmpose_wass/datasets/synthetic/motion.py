"""Sequences: one person, one place, and a pose and an expression that move smoothly."""
from __future__ import annotations

from dataclasses import replace
from typing import Dict, List

import numpy as np

from .parameters import FaceParameters
from .sampling import sample_face_parameters

# 300VW's scenarios: well-lit, unconstrained light, arbitrary conditions.
SCENARIOS = {
    'train': dict(yaw_range=(0, 50), roll_range=20.0, pitch_range=15.0),
    'S1': dict(yaw_range=(0, 25), roll_range=12.0, pitch_range=10.0),
    'S2': dict(yaw_range=(0, 40), roll_range=18.0, pitch_range=15.0),
    'S3': dict(yaw_range=(10, 60), roll_range=25.0, pitch_range=18.0),
}


def sample_sequence(rng: np.random.Generator, frames: int,
                    scenario: str = 'train') -> List[FaceParameters]:
    """Draw the faces of consecutive frames, at 25 to 30 frames a second.

    Args:
        rng: Source of randomness.
        frames: Number of frames.
        scenario: ``train``, ``S1``, ``S2`` or ``S3``.

    Returns:
        list[FaceParameters]: One per frame.

    Raises:
        ValueError: For an unknown scenario.

    Example:
        >>> faces = sample_sequence(np.random.default_rng(0), 3)
        >>> [face.frame for face in faces]
        [0, 1, 2]
    """
    if scenario not in SCENARIOS:
        raise ValueError(f'scenario must be one of {sorted(SCENARIOS)}, got {scenario!r}')
    base = _person(rng, scenario)
    moves = _moves(rng, base, frames, lively=1.4 if scenario == 'S3' else 1.0)
    closing = _blinks(rng, frames)
    faces = []
    for k in range(frames):
        move = {name: float(values[k]) for name, values in moves.items()}
        brow = move.pop('brow')
        # An eye that the person keeps shut opens, to be shut by blinks only.
        rest = (lid if lid < 1 else 0.1 for lid in base.blink)
        faces.append(replace(
            base,
            center=(move.pop('x'), move.pop('y')),
            gaze=(move.pop('gaze_x'), move.pop('gaze_y')),
            blink=tuple(float(np.clip(max(lid, closing[k]), 0, 1)) for lid in rest),
            brow_raise=tuple(float(np.clip(side + brow, -1, 1)) for side in base.brow_raise),
            frame=k,
            **move))
    return faces


def _person(rng: np.random.Generator, scenario: str) -> FaceParameters:
    """A face at rest in conditions that suit the scenario."""
    covered = scenario == 'S3' and rng.random() < 0.35
    base = sample_face_parameters(rng, profile_share=0.0,
                                  attribute='occlusion' if covered else None, **SCENARIOS[scenario])
    base = replace(base, motion_blur=0.0)
    if scenario == 'S1':
        return replace(base, occluder='none', blur=0.0, ambient=max(base.ambient, 0.6),
                       noise=min(base.noise, 3.0))
    if scenario == 'S3':
        return replace(base, ambient=min(base.ambient, 0.45), blur=max(base.blur, 0.002))
    return base


def _moves(rng: np.random.Generator, base: FaceParameters, frames: int,
           lively: float) -> Dict[str, np.ndarray]:
    """Values ``[frames]`` of all that moves but the lids."""
    t = np.arange(frames, dtype=np.float64)

    def wave(amplitude: float, fastest: float = 24.0) -> np.ndarray:
        """A smooth random function that stays within about ``amplitude``; periods in frames."""
        total = np.zeros(frames)
        for share in (0.6, 0.3, 0.1):
            period = rng.uniform(fastest, 4 * fastest)
            total += share * np.sin(2 * np.pi * t / period + rng.uniform(0, 2 * np.pi))
        return amplitude * total

    # The order of the draws is part of the data sets' definition.
    return dict(
        yaw=np.clip(base.yaw + wave(14 * lively), -85, 85),
        pitch=base.pitch + wave(7 * lively),
        roll=base.roll + wave(5 * lively),
        x=base.center[0] + wave(0.025 * lively),
        y=base.center[1] + wave(0.018 * lively),
        scale=base.scale * (1 + wave(0.04)),
        jaw_open=np.clip(base.jaw_open + wave(0.30, 10.0) * (rng.random() < 0.7), 0, 1),
        lips_part=np.clip(base.lips_part + wave(0.4, 12.0), 0, 1),
        smile=np.clip(base.smile + wave(0.3, 30.0), -0.7, 1.0),
        brow=wave(0.4, 20.0),
        gaze_x=np.clip(base.gaze[0] + wave(0.4), -1, 1),
        gaze_y=np.clip(base.gaze[1] + wave(0.25), -1, 1))


def _blinks(rng: np.random.Generator, frames: int) -> np.ndarray:
    """How far blinks close the lids: ``[frames]``, 0 to 1."""
    t = np.arange(frames, dtype=np.float64)
    closing = np.zeros(frames)
    for middle in np.cumsum(rng.uniform(25, 90, frames // 40 + 2)) - rng.uniform(0, 40):
        closing = np.maximum(closing, np.exp(-(((t - middle) / 2.2)**2)))
    return closing
