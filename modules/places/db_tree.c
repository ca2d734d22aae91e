/* Packing an R*Tree: see db_tree.h.
 *
 * One INSERT each into the virtual table looks for the best node and splits what is full: 7.7 us
 * for a place even if they come in this order, and a third of each node stays empty. Packed by hand
 * it is 1 us, and the nodes are full.
 *
 * The hard thing is that this writes the tables behind the virtual one, in the form that SQLite
 * documents for them (www.sqlite.org/rtree.html, 6.1, and ext/rtree/rtree.c): a node is a blob, its
 * depth (the root's only) and count in two bytes each, then for each entry its number in eight
 * bytes and the box, 32-bit floats, least and greatest of each direction; all big-endian. The tests
 * have SQLite's own rtreecheck() look at what comes out. */
#include "db_tree.h"

#include <assert.h>
#include <math.h>
#include <sqlite3.h>
#include <string.h>

static void put_u16(unsigned char *to, unsigned value)
{
    to[0] = (unsigned char)(value >> 8);
    to[1] = (unsigned char)value;
}

static void put_u32(unsigned char *to, uint32_t value)
{
    put_u16(to, value >> 16);
    put_u16(to + 2, value & 0xFFFF);
}

static void put_float(unsigned char *to, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof(bits));
    put_u32(to, bits);
}

static struct tree_box box_of(struct points_vector place)
{
    const double at[3] = {place.x, place.y, place.z};
    struct tree_box box;

    for (int i = 0; i < 3; i++) {
        float near = (float)at[i];

        box.low[i] = (double)near > at[i] ? nextafterf(near, -INFINITY) : near;
        box.high[i] = (double)near < at[i] ? nextafterf(near, INFINITY) : near;
    }
    return box;
}

static void widen(struct tree_box *box, const struct tree_box *by)
{
    for (int i = 0; i < 3; i++) {
        box->low[i] = fminf(box->low[i], by->low[i]);
        box->high[i] = fmaxf(box->high[i], by->high[i]);
    }
}

static int put_pair(sqlite3_stmt *statement, int64_t a, int64_t b)
{
    sqlite3_bind_int64(statement, 1, a);
    sqlite3_bind_int64(statement, 2, b);
    sqlite3_step(statement);
    return sqlite3_reset(statement);
}

static int put_node(struct tree *tree, const struct tree_level *level, int64_t number)
{
    sqlite3_bind_int64(tree->put_node, 1, number);
    sqlite3_bind_blob(tree->put_node, 2, level->bytes, TREE_NODE, SQLITE_STATIC);
    sqlite3_step(tree->put_node);
    return sqlite3_reset(tree->put_node);
}

static int add_cell(struct tree *tree, unsigned depth, int64_t number, const struct tree_box *box);

/* Writes the level's node, which becomes an entry of the one above. */
static int close_node(struct tree *tree, unsigned depth)
{
    struct tree_level *level = &tree->levels[depth];
    int result;

    put_u16(level->bytes, 0);
    put_u16(level->bytes + 2, level->count);
    result = put_node(tree, level, level->number);
    if (result == SQLITE_OK)
        result = add_cell(tree, depth + 1, level->number, &level->box);
    level->count = 0;
    return result;
}

static int add_cell(struct tree *tree, unsigned depth, int64_t number, const struct tree_box *box)
{
    struct tree_level *level = &tree->levels[depth];
    unsigned char *cell;
    int result = SQLITE_OK;

    assert(depth < TREE_LEVELS);
    if (level->count == TREE_CELLS)
        result = close_node(tree, depth);
    if (level->count == 0) {
        memset(level->bytes, 0, sizeof(level->bytes));
        level->number = ++tree->last;
        level->box = *box;
        if (depth >= tree->depth)
            tree->depth = depth + 1;
    }
    cell = level->bytes + 4 + 32 * level->count++;
    put_u32(cell, (uint32_t)((uint64_t)number >> 32));
    put_u32(cell + 4, (uint32_t)number);
    for (int i = 0; i < 3; i++) {
        put_float(cell + 8 + 8 * i, box->low[i]);
        put_float(cell + 12 + 8 * i, box->high[i]);
    }
    widen(&level->box, box);
    if (result == SQLITE_OK)
        result = put_pair(depth == 0 ? tree->put_row : tree->put_parent, number, level->number);
    return result;
}

int tree_begin(struct tree *tree, sqlite3 *handle)
{
    int result;

    assert(tree && handle);
    *tree = (struct tree){.last = 1}; /* which is the root's */
    result = sqlite3_exec(handle,
                          "CREATE VIRTUAL TABLE tree USING rtree(id, x0, x1, y0, y1, z0, z1)", NULL,
                          NULL, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_prepare_v2(handle, "REPLACE INTO tree_node(nodeno, data) VALUES(?1, ?2)",
                                    -1, &tree->put_node, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_prepare_v2(handle,
                                    "INSERT INTO tree_parent(nodeno, parentnode) VALUES(?1, ?2)",
                                    -1, &tree->put_parent, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_prepare_v2(handle, "INSERT INTO tree_rowid(rowid, nodeno) VALUES(?1, ?2)",
                                    -1, &tree->put_row, NULL);
    return result;
}

int tree_add(struct tree *tree, int64_t id, struct points_vector place)
{
    struct tree_box box = box_of(place);

    return add_cell(tree, 0, id, &box);
}

/* The root has number 1, and those below are told so. */
static int put_root(struct tree *tree, sqlite3 *handle)
{
    struct tree_level *root = &tree->levels[tree->depth - 1];
    const char *sql = tree->depth == 1 ? "UPDATE tree_rowid SET nodeno = 1 WHERE nodeno = ?1"
                                       : "UPDATE tree_parent SET parentnode = 1"
                                         " WHERE parentnode = ?1";
    sqlite3_stmt *update;
    int result;

    put_u16(root->bytes, tree->depth - 1);
    put_u16(root->bytes + 2, root->count);
    result = put_node(tree, root, 1);
    if (result == SQLITE_OK)
        result = sqlite3_prepare_v2(handle, sql, -1, &update, NULL);
    if (result != SQLITE_OK)
        return result;
    sqlite3_bind_int64(update, 1, root->number);
    sqlite3_step(update);
    return sqlite3_finalize(update);
}

int tree_end(struct tree *tree, sqlite3 *handle)
{
    int result = SQLITE_OK;

    if (tree->depth == 0) { /* no entry: the node that is there does not fit ours in size */
        memset(tree->levels[0].bytes, 0, TREE_NODE);
        return put_node(tree, &tree->levels[0], 1);
    }
    /* What is closed may give the tree another level. */
    for (unsigned i = 0; i + 1 < tree->depth && result == SQLITE_OK; i++)
        result = close_node(tree, i);
    return result == SQLITE_OK ? put_root(tree, handle) : result;
}

void tree_fini(struct tree *tree)
{
    sqlite3_finalize(tree->put_node);
    sqlite3_finalize(tree->put_parent);
    sqlite3_finalize(tree->put_row);
    tree->put_node = tree->put_parent = tree->put_row = NULL;
}
