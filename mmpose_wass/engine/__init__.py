"""What training and testing need around MMEngine: checkpoints, processes, checks, results."""

from .atomic_dump import AtomicDumpResults
from .atomic_storage import AtomicLocalBackend
from .autocast_optim_wrapper import AutocastOptimWrapper, ChannelsLastHook
from .checkpoint import allow_mmengine_checkpoints, check_checkpoint, load_checkpoint, safe_loading
from .checkpoint_fit_hook import CheckpointFitHook, CheckpointMismatch, check_weights
from .config_loading import load_config
from .coord_conv_hook import CoordConvCheckHook
from .crash_safe_checkpoint_hook import CrashSafeCheckpointHook
from .cross_dataset import CrossDatasetSettings, apply_cross_dataset, cross_dataset_settings
from .data_check import check_data_files
from .data_content_check import check_data_content
from .distributed import finish_processes, is_first_process, prepare_cpu_processes
from .finite_training_hook import FiniteTrainingHook
from .flip_check import check_flip_settings
from .gradient_size_hook import GradientSizeHook
from .landmark_count_check import check_landmark_counts
from .named_test_sets import NamedTestSets, NamedTestSetsEvaluator
from .predictions_hook import PredictionsHook, write_predictions
from .pretrained import PretrainedWeightsError, fetch_pretrained_weights
from .results import atomic_write, check_writable, write_json
from .resume_hooks import PendingValidationHook, RandomStateHook
from .resuming import find_resumable
from .target_sigma_hook import TargetSigmaHook
from .time_budget_hook import TimeBudgetHook

__all__ = [
    'AtomicDumpResults', 'AtomicLocalBackend', 'AutocastOptimWrapper', 'ChannelsLastHook',
    'CheckpointFitHook', 'CheckpointMismatch', 'CoordConvCheckHook', 'CrashSafeCheckpointHook',
    'CrossDatasetSettings', 'FiniteTrainingHook', 'GradientSizeHook', 'NamedTestSets',
    'NamedTestSetsEvaluator', 'PendingValidationHook', 'PredictionsHook', 'PretrainedWeightsError',
    'RandomStateHook', 'TargetSigmaHook', 'TimeBudgetHook', 'allow_mmengine_checkpoints',
    'apply_cross_dataset', 'atomic_write', 'check_checkpoint', 'check_data_content',
    'check_data_files', 'check_flip_settings', 'check_landmark_counts', 'check_weights',
    'check_writable', 'cross_dataset_settings', 'fetch_pretrained_weights', 'find_resumable',
    'finish_processes', 'is_first_process', 'load_checkpoint', 'load_config',
    'prepare_cpu_processes', 'safe_loading', 'write_json', 'write_predictions'
]
