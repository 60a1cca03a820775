"""Data sets, and the means to make them."""
