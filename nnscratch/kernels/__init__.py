"""What layers, losses, data and optimisers are computed with: definitions, and fast kernels.

plain.py, plain_*.py    every operation in NumPy: read these
paths.py                what chooses between a definition and the kernel of the same name
the other modules       the kernels: a Python function that allocates, and loops that Numba
                        compiles, which write into arrays they are given, allocate nothing (Numba
                        refuses to compile one that does) and release the GIL, so that replicas run
                        side by side
machine/                what kernels are made of and run on
"""
