"""Sequences: one person, one place, and a pose and an expression that move smoothly."""

from __future__ import annotations

from dataclasses import replace
from typing import List

import numpy as np

from .parameters import FaceParameters, sample_face_parameters

# 300VW's scenarios: well-lit, unconstrained light, arbitrary conditions.
SCENARIOS = {
    'train': dict(yaw_range=(0, 50), roll_range=20.0, pitch_range=15.0),
    'S1': dict(yaw_range=(0, 25), roll_range=12.0, pitch_range=10.0),
    'S2': dict(yaw_range=(0, 40), roll_range=18.0, pitch_range=15.0),
    'S3': dict(yaw_range=(10, 60), roll_range=25.0, pitch_range=18.0),
}


def _wave(
    rng: np.random.Generator, frames: np.ndarray, amplitude: float, fastest: float = 24.0
) -> np.ndarray:
    """A smooth random function of the frame number that stays within about ``amplitude``."""
    total = np.zeros(len(frames))
    for share in (0.6, 0.3, 0.1):
        period = rng.uniform(fastest, 4 * fastest)
        total += share * np.sin(2 * np.pi * frames / period + rng.uniform(0, 2 * np.pi))
    return amplitude * total


def sample_sequence(
    rng: np.random.Generator, frames: int, scenario: str = 'train'
) -> List[FaceParameters]:
    """Draw the faces of consecutive frames at 25 to 30 frames a second.

    Args:
        rng: Source of randomness.
        frames: Number of frames.
        scenario: ``train``, ``S1``, ``S2`` or ``S3``.

    Returns:
        list[FaceParameters]: One per frame.
    """
    if scenario not in SCENARIOS:
        raise ValueError(f'scenario must be one of {sorted(SCENARIOS)}, got {scenario!r}')
    base = sample_face_parameters(
        rng,
        profile_share=0.0,
        attribute='occlusion' if scenario == 'S3' and rng.random() < 0.35 else None,
        **SCENARIOS[scenario],
    )
    base = replace(base, motion_blur=0.0)
    if scenario == 'S1':
        base = replace(
            base,
            occluder='none',
            blur=0.0,
            ambient=max(base.ambient, 0.6),
            noise=min(base.noise, 3.0),
        )
    elif scenario == 'S3':
        base = replace(base, ambient=min(base.ambient, 0.45), blur=max(base.blur, 0.002))
    t = np.arange(frames, dtype=np.float64)
    lively = 1.4 if scenario == 'S3' else 1.0
    yaw = np.clip(base.yaw + _wave(rng, t, 14 * lively), -85, 85)
    pitch = base.pitch + _wave(rng, t, 7 * lively)
    roll = base.roll + _wave(rng, t, 5 * lively)
    x = base.center[0] + _wave(rng, t, 0.025 * lively)
    y = base.center[1] + _wave(rng, t, 0.018 * lively)
    scale = base.scale * (1 + _wave(rng, t, 0.04))
    talk = np.clip(base.jaw_open + _wave(rng, t, 0.30, 10.0) * (rng.random() < 0.7), 0, 1)
    part = np.clip(base.lips_part + _wave(rng, t, 0.4, 12.0), 0, 1)
    smile = np.clip(base.smile + _wave(rng, t, 0.3, 30.0), -0.7, 1.0)
    brow = _wave(rng, t, 0.4, 20.0)
    gaze_x, gaze_y = base.gaze[0] + _wave(rng, t, 0.4), base.gaze[1] + _wave(rng, t, 0.25)
    closing = np.zeros(frames)
    for middle in np.cumsum(rng.uniform(25, 90, frames // 40 + 2)) - rng.uniform(0, 40):
        closing = np.maximum(closing, np.exp(-(((t - middle) / 2.2) ** 2)))
    faces = []
    for k in range(frames):
        blink = tuple(
            float(np.clip(max(b if b < 1 else 0.1, closing[k]), 0, 1)) for b in base.blink
        )
        faces.append(
            replace(
                base,
                yaw=float(yaw[k]),
                pitch=float(pitch[k]),
                roll=float(roll[k]),
                center=(float(x[k]), float(y[k])),
                scale=float(scale[k]),
                jaw_open=float(talk[k]),
                lips_part=float(part[k]),
                smile=float(smile[k]),
                brow_raise=tuple(float(np.clip(b + brow[k], -1, 1)) for b in base.brow_raise),
                gaze=(float(np.clip(gaze_x[k], -1, 1)), float(np.clip(gaze_y[k], -1, 1))),
                blink=blink,
                frame=k,
            )
        )
    return faces
