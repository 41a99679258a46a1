// OpenCL kernels: spanning_tree.
