/* emulate.c - runs the code of another machine in Unicorn, when the tool was built with it.
 *
 * The emulated machine sees the engine's code, constants and cells at the addresses where they stand in
 * this process, so the code is linked as it is everywhere. Besides there are a stack, a block of
 * arguments and results, and a gate: a page of stubs by which code returns and calls functions of the
 * host. All else is unmapped, so a stray access faults. A call goes through the entry code of
 * jit_invoke(); registers that C's convention preserves, and x18, hold marks, which have to be there
 * again when it returns. */
#define _DEFAULT_SOURCE
#include "tool.h"

#include <stdio.h>
#include <string.h>

#ifdef HAVE_UNICORN

#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unicorn/unicorn.h>

enum {
    STACK_BYTES = 1 << 20, BLOCK_BYTES = 1 << 16, PAGE = 4096,
    EXC_UNDEFINED = 1, EXC_SVC = 2, EXC_BRK = 7, /* as the hook of interrupts numbers them */
    GATE_STEP = 16
};
#define INSN_NOP 0xd503201fu
#define INSN_RET 0xd65f03c0u
#define INSN_SVC(n) (0xd4000001u | (uint32_t)(n) << 5)

struct emulator {
    uc_engine *uc;
    jit_engine *engine;
    uint8_t *stack, *block, *gate; /* of the host and, at the same address, of the machine */
    unsigned exception;            /* that ended the call; 0: none */
    bool outside;                  /* an access or jump to what is not mapped did */
    uint64_t address;              /* of it */
    const char *refusal;           /* a call of the host that could not be made; NULL: none */
};

bool tool_emulates(jit_arch arch)
{
    return arch == JIT_ARCH_AARCH64;
}

/* ---- Registers ---- */

static uint64_t reg(const emulator *m, int which)
{
    uint64_t x = 0;

    uc_reg_read(m->uc, which, &x);
    return x;
}

static void set_reg(const emulator *m, int which, uint64_t x)
{
    uc_reg_write(m->uc, which, &x);
}

static int x_reg(unsigned n)
{
    return n < 29 ? UC_ARM64_REG_X0 + (int)n : n == 29 ? UC_ARM64_REG_X29 : UC_ARM64_REG_X30;
}

static uint64_t mark(unsigned n)
{
    return 0x9e3779b97f4a7c15u * (n + 1);
}

static bool is_kept(unsigned x)
{
    return x >= 18 && x < 30;
}

/* Marks in what has to be kept, garbage in what need not. */
static void scramble(const emulator *m, bool all)
{
    for (unsigned n = 0; n < 30; n++)
        if (all || !is_kept(n))
            set_reg(m, x_reg(n), mark(n));
    for (unsigned n = 0; n < 32; n++) {
        uint64_t v[2] = { mark(32 + n), mark(64 + n) };
        if (!all && n >= 8 && n < 16) /* the low half is kept */
            v[0] = reg(m, UC_ARM64_REG_D0 + (int)n);
        uc_reg_write(m->uc, UC_ARM64_REG_Q0 + (int)n, v);
    }
}

/* The first register that is not as it was; NULL: all are. */
static const char *spoiled(const emulator *m)
{
    static char name[8];

    for (unsigned n = 0; n < 30; n++)
        if (is_kept(n) && reg(m, x_reg(n)) != mark(n)) {
            snprintf(name, sizeof name, "x%u", n);
            return name;
        }
    for (unsigned n = 8; n < 16; n++)
        if (reg(m, UC_ARM64_REG_D0 + (int)n) != mark(32 + n)) {
            snprintf(name, sizeof name, "d%u", n);
            return name;
        }
    return reg(m, UC_ARM64_REG_SP) == (uint64_t)(uintptr_t)(m->stack + STACK_BYTES) ? NULL : "sp";
}

/* ---- Functions of the host ---- */

static double f64_arg(const emulator *m, int n)
{
    uint64_t bits = reg(m, UC_ARM64_REG_D0 + n);
    double x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

static float f32_arg(const emulator *m, int n)
{
    uint32_t bits = (uint32_t)reg(m, UC_ARM64_REG_D0 + n);
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

/* A result; a NaN is the canonical one, as the library's own functions have it. */
static void give_f64(const emulator *m, double x)
{
    uint64_t v[2] = { 0x7ff8000000000000u, mark(0) };

    if (x == x)
        memcpy(v, &x, sizeof x);
    uc_reg_write(m->uc, UC_ARM64_REG_Q0, v);
}

static void give_f32(const emulator *m, float x)
{
    uint64_t v[2] = { 0x7fc00000u, mark(0) };

    if (x == x)
        memcpy(v, &x, sizeof x);
    v[0] |= mark(0) << 32;
    uc_reg_write(m->uc, UC_ARM64_REG_Q0, v);
}

/* Bytes of the machine's memory; NULL, and a refusal: they are not all mapped. */
static uint8_t *fetch(emulator *m, uint64_t address, uint64_t size)
{
    uint8_t *bytes = size <= STACK_BYTES ? tool_alloc(size + 1, 1) : NULL;

    if (bytes && (size == 0 || uc_mem_read(m->uc, address, bytes, size) == UC_ERR_OK))
        return bytes;
    free(bytes);
    m->refusal = "a function of the host was given memory that is not mapped";
    return NULL;
}

static void put(emulator *m, uint64_t address, const uint8_t *bytes, uint64_t size)
{
    if (size != 0 && uc_mem_write(m->uc, address, bytes, size) != UC_ERR_OK)
        m->refusal = "a function of the host was given memory that is not mapped";
}

static void copy_memory(emulator *m, const uint64_t *x)
{
    uint8_t *bytes = fetch(m, x[1], x[2]);

    if (bytes)
        put(m, x[0], bytes, x[2]);
    free(bytes);
    set_reg(m, UC_ARM64_REG_X0, x[0]);
}

static void set_memory(emulator *m, const uint64_t *x)
{
    uint8_t *bytes = fetch(m, x[0], x[2]);

    if (bytes) {
        memset(bytes, (int)(uint8_t)x[1], x[2]);
        put(m, x[0], bytes, x[2]);
    }
    free(bytes);
    set_reg(m, UC_ARM64_REG_X0, x[0]);
}

static void compare_memory(emulator *m, const uint64_t *x)
{
    uint8_t *a = fetch(m, x[0], x[2]), *b = fetch(m, x[1], x[2]);
    int order = a && b ? memcmp(a, b, x[2]) : 0;

    free(a);
    free(b);
    set_reg(m, UC_ARM64_REG_X0, (uint32_t)order | mark(0) << 32);
}

enum { GATE_RETURN, CEIL_F32, CEIL_F64, FLOOR_F32, FLOOR_F64, TRUNC_F32, TRUNC_F64, NEAREST_F32,
       NEAREST_F64, FMA_F32, FMA_F64, MEMCPY, MEMSET, MEMMOVE, MEMCMP, GATES };
static const char *const gate_names[GATES] = {
    NULL, "%CeilF32", "%CeilF64", "%FloorF32", "%FloorF64", "%TruncF32", "%TruncF64", "%NearestF32",
    "%NearestF64", "%FmaF32", "%FmaF64", "%Memcpy", "%Memset", "%Memmove", "%Memcmp"
};

static void call_host(emulator *m, unsigned which)
{
    double x = f64_arg(m, 0), y = f64_arg(m, 1), z = f64_arg(m, 2);
    float fx = f32_arg(m, 0), fy = f32_arg(m, 1), fz = f32_arg(m, 2);
    uint64_t ints[3] = { reg(m, UC_ARM64_REG_X0), reg(m, UC_ARM64_REG_X1),
                         reg(m, UC_ARM64_REG_X2) };
    uint64_t pc = reg(m, UC_ARM64_REG_LR);

    scramble(m, false); /* as a function of C may */
    set_reg(m, UC_ARM64_REG_LR, pc);
    switch (which) {
    case CEIL_F32: give_f32(m, ceilf(fx)); break;
    case CEIL_F64: give_f64(m, ceil(x)); break;
    case FLOOR_F32: give_f32(m, floorf(fx)); break;
    case FLOOR_F64: give_f64(m, floor(x)); break;
    case TRUNC_F32: give_f32(m, truncf(fx)); break;
    case TRUNC_F64: give_f64(m, trunc(x)); break;
    case NEAREST_F32: give_f32(m, rintf(fx)); break;
    case NEAREST_F64: give_f64(m, rint(x)); break;
    case FMA_F32: give_f32(m, fmaf(fx, fy, fz)); break;
    case FMA_F64: give_f64(m, fma(x, y, z)); break;
    case MEMCPY:
    case MEMMOVE: copy_memory(m, ints); break;
    case MEMSET: set_memory(m, ints); break;
    case MEMCMP: compare_memory(m, ints); break;
    default: m->refusal = "a jump into the middle of the gate";
    }
}

/* ---- Hooks ---- */

static void on_exception(uc_engine *uc, uint32_t number, void *user)
{
    emulator *m = user;
    uint64_t pc = reg(m, UC_ARM64_REG_PC), at = pc - (uint64_t)(uintptr_t)m->gate;

    if (number == EXC_SVC && at < PAGE && at % GATE_STEP == 4) {
        call_host(m, (unsigned)(at / GATE_STEP));
        if (!m->refusal)
            return;
    } else {
        m->exception = number;
    }
    uc_emu_stop(uc);
}

static bool on_outside(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value,
                       void *user)
{
    emulator *m = user;

    (void)uc, (void)type, (void)size, (void)value;
    m->outside = true;
    m->address = address;
    return false;
}

/* There is one, so that the machine's pc is right at a fault. */
static void on_access(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value,
                      void *user)
{
    (void)uc, (void)type, (void)address, (void)size, (void)value, (void)user;
}

/* uc_hook_add() takes all kinds of callbacks as void *, which ISO C has no cast for. */
static bool add_hook(emulator *m, int kind, void (*fn)(void))
{
    uc_hook hook;
    void *address;

    memcpy(&address, &fn, sizeof address);
    return uc_hook_add(m->uc, &hook, kind, address, m, 1, 0) == UC_ERR_OK;
}

/* ---- Making ---- */

/* Memory of this process, seen by the machine at the same address; NULL: none. */
static uint8_t *share(emulator *m, size_t size, uint32_t protection)
{
    uint8_t *p = mmap(NULL, size + 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                      0);

    if (p == MAP_FAILED)
        return NULL;
    p += PAGE; /* a page on either side stays unknown to the machine */
    if (uc_mem_map_ptr(m->uc, (uint64_t)(uintptr_t)p, size, protection, p) == UC_ERR_OK)
        return p;
    munmap(p - PAGE, size + 2 * PAGE);
    return NULL;
}

static void unshare(uint8_t *p, size_t size)
{
    if (p)
        munmap(p - PAGE, size + 2 * PAGE);
}

static void make_gates(emulator *m)
{
    uint32_t *at = (uint32_t *)(void *)m->gate;

    for (unsigned k = 0; k < GATES; k++, at += GATE_STEP / 4) {
        at[0] = k == GATE_RETURN ? INSN_NOP : INSN_SVC(k);
        at[1] = INSN_RET;
        if (gate_names[k])
            jit_engine_define(m->engine, gate_names[k], at);
    }
}

static bool start(emulator *m)
{
    size_t size;
    const void *code = jit_engine_code_space(m->engine, &size);
    uint64_t fp_enabled = 3 << 20;
    void *memory = (void *)(uintptr_t)code; /* mapped to be read and executed only */

    if (uc_ctl_set_cpu_model(m->uc, UC_CPU_ARM64_MAX) != UC_ERR_OK
        || uc_mem_map_ptr(m->uc, (uint64_t)(uintptr_t)code, size, UC_PROT_READ | UC_PROT_EXEC, memory)
               != UC_ERR_OK)
        return false;
    m->stack = share(m, STACK_BYTES, UC_PROT_READ | UC_PROT_WRITE);
    m->block = share(m, BLOCK_BYTES, UC_PROT_READ | UC_PROT_WRITE);
    m->gate = share(m, PAGE, UC_PROT_READ | UC_PROT_EXEC);
    if (!m->stack || !m->block || !m->gate)
        return false;
    make_gates(m);
    return uc_reg_write(m->uc, UC_ARM64_REG_CPACR_EL1, &fp_enabled) == UC_ERR_OK
           && add_hook(m, UC_HOOK_INTR, (void (*)(void))on_exception)
           && add_hook(m, UC_HOOK_MEM_INVALID, (void (*)(void))on_outside)
           && add_hook(m, UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE, (void (*)(void))on_access);
}

emulator *tool_emulator_new(jit_engine *e, char *why, size_t size)
{
    emulator *m = tool_alloc(1, sizeof *m);

    m->engine = e;
    if (uc_open(UC_ARCH_ARM64, UC_MODE_ARM, &m->uc) == UC_ERR_OK && start(m))
        return m;
    snprintf(why, size, "the emulator could not be started");
    tool_emulator_free(m);
    return NULL;
}

void tool_emulator_free(emulator *m)
{
    if (!m)
        return;
    if (m->uc)
        uc_close(m->uc);
    unshare(m->stack, STACK_BYTES);
    unshare(m->block, BLOCK_BYTES);
    unshare(m->gate, PAGE);
    free(m);
}

/* ---- Calling ---- */

static uint64_t address_of(jit_entry f)
{
    uintptr_t p;

    memcpy(&p, &f, sizeof p);
    return p;
}

static outcome broken(const char *what, uint64_t at)
{
    outcome out = { OUT_BROKEN, 0, "" };

    snprintf(out.message, sizeof out.message, "%s at pc 0x%llx", what, (unsigned long long)at);
    return out;
}

/* A fault or exception: a trap where the code has a trap site, else its fault. */
static outcome judge_end(const emulator *m, uc_err error)
{
    uint64_t pc = reg(m, UC_ARM64_REG_PC);
    const void *at = (const void *)(uintptr_t)pc;
    outcome out = { OUT_TRAPPED, 0, "" };
    char text[128];

    if (m->refusal)
        return broken(m->refusal, pc);
    out.trap = jit_code_trap_at(jit_engine_code_at(m->engine, at), at);
    if (out.trap != JIT_TRAP_NONE)
        return out;
    if (m->outside)
        snprintf(text, sizeof text, "access to 0x%llx", (unsigned long long)m->address);
    else if (m->exception)
        snprintf(text, sizeof text, "exception %u", m->exception);
    else
        snprintf(text, sizeof text, "%s", uc_strerror(error));
    return broken(text, pc);
}

outcome tool_emulator_call(emulator *m, jit_entry entry, const jit_signature *sig,
                           const jit_bits *args, jit_bits *results)
{
    size_t taken = (sig->nparams + 1) * sizeof *args, given = sig->nresults * sizeof *results;
    uint64_t to = address_of(entry), back = (uint64_t)(uintptr_t)m->gate;
    outcome out = { OUT_BROKEN, 0, "" };
    jit_entry adapter;
    jit_status status = jit_invoke_adapter(m->engine, sig, &adapter);

    if (status != JIT_OK || taken + given > BLOCK_BYTES) {
        out.kind = status == JIT_ERR_UNSUPPORTED ? OUT_SKIPPED : OUT_BROKEN;
        snprintf(out.message, sizeof out.message, "the call could not be made: %s",
                 status == JIT_OK ? "too many values" : jit_status_name(status));
        return out;
    }
    memset(m->block, 0, taken + given);
    memcpy(m->block, &to, sizeof to);
    if (sig->nparams > 0)
        memcpy(m->block + sizeof *args, args, sig->nparams * sizeof *args);
    m->exception = 0;
    m->outside = false;
    m->refusal = NULL;
    scramble(m, true);
    set_reg(m, UC_ARM64_REG_X0, (uint64_t)(uintptr_t)m->block);
    set_reg(m, UC_ARM64_REG_X1, (uint64_t)(uintptr_t)(m->block + taken));
    set_reg(m, UC_ARM64_REG_LR, back);
    set_reg(m, UC_ARM64_REG_SP, (uint64_t)(uintptr_t)(m->stack + STACK_BYTES));
    uc_err error = uc_emu_start(m->uc, address_of(adapter), back, 0, 0);
    if (error != UC_ERR_OK || m->exception || m->refusal || reg(m, UC_ARM64_REG_PC) != back)
        return judge_end(m, error);
    const char *lost = spoiled(m);
    if (lost) {
        snprintf(out.message, sizeof out.message, "%s was not preserved", lost);
        return out;
    }
    if (given > 0)
        memcpy(results, m->block + taken, given);
    out.kind = OUT_RETURNED;
    return out;
}

#else /* no emulator */

bool tool_emulates(jit_arch arch)
{
    (void)arch;
    return false;
}

emulator *tool_emulator_new(jit_engine *e, char *why, size_t size)
{
    (void)e;
    snprintf(why, size, "this build has no emulator");
    return NULL;
}

void tool_emulator_free(emulator *m)
{
    (void)m;
}

outcome tool_emulator_call(emulator *m, jit_entry entry, const jit_signature *sig,
                           const jit_bits *args, jit_bits *results)
{
    outcome out;

    (void)m, (void)entry, (void)sig, (void)args, (void)results;
    memset(&out, 0, sizeof out);
    out.kind = OUT_SKIPPED;
    return out;
}

#endif
