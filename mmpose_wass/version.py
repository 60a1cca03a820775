"""Version of the plugin."""

__version__ = '1.0.0'
