"""Constants of the perturbations, protocol version 1. Data only; ``protocol.py`` reads it.

Severities of images are fractions of the face box's side (its longer one, where it is no square),
so that they are lengths on the face whatever the resolution: for occlusion the mean full axis of
the ellipse, for motion blur the length of the path. Severity 0 leaves an image untouched.
"""

PROTOCOL = dict(
    version=1,
    # The levels were solved for once, on one model (docs/perturbations.md). A new calibration is a
    # new version.
    status='frozen',
    seed=0,
    occlusion=dict(
        transform='SyntheticOcclusion',
        argument='severity',
        # Severity, and the smallest and largest full axis, each a fraction of the box's side;
        # linear between the rows and beyond the last one. The mean axis is the severity.
        sizes=((0.0, 0.0, 0.0), (0.2, 0.1, 0.3), (0.45, 0.3, 0.6), (1.0, 0.74, 1.26)),
        levels=dict(medium=0.11, large=0.45),
        # NME over clean NME of the paper's L2 model on 300W: 3.57 and 4.63 over 3.34 (Table 8).
        growth=dict(medium=1.07, large=1.39),
        grid=(0.0, 0.11, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0)),
    motion_blur=dict(
        transform='SyntheticMotionBlur',
        argument='severity',
        levels=dict(medium=0.193, large=0.355),
        # 11.07 and 27.42 over 6.67 on 300VW-S3 (Tables 9 and 7).
        growth=dict(medium=1.66, large=4.11),
        grid=(0.0, 0.06, 0.12, 0.193, 0.27, 0.355, 0.45, 0.55),
        # "34th landmark" of the 68: the base of the nose.
        landmark=33),
    box_shift=dict(
        transform='BoxPerturbation',
        argument='shift',
        grid=(0.0, 0.05, 0.1, 0.15, 0.2, 0.3)),
    box_scale=dict(
        transform='BoxPerturbation',
        argument='scale',
        grid=(0.0, 0.1, 0.2, 0.3, 0.4, 0.6)),
    box_rotation=dict(
        transform='BoxPerturbation',
        argument='rotation',
        grid=(0.0, 10.0, 20.0, 30.0, 45.0, 60.0)),
)
