"""Official data sets, prepared for MMPose; and a check of any prepared set.

:mod:`.archives` takes downloads apart, one module for each data set reads its layout, :mod:`.coco`
writes the annotation files, :mod:`.counts` knows how many faces there should be and :mod:`.report`
decides whether what was found may be written. Nothing is written by halves: images appear whole,
and annotation files come last.
"""
from .aflw import prepare_aflw
from .check import check_dataset
from .check_result import CheckResult
from .cofw import prepare_cofw
from .ibug_300vw import prepare_300vw
from .ibug_300w import prepare_300w
from .report import PreparationError, PreparationReport
from .wflw import prepare_wflw

#: From name of a data set to the function that prepares it.
PREPARE = {
    '300w': prepare_300w,
    '300vw': prepare_300vw,
    'wflw': prepare_wflw,
    'cofw': prepare_cofw,
    'aflw': prepare_aflw,
}

__all__ = [
    'PREPARE', 'CheckResult', 'PreparationError', 'PreparationReport', 'check_dataset',
    'prepare_300vw', 'prepare_300w', 'prepare_aflw', 'prepare_cofw', 'prepare_wflw'
]
