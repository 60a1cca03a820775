"""Tests in fresh environments, one for each cell of requirements/matrix.json.

Standard library only: it runs before there is an environment that could import the package.
"""
