#include "spanning_tree.h"

// How many points each lane keeps: one more than it lists, so that it knows what all others are beyond.
enum { leaf_kept = losskit_tree_list };

#define LK_BODY "spanning_tree_leaves_body.h"
#include "isa.h"

LK_DISPATCH(losskit_tree_first, (const losskit_tree *tree, int64_t begin, int64_t end), (tree, begin, end))
