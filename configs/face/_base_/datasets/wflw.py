# WFLW, 98 landmarks, in MMPose's layout. The attributes are subsets of the full test set: they are
# not in `test_sets`, so that no face is tested twice unless asked for.
common = dict(
    type='WFLWDataset',
    data_root='data/wflw/',
    data_mode='topdown',
    data_prefix=dict(img='images/'))
files = 'annotations/face_landmarks_wflw_'

data_wflw = dict(
    train=dict(ann_file=files + 'train.json', **common),
    val=dict(ann_file=files + 'test.json', test_mode=True, **common),
    test_sets=dict(full=dict(ann_file=files + 'test.json', test_mode=True, **common)),
    attributes=dict(
        largepose=dict(ann_file=files + 'test_largepose.json', test_mode=True, **common),
        expression=dict(ann_file=files + 'test_expression.json', test_mode=True, **common),
        illumination=dict(ann_file=files + 'test_illumination.json', test_mode=True, **common),
        makeup=dict(ann_file=files + 'test_makeup.json', test_mode=True, **common),
        occlusion=dict(ann_file=files + 'test_occlusion.json', test_mode=True, **common),
        blur=dict(ann_file=files + 'test_blur.json', test_mode=True, **common)))

del common, files
