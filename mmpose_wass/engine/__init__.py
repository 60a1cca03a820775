"""What training and testing need around MMEngine: checkpoints, processes, checks, results."""

from .autocast_optim_wrapper import AutocastOptimWrapper, ChannelsLastHook
from .checkpoint import allow_mmengine_checkpoints, check_checkpoint
from .config_loading import load_config
from .coord_conv_hook import CoordConvCheckHook
from .cross_dataset import CrossDatasetSettings, apply_cross_dataset, cross_dataset_settings
from .data_check import check_data_files
from .distributed import finish_processes, is_first_process, prepare_cpu_processes
from .flip_check import check_flip_settings
from .named_test_sets import NamedTestSets, NamedTestSetsEvaluator
from .predictions_hook import PredictionsHook, write_predictions
from .pretrained import PretrainedWeightsError, fetch_pretrained_weights
from .results import write_json
from .time_budget_hook import TimeBudgetHook

__all__ = [
    'AutocastOptimWrapper', 'ChannelsLastHook', 'CoordConvCheckHook', 'CrossDatasetSettings',
    'NamedTestSets', 'NamedTestSetsEvaluator', 'PredictionsHook', 'PretrainedWeightsError',
    'TimeBudgetHook', 'allow_mmengine_checkpoints', 'apply_cross_dataset', 'check_checkpoint',
    'check_data_files', 'check_flip_settings', 'cross_dataset_settings',
    'fetch_pretrained_weights', 'finish_processes', 'is_first_process', 'load_config',
    'prepare_cpu_processes', 'write_json', 'write_predictions'
]
