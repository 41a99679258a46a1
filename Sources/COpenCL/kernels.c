#include "losskit_kernels.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

// The files that travel in the binary: an array each, and a row each in the table below.
static const unsigned char common_clh[] = {
#embed "../../kernels/common.clh"
};
static const unsigned char vector_math_clh[] = {
#embed "../../kernels/vector_math.clh"
};
static const unsigned char special_clh[] = {
#embed "../../kernels/special.clh"
};
static const unsigned char rows_clh[] = {
#embed "../../kernels/rows.clh"
};
static const unsigned char cross_entropy_clh[] = {
#embed "../../kernels/cross_entropy.clh"
};
static const unsigned char opcodes_clh[] = {
#embed "../../kernels/opcodes.clh"
};
static const unsigned char formula_clh[] = {
#embed "../../kernels/formula.clh"
};
static const unsigned char expression_cl[] = {
#embed "../../kernels/expression.cl"
};
static const unsigned char softmax_cl[] = {
#embed "../../kernels/softmax.cl"
};
static const unsigned char linear_cross_entropy_cl[] = {
#embed "../../kernels/linear_cross_entropy.cl"
};
static const unsigned char softmax_rows_cl[] = {
#embed "../../kernels/softmax_rows.cl"
};
static const unsigned char pairwise_cl[] = {
#embed "../../kernels/pairwise.cl"
};
static const unsigned char coordinate_pairs_cl[] = {
#embed "../../kernels/coordinate_pairs.cl"
};
static const unsigned char neighbors_cl[] = {
#embed "../../kernels/neighbors.cl"
};
static const unsigned char row_pairs_cl[] = {
#embed "../../kernels/row_pairs.cl"
};
static const unsigned char transport_cl[] = {
#embed "../../kernels/transport.cl"
};
static const unsigned char spanning_tree_cl[] = {
#embed "../../kernels/spanning_tree.cl"
};
static const unsigned char spanning_forest_cl[] = {
#embed "../../kernels/spanning_forest.cl"
};
static const unsigned char cubical_cl[] = {
#embed "../../kernels/cubical.cl"
};
static const unsigned char rips_cl[] = {
#embed "../../kernels/rips.cl"
};
static const unsigned char alignment_cl[] = {
#embed "../../kernels/alignment.cl"
};
static const unsigned char warping_cl[] = {
#embed "../../kernels/warping.cl"
};
static const unsigned char scan_cl[] = {
#embed "../../kernels/scan.cl"
};
static const unsigned char sort_cl[] = {
#embed "../../kernels/sort.cl"
};
static const unsigned char random_numbers_clh[] = {
#embed "../../kernels/random_numbers.clh"
};
static const unsigned char random_cl[] = {
#embed "../../kernels/random.cl"
};
static const unsigned char indexing_cl[] = {
#embed "../../kernels/indexing.cl"
};
static const unsigned char matmul_cl[] = {
#embed "../../kernels/matmul.cl"
};
static const unsigned char measure_cl[] = {
#embed "../../kernels/measure.cl"
};

#define ROW(name, text) {name, text, sizeof text}
static const losskit_kernel_file files[] = {
    ROW("common.clh", common_clh),
    ROW("vector_math.clh", vector_math_clh),
    ROW("special.clh", special_clh),
    ROW("rows.clh", rows_clh),
    ROW("cross_entropy.clh", cross_entropy_clh),
    ROW("opcodes.clh", opcodes_clh),
    ROW("formula.clh", formula_clh),
    ROW("expression.cl", expression_cl),
    ROW("softmax.cl", softmax_cl),
    ROW("linear_cross_entropy.cl", linear_cross_entropy_cl),
    ROW("softmax_rows.cl", softmax_rows_cl),
    ROW("pairwise.cl", pairwise_cl),
    ROW("coordinate_pairs.cl", coordinate_pairs_cl),
    ROW("neighbors.cl", neighbors_cl),
    ROW("row_pairs.cl", row_pairs_cl),
    ROW("transport.cl", transport_cl),
    ROW("spanning_tree.cl", spanning_tree_cl),
    ROW("spanning_forest.cl", spanning_forest_cl),
    ROW("cubical.cl", cubical_cl),
    ROW("rips.cl", rips_cl),
    ROW("alignment.cl", alignment_cl),
    ROW("warping.cl", warping_cl),
    ROW("scan.cl", scan_cl),
    ROW("sort.cl", sort_cl),
    ROW("random_numbers.clh", random_numbers_clh),
    ROW("random.cl", random_cl),
    ROW("indexing.cl", indexing_cl),
    ROW("matmul.cl", matmul_cl),
    ROW("measure.cl", measure_cl),
};

const losskit_kernel_file *losskit_kernel_files(size_t *count) {
    *count = sizeof files / sizeof *files;
    return files;
}
