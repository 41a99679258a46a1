// OpenCL kernels: convolution.
