// OpenCL kernels: softmax.
