# COFW, 29 landmarks, in MMPose's layout.
common = dict(
    type='COFWDataset',
    data_root='data/cofw/',
    data_mode='topdown',
    data_prefix=dict(img='images/'))

data_cofw = dict(
    train=dict(ann_file='annotations/cofw_train.json', **common),
    val=dict(ann_file='annotations/cofw_test.json', test_mode=True, **common),
    test_sets=dict(full=dict(ann_file='annotations/cofw_test.json', test_mode=True, **common)))

del common
