/* a64_abi.c - the calling conventions of AArch64, and which registers an allocator may use.
 *
 * system_v: AAPCS64, 6.8 "Parameter passing" and 6.9 "Result return", for scalars; an sret
 * parameter is the indirect result location x8 and takes no other register. Of v8 to v15 a call
 * preserves the low eight bytes, which is all that scalars have. tail: x29 is preserved, by which
 * some functions find their frame, and x19. Eight results of each class travel in registers.
 * apple_aarch64: "Writing ARM64 code for Apple platforms"; narrow values are extended where the
 * signature says so, in registers only. x18 is the platform's in all of them. */
#include "backends/aarch64/a64.h"

#define INTS(first, last) (((REG_BIT(last) << 1) - 1) & ~(REG_BIT(first) - 1))
#define FLOATS(first, last) (INTS(first, last) << 32)

static const uint8_t ints[] = {
    A64_X0, A64_X1, A64_X2, A64_X3, A64_X4, A64_X5, A64_X6, A64_X7
};

const abi_rules jit_a64_abi = {
    .machine = "aarch64",
    .args = { ints, 8, 8 },
    .rets = { ints, 8, 8 },
    .tail_rets = { ints, 8, 8 },
    .has_apple = true,
    .sret_arg = A64_X8,
    .sret_ret = ABI_NO_REG,
    .all = INTS(A64_X0, A64_X17) | INTS(A64_X19, A64_X28) | FLOATS(0, 31),
    .saved = INTS(A64_X19, A64_X28) | REG_BIT(A64_FP) | FLOATS(8, 15),
    .tail_saved = REG_BIT(A64_X19) | REG_BIT(A64_FP),
    .assignable = INTS(A64_X0, A64_X15) | INTS(A64_X19, A64_X28)
                  | (FLOATS(0, 31) & ~REG_BIT(A64_SCRATCH)),
    .frame_pointer = 0, /* x29 is never assigned */
    .pinned = REG_BIT(A64_X21),
    .scratch = A64_SCRATCH,
    .int_scratch = A64_INT_SCRATCH,
};
