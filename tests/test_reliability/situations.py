"""What was tried, what happens, and where that is tested: the table of docs/reliability.md.

Tests compare what a user is told with the messages here, so that the table cannot say anything
else. ``<…>`` in a message stands for any text.
"""
from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Tuple


class Situation(NamedTuple):
    """One thing that can go wrong.

    Attributes:
        tried: What it is.
        happens: What happens.
        message: What the user is told; empty where nothing is to be told.
        tests: Functions that test it, ``file.py::function`` below ``tests``.
    """
    tried: str
    happens: str
    message: str
    tests: Tuple[str, ...]


HERE = 'test_reliability/'
KILLED = (f'{HERE}test_killed_runs.py::test_killed_and_resumed', )
IMAGES = (f'{HERE}test_bad_images.py::test_unusable_images', )
RECORDS = (f'{HERE}test_bad_annotations.py::test_bad_records', )
FILES = (f'{HERE}test_bad_annotations.py::test_bad_files', )
DISKS = f'{HERE}test_full_disks.py::'
NUMBERS = f'{HERE}test_not_a_number.py::'
FUZZ = f'{HERE}test_fuzzing.py::'
CONTENT = f'{HERE}test_hostile_content.py::'
CHECK = 'test_datasets/test_check_dataset.py::'
DEMO = 'test_tools/test_demo.py::'
FILMS = 'test_inference/test_film_files.py::'
PICTURES = 'test_inference/test_read_image.py::'
EXPORTS = 'test_deployment/test_export_files.py::'
STOPPED = 'error: data that cannot be used: <…>'

SITUATIONS: Dict[str, Dict[str, Situation]] = {
    'Runs that are killed': {
        'kill-train': Situation(
            'SIGKILL in a training step (first epoch, later epoch)',
            'resumes from the last checkpoint; final metrics and weights equal those of an '
            'uninterrupted run to the last bit', '', KILLED),
        'kill-val': Situation(
            'SIGKILL in a validation', 'the same; the validation that was cut is made up for first',
            'PendingValidationHook: the checkpoint of epoch <…> has not been validated yet '
            '(the run was cut before)', KILLED),
        'kill-last-val': Situation(
            'SIGKILL in the last validation', 'the same: `--resume` validates and ends', '',
            KILLED),
        'kill-write': Situation(
            'killed in the middle of writing a checkpoint, also with `max_keep_ckpts=1` and in '
            'writing the best one', 'no file of that name appears, the one before is still there '
            'and is resumed from', '', KILLED),
        'kill-report': Situation(
            'robustness report killed and started again', 'goes on where it was', '',
            ('test_tools/test_robustness_tool.py::test_killed_and_started_again', )),
        'kill-prepare': Situation(
            'preparation of a data set, and drawing of faces, interrupted',
            'goes on, or begins that file again; nothing half written', '',
            ('test_datasets/test_prepare_300w.py::test_interrupted_run_goes_on',
             'test_datasets/test_prepare_300vw.py::test_interrupted_run_goes_on',
             'test_datasets/test_prepare_cofw.py::test_interrupted_run_goes_on',
             'test_datasets/test_write_dataset.py::test_interrupted_run_goes_on')),
        'kill-evaluation': Situation(
            'an evaluation interrupted while it writes', 'the files of the last one stay', '',
            ('test_evaluation/test_result_reading.py::'
             'test_an_interrupted_evaluation_leaves_the_last_one', )),
        'resume-damaged': Situation(
            'the last checkpoint is damaged (by a crash of the machine, say)',
            'the one before is taken, and that is said',
            'warning: not resumed from <…>epoch_2.pth: checkpoint <…>epoch_2.pth: <…>damaged<…>',
            (f'{HERE}test_resuming.py::test_the_newest_whole_checkpoint_is_taken', )),
        'resume-all-damaged': Situation(
            'all checkpoints are damaged', 'stops',
            '--resume: all 2 checkpoints in <…> are damaged (<…>). Remove them to start anew, or '
            'name another one: --resume CHECKPOINT',
            (f'{HERE}test_resuming.py::test_nothing_whole_is_an_error', )),
        'resume-workers': Situation(
            'resumed with `persistent_workers=True`, or with another number of processes',
            'goes on; random augmentation is not that of the uninterrupted run, and that is said',
            'RandomStateHook: <…>',
            (f'{HERE}test_resuming.py::test_what_cannot_be_set_back_is_said', )),
        'two-processes': Situation(
            'two processes instead of one', 'the same parameters to 1e-5, the same predictions and '
            'metrics to the last digit', '',
            ('test_tools/test_distributed.py::test_training_gives_the_same_parameters',
             'test_tools/test_distributed.py::test_evaluation_is_identical_to_the_last_digit')),
    },
    'Disks that are full': {
        'full-training': Situation(
            'disk full while a checkpoint is written', 'stops; earlier checkpoints are whole, and '
            '`--resume` gives the uninterrupted run\'s result',
            'error: [Errno <…>] <…>; it was not written; <…>epoch_3.pth\'\n'
            'To go on from <…>epoch_2.pth, mend the cause and give the same command with '
            '--resume.', (f'{DISKS}test_training_on_a_full_disk', )),
        'full-metrics': Situation(
            'disk full while an evaluation writes its result files',
            'old files stay whole; the measures are in the log before it stops',
            'FaceLandmarkMetric could not write its result files; it measured {<…>}',
            (f'{DISKS}test_measures_are_not_lost', )),
        'full-predictions': Situation(
            'disk full while `tools/test.py` writes predictions, a dump or metrics',
            'what can be written is; exit status 1',
            'error: [Errno 28] No space left on device; it was not written; free some space there '
            'or choose another folder: <…>', (f'{DISKS}test_results_on_a_full_disk', )),
        'full-before': Situation(
            'results cannot be written at all (no permission, a folder of that name)',
            'stops before the test, not after it', 'error: [Errno <…>] <…>; <…>',
            (f'{DISKS}test_unwritable_results_are_told_before_the_test', )),
        'full-any': Situation(
            'a real file system of 256 kB that fills up',
            'every writer leaves the old file whole and no remains',
            '[Errno 28] No space left on device; what was there before is unchanged; free some '
            'space there or choose another folder: <…>', (f'{DISKS}test_a_real_small_disk', )),
    },
    'Images': {
        'image-missing': Situation(
            'missing', 'stops before training', 'image missing: 1, such as <…> (No such file or '
            'directory)', IMAGES),
        'image-zero': Situation(
            'of zero bytes', 'stops before training', 'image corrupt: 1, such as <…> (the file is '
            'empty, 0 bytes; copy it again)', IMAGES),
        'image-cut': Situation(
            'cut off (JPEG, PNG)', 'stops before training', 'image corrupt: 1, such as <…> (the '
            'end of the <…> file is missing after <…> bytes; copy it again)', IMAGES),
        'image-text': Situation(
            'no image at all (noise, an HTML page)', 'stops before training', 'image corrupt: 1, '
            'such as <…> (no image format that is known; copy it again)', IMAGES),
        'image-size': Situation(
            'scaled after annotating', 'stops before training',
            'image of another size than its width and height say: 1, such as <…>', IMAGES),
        'image-rotated': Situation(
            'with an EXIF rotation, which OpenCV applies', 'goes on, and says it',
            'warning: <…>: image with an EXIF rotation, which MMPose applies and annotations '
            'seldom know: 1, such as <…>',
            (f'{HERE}test_bad_images.py::test_exif_rotation_is_said',
             f'{CHECK}test_rotated_image')),
        'image-kinds': Situation(
            '16 bits, grey, palette, one bit, RGBA, CMYK', 'read as three channels of 8 bits', '',
            (f'{HERE}test_bad_images.py::test_unusual_images_are_read', )),
        'image-one': Situation(
            'of one pixel; a face box outside of the image', 'a crop of finite values', '',
            (f'{HERE}test_bad_images.py::test_tiny_images_and_boxes_outside', )),
        'image-bits': Situation(
            'a JPEG with flipped bits, which decoders repair with a guess',
            '`prepare_data.py check` warns of it; training reads the guess, as any program does',
            'image that its decoder repaired: <…>: Corrupt JPEG data: <…>',
            (f'{HERE}test_bad_images.py::test_flipped_bits_are_found_by_the_check', )),
        'image-name': Situation(
            'a file name that is no UTF-8', 'is trained on, tested, and written to JSON and back',
            '', (f'{HERE}test_bad_images.py::test_names_that_are_no_utf8', )),
        'image-check': Situation(
            'all of these, in a data set that is checked', 'errors or warnings with file names, '
            '`check.json`, exit status 1', '',
            (f'{CHECK}test_missing_and_damaged_images', f'{CHECK}test_rotated_image')),
    },
    'Annotations': {
        'ann-nan': Situation(
            'a landmark that is NaN or infinite', 'stops before training',
            'landmark or flag not a finite number: 1, such as test_2.png (annotation 2)', RECORDS),
        'ann-far': Situation(
            'a landmark far outside of the image', 'goes on (it gets no target, weight 0), and '
            'says it', 'warning: <…>: landmark outside of the image: 1, such as test_2.png '
            '(annotation 2)',
            (f'{HERE}test_bad_annotations.py::test_landmarks_far_outside_are_said', )),
        'ann-box': Situation(
            'a box of no size, negative, NaN or missing', 'stops before training',
            'box missing, empty or not finite: 1, such as test_2.png (annotation 2)', RECORDS),
        'ann-count': Situation(
            'another number of landmarks than the others or than the data set\'s class',
            'stops before training', '67 landmarks in keypoints, but train_dataloader.dataset.type '
            'Face300WDataset has 68: 1, such as test_2.png (annotation 2)', RECORDS),
        'ann-triples': Situation(
            'keypoints that are no triples, no numbers, or missing', 'stops before training',
            'keypoints missing or not triples of numbers: 1, such as test_2.png (annotation 2)',
            RECORDS),
        'ann-none': Situation(
            'no landmark annotated', 'stops before training',
            'no landmark annotated: 1, such as test_2.png (annotation 2)', RECORDS),
        'ann-ids': Situation(
            'an id given twice, of which MMPose would drop one', 'stops before training',
            'annotation id given more than once: 1, such as 1', RECORDS),
        'ann-image-ids': Situation(
            'an image id given twice', 'stops before training',
            'image id given more than once: 1, such as 1', RECORDS),
        'ann-stranger': Situation(
            'an annotation of an image that is not listed', 'stops before training',
            'annotation of an image that is not listed: 1, such as 2', RECORDS),
        'ann-fields': Situation(
            'a field that MMPose reads is missing', 'stops before training',
            'field <…> missing, which Face300WDataset reads: 1, such as <…>', RECORDS),
        'ann-empty': Situation(
            'a file of zero bytes', 'stops before training',
            'the file is empty (0 bytes); write or copy it again', FILES),
        'ann-cut': Situation(
            'a file that is cut off', 'stops before training',
            'is no JSON, it may be cut off (<…>); write or copy it again', FILES),
        'ann-latin': Situation(
            'a file in Latin-1', 'stops before training',
            'is not encoded in UTF-8 (<…> at byte <…>); convert it, for example with iconv', FILES),
        'ann-other': Situation(
            'JSON of something else', 'stops before training',
            'has no list of records \'images\'; expected COCO\'s layout, as tools/prepare_data.py '
            'writes it', FILES),
        'ann-no-faces': Situation(
            'an empty data set', 'stops before training or test',
            'lists no <…>: the data set is empty', FILES),
        'ann-missing': Situation(
            'a file or folder that is not there', 'stops, with the option that mends it',
            'data not found: <…>',
            ('test_engine/test_files_and_results.py::'
             'test_every_missing_file_is_named_with_its_option', )),
        'ann-path': Situation(
            'a folder in the config whose name is no UTF-8', 'stops before training',
            'train_dataloader.dataset.data_root = <…>: holds bytes that are no UTF-8, which the '
            'config of the run cannot be written with. Rename the folder, or make a symbolic link '
            'to it (ln -s) and name that',
            (f'{HERE}test_bad_annotations.py::test_folders_that_are_no_utf8', )),
        'ann-check': Situation(
            'all of these, in a data set that is checked', 'errors with file and record', '',
            (f'{CHECK}test_bad_records', f'{CHECK}test_file_that_is_cut_off')),
        'ann-metric': Situation(
            'NaN in the annotation of an evaluation', 'refused', '',
            ('test_evaluation/test_measures.py::test_valid_target_not_finite_is_refused', )),
        'ann-empty-metric': Situation(
            'an evaluation of no face', 'refused', '',
            ('test_evaluation/test_face_landmark_metric.py::test_nothing_to_score_is_an_error',
             'test_engine/test_named_test_sets.py::test_a_set_without_faces_is_named')),
    },
    'Parts that do not fit': {
        'fit-config': Situation(
            'model and data of different numbers of landmarks', 'stops before training or test',
            'error: model.head.out_channels = 98, but train_dataloader.dataset (Face300WDataset) '
            'has 68 landmarks. If the data are right, set it: --cfg-options '
            'model.head.out_channels=68. <…>',
            (f'{HERE}test_mismatches.py::test_model_and_data', )),
        'fit-checkpoint': Situation(
            'a checkpoint of another number of landmarks, in a test or resumed',
            'stops; MMEngine would test random weights',
            'error: checkpoint <…>: predicts 68 landmarks, the model of <…> 98 '
            '(model.head.out_channels; weights head.final_layer.weight). <…>',
            (f'{HERE}test_mismatches.py::test_checkpoint_of_another_scheme', )),
        'fit-model': Situation(
            'a checkpoint of another model', 'stops',
            'error: checkpoint <…>: does not fit the model of <…>: <…> weights are <…>',
            (f'{HERE}test_mismatches.py::test_checkpoint_of_another_model',
             'test_robustness/test_kinds_of_models.py::test_weights_that_do_not_fit_are_refused')),
        'fit-coord-conv': Situation(
            'a CoordConv checkpoint for a model without coordinates', 'stops', '',
            ('test_models/test_layers/test_coord_conv.py::'
             'test_estimator_loads_plain_weights_and_the_reverse_is_refused', )),
        'fit-schemes': Situation(
            'predictions and annotation of different numbers of landmarks in the metric',
            'refused, with the argument that compares them', '',
            ('test_evaluation/test_face_landmark_metric.py::test_model_of_another_scheme', )),
        'fit-results': Situation(
            'result files that are damaged, of two evaluations, or pickled', 'refused', '',
            ('test_evaluation/test_result_reading.py::test_truncated',
             'test_evaluation/test_result_reading.py::test_files_of_two_evaluations',
             'test_evaluation/test_result_reading.py::test_pickles_are_not_opened')),
    },
    'Numbers that are none': {
        'nan-loss': Situation(
            'a loss that is NaN or infinite', 'stops at once (under mixed precision after ten '
            'steps in a row); earlier checkpoints stay',
            'error: loss = nan<…>, at epoch <…>, iteration <…>, images <…>. Lower the learning '
            'rate (optim_wrapper.optimizer.lr), clip gradients '
            '(optim_wrapper.clip_grad=dict(max_norm=1.0))<…>',
            (f'{NUMBERS}test_training_stops_and_keeps_the_good_checkpoint',
             f'{NUMBERS}test_overflow_under_a_loss_scaler_is_borne_for_a_while')),
        'nan-weights': Situation(
            'weights that are NaN', 'are not saved',
            'the weights <…> are not finite at epoch <…>, iteration <…>; they are not saved, and '
            'earlier checkpoints stay in <…>',
            (f'{NUMBERS}test_broken_weights_are_not_saved', )),
        'nan-predictions': Situation(
            'logits that are NaN or infinite in a test', 'the landmark is NaN: a failure with '
            'infinite error in every measure, counted and warned of', '',
            (f'{NUMBERS}test_logits_that_are_none_never_look_like_a_landmark',
             'test_evaluation/test_face_landmark_metric.py::'
             'test_predictions_not_finite_are_failures')),
        'nan-half': Situation(
            'logits near the largest number of fp16', 'finite losses and gradients, landmarks as '
            'in fp32', '', (f'{NUMBERS}test_largest_logits_of_half_precision',
                            'test_models/test_losses/test_losses.py::'
                            'test_bfloat16_autocast_inputs')),
        'nan-json': Situation(
            'measures that are NaN or infinite', 'written as valid JSON', '',
            ('test_engine/test_files_and_results.py::test_json_is_strict_and_complete',
             'test_evaluation/test_face_landmark_metric.py::'
             'test_infinity_is_written_as_valid_json')),
    },
    'Hostile files': {
        'evil-pickle': Situation(
            'checkpoints that would run code (eight ways, in three places)', 'refused, not run',
            'checkpoint <…>: refused by safe loading, or damaged. <…>',
            ('test_engine/test_checkpoint.py::test_crafted_files_are_refused',
             f'{CONTENT}test_no_tool_runs_a_crafted_checkpoint')),
        'evil-archive': Situation(
            'archives whose members leave their folder, are links, devices, or lie on each other',
            'refused, nothing is written outside',
            '<…>: its member <…> would be written outside of the folder; this is no official '
            'archive, do not use it',
            ('test_datasets/test_prepare_300w.py::test_archive_that_leaves_its_folder',
             'test_datasets/test_prepare_wflw.py::test_archive_with_a_link',
             f'{CONTENT}test_archives_stay_in_their_folder')),
        'evil-archive-damaged': Situation(
            'archives that are truncated, damaged inside, or lack a part', 'refused', '',
            ('test_datasets/test_prepare_300w.py::test_truncated_archive',
             'test_datasets/test_prepare_300w.py::test_damaged_inside',
             'test_datasets/test_prepare_300w.py::test_lost_part',
             'test_datasets/test_prepare_wflw.py::test_truncated_archive')),
        'evil-html': Situation(
            'names with HTML or Markdown in reports', 'are text',
            '', ('test_robustness/test_report_pages.py::test_names_are_text_everywhere',
                 'test_robustness/test_report_pages.py::test_the_page_needs_nothing_from_outside',
                 f'{CONTENT}test_any_text_stays_text_in_html')),
    },
    'Own images and films': {
        'own-damaged': Situation(
            'images that are empty, cut off, damaged, or none', 'the rest goes on; in the JSON '
            'without faces and with the problem; exit status 1', 'problem: <…>: is empty (0 '
            'bytes); copy it again', (
                f'{DEMO}test_damaged_pictures_are_told_and_the_rest_goes_on',
                f'{PICTURES}test_damaged_files')),
        'own-missing': Situation(
            'an image of the list on standard input that is not there', 'the same',
            'problem: <…>: no such file', (f'{DEMO}test_list_on_standard_input', )),
        'own-kinds': Situation(
            'grey, palette, 16 bits, transparent, CMYK, several pages, one pixel',
            'read as 8-bit colour; of several pages the first, with a note', '', (
                f'{PICTURES}test_grey_sixteen_bits_and_palette',
                f'{PICTURES}test_transparency_lies_on_white', f'{PICTURES}test_cmyk',
                f'{PICTURES}test_first_of_several_pages', f'{PICTURES}test_one_pixel')),
        'own-rotated': Situation(
            'an EXIF rotation', 'landmarks and drawing are of the upright picture', '', (
                f'{DEMO}test_held_turned', f'{PICTURES}test_exif_orientation')),
        'own-array': Situation(
            'anything else than a path or a picture given to `FaceLandmarker`', 'refused',
            'an image must be a path or an array, uint8 [H, W, 3] (BGR, as OpenCV reads it) or '
            '[H, W], found None (NoneType)',
            ('test_inference/test_face_landmarker.py::test_wrong_images', )),
        'own-name': Situation(
            'an image whose name is no UTF-8', 'read, drawn, and written to JSON and back', '',
            (f'{DEMO}test_names_that_are_no_utf8', )),
        'own-film-name': Situation(
            'a film or folder whose name is no UTF-8, at which OpenCV ends the process',
            'read and written, through a link; where there can be none, refused',
            '<…>: this name is no UTF-8, which OpenCV cannot be given (<…>); rename the file', (
                f'{FILMS}test_names_that_are_no_utf8',
                f'{FILMS}test_the_remedy_where_there_can_be_no_link',
                'test_datasets/test_prepare_300vw.py::test_folder_whose_name_is_no_utf8')),
        'own-film-cut': Situation(
            'a film that is cut off', 'all that can be decoded, exit status 1',
            'problem: <…>: states 24 frames, <…> could be decoded; <…> are missing: the film is '
            'damaged or cut off',
            (f'{DEMO}test_cut_off_film', f'{FILMS}test_cut_off_film_is_told')),
        'own-film-none': Situation(
            'a file that is no film, or a camera that is not there', 'the rest goes on, exit '
            'status 1', '<…>: cannot be opened as a film: <…>', (
                f'{FILMS}test_what_is_no_film', f'{FILMS}test_no_such_camera')),
        'own-frame': Situation(
            'frames that cannot be decoded', 'the film that is written shows the picture before '
            'them; in the JSON without faces and with the problem',
            'problem: <…>: frame 7 cannot be decoded; the film is damaged there',
            (f'{DEMO}test_frames_that_cannot_be_decoded_keep_their_place', )),
        'own-box': Situation(
            'a given box outside of its image; boxes of images that are not there',
            'the rest goes on, exit status 1', 'problem: <…>: box 0 (<…>): lies outside the image '
            'of <…>', (f'{DEMO}test_given_boxes',
                       'test_inference/test_face_landmarker.py::test_wrong_boxes')),
        'own-nan': Situation(
            'a checkpoint that gives NaN, in given and detected boxes, images and films',
            '`null` in the JSON, exit status 1; never "no face"',
            'problem: <…>: landmarks of <…> faces are not finite: is the checkpoint sound?',
            (f'{DEMO}test_landmarks_that_are_not_finite', 'test_inference/test_face_tracker.py::'
             'test_broken_landmarks_are_returned_once_and_not_followed')),
        'own-interrupt': Situation(
            'Ctrl-C', 'what was done is finished and kept, exit status 130',
            'interrupted: the results hold what was done until then',
            (f'{DEMO}test_interrupted_run_keeps_what_was_done', )),
        'own-full': Situation(
            'disk full while results are written', 'stops; what was found until then is in '
            '`landmarks.json.part`, line by line; a film that lacks frames gets no name',
            'error: [Errno 28] No space left on device<…>',
            (f'{DEMO}test_full_disk', f'{FILMS}test_lost_frames_are_noticed')),
        'own-options': Situation(
            'a device that is not there, an ending that cannot be written, an output that is the '
            'input', 'stops before any work', '', (
                f'{DEMO}test_errors_say_what_to_do', 'test_engine/test_device.py::'
                'test_what_there_is_not', 'test_engine/test_device.py::'
                'test_every_tool_says_so_first')),
    },
    'Pictures of a training': {
        'picture-landmark': Situation(
            'a landmark in `HeatmapVisualizationHook` that the model has not',
            'stops before training', '',
            ('test_visualization/test_heatmap_hook.py::'
             'test_an_unknown_landmark_is_told_before_the_training', )),
        'picture-nan': Situation(
            'predictions that are not finite', 'are the first of the worst faces', '',
            ('test_visualization/test_heatmap_hook.py::'
             'test_predictions_that_are_not_finite_are_the_worst', )),
    },
    'Exports': {
        'export-parity': Situation(
            'an export that disagrees with PyTorch', 'is kept apart; the earlier file stays', '', (
                f'{EXPORTS}test_a_disagreeing_export_is_kept_apart_and_the_earlier_file_stays',
                f'{EXPORTS}test_parity_notices_one_landmark_in_one_image')),
        'export-fails': Situation(
            'an exporter that fails, or a disk that is full', 'no file; an earlier one stays whole',
            '', (f'{EXPORTS}test_a_failing_exporter_leaves_no_file',
                 f'{EXPORTS}test_a_full_disk_leaves_the_earlier_file')),
        'export-damaged': Situation(
            'a damaged ONNX, TorchScript or `torch.export` file', 'refused by name', '',
            (f'{EXPORTS}test_damaged_files_are_refused_by_name', )),
        'export-other': Situation(
            'a file of another program, or of a newer version', 'refused', '',
            (f'{EXPORTS}test_other_models_and_newer_metadata_are_refused', )),
        'export-package': Situation(
            'a package that is missing', 'stops, with the remedy', '',
            (f'{EXPORTS}test_a_missing_package_is_named_with_the_remedy', )),
        'export-codec': Situation(
            'a codec or model that cannot be exported', 'refused, with the remedy', '',
            ('test_deployment/test_export_module.py::'
             'test_what_cannot_be_exported_is_named_with_the_remedy', )),
    },
    'Random input': {
        'fuzz-codec': Situation(
            'codec: any landmarks, sizes, sigma, conventions', 'targets are distributions, '
            'landmarks come back, or a ValueError', '',
            (f'{FUZZ}test_codec_round_trip', f'{FUZZ}test_codec_takes_any_landmark',
             f'{FUZZ}test_codec_decodes_any_map')),
        'fuzz-metric': Situation(
            'measures: any predictions, targets, visibility', 'failure rates in [0, 100], faces '
            'add up, order does not matter', '', (f'{FUZZ}test_measures_of_anything', )),
        'fuzz-converters': Situation(
            'conversions between landmark schemes', 'affine maps and mirror images commute with '
            'them', '', (f'{FUZZ}test_conversions_commute_with_affine_maps', )),
        'fuzz-preparation': Situation(
            '`.pts` files, annotation records and image files of any bytes', 'read, or an error '
            'that names the file', '',
            (f'{FUZZ}test_any_pts_file', f'{FUZZ}test_any_annotation_record',
             f'{FUZZ}test_any_image_bytes')),
        'fuzz-options': Situation(
            '`--wass` with any options on any heatmap config; any `--cfg-options`',
            'a config that is whole and rewritten alike twice, or an error that names the option',
            '', (f'{FUZZ}test_any_options_of_turn_on', f'{FUZZ}test_any_cfg_option')),
        'fuzz-transport': Situation(
            'the transport solver on any maps', 'the properties of a distance', '',
            ('test_ot/test_properties.py::test_non_negative',
             'test_ot/test_properties.py::'
             'test_triangle_inequality_against_exact_values')),
    },
    'Long runs': {
        'long-memory': Situation(
            '1,000 training steps and 1,000 decoded batches', 'memory stays flat', '',
            (f'{HERE}test_memory.py::test_memory_is_flat', )),
    },
}


def find(key: str) -> Situation:
    """A situation by its key."""
    return {**{key: one for group in SITUATIONS.values() for key, one in group.items()}}[key]


def told(key: str, text: str) -> bool:
    """Whether a text holds the message of a situation; white space counts once."""
    pattern = '.*?'.join(re.escape(_flat(part)) for part in find(key).message.split('<…>'))
    return re.search(pattern, _flat(text), re.DOTALL) is not None


def _flat(text: str) -> str:
    return re.sub(r'\s+', ' ', text)


def all_tests() -> List[str]:
    """Every test that the table names, once."""
    return sorted({test for group in SITUATIONS.values() for one in group.values()
                   for test in one.tests})
