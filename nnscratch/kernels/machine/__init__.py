"""What kernels are made of and run on: compilation, vectors, threads, memory."""
