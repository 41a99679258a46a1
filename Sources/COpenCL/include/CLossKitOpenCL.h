#pragma once
// The OpenCL, CLBlast, OpenBLAS and zlib functions that LossKit uses, found at run time: one list and one table for each library.
// Nothing here links against them, so that a program starts where they are missing.

#include "losskit_blas.h"
#include "losskit_faults.h"
#include "losskit_kernels.h"
#include "losskit_opencl.h"
#include "losskit_zlib.h"
