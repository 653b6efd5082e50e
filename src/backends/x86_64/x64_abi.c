/* x64_abi.c - the calling conventions of x86-64, and which registers an allocator may use.
 *
 * system_v: System V ABI, AMD64 supplement, 3.2.3 "Parameter Passing", for scalars. tail: eight
 * results of each class in registers; rbp is preserved, by which some functions find their frame,
 * and rbx. More would make so many moves of loads that there are more of them than elsewhere. */
#include "backends/x86_64/x64.h"

static const uint8_t arg_ints[] = { X64_RDI, X64_RSI, X64_RDX, X64_RCX, X64_R8, X64_R9 };
static const uint8_t ret_ints[] = {
    X64_RAX, X64_RDX, X64_RCX, X64_RSI, X64_RDI, X64_R8, X64_R9, X64_R10
};

#define ALL (((regset)0xffff & ~REG_BIT(X64_RSP)) | (regset)0xffff << 32)

const abi_rules jit_x64_abi = {
    .machine = "x86_64",
    .args = { arg_ints, 6, 8 },
    .rets = { ret_ints, 2, 2 },
    .tail_rets = { ret_ints, 8, 8 },
    .sret_arg = ABI_NO_REG,
    .sret_ret = X64_RAX,
    .all = ALL,
    .saved = REG_BIT(X64_RBX) | REG_BIT(X64_RBP) | REG_BIT(X64_R12) | REG_BIT(X64_R13)
             | REG_BIT(X64_R14) | REG_BIT(X64_R15),
    .tail_saved = REG_BIT(X64_RBP) | REG_BIT(X64_RBX),
    .assignable = ALL & ~REG_BIT(X64_SCRATCH),
    .frame_pointer = REG_BIT(X64_RBP),
    .pinned = REG_BIT(X64_R15),
    .scratch = X64_SCRATCH,
    .int_scratch = RA_NO_REG,
};
