// Components by union-find.

#pragma once

#include <stdint.h>

// The root of what an element belongs to; those on the way come nearer to it.
static inline int32_t root_of(int32_t *parent, int32_t element) {
    while (parent[element] != element) element = parent[element] = parent[parent[element]];
    return element;
}
