# 300VW, 68 landmarks: what MMPose's tools/dataset_converters/300vw2coco.py writes.
common = dict(
    type='Face300VWDataset',
    data_root='data/300vw/',
    data_mode='topdown',
    data_prefix=dict(img=''))

data_300vw = dict(
    train=dict(ann_file='anno_300vw_train.json', **common),
    val=dict(ann_file='anno_300vw_test.json', test_mode=True, **common),
    test_sets=dict(
        scenario_1=dict(ann_file='anno_300vw_test_1.json', test_mode=True, **common),
        scenario_2=dict(ann_file='anno_300vw_test_2.json', test_mode=True, **common),
        scenario_3=dict(ann_file='anno_300vw_test_3.json', test_mode=True, **common)),
    unions=dict(full=['scenario_1', 'scenario_2', 'scenario_3']))

del common
