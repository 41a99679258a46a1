// OpenCL kernels: pairwise.
