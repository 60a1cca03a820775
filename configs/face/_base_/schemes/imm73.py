"""A landmark scheme of one's own: 73 points that MMPose does not know, as an example to copy.

How this file was made, and how to make one for other data:

1. ``python tools/landmarks.py new imm73 --annotations imm73_all.json --outer-eye-corners 16 24
   --out imm73.py`` takes the mean shape of the annotations (generalised Procrustes) and finds the
   flip pairs in it: two points are a pair if each is the other's nearest point after mirroring.
   It lists what it cannot pair. ``flip_pairs='from_shape'`` below does the same when the file is
   read; writing the pairs out is as good.
2. ``python tools/landmarks.py show imm73 --scheme-file imm73.py --out imm73.png`` draws the points
   with their indices, which tells the regions and the names.
3. Points that 300W has too got 300W's names (``tools/landmarks.py show 300w`` lists them), and a
   line in ``conversions``. The rest is called ``landmark_<index>``.
4. ``python tools/landmarks.py check 300w imm73 --scheme-file imm73.py --out DIR`` measures and
   draws how well the two fit.

Use: ``scheme_file='configs/face/_base_/schemes/imm73.py'`` in ``common_landmarks`` of
``FaceLandmarkMetric`` and in ``FaceSchemeDataset``. All fields: see
``mmpose_wass.landmarks.load_scheme_file``.
"""
scheme = dict(
    name='imm73',  # the dataset_name of the data set's metainfo
    num_landmarks=73,
    # Right and left are the person's: the right eye is on the left in the image.
    landmark_names={
        0: 'right_brow_outer_end',
        4: 'right_brow_inner_end',
        8: 'left_brow_outer_end',
        12: 'left_brow_inner_end',
        16: 'right_eye_outer_corner',
        20: 'right_eye_inner_corner',
        24: 'left_eye_outer_corner',
        28: 'left_eye_inner_corner',
        32: 'right_pupil',
        33: 'left_pupil',
        39: 'nose_base',
        46: 'right_mouth_corner',
        49: 'upper_lip_top_middle',
        52: 'left_mouth_corner',
        54: 'lower_lip_bottom_middle',
        67: 'chin'
    },
    # The outer eye corners and the pupils follow from their names.
    regions=dict(
        right_brow='0-7',
        left_brow='8-15',
        right_eye='16-23, 32',
        left_eye='24-31, 33',
        nose='34-45',
        outer_mouth='46-55',
        inner_mouth='56-61',
        contour='62-72'),
    source='twelve people in a studio, ten images each, 73 points set by hand',
    flip_pairs='from_shape',
    # Mean of 120 annotated faces in inter-ocular units, x to the right and y down.
    shape=[
        (-0.668, -0.114), (-0.578, -0.197), (-0.435, -0.217), (-0.286, -0.205),
        (-0.156, -0.147), (-0.285, -0.131), (-0.434, -0.143), (-0.576, -0.126),
        (0.668, -0.114), (0.576, -0.126), (0.434, -0.143), (0.285, -0.131), (0.156, -0.147),
        (0.286, -0.205), (0.435, -0.217), (0.578, -0.197), (-0.5, 0.0), (-0.444, -0.038),
        (-0.367, -0.059), (-0.283, -0.039), (-0.215, 0.01), (-0.281, 0.021),
        (-0.365, 0.038), (-0.441, 0.027), (0.5, 0.0), (0.441, 0.027), (0.365, 0.038),
        (0.281, 0.021), (0.215, 0.01), (0.283, -0.039), (0.367, -0.059), (0.444, -0.038),
        (-0.365, -0.022), (0.365, -0.022), (0.112, 0.017), (0.139, 0.294), (0.226, 0.426),
        (0.175, 0.504), (0.108, 0.443), (0.0, 0.509), (-0.108, 0.443), (-0.175, 0.504),
        (-0.226, 0.426), (-0.139, 0.294), (-0.112, 0.017), (0.0, 0.385), (-0.312, 0.771),
        (-0.2, 0.719), (-0.08, 0.676), (0.0, 0.706), (0.08, 0.676), (0.2, 0.719),
        (0.312, 0.771), (0.163, 0.849), (0.0, 0.868), (-0.163, 0.849), (-0.148, 0.758),
        (0.0, 0.76), (0.148, 0.758), (-0.148, 0.772), (0.0, 0.773), (0.148, 0.772),
        (-0.784, 0.541), (-0.729, 0.778), (-0.63, 0.994), (-0.471, 1.18), (-0.259, 1.314),
        (0.0, 1.361), (0.259, 1.314), (0.471, 1.18), (0.63, 0.994), (0.729, 0.778),
        (0.784, 0.541)
    ])

# Pairs (point here, point there); a list of points would mean their mean.
conversions = [
    dict(
        to='300w',
        points=[(0, 17), (4, 21), (12, 22), (8, 26), (16, 36), (20, 39), (28, 42), (24, 45),
                (39, 33), (46, 48), (49, 51), (52, 54), (54, 57), (67, 8)],
        variant='points',
        source='by hand, from pictures of both schemes'),
]
