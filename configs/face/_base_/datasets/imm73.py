# A scheme that MMPose does not know: 73 landmarks, described by a file. To test on faces of your
# own, copy this file and schemes/imm73.py.
data_imm73 = dict(
    test_sets=dict(
        full=dict(
            type='FaceSchemeDataset',
            scheme='imm73',
            scheme_file='{{ fileDirname }}/../schemes/imm73.py',
            data_root='data/imm73/',
            data_mode='topdown',
            data_prefix=dict(img='images/'),
            ann_file='annotations/imm73_all.json',
            test_mode=True)))
