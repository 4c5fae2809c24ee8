"""A trained model as a file for other programs."""

from .model import export_onnx

__all__ = ["export_onnx"]
