// The division of points into boxes. Levels pass the points on in turns between two places, without a branch that depends on them.

#include "spanning_tree.h"

// Rows that are looked at together.
enum { split_rows = 16 };

// Where the points and indices of a level lie.
static float *rows_of(const losskit_tree *tree, int32_t level) { return level % 2 ? tree->columns : tree->rows; }

static int32_t *ids_of(const losskit_tree *tree, int32_t level) { return level % 2 ? tree->queries : tree->ids; }

// The coordinate in which rows lie farthest apart.
static int64_t widest_axis(const float *rows, int64_t count, int64_t d) {
    float low[split_rows * losskit_tree_axes], high[split_rows * losskit_tree_axes];
    const int64_t block = split_rows * d, whole = count / split_rows * block;
    for (int64_t f = 0; f < block; f++) low[f] = high[f] = rows[f % d];
    for (int64_t begin = 0; begin < whole; begin += block) {
        for (int64_t f = 0; f < block; f++) {
            const float x = rows[begin + f];
            low[f] = x < low[f] ? x : low[f];
            high[f] = x > high[f] ? x : high[f];
        }
    }
    for (int64_t f = whole; f < count * d; f++) {
        low[f % d] = rows[f] < low[f % d] ? rows[f] : low[f % d];
        high[f % d] = rows[f] > high[f % d] ? rows[f] : high[f % d];
    }
    int64_t axis = 0;
    float widest = -1;
    for (int64_t k = 0; k < d; k++) {
        for (int64_t f = k; f < block; f += d) {
            low[k] = low[f] < low[k] ? low[f] : low[k];
            high[k] = high[f] > high[k] ? high[f] : high[k];
        }
        if (high[k] - low[k] <= widest) continue;
        widest = high[k] - low[k];
        axis = k;
    }
    return axis;
}

// Brings the keys below a bound, or up to it, to the front, and gives how many there are.
static int64_t divide(float *keys, int64_t count, float bound, int isInclusive) {
    int64_t front = 0;
    for (int64_t i = 0; i < count; i++) {
        const float key = keys[i];
        keys[i] = keys[front];
        keys[front] = key;
        front += (key < bound) | (isInclusive & (key == bound));
    }
    return front;
}

// The key that has `place` others before it in order. Pivots are drawn, so that no order of the keys is a bad one.
static float select_key(float *keys, int64_t count, int64_t place, uint64_t draw) {
    for (;;) {
        float drawn[3];
        for (int i = 0; i < 3; i++) {
            draw = draw * 6364136223846793005u + 1442695040888963407u;
            drawn[i] = keys[(draw >> 33) % (uint64_t)count];
        }
        const float low = drawn[0] < drawn[1] ? drawn[0] : drawn[1], high = drawn[0] < drawn[1] ? drawn[1] : drawn[0];
        const float pivot = drawn[2] < low ? low : drawn[2] > high ? high : drawn[2];
        const int64_t below = divide(keys, count, pivot, 0);
        if (place < below) {
            count = below;
            continue;
        }
        const int64_t equal = divide(keys + below, count - below, pivot, 1);
        if (place < below + equal) return pivot;
        keys += below + equal;
        count -= below + equal;
        place -= below + equal;
    }
}

void losskit_tree_split(const losskit_tree *tree, int64_t node) {
    const int32_t level = 63 - __builtin_clzll((uint64_t)node);
    const int64_t d = tree->d, begin = node_begin(tree, level, node), count = node_begin(tree, level, node + 1) - begin;
    const int64_t half = node_begin(tree, level + 1, 2 * node + 1) - begin;
    const float *rows = rows_of(tree, level) + begin * d;
    const int32_t *ids = ids_of(tree, level) + begin;
    float *to = rows_of(tree, level + 1) + begin * d, *keys = tree->near_sum + begin;
    int32_t *to_ids = ids_of(tree, level + 1) + begin;
    const int64_t axis = widest_axis(rows, count, d);
    for (int64_t i = 0; i < count; i++) keys[i] = rows[i * d + axis];
    const float middle = select_key(keys, count, half, (uint64_t)node);
    // Of those in the middle as many go to the left as there is room for.
    int64_t left = 0, right = half, room = half;
    for (int64_t i = 0; i < count; i++) room -= keys[i] < middle;
    for (int64_t i = 0; i < count; i++) {
        const float key = rows[i * d + axis];
        const int isMiddle = (key == middle) & (room > 0), isLeft = (key < middle) | isMiddle;
        const int64_t place = isLeft ? left : right;
        for (int64_t k = 0; k < d; k++) to[place * d + k] = rows[i * d + k];
        to_ids[place] = ids[i];
        left += isLeft;
        right += !isLeft;
        room -= isMiddle;
    }
}

void tree_settle(const losskit_tree *tree) {
    if (tree->levels % 2 == 0) return;
    memcpy(tree->rows, tree->columns, 4 * (size_t)(tree->n * tree->d));
    memcpy(tree->ids, tree->queries, 4 * (size_t)tree->n);
}
