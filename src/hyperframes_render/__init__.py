"""Render HyperFrames compositions to video."""

__version__ = "0.1.0"
