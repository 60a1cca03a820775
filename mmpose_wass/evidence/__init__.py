"""Evidence: experiments as data, a queue that runs them, and the report made of their results."""

from .experiments import CONFIG_ROOT, Experiment, read_experiments

__all__ = ['CONFIG_ROOT', 'Experiment', 'read_experiments']
