// OpenCL kernels: measure.
