#pragma once

#include <stdint.h>

enum { losskit_tree_list = 6 };

/// A metric besides those of pairs, for small trees: points are the rows of a matrix of lengths [n, n], of which those above the diagonal count.
enum { losskit_given = 4 };

/// The most dimensions in which there is a hierarchy.
enum { losskit_tree_axes = 8 };

/// Boruvka's algorithm on the implicit complete graph over n points: the working memory of one run, all of it O(n d).
///
/// Edges are ordered by (length, smaller index, larger index), the length as it is returned; so the tree is unique. Points lie in the order of a
/// hierarchy of boxes (of no levels where looking at all pairs is faster): node k has the children 2 k and 2 k + 1, the root is 1, and node
/// 2^level + i holds the positions n i >> level up to n (i + 1) >> level.
typedef struct losskit_tree {
    int32_t metric, levels, is_mutual;
    int64_t n, d;
    /// [n, d], and by coordinates [d, n + 16]: both by position.
    float *rows, *columns;
    /// The point at a position, and the component that it belongs to (a position within it).
    int32_t *ids, *component;
    /// For each position the nearest points of other components, losskit_tree_list of them in order, how many there are, which is the first that still
    /// is foreign and how near that is (infinity where there is none), and a bound that none of the others is nearer than.
    int32_t *near;
    float *near_sum, *beyond, *nearest;
    uint8_t *listed, *head;
    /// For each component the length of its shortest edge known, the position where it begins, and the component that it has joined; and all components
    /// in ascending order.
    float *best;
    int32_t *winner, *parent, *roots;
    /// The positions that search in this round.
    int32_t *queries;
    /// For each node its box [2, d], its smallest index, and the component that all of it belongs to, or -1.
    float *boxes;
    int32_t *first, *label;
    /// For mutual reachability, else null: by position and by node the (least) sum below which nothing is near.
    float *cores, *node_cores;
} losskit_tree;

/// Bytes of working memory; `losskit_tree_place` divides them up.
int64_t losskit_tree_bytes(int64_t n, int64_t d, int32_t levels, int32_t is_mutual);
void losskit_tree_place(losskit_tree *tree, void *memory);

/// Takes over points [n, d], each its own component.
void losskit_tree_fill(const losskit_tree *tree, const float *points);

/// Divides the positions of a node (above the last level) in halves along its box's longest side; its parents have been divided.
void losskit_tree_split(const losskit_tree *tree, int64_t node);

/// After all splits: the boxes, and the points by coordinates.
void losskit_tree_finish(const losskit_tree *tree);

/// Where edges are as long as the larger of their own length and those from both ends to their k-th nearest other points: finds the latter for the
/// positions begin..<end, with `scratch` of k floats a thread; then, by one thread, what nodes need of them.
void losskit_tree_cores(const losskit_tree *tree, int64_t k, int64_t begin, int64_t end, float *scratch);
void losskit_tree_share_cores(const losskit_tree *tree);

/// Makes queries, from `begin` on, of those positions begin..<end that have to search, and gives how many there are.
int64_t losskit_tree_collect(const losskit_tree *tree, int64_t begin, int64_t end);

/// Lists the nearest foreign points of the queries begin..<end. Several threads may work on different queries, here and below on different positions.
void losskit_tree_search(const losskit_tree *tree, int64_t begin, int64_t end);

/// The same in the first round, where there is a hierarchy and no mutual reachability, for the points of the leaves begin..<end.
void losskit_tree_first(const losskit_tree *tree, int64_t begin, int64_t end);

/// Finds the first edge of each component among those that the positions begin..<end list.
void losskit_tree_pick(const losskit_tree *tree, int64_t begin, int64_t end);

/// Joins every component to another one along its first edge, which is appended to the `found` ones in `edges` (pairs of indices i < j) and `lengths`.
/// Gives the number of edges after that.
int64_t losskit_tree_join(const losskit_tree *tree, int32_t *edges, float *lengths, int64_t found);

/// Then for the positions begin..<end: what component they belong to, and after that for all of them, which of their list is still foreign.
void losskit_tree_relabel(const losskit_tree *tree, int64_t begin, int64_t end);
void losskit_tree_advance(const losskit_tree *tree, int64_t begin, int64_t end);

/// The components of the nodes of a hierarchy.
void losskit_tree_label(const losskit_tree *tree);

/// Sorts edges by (length, i, j). The scratch arrays are as large as what they stand beside.
void losskit_tree_sort(int64_t count, int32_t *edges, float *lengths, int32_t *scratch_edges, float *scratch_lengths);

/// The trees of the clouds begin..<end of points [clouds, n, d] by Prim's algorithm, in the same order of edges and sorted by it, n - 1 edges a cloud.
/// The scratch memory, one for each thread, has losskit_small_trees_floats(n, d) floats.
void losskit_small_trees(int32_t metric, int64_t n, int64_t d, const float *points, int64_t begin, int64_t end, int32_t *edges, float *lengths,
                         float *scratch);
int64_t losskit_small_trees_floats(int64_t n, int64_t d);

/// Kruskal's algorithm: writes the places of the edges of the minimum spanning forest of n vertices among `count` edges [count, 2] in order, n - 1 at
/// most, and gives how many there are. `parent` is working memory [n].
int64_t losskit_forest(int64_t n, int64_t count, const int32_t *edges, int32_t *parent, int64_t *places);
