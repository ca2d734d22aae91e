/* Hilbert's curve over the six faces of a cube around the earth: see curve.h. The cube has no poles
 * and no antimeridian, so that a place there has its neighbours beside it like any other. The curve
 * of a square: D. Hilbert, Ueber die stetige Abbildung einer Linie auf ein Flaechenstueck, 1891. */
#include "curve.h"

#include <assert.h>
#include <math.h>

#define BITS 30 /* each way on a face */

/* -1 to 1, as a whole number of BITS bits. */
static uint32_t cut(double part)
{
    double scaled = (part + 1) / 2 * (1u << BITS);

    return scaled <= 0 ? 0 : scaled >= (1u << BITS) ? (1u << BITS) - 1 : (uint32_t)scaled;
}

/* Quarter by quarter, the largest first; each is entered as the one around it, turned or mirrored.
 */
static uint64_t walk_square(uint32_t x, uint32_t y)
{
    uint64_t along = 0;

    for (uint32_t side = 1u << (BITS - 1); side > 0; side >>= 1) {
        uint32_t right = (x & side) != 0, up = (y & side) != 0;

        along = along << 2 | ((3 * right) ^ up);
        if (!up) {
            uint32_t old = right ? ~x : x;

            x = right ? ~y : y;
            y = old;
        }
    }
    return along;
}

int64_t curve_place(struct points_vector p)
{
    double x = fabs(p.x), y = fabs(p.y), z = fabs(p.z), most = fmax(x, fmax(y, z));
    uint64_t face, along;

    assert(most > 0.5);
    if (most == x) {
        face = p.x > 0 ? 0 : 3;
        along = walk_square(cut(p.y / most), cut(p.z / most));
    } else if (most == y) {
        face = p.y > 0 ? 1 : 4;
        along = walk_square(cut(p.z / most), cut(p.x / most));
    } else {
        face = p.z > 0 ? 2 : 5;
        along = walk_square(cut(p.x / most), cut(p.y / most));
    }
    return (int64_t)(face << (2 * BITS) | along);
}
