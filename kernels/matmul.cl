// OpenCL kernels: matmul.
