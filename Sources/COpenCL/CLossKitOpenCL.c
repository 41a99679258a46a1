#include "CLossKitOpenCL.h"
