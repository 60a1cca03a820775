"""Run measurements, each once."""
from __future__ import annotations

import time
from collections import Counter
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, TextIO, Tuple

import numpy as np
import torch
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmengine.runner.amp import autocast

from ..evaluation import ResultFile
from .cache import ResultCache, StoredResults, describe_content
from .evaluation_sets import count_faces
from .evaluation_settings import EvaluationSettings, LoaderOptions, make_evaluation_settings
from .faces import EvaluationFaces
from .hashing import value_hash
from .models import FaceModel
from .plan import NotRun, Plan, Protocol
from .progress import Progress


@dataclass(frozen=True)
class Job:
    """One model by one protocol.

    Attributes:
        model (FaceModel): The model.
        protocol (Protocol): The protocol.
        settings (EvaluationSettings): How it is tested.
        content (dict): All that the result depends on.
        key (str): Its hash.
        faces (int): How many faces, at most.
    """
    model: FaceModel
    protocol: Protocol
    settings: EvaluationSettings
    content: Dict[str, Any]
    key: str
    faces: int


@dataclass(frozen=True)
class RunOptions:
    """How to run.

    Attributes:
        limit (int | None): Use so many faces of each test set.
        device (str): Where the model runs.
        version (int): Version of the perturbation protocol.
        loading (LoaderOptions): How data are loaded.
    """
    limit: Optional[int] = None
    device: str = 'cpu'
    version: int = 1
    loading: LoaderOptions = LoaderOptions()


def make_jobs(models: Sequence[FaceModel], plan: Plan,
              options: RunOptions) -> Tuple[List[Job], List[NotRun]]:
    """Every model by every protocol, and what does not go together.

    Args:
        models: The models.
        plan: The protocols; several may be of one content (level and point of a curve).
        options: How to run.

    Returns:
        tuple[list[Job], list[NotRun]]: Jobs in the order to run them, one model after the other.
    """
    jobs, not_run = [], []
    for model in models:
        init_default_scope(model.cfg.get('default_scope', 'mmpose'))
        for protocol in plan.all_protocols():
            try:
                settings = make_evaluation_settings(model, protocol, options.version,
                                                    options.loading)
            except (KeyError, ValueError) as error:
                not_run.append(NotRun(protocol.title, message_of(error), model.name))
                continue
            content = describe_content(model, protocol, settings, options.limit, options.device)
            faces = count_faces(protocol.test_set.annotations)
            jobs.append(Job(model, protocol, settings, content, value_hash(content),
                            min(faces, options.limit or faces)))
    return jobs, not_run


class Bench:
    """Runs jobs whose results are not there yet.

    Args:
        cache (ResultCache): Where results are kept.
        options (RunOptions): How to run.
    """
    def __init__(self, cache: ResultCache, options: RunOptions) -> None:
        self.cache, self.options = cache, options
        #: Where data sets and checkpoints print to; None: to the screen.
        self.print_to: Optional[TextIO] = None
        self._model: Tuple[str, Optional[torch.nn.Module]] = ('', None)

    def check_models(self, jobs: Sequence[Job]) -> None:
        """Build each model that has something to run, before anything long starts.

        Raises:
            ValueError: If a checkpoint does not fit its config.
        """
        first = {job.model.name: job for job in reversed(jobs) if not self.cache.has(job.key)}
        for job in first.values():  # the first model last: it is needed next
            self.model_of(job)

    def run_all(self, jobs: Sequence[Job]) -> Tuple[StoredResults, List[NotRun], Counter]:
        """Run what is missing.

        One that fails does not stop the others.

        Args:
            jobs: Jobs; those of one key are run once.

        Returns:
            tuple: Results by key; what failed, and why; and counts of jobs ``run``, ``kept`` from
            an earlier run, and ``failed``.
        """
        distinct: Dict[str, Job] = {}
        for job in jobs:
            distinct.setdefault(job.key, job)
        done = {key for key in distinct if self.cache.load(key) is not None}
        counts: Counter = Counter(kept=len(done))
        missing = [job for key, job in distinct.items() if key not in done]
        progress = Progress(sum(job.faces for job in missing), len(missing))
        failures: Dict[str, str] = {}
        for job in missing:
            progress.start_job(f'{job.model.name}: {job.protocol.title}')
            try:
                note = f'NME {self.run(job, progress).metrics["NME"]:.2f} %'
                done.add(job.key)
                counts['run'] += 1
            except Exception as error:  # the report names it, and other jobs go on
                MMLogger.get_current_instance().exception('a job failed')
                failures[job.key] = f'it failed: {type(error).__name__}: {message_of(error)}'
                note = failures[job.key]
                counts['failed'] += 1
            progress.finish_job(job.faces, note)
        not_run = [NotRun(job.protocol.title, failures[job.key], job.model.name)
                   for job in jobs if job.key in failures]
        return self.cache.results(key for key in distinct if key in done), not_run, counts

    def run(self, job: Job, progress: Optional[Progress] = None) -> ResultFile:
        """Run one job and keep its result."""
        start = time.monotonic()
        prefix = self.cache.start(job.key)
        faces = self.faces_of(job)
        metrics = self._test(job, faces, prefix, progress)
        self.cache.finish(job.key, job.content, model=job.model.name, protocol=job.protocol.key,
                          metrics=metrics, faces=len(faces), detections=faces.detections,
                          seconds=round(time.monotonic() - start, 2))
        result = self.cache.load(job.key)
        if result is None:
            raise RuntimeError(f'the result in {prefix} cannot be read back')
        return result

    def faces_of(self, job: Job) -> EvaluationFaces:
        """The job's faces."""
        with self.quiet():
            return EvaluationFaces(job.settings, job.protocol, self.options.limit)

    def quiet(self):
        """A context in which what libraries print goes to ``print_to``."""
        return nullcontext() if self.print_to is None else redirect_stdout(self.print_to)

    def model_of(self, job: Job) -> torch.nn.Module:
        """The job's model, built once for all jobs in a row."""
        identity = value_hash([job.content['model'], job.content['checkpoint']])
        if self._model[0] != identity:
            self._model = ('', None)  # the memory of the one before is free first
            init_default_scope(job.model.cfg.get('default_scope', 'mmpose'))
            with self.quiet():
                self._model = (identity, job.model.build(self.options.device))
        return self._model[1]

    def predict(self, job: Job, batch: Any) -> list:
        """Data samples with the model's predictions."""
        with torch.no_grad(), autocast(enabled=job.settings.fp16):
            return self.model_of(job).test_step(batch)

    def _test(self, job: Job, faces: EvaluationFaces, prefix: str,
              progress: Optional[Progress]) -> Dict[str, float]:
        loader = Runner.build_dataloader(dict(job.settings.dataloader, dataset=faces), seed=0)
        evaluator = Evaluator([dict(job.settings.metric, outfile_prefix=prefix)])
        evaluator.dataset_meta = faces.metainfo
        for batch in loader:
            samples = self.predict(job, batch)
            for sample in samples:
                if sample.metainfo.get('id') in faces.missed:
                    # What nobody looked at cannot be right: an infinite error.
                    sample.pred_instances.keypoints = np.full_like(
                        sample.pred_instances.keypoints, np.nan)
            evaluator.process(data_samples=samples, data_batch=batch)
            if progress is not None:
                progress.advance(len(samples))
        return {name: float(value) for name, value in evaluator.evaluate(len(faces)).items()}


def message_of(error: Exception) -> str:
    """Its message; a KeyError's without quotes."""
    return str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
