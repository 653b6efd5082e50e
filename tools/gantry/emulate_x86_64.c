/* emulate_x86_64.c - what the emulator knows of x86-64: registers, what C's convention keeps. */
#ifdef HAVE_UNICORN

#include "emulate_machine.h"

#include <string.h>

static const struct { int id; const char *name; bool kept; } ints[] = {
    { UC_X86_REG_RAX, "rax", false }, { UC_X86_REG_RCX, "rcx", false },
    { UC_X86_REG_RDX, "rdx", false }, { UC_X86_REG_RBX, "rbx", true },
    { UC_X86_REG_RBP, "rbp", true },  { UC_X86_REG_RSI, "rsi", false },
    { UC_X86_REG_RDI, "rdi", false }, { UC_X86_REG_R8, "r8", false },
    { UC_X86_REG_R9, "r9", false },   { UC_X86_REG_R10, "r10", false },
    { UC_X86_REG_R11, "r11", false }, { UC_X86_REG_R12, "r12", true },
    { UC_X86_REG_R13, "r13", true },  { UC_X86_REG_R14, "r14", true },
    { UC_X86_REG_R15, "r15", true }
};
enum { INTS = sizeof ints / sizeof *ints, DIRECTION = 1 << 10 };

static void scramble(const emulator *m, bool all)
{
    for (unsigned n = 0; n < INTS; n++)
        if (all || !ints[n].kept)
            emu_set_reg(m, ints[n].id, emu_mark(n));
    for (unsigned n = 0; n < 16; n++) {
        uint64_t v[2] = { emu_mark(32 + n), emu_mark(64 + n) };
        uc_reg_write(m->uc, UC_X86_REG_XMM0 + (int)n, v);
    }
}

static const char *spoiled(const emulator *m)
{
    for (unsigned n = 0; n < INTS; n++)
        if (ints[n].kept && emu_reg(m, ints[n].id) != emu_mark(n))
            return ints[n].name;
    return emu_reg(m, UC_X86_REG_EFLAGS) & DIRECTION ? "the direction flag" : NULL;
}

static void enter(const emulator *m, uint64_t stack, uint64_t back)
{
    stack -= sizeof back;
    memcpy((void *)(uintptr_t)stack, &back, sizeof back);
    emu_set_reg(m, UC_X86_REG_RSP, stack);
}

static bool prepare(uc_engine *uc)
{
    return uc_ctl_set_cpu_model(uc, UC_CPU_X86_PENRYN) == UC_ERR_OK;
}

static char transfer(const uint8_t *code, size_t n)
{
    size_t k = 0;

    while (k + 1 < n && ((code[k] & 0xf0) == 0x40 || code[k] == 0x66 || code[k] == 0xf2
                         || code[k] == 0xf3)) /* REX and other prefixes */
        k++;
    if (code[k] == 0xe8 || (code[k] == 0xff && k + 1 < n && (code[k + 1] >> 3 & 7) == 2))
        return 'c';
    return code[k] == 0xc3 || code[k] == 0xc2 ? 'r' : 'j';
}

/* ROUNDSS and ROUNDSD (SDM volume 2) load what they round. */
static unsigned loads(const uint8_t *code, size_t n)
{
    size_t k = n > 1 && (code[1] & 0xf0) == 0x40 ? 2 : 1;

    if (n < k + 4 || code[0] != 0x66 || code[k] != 0x0f || code[k + 1] != 0x3a)
        return 0;
    return code[k + 2] == 0x0a ? 4 : code[k + 2] == 0x0b ? 8 : 0;
}

static const int int_args[] = {
    UC_X86_REG_RDI, UC_X86_REG_RSI, UC_X86_REG_RDX, UC_X86_REG_RCX, UC_X86_REG_R8, UC_X86_REG_R9
};
static const uint8_t ret[] = { 0xc3 };

const machine tool_machine_x86_64 = {
    .arch = JIT_ARCH_X86_64,
    .features = JIT_X86_SSE3 | JIT_X86_SSSE3 | JIT_X86_SSE41 | JIT_X86_SSE42 | JIT_X86_CX16,
    .unicorn = UC_ARCH_X86, .mode = UC_MODE_64,
    .pc = UC_X86_REG_RIP, .sp = UC_X86_REG_RSP,
    .int_args = int_args, .n_int_args = 6, .int_result = UC_X86_REG_RAX,
    .vector = UC_X86_REG_XMM0, .n_vector_args = 8,
    .ret = ret, .ret_bytes = sizeof ret, .transfer = transfer, .loads = loads,
    .prepare = prepare, .enter = enter, .scramble = scramble, .spoiled = spoiled
};

#else
typedef int emulate_x86_64_needs_unicorn; /* ISO C wants a declaration in every file */
#endif
