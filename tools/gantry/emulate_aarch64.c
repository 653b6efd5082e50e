/* emulate_aarch64.c - what the emulator knows of AArch64: registers, and what C's convention
 * keeps. */
#ifdef HAVE_UNICORN

#include "emulate_machine.h"

#include <stdio.h>

static int x_reg(unsigned n)
{
    return n < 29 ? UC_ARM64_REG_X0 + (int)n : n == 29 ? UC_ARM64_REG_X29 : UC_ARM64_REG_X30;
}

/* x18 is the platform's: compiled code never writes to it. */
static bool is_kept(unsigned x)
{
    return x >= 18 && x < 30;
}

static void scramble(const emulator *m, bool all)
{
    for (unsigned n = 0; n < 30; n++)
        if (all || !is_kept(n))
            emu_set_reg(m, x_reg(n), emu_mark(n));
    for (unsigned n = 0; n < 32; n++) {
        uint64_t v[2] = { emu_mark(32 + n), emu_mark(64 + n) };
        if (!all && n >= 8 && n < 16) /* the low half is kept */
            v[0] = emu_reg(m, UC_ARM64_REG_D0 + (int)n);
        uc_reg_write(m->uc, UC_ARM64_REG_Q0 + (int)n, v);
    }
}

static const char *spoiled(const emulator *m)
{
    static char name[8];

    for (unsigned n = 0; n < 30; n++)
        if (is_kept(n) && emu_reg(m, x_reg(n)) != emu_mark(n)) {
            snprintf(name, sizeof name, "x%u", n);
            return name;
        }
    for (unsigned n = 8; n < 16; n++)
        if (emu_reg(m, UC_ARM64_REG_D0 + (int)n) != emu_mark(32 + n)) {
            snprintf(name, sizeof name, "d%u", n);
            return name;
        }
    return NULL;
}

static void enter(const emulator *m, uint64_t stack, uint64_t back)
{
    emu_set_reg(m, UC_ARM64_REG_SP, stack);
    emu_set_reg(m, UC_ARM64_REG_LR, back);
}

static bool prepare(uc_engine *uc)
{
    uint64_t fp_enabled = 3 << 20;

    /* Signing return addresses stays off, as on machines without: its hints do nothing. */
    return uc_ctl_set_cpu_model(uc, UC_CPU_ARM64_MAX) == UC_ERR_OK
           && uc_reg_write(uc, UC_ARM64_REG_CPACR_EL1, &fp_enabled) == UC_ERR_OK;
}

static char transfer(const uint8_t *code, size_t n)
{
    uint32_t word = (uint32_t)code[0] | (uint32_t)code[1] << 8 | (uint32_t)code[2] << 16
                    | (uint32_t)code[3] << 24;

    (void)n;
    if (word >> 26 == 0x25 || (word & 0xfefffc1f) == 0xd63f0000) /* bl, blr */
        return 'c';
    bool authenticated = (word & 0xfffffbff) == 0xd65f0bff; /* retaa, retab */
    return word == 0xd65f03c0 || authenticated || (word & 0xfffffc1f) == 0xd65f0000 ? 'r' : 'j';
}

static const int int_args[] = {
    UC_ARM64_REG_X0, UC_ARM64_REG_X1, UC_ARM64_REG_X2, UC_ARM64_REG_X3,
    UC_ARM64_REG_X4, UC_ARM64_REG_X5, UC_ARM64_REG_X6, UC_ARM64_REG_X7
};
static const uint8_t ret[] = { 0xc0, 0x03, 0x5f, 0xd6 };

const machine tool_machine_aarch64 = {
    .arch = JIT_ARCH_AARCH64, .features = JIT_A64_LSE | JIT_A64_FP16 | JIT_A64_RCPC | JIT_A64_FLAGM
        | JIT_A64_PAUTH | JIT_A64_DOTPROD | JIT_A64_BTI | JIT_A64_SIGN | JIT_A64_SIGN_ALL
        | JIT_A64_SIGN_KEY_B,
    .unicorn = UC_ARCH_ARM64, .mode = UC_MODE_ARM,
    .pc = UC_ARM64_REG_PC, .sp = UC_ARM64_REG_SP,
    .int_args = int_args, .n_int_args = 8, .int_result = UC_ARM64_REG_X0,
    .vector = UC_ARM64_REG_Q0, .n_vector_args = 8,
    .ret = ret, .ret_bytes = sizeof ret, .transfer = transfer,
    .prepare = prepare, .enter = enter, .scramble = scramble, .spoiled = spoiled
};

#else
typedef int emulate_aarch64_needs_unicorn; /* ISO C wants a declaration in every file */
#endif
