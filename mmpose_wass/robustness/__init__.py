"""How robust models are: every protocol by every model, each measured once, in one report."""
from .boxes import match_boxes, match_faces, read_boxes
from .cache import ResultCache
from .evaluation_sets import DataSet, EvaluationSet, own_data, read_data_files, refuse_bbox_file
from .models import FaceModel, read_models
from .plan import GROUPS, DetectedBoxes, Plan, Protocol, make_plan
from .report import write_report
from .run import Bench, RunOptions, make_jobs

__all__ = [
    'GROUPS', 'Bench', 'DataSet', 'DetectedBoxes', 'EvaluationSet', 'FaceModel', 'Plan',
    'Protocol', 'ResultCache', 'RunOptions', 'make_jobs', 'make_plan', 'match_boxes',
    'match_faces', 'own_data', 'read_boxes', 'read_data_files', 'read_models', 'refuse_bbox_file',
    'write_report'
]
