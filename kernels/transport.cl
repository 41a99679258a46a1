// OpenCL kernels: transport.
