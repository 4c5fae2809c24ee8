"""The proof of a gradient: what backward returns against differences of forward."""

from .gradcheck import adjoint, convergence, gradcheck, without_kinks
from .report import Report

__all__ = ["Report", "adjoint", "convergence", "gradcheck", "without_kinks"]
