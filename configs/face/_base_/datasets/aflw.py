# AFLW, 19 landmarks, in MMPose's layout. The frontal faces are a subset of all.
common = dict(
    type='AFLWDataset',
    data_root='data/aflw/',
    data_mode='topdown',
    data_prefix=dict(img='images/'))
files = 'annotations/face_landmarks_aflw_'

data_aflw = dict(
    train=dict(ann_file=files + 'train.json', **common),
    val=dict(ann_file=files + 'test.json', test_mode=True, **common),
    test_sets=dict(
        full=dict(ann_file=files + 'test.json', test_mode=True, **common),
        frontal=dict(ann_file=files + 'test_frontal.json', test_mode=True, **common)),
    metrics=[
        dict(type='FaceLandmarkMetric'),
        dict(type='NME', norm_mode='use_norm_item', norm_item='bbox_size')
    ],
    # The learning rate of HRNet-Facial-Landmark-Detection on AFLW, whose figures the paper has.
    optim_wrapper=dict(optimizer=dict(lr=2e-4)))

del common, files
