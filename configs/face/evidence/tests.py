# What every model of the evidence is tested on. Data sets lie in folders named by `--data NAME=DIR`
# of tools/evidence.py, or below data/.
_base_ = ['../_base_/datasets/imm73.py']

common = dict(data_mode='topdown', test_mode=True)

data_300w = dict(test_sets=dict(common=dict(
    type='Face300WDataset', data_root='data/300w/', data_prefix=dict(img='images/'),
    ann_file='annotations/face_landmarks_300w_valid_common.json', **common)))
# Frames of two webcam films with their neighbours; labels made by a predictor.
data_300vw = dict(test_sets=dict(video=dict(
    type='VideoFaceDataset', data_root='data/300vw/', data_prefix=dict(img='images/'),
    ann_file='annotations/test_video.json', **common)))
data_synthetic_wflw = dict(test_sets=dict(test=dict(
    type='WFLWDataset', data_root='data/synthetic_wflw/', data_prefix=dict(img='images/'),
    ann_file='annotations/face_landmarks_wflw_test.json', **common)))
data_synthetic_aflw = dict(test_sets=dict(test=dict(
    type='AFLWDataset', data_root='data/synthetic_aflw/', data_prefix=dict(img='images/'),
    ann_file='annotations/face_landmarks_aflw_test.json', **common)))

# title, test set, the level of a perturbation (docs/perturbations.md), and the unit that a face
# belongs to, found in its image's name: a person of imm73, a stretch of film.
stretch = r'^(.+)/'
tests = dict(
    clean=dict(title='clean', data='300w', test_set='common'),
    occlusion_medium=dict(title='occlusion, medium', data='300w', test_set='common',
                          perturbation='occlusion', level='medium'),
    occlusion_large=dict(title='occlusion, large', data='300w', test_set='common',
                         perturbation='occlusion', level='large'),
    blur_medium=dict(title='blur, medium', data='300w', test_set='common',
                     perturbation='motion_blur', level='medium', direction='random'),
    blur_large=dict(title='blur, large', data='300w', test_set='common',
                    perturbation='motion_blur', level='large', direction='random'),
    imm73=dict(title='imm73', data='imm73', test_set='full', unit=r'(\d+)_\d+\.jpg$'),
    video=dict(title='video', data='300vw', test_set='video', unit=stretch),
    video_blur_medium=dict(title='video, blur medium', data='300vw', test_set='video',
                           perturbation='motion_blur', level='medium', direction='motion',
                           unit=stretch),
    video_blur_large=dict(title='video, blur large', data='300vw', test_set='video',
                          perturbation='motion_blur', level='large', direction='motion',
                          unit=stretch),
    rendered_wflw=dict(title='rendered WFLW', data='synthetic_wflw', test_set='test'),
    rendered_aflw=dict(title='rendered AFLW', data='synthetic_aflw', test_set='test'),
)

# Ways to read one model's maps, as changes of its codec.
readings = dict(
    max=dict(title='max', codec=dict(sampling='argmax')),
    bc=dict(title='BC', codec=dict(sampling='barycenter')),
    local=dict(title='local BC', codec=dict(sampling='local_barycenter')),
    # With a Gaussian of face shapes (docs/shape_prior.md), of 300W's training faces.
    shape=dict(title='BC, shape prior',
               codec=dict(type='ShapePriorCodec', sampling='barycenter')),
    local_shape=dict(title='local BC, shape prior',
                     codec=dict(type='ShapePriorCodec', sampling='local_barycenter')),
)
# The same with a flip test, where the comparison of the best recipes looks.
readings.update({
    f'{name}_flip': dict(reading, title=f'{reading["title"]}, flip test', flip=True,
                         tests=('clean', 'occlusion_large'))
    for name, reading in readings.items()
})
del common, stretch
