/* a64_target.c - AArch64 as all others see it: the target struct, fixups and islands, linking,
 * stubs. */
#include "backends/aarch64/a64_emit.h"
#include "support/bytes.h"
#include <string.h>

#define KIB ((int64_t)1 << 10)
#define MIB ((int64_t)1 << 20)

/* ---- Fixups and islands ---- */

/* `bits` of the word at `field`, from bit `at` on. */
static void put_field(uint8_t *field, unsigned bits, unsigned at, uint64_t value)
{
    uint32_t mask = ((1u << bits) - 1) << at;

    put_le32(field, (get_le32(field) & ~mask) | ((uint32_t)value << at & mask));
}

static void patch26(uint8_t *field, int64_t distance)
{
    put_field(field, 26, 0, (uint64_t)distance >> 2);
}

static void patch19(uint8_t *field, int64_t distance)
{
    put_field(field, 19, 5, (uint64_t)distance >> 2);
}

static void patch14(uint8_t *field, int64_t distance)
{
    put_field(field, 14, 5, (uint64_t)distance >> 2);
}

static void patch32(uint8_t *field, int64_t distance)
{
    put_le32(field, (uint32_t)distance);
}

static void put_branch(uint8_t *at, uint32_t distance)
{
    put_le32(at, 0x14000000);
    patch26(at, distance);
}

static void island(uint8_t *at, uint8_t *fixup)
{
    put_branch(at, 0);
    *fixup = A64_FIX_B26;
}

/* Stress builds reach so little that most functions have islands. */
#ifdef JIT_STRESS
#define REACH19 KIB
#define REACH14 (KIB / 2)
#else
#define REACH19 MIB
#define REACH14 (32 * KIB)
#endif

static const fixup_kind fixups[] = {
    [A64_FIX_B26] = { "branch26", 4, -128 * MIB, 128 * MIB - 4, 0, 0xff, patch26, 0, NULL },
    [A64_FIX_B19] = { "branch19", 4, -REACH19, REACH19 - 4, 0, 0xff, patch19, 4, island },
    [A64_FIX_B14] = { "branch14", 4, -REACH14, REACH14 - 4, 0, 0xff, patch14, 4, island },
    [A64_FIX_LITERAL] = { "literal19", 4, -REACH19, REACH19 - 4, 0, 0xff, patch19, 16, NULL },
    [A64_FIX_TABLE32] = { "table32", 4, INT32_MIN, INT32_MAX, 0, 0xff, patch32, 0, NULL },
};

/* ---- Linking ---- */

static const char *reloc_name(unsigned kind)
{
    static const char *const names[] = {
        "call26", "adrp21", "low12", "gotpage21", "gotlow12", "abs64"
    };
    return kind < A64_RELOC_COUNT ? names[kind] : NULL;
}

static unsigned reloc_to(unsigned kind)
{
    switch (kind) {
    case A64_RELOC_CALL26: return RELOC_TO_FUNCTION;
    case A64_RELOC_CELL_PAGE:
    case A64_RELOC_CELL_LOW12: return RELOC_TO_CELL;
    default: return RELOC_TO_STABLE;
    }
}

/* adrp: pages between, 21 bits, the lowest two apart. */
static bool put_page(uint8_t *field, uint64_t place, uint64_t value)
{
    int64_t pages = (int64_t)(value >> 12) - (int64_t)(place >> 12);

    if (pages < -MIB || pages >= MIB)
        return false;
    put_field(field, 2, 29, (uint64_t)pages & 3);
    put_field(field, 19, 5, (uint64_t)pages >> 2);
    return true;
}

static bool reloc_apply(unsigned kind, uint8_t *field, uint64_t place, uint64_t symbol,
                        int64_t addend)
{
    uint64_t value = symbol + (uint64_t)addend;
    int64_t distance = (int64_t)(value - place);

    switch (kind) {
    case A64_RELOC_CALL26:
        if (distance & 3 || distance < -128 * MIB || distance >= 128 * MIB)
            return false;
        patch26(field, distance);
        return true;
    case A64_RELOC_PAGE:
    case A64_RELOC_CELL_PAGE:
        return put_page(field, place, value);
    case A64_RELOC_LOW12:
        put_field(field, 12, 10, value & 0xfff);
        return true;
    case A64_RELOC_CELL_LOW12: /* of an 8-byte load */
        if (value & 7)
            return false;
        put_field(field, 12, 10, (value & 0xfff) >> 3);
        return true;
    case A64_RELOC_ABS64:
        put_le64(field, value);
        return true;
    default:
        return false;
    }
}

/* Types of relocations: ELF for the Arm 64-bit Architecture, 5.7. */
static unsigned elf_reloc(unsigned kind, uint8_t *text, uint64_t offset, bool held)
{
    enum { R_ABS64 = 257, R_ADR_PREL_PG_HI21 = 275, R_ADD_ABS_LO12_NC = 277, R_JUMP26 = 282,
           R_CALL26 = 283, R_ADR_GOT_PAGE = 311, R_LD64_GOT_LO12_NC = 312 };
    static const uint32_t ldr = 0xf9400000, registers = 0x3ff;
    uint32_t word = get_le32(text + offset);

    switch (kind) {
    case A64_RELOC_CALL26: return word >> 31 ? R_CALL26 : R_JUMP26;
    case A64_RELOC_ABS64: return R_ABS64;
    case A64_RELOC_PAGE: return held ? R_ADR_PREL_PG_HI21 : R_ADR_GOT_PAGE;
    case A64_RELOC_LOW12:
        if (held)
            return R_ADD_ABS_LO12_NC;
        put_le32(text + offset, ldr | (word & registers)); /* was: add */
        return R_LD64_GOT_LO12_NC;
    case A64_RELOC_CELL_PAGE: return R_ADR_GOT_PAGE;
    case A64_RELOC_CELL_LOW12: return R_LD64_GOT_LO12_NC;
    default: return 0;
    }
}

#define BR_X16 0xd61f0200u
#define LDR_X16_X16 0xf9400210u

/* adrp x16, cell; ldr x16, [x16, cell]; br x16. When the cell is far away, its address stands
 * behind the code: ldr x16, .+12; ldr x16, [x16]; br x16. */
static uint32_t thunk(uint8_t *out, uint64_t place, uint64_t cell)
{
    put_le32(out, 0x90000010);
    put_le32(out + 4, LDR_X16_X16);
    put_le32(out + 8, BR_X16);
    if (!(cell & 7) && put_page(out, place, cell)) {
        put_field(out + 4, 12, 10, (cell & 0xfff) >> 3);
        return 12;
    }
    put_le32(out, 0x58000070);
    put_le64(out + 12, cell);
    return 20;
}

/* ---- Stubs ---- */

static const uint32_t entry_code[] = {
    0xa9b67bfd, /* stp x29, x30, [sp, #-160]! */
    0x910003fd, /* mov x29, sp */
    0xa90153f3, /* stp x19, x20, [sp, #16] */
    0xa9025bf5, /* stp x21, x22, [sp, #32] */
    0xa90363f7, /* stp x23, x24, [sp, #48] */
    0xa9046bf9, /* stp x25, x26, [sp, #64] */
    0xa90573fb, /* stp x27, x28, [sp, #80] */
    0x6d0627e8, /* stp d8, d9, [sp, #96] */
    0x6d072fea, /* stp d10, d11, [sp, #112] */
    0x6d0837ec, /* stp d12, d13, [sp, #128] */
    0x6d093fee, /* stp d14, d15, [sp, #144] */
    0xf900007d, /* str x29, [x3] */
    0xaa0003e9, /* mov x9, x0 */
    0xaa0103e0, /* mov x0, x1 */
    0xaa0203e1, /* mov x1, x2 */
    0xd63f0120, /* blr x9 */
    0x52800000, /* mov w0, #0 */
    0xa94153f3, /* leave: ldp x19, x20, [sp, #16] */
    0xa9425bf5, /* ldp x21, x22, [sp, #32] */
    0xa94363f7, /* ldp x23, x24, [sp, #48] */
    0xa9446bf9, /* ldp x25, x26, [sp, #64] */
    0xa94573fb, /* ldp x27, x28, [sp, #80] */
    0x6d4627e8, /* ldp d8, d9, [sp, #96] */
    0x6d472fea, /* ldp d10, d11, [sp, #112] */
    0x6d4837ec, /* ldp d12, d13, [sp, #128] */
    0x6d493fee, /* ldp d14, d15, [sp, #144] */
    0xa8ca7bfd, /* ldp x29, x30, [sp], #160 */
    0xd65f03c0, /* ret */
    0x52800020, /* landing: mov w0, #1 */
    0x17fffff4, /* b leave */
};
enum { ENTRY_WORDS = sizeof entry_code / 4, LANDING_AT = ENTRY_WORDS - 2, LEAVE_AT = 17 };
_Static_assert(LEAVE_AT - (ENTRY_WORDS - 1) == -12, "the landing jumps to leave");

/* DWARF numbers: x0 to x30 as they are, sp 31, v0 to v31 from 64 on. */
#define SAVED(word, reg, offset) { 4 * ((word) + 1), UNWIND_SAVE, (reg), (offset) - 160 }
static const mbuf_unwind entry_rows[] = {
    { 4, UNWIND_DEF_CFA_OFFSET, 0, 160 }, SAVED(0, 29, 0), SAVED(0, 30, 8),
    { 8, UNWIND_DEF_CFA_REG, 29, 0 },
    SAVED(2, 19, 16), SAVED(2, 20, 24), SAVED(3, 21, 32), SAVED(3, 22, 40), SAVED(4, 23, 48),
    SAVED(4, 24, 56), SAVED(5, 25, 64), SAVED(5, 26, 72), SAVED(6, 27, 80), SAVED(6, 28, 88),
    SAVED(7, 64 + 8, 96), SAVED(7, 64 + 9, 104), SAVED(8, 64 + 10, 112), SAVED(8, 64 + 11, 120),
    SAVED(9, 64 + 12, 128), SAVED(9, 64 + 13, 136), SAVED(10, 64 + 14, 144),
    SAVED(10, 64 + 15, 152),
    { 4 * (LANDING_AT - 1), UNWIND_REMEMBER_STATE, 0, 0 },
    { 4 * (LANDING_AT - 1), UNWIND_DEF_CFA_REG, 31, 0 },
    { 4 * (LANDING_AT - 1), UNWIND_DEF_CFA_OFFSET, 0, 0 },
    { 4 * LANDING_AT, UNWIND_RESTORE_STATE, 0, 0 },
};

static uint32_t entry_stub(uint8_t *out, uint32_t size, uint32_t *landing)
{
    if (size < sizeof entry_code)
        return 0;
    for (unsigned k = 0; k < ENTRY_WORDS; k++)
        put_le32(out + 4 * k, entry_code[k]);
    *landing = 4 * LANDING_AT;
    return sizeof entry_code;
}

static uint32_t trap_stub(uint8_t *out)
{
    put_le32(out, 0); /* udf #0 */
    return 4;
}

/* ---- The target ---- */

const target jit_target_aarch64 = {
    .name = "aarch64",
    .arch = JIT_ARCH_AARCH64,
    .fixups = fixups,
    .shrinks = NULL,
    .skip_bytes = 4,
    .skip = put_branch,
    .code_align = 4,
    .front_bytes = 512, /* 12 steps of a stack limit, 18 pairs, 4 probes and the rest */
    .return_address_bytes = 0,
    .abi = &jit_a64_abi,
    .rules = jit_a64_rules,
    .constant = jit_a64_constant,
    .address = jit_a64_address,
    .symbol = jit_a64_symbol,
    .load = jit_a64_load,
    .store = jit_a64_store,
    .extend = jit_a64_extend,
    .strip = jit_a64_strip,
    .call = jit_a64_call,
    .zero_upper = jit_a64_zero_upper,
    .places = ~(REG_BIT(A64_X18) | REG_BIT(A64_R31)),
    .emit = jit_a64_emit,
    .emit_move = jit_a64_emit_move,
    .jump = jit_a64_jump,
    .jump_if = jit_a64_jump_if,
    .trap = jit_a64_trap_here,
    .lower_sp = jit_a64_lower_sp,
    .probe = jit_a64_probe,
    .probe_loop = jit_a64_probe_loop,
    .landing_features = JIT_A64_BTI,
    .landing = jit_a64_landing,
    .prologue = jit_a64_prologue,
    .epilogue = jit_a64_epilogue,
    .reloc_name = reloc_name,
    .reloc_to = reloc_to,
    .reloc_apply = reloc_apply,
    .elf = { .machine = 183, .mapping = true, .abs64 = 257, .abs32 = 258, .pcrel32 = 261,
             .reloc = elf_reloc },
    .cfi = { .code_align = 4, .return_register = 30, .stack_register = 31 },
    .thunk = thunk,
    .entry_stub = entry_stub,
    .entry_rows = entry_rows,
    .nentry_rows = sizeof entry_rows / sizeof *entry_rows,
    .trap_stub = trap_stub,
};
