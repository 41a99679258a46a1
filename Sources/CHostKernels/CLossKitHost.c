#include "CLossKitHost.h"
