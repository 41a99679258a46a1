"""Entropic transport to a marginal error."""

from kernels.entropic_transport import peers

__all__ = ["peers"]
