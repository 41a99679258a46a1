// OpenCL kernels: sort.
