#pragma once
// The CPU's hot loops. Functions work on one thread, on the part of the work they are given; Swift shares the parts out.

#include "losskit_alignment.h"
#include "losskit_cross_entropy.h"
#include "losskit_exact_transport.h"
#include "losskit_expression.h"
#include "losskit_formula.h"
#include "losskit_indexing.h"
#include "losskit_isa.h"
#include "losskit_matmul.h"
#include "losskit_pairs.h"
#include "losskit_random.h"
#include "losskit_rips.h"
#include "losskit_row_pairs.h"
#include "losskit_scan.h"
#include "losskit_softmax.h"
#include "losskit_sort.h"
#include "losskit_spanning_tree.h"
