/* life.c - examples/clif/life.clif in C. */
#include <stdint.h>

typedef struct result {
    uint64_t alive, hash;
} result;

static uint64_t west(uint64_t x)
{
    return x << 1 | x >> 63;
}

static uint64_t east(uint64_t x)
{
    return x >> 1 | x << 63;
}

static uint64_t next_row(uint64_t above, uint64_t here, uint64_t below)
{
    uint64_t a = above ^ west(above), b = below ^ west(below);
    uint64_t sum_a = a ^ east(above), sum_b = b ^ east(below), sum_h = west(here) ^ east(here);
    uint64_t carry_a = (above & west(above)) | (a & east(above));
    uint64_t carry_b = (below & west(below)) | (b & east(below));
    uint64_t carry_h = west(here) & east(here);
    uint64_t c = sum_a ^ sum_b, odd = c ^ sum_h, carry_s = (sum_a & sum_b) | (c & sum_h);
    uint64_t x = carry_a ^ carry_b, y = carry_h ^ carry_s;
    uint64_t more = (carry_a & carry_b) | (carry_h & carry_s) | (x & y);

    return (x ^ y) & ~more & (odd | here);
}

static result live(uint32_t generations)
{
    uint64_t grids[2][64] = { { 0 } }, *from = grids[0], *to = grids[1];
    result r = { 0, 0 };

    from[31] = 0x600000000;
    from[32] = 0x300000000;
    from[33] = 0x200000000;
    for (; generations; generations--) {
        uint64_t *t = from;

        for (uint64_t i = 0; i < 64; i++)
            to[i] = next_row(from[(i - 1) & 63], from[i], from[(i + 1) & 63]);
        from = to;
        to = t;
    }
    for (int i = 0; i < 64; i++) {
        r.alive += (uint64_t)__builtin_popcountll(from[i]);
        r.hash = r.hash * 31 + from[i];
    }
    return r;
}

result kernel(void)
{
    return live(1000);
}
