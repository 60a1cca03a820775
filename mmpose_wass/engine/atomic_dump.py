"""MMEngine's dump of predictions, whole or not at all."""

from __future__ import annotations

import pickle
from typing import Any, Dict, List, Optional

from mmengine.evaluator import DumpResults
from mmengine.logging import MMLogger
from mmpose.registry import METRICS

from .results import atomic_write


@METRICS.register_module()
class AtomicDumpResults(DumpResults):
    """Dump the samples that a test predicts to a pickle, as MMEngine's ``DumpResults`` does.

    A dump that cannot be written does not take the other metrics of the evaluator with it: the
    error is logged and kept, for who runs the test to raise at the end.

    Attributes:
        failure (OSError | None): Why the last dump was not written.
    """

    failure: Optional[OSError] = None

    def compute_metrics(self, results: List[Any]) -> Dict[str, float]:
        """Write the pickle.

        Args:
            results: What the processes collected.

        Returns:
            dict: Nothing.
        """
        self.failure = None
        logger = MMLogger.get_current_instance()
        try:
            with atomic_write(self.out_file_path, 'wb') as file:
                pickle.dump(results, file, protocol=4)
            logger.info(f'Results has been saved to {self.out_file_path}.')
        except OSError as error:
            logger.error(f'the dump of predictions is not written: {error}')
            self.failure = error
        return {}
