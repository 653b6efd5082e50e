/* x64_target.c - x86-64 as all others see it: the target struct, fixups, linking, stubs. */
#include "backends/x86_64/x64_emit.h"
#include "support/bytes.h"
#include <string.h>

/* ---- Fixups and short branches ---- */

static void patch32(uint8_t *field, int64_t distance)
{
    put_le32(field, (uint32_t)distance);
}

static const fixup_kind fixups[] = {
    [X64_FIX_REL32] = { "rel32", 4, INT32_MIN + 64, INT32_MAX, -4, 0xff, patch32, 0, NULL },
    [X64_FIX_TABLE32] = { "table32", 4, INT32_MIN, INT32_MAX, 0, 0xff, patch32, 0, NULL },
};

static void shorten_jmp(const uint8_t *long_form, uint8_t *short_form)
{
    (void)long_form;
    short_form[0] = 0xeb;
}

static void shorten_jcc(const uint8_t *long_form, uint8_t *short_form)
{
    short_form[0] = (uint8_t)(long_form[1] - 0x10); /* 0F 8x to 7x */
}

static const shrink_form shrinks[] = {
    [X64_SHRINK_JMP - 1] = { 5, 2, 1, -128, 127, shorten_jmp },
    [X64_SHRINK_JCC - 1] = { 6, 2, 1, -128, 127, shorten_jcc },
};

/* ---- Linking ---- */

static const char *reloc_name(unsigned kind)
{
    static const char *const names[] = { "pcrel32", "stable32", "gotslot32", "abs64" };
    return kind < X64_RELOC_COUNT ? names[kind] : NULL;
}

static unsigned reloc_to(unsigned kind)
{
    switch (kind) {
    case X64_RELOC_PCREL32: return RELOC_TO_FUNCTION;
    case X64_RELOC_SLOT32: return RELOC_TO_CELL;
    default: return RELOC_TO_STABLE;
    }
}

static bool reloc_apply(unsigned kind, uint8_t *field, uint64_t place, uint64_t symbol,
                        int64_t addend)
{
    uint64_t value = symbol + (uint64_t)addend;

    if (kind == X64_RELOC_ABS64) {
        put_le64(field, value);
        return true;
    }
    int64_t distance = (int64_t)(value - place);
    if (kind >= X64_RELOC_COUNT || distance != (int32_t)distance)
        return false;
    put_le32(field, (uint32_t)distance);
    return true;
}

/* Types of relocations: x86-64 psABI, 4.4.1. The linker may turn loads of addresses back into lea,
 * and calls through its table into direct ones, where the instruction is one of those it knows. */
static unsigned elf_reloc(unsigned kind, uint8_t *text, uint64_t offset, bool held)
{
    enum { R_64 = 1, R_PC32 = 2, R_PLT32 = 4, R_GOTPCREL = 9, R_GOTPCRELX = 41,
           R_REX_GOTPCRELX = 42 };
    enum { LEA = 0x8d, MOV = 0x8b, GROUP5 = 0xff, CALL = 0x15, JMP = 0x25, REX_W = 0x48 };
    uint8_t *field = text + offset;
    bool rex = offset >= 3 && (field[-3] & 0xf8) == REX_W && (field[-1] & 0xc7) == 5;

    switch (kind) {
    case X64_RELOC_PCREL32: return R_PLT32;
    case X64_RELOC_ABS64: return R_64;
    case X64_RELOC_STABLE32:
        if (held)
            return R_PC32;
        if (!rex || field[-2] != LEA)
            return 0;
        field[-2] = MOV;
        return R_REX_GOTPCRELX;
    case X64_RELOC_SLOT32:
        if (offset >= 2 && field[-2] == GROUP5 && (field[-1] == CALL || field[-1] == JMP))
            return R_GOTPCRELX;
        return rex && field[-2] == MOV ? R_REX_GOTPCRELX : R_GOTPCREL;
    default: return 0;
    }
}

/* jmp [rip + cell], or movabs r11, cell; jmp [r11] when the cell is far away. */
static uint32_t thunk(uint8_t *out, uint64_t place, uint64_t cell)
{
    int64_t distance = (int64_t)(cell - (place + 6));

    if (distance == (int32_t)distance) {
        out[0] = 0xff;
        out[1] = 0x25;
        put_le32(out + 2, (uint32_t)distance);
        return 6;
    }
    static const uint8_t jmp_r11[] = { 0x41, 0xff, 0x23 };
    out[0] = 0x49;
    out[1] = 0xbb;
    put_le64(out + 2, cell);
    memcpy(out + 10, jmp_r11, sizeof jmp_r11);
    return 13;
}

/* ---- Stubs ---- */

static const uint8_t entry_code[] = {
    0x55,                         /* push rbp */
    0x48, 0x89, 0xe5,             /* mov rbp, rsp */
    0x53,                         /* push rbx */
    0x41, 0x54,                   /* push r12 */
    0x41, 0x55,                   /* push r13 */
    0x41, 0x56,                   /* push r14 */
    0x41, 0x57,                   /* push r15 */
    0x48, 0x83, 0xec, 0x08,       /* sub rsp, 8 */
    0x48, 0x89, 0x21,             /* mov [rcx], rsp */
    0x48, 0x89, 0xf8,             /* mov rax, rdi */
    0x48, 0x89, 0xf7,             /* mov rdi, rsi */
    0x48, 0x89, 0xd6,             /* mov rsi, rdx */
    0xff, 0xd0,                   /* call rax */
    0x31, 0xc0,                   /* xor eax, eax */
    0x48, 0x83, 0xc4, 0x08,       /* leave: add rsp, 8 */
    0x41, 0x5f,                   /* pop r15 */
    0x41, 0x5e,                   /* pop r14 */
    0x41, 0x5d,                   /* pop r13 */
    0x41, 0x5c,                   /* pop r12 */
    0x5b,                         /* pop rbx */
    0x5d,                         /* pop rbp */
    0xc3,                         /* ret */
};
static const uint8_t landing_code[] = { /* follows at once */
    0xb8, 0x01, 0x00, 0x00, 0x00, /* mov eax, 1 */
    0xfc,                         /* cld */
    0xeb, 0xe9,                   /* jmp leave */
};
enum { LEAVE_AT = 33 };
_Static_assert(LEAVE_AT + 15 == sizeof entry_code, "the landing jumps to leave");
_Static_assert((int)(sizeof entry_code + sizeof landing_code) + (int8_t)0xe9 == LEAVE_AT,
               "likewise");

/* DWARF numbers: rbx 3, rbp 6, rsp 7, r12 to r15 as they are. */
static const mbuf_unwind entry_rows[] = {
    { 1, UNWIND_DEF_CFA_OFFSET, 0, 16 }, { 1, UNWIND_SAVE, 6, -16 },
    { 4, UNWIND_DEF_CFA_REG, 6, 0 },
    { 5, UNWIND_SAVE, 3, -24 }, { 7, UNWIND_SAVE, 12, -32 }, { 9, UNWIND_SAVE, 13, -40 },
    { 11, UNWIND_SAVE, 14, -48 }, { 13, UNWIND_SAVE, 15, -56 },
    { LEAVE_AT + 14, UNWIND_REMEMBER_STATE, 0, 0 },
    { LEAVE_AT + 14, UNWIND_DEF_CFA_REG, 7, 0 }, { LEAVE_AT + 14, UNWIND_DEF_CFA_OFFSET, 0, 8 },
    { sizeof entry_code, UNWIND_RESTORE_STATE, 0, 0 },
};

static uint32_t entry_stub(uint8_t *out, uint32_t size, uint32_t *landing)
{
    if (size < sizeof entry_code + sizeof landing_code)
        return 0;
    memcpy(out, entry_code, sizeof entry_code);
    memcpy(out + sizeof entry_code, landing_code, sizeof landing_code);
    *landing = sizeof entry_code;
    return sizeof entry_code + sizeof landing_code;
}

static uint32_t trap_stub(uint8_t *out)
{
    out[0] = 0x0f; /* ud2 */
    out[1] = 0x0b;
    return 2;
}

/* ---- The target ---- */

const target jit_target_x86_64 = {
    .name = "x86_64",
    .arch = JIT_ARCH_X86_64,
    .fixups = fixups,
    .shrinks = shrinks,
    .code_align = 1,
    .front_bytes = 320, /* 12 steps of a stack limit, 4 probes and the rest */
    .return_address_bytes = 8,
    .abi = &jit_x64_abi,
    .rules = jit_x64_rules,
    .constant = jit_x64_constant,
    .address = jit_x64_address,
    .symbol = jit_x64_symbol,
    .load = jit_x64_load,
    .store = jit_x64_store,
    .extend = jit_x64_extend,
    .call = jit_x64_call,
    .zero_upper = jit_x64_zero_upper,
    .places = 0xffff | (regset)0xffff << 32,
    .emit = jit_x64_emit,
    .emit_move = jit_x64_emit_move,
    .jump = jit_x64_jump,
    .jump_if = jit_x64_jump_if,
    .trap = jit_x64_trap_here,
    .table = jit_x64_put_table,
    .lower_sp = jit_x64_lower_sp,
    .probe = jit_x64_probe,
    .probe_loop = jit_x64_probe_loop,
    .prologue = jit_x64_prologue,
    .epilogue = jit_x64_epilogue,
    .reloc_name = reloc_name,
    .reloc_to = reloc_to,
    .reloc_apply = reloc_apply,
    .elf = { .machine = 62, .fill = 0xcc, .abs64 = 1, .abs32 = 10, .pcrel32 = 2,
             .reloc = elf_reloc },
    .cfi = { .code_align = 1, .return_register = 16, .stack_register = 7, .cfa_offset = 8,
             .return_offset = -8 },
    .thunk = thunk,
    .entry_stub = entry_stub,
    .entry_rows = entry_rows,
    .nentry_rows = sizeof entry_rows / sizeof *entry_rows,
    .trap_stub = trap_stub,
};
