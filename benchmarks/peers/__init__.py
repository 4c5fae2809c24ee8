"""The contenders: one module each, run as a process of its own that obeys a driver."""
