# 300W, 68 landmarks, in MMPose's layout. The full test set is the common and the challenging one;
# the 600 faces of the 300W challenge's own test set (300W-Test) are apart.
common = dict(
    type='Face300WDataset',
    data_root='data/300w/',
    data_mode='topdown',
    data_prefix=dict(img='images/'))
files = 'annotations/face_landmarks_300w_'

data_300w = dict(
    train=dict(ann_file=files + 'train.json', **common),
    val=dict(ann_file=files + 'valid.json', test_mode=True, **common),
    test_sets=dict(
        common=dict(ann_file=files + 'valid_common.json', test_mode=True, **common),
        challenge=dict(ann_file=files + 'valid_challenge.json', test_mode=True, **common)),
    unions=dict(full=['common', 'challenge']),
    challenge_test=dict(ann_file=files + 'test.json', test_mode=True, **common))

del common, files
