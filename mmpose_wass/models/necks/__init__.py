"""Necks."""

from .cpn_neck import CPNNeck

__all__ = ['CPNNeck']
