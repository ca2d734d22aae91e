/* An R*Tree of SQLite's, filled in one go from the bottom up: the entries come in an order in which
 * neighbours are near each other (curve.h), and each node is full before the next begins. Part of
 * db_make; SQLite's types stay in here. */
#ifndef PLACES_DB_TREE_H
#define PLACES_DB_TREE_H

#include "points.h"

struct sqlite3;
struct sqlite3_stmt;

#define TREE_CELLS  51 /* entries of a node, as SQLite has them */
#define TREE_NODE   (4 + TREE_CELLS * 32)
#define TREE_LEVELS 8 /* 51^8 entries are more than there can be */

struct tree_box {
    float low[3], high[3];
};

/* The node that is being filled, of each level; 0 are the leaves. */
struct tree_level {
    int64_t number;
    unsigned count;
    struct tree_box box;
    unsigned char bytes[TREE_NODE];
};

struct tree {
    struct sqlite3_stmt *put_node, *put_parent, *put_row;
    int64_t last; /* number of a node */
    unsigned depth;
    struct tree_level levels[TREE_LEVELS];
};

/* Creates the table `tree`, then takes its entries, then writes what is left. Each returns SQLite's
 * result. tree_fini is owed in any case, before the handle is closed. */
int tree_begin(struct tree *tree, struct sqlite3 *handle);
int tree_add(struct tree *tree, int64_t id, struct points_vector place);
int tree_end(struct tree *tree, struct sqlite3 *handle);
void tree_fini(struct tree *tree);

#endif
