"""Loops over arrays and nothing else.

A kernel writes into its last arguments. Its caller validates, allocates and passes C-contiguous
arrays; a kernel allocates nothing and releases the GIL, so that replicas run side by side.
Beside each stands its plain definition in NumPy, in the docstring or in tests/reference.py.
"""
