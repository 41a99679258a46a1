// OpenCL kernels: random.
