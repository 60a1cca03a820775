"""Evidence: experiments as data, a queue that runs them, and the report made of their results."""

from ..project import CONFIG_ROOT
from .experiments import Experiment, read_experiments

__all__ = ['CONFIG_ROOT', 'Experiment', 'read_experiments']
