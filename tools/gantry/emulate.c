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
    GATE_STEP = 16, MAX_GATES = PAGE / GATE_STEP, MAX_HOST_ARGS = 16,
    LIBRARY = 14
};
#define INSN_NOP 0xd503201fu
#define INSN_RET 0xd65f03c0u
#define INSN_SVC(n) (0xd4000001u | (uint32_t)(n) << 5)

typedef struct gate { const jit_signature *sig; jit_interp_host fn; void *user; } gate;
typedef struct library_gate { const emulator *machine; unsigned index; } library_gate;

struct emulator {
    uc_engine *uc;
    jit_engine *engine;
    uint8_t *stack, *block, *gate_page; /* of the host and, at the same address, of the machine */
    gate gates[MAX_GATES];              /* 0 is where calls return to */
    unsigned ngates;
    library_gate library[LIBRARY];
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

/* A value in a register, with garbage above it unless the convention has it extended. */
static uint64_t with_garbage(jit_abi_param p, const jit_bits *v)
{
    unsigned bits = jit_type_bits(JIT_PARAM_TYPE(p));
    uint64_t x = 0, mask = bits < 64 ? ((uint64_t)1 << bits) - 1 : UINT64_MAX;

    memcpy(&x, v->at, bits / 8);
    if (p & JIT_UEXT)
        return x;
    return p & JIT_SEXT ? (x ^ (mask / 2 + 1)) - (mask / 2 + 1) : x | (mark(0) & ~mask);
}

/* Takes the arguments from their registers, calls, and puts the one result into its own. */
static void call_host(emulator *m, const gate *g)
{
    jit_bits args[MAX_HOST_ARGS], result;
    uint64_t back = reg(m, UC_ARM64_REG_LR), x;
    unsigned ints = 0, floats = 0, trap = 0;

    memset(args, 0, sizeof args);
    memset(&result, 0, sizeof result);
    for (uint32_t k = 0; k < g->sig->nparams; k++) {
        bool is_int = jit_type_is_int(JIT_PARAM_TYPE(g->sig->params[k]));
        x = reg(m, is_int ? x_reg(ints++) : UC_ARM64_REG_D0 + (int)floats++);
        memcpy(args[k].at, &x, sizeof x);
    }
    scramble(m, false); /* as a function of C may */
    set_reg(m, UC_ARM64_REG_LR, back);
    if (g->fn(g->user, args, &result, &trap) != JIT_RETURNED && !m->refusal)
        m->refusal = "a function of the host did not return";
    if (g->sig->nresults == 0)
        return;
    x = with_garbage(g->sig->results[0], &result);
    if (jit_type_is_int(JIT_PARAM_TYPE(g->sig->results[0]))) {
        set_reg(m, UC_ARM64_REG_X0, x);
    } else {
        uint64_t v[2] = { x, mark(0) };
        uc_reg_write(m->uc, UC_ARM64_REG_Q0, v);
    }
}

bool tool_emulator_host(emulator *m, const char *name, const jit_signature *sig, jit_interp_host fn,
                        void *user)
{
    uint32_t *at = (uint32_t *)(void *)(m->gate_page + GATE_STEP * m->ngates);
    unsigned ints = 0, floats = 0;

    for (uint32_t k = 0; k < sig->nparams; k++)
        *(jit_type_is_int(JIT_PARAM_TYPE(sig->params[k])) ? &ints : &floats) += 1;
    if (m->ngates == MAX_GATES || ints > 8 || floats > 8 || sig->nresults > 1)
        return false;
    m->gates[m->ngates] = (gate){ sig, fn, user };
    at[0] = INSN_SVC(m->ngates++);
    at[1] = INSN_RET;
    return jit_engine_define(m->engine, name, at) == JIT_OK;
}

/* ---- The library ---- */

enum { CEIL, FLOOR, TRUNC, NEAREST, FMA, MEMCPY, MEMSET, MEMMOVE, MEMCMP };
static const jit_abi_param f32s[] = { JIT_F32, JIT_F32, JIT_F32 };
static const jit_abi_param f64s[] = { JIT_F64, JIT_F64, JIT_F64 };
static const jit_abi_param i64s[] = { JIT_I64, JIT_I64, JIT_I64 };
static const jit_abi_param memset_params[] = { JIT_I64, JIT_I32, JIT_I64 }, i32s[] = { JIT_I32 };

typedef struct library_function { const char *name; unsigned which; jit_signature sig; } library_function;
static const library_function library[LIBRARY] = {
    { "%CeilF32", CEIL, { JIT_CONV_SYSTEM_V, 1, 1, f32s, f32s } },
    { "%CeilF64", CEIL, { JIT_CONV_SYSTEM_V, 1, 1, f64s, f64s } },
    { "%FloorF32", FLOOR, { JIT_CONV_SYSTEM_V, 1, 1, f32s, f32s } },
    { "%FloorF64", FLOOR, { JIT_CONV_SYSTEM_V, 1, 1, f64s, f64s } },
    { "%TruncF32", TRUNC, { JIT_CONV_SYSTEM_V, 1, 1, f32s, f32s } },
    { "%TruncF64", TRUNC, { JIT_CONV_SYSTEM_V, 1, 1, f64s, f64s } },
    { "%NearestF32", NEAREST, { JIT_CONV_SYSTEM_V, 1, 1, f32s, f32s } },
    { "%NearestF64", NEAREST, { JIT_CONV_SYSTEM_V, 1, 1, f64s, f64s } },
    { "%FmaF32", FMA, { JIT_CONV_SYSTEM_V, 3, 1, f32s, f32s } },
    { "%FmaF64", FMA, { JIT_CONV_SYSTEM_V, 3, 1, f64s, f64s } },
    { "%Memcpy", MEMCPY, { JIT_CONV_SYSTEM_V, 3, 1, i64s, i64s } },
    { "%Memset", MEMSET, { JIT_CONV_SYSTEM_V, 3, 1, memset_params, i64s } },
    { "%Memmove", MEMMOVE, { JIT_CONV_SYSTEM_V, 3, 1, i64s, i64s } },
    { "%Memcmp", MEMCMP, { JIT_CONV_SYSTEM_V, 3, 1, i64s, i32s } },
};

/* A NaN is the canonical one, as the functions of the library have it. */
static void float_f32(unsigned which, const jit_bits *a, jit_bits *r)
{
    float x, y, z;

    memcpy(&x, a[0].at, sizeof x);
    memcpy(&y, a[1].at, sizeof y);
    memcpy(&z, a[2].at, sizeof z);
    x = which == CEIL ? ceilf(x) : which == FLOOR ? floorf(x) : which == TRUNC ? truncf(x)
        : which == NEAREST ? rintf(x) : fmaf(x, y, z);
    if (x != x)
        x = NAN;
    memcpy(r->at, &x, sizeof x);
}

static void float_f64(unsigned which, const jit_bits *a, jit_bits *r)
{
    double x, y, z;

    memcpy(&x, a[0].at, sizeof x);
    memcpy(&y, a[1].at, sizeof y);
    memcpy(&z, a[2].at, sizeof z);
    x = which == CEIL ? ceil(x) : which == FLOOR ? floor(x) : which == TRUNC ? trunc(x)
        : which == NEAREST ? rint(x) : fma(x, y, z);
    if (x != x)
        x = NAN;
    memcpy(r->at, &x, sizeof x);
}

/* A copy of the machine's memory; NULL: it is not all mapped. */
static uint8_t *fetch(const emulator *m, uint64_t address, uint64_t size)
{
    uint8_t *bytes = size <= STACK_BYTES ? tool_alloc(size + 1, 1) : NULL;

    if (bytes && (size == 0 || uc_mem_read(m->uc, address, bytes, size) == UC_ERR_OK))
        return bytes;
    free(bytes);
    return NULL;
}

static bool memory(const emulator *m, unsigned which, const jit_bits *a, jit_bits *r)
{
    uint64_t to, from, n;
    bool good;

    memcpy(&to, a[0].at, sizeof to);
    memcpy(&from, a[1].at, sizeof from);
    memcpy(&n, a[2].at, sizeof n);
    uint8_t *x = fetch(m, to, n), *y = which == MEMSET ? x : fetch(m, from, n);
    good = x && y;
    if (good && which == MEMCMP) {
        int order = memcmp(x, y, n);
        memcpy(r->at, &order, sizeof order);
    } else if (good) {
        if (which == MEMSET)
            memset(x, (int)(uint8_t)from, n);
        good = n == 0 || uc_mem_write(m->uc, to, y, n) == UC_ERR_OK;
        memcpy(r->at, &to, sizeof to);
    }
    free(x);
    if (y != x)
        free(y);
    return good;
}

static jit_outcome run_library(void *user, const jit_bits *args, jit_bits *results, unsigned *trap)
{
    const library_gate *g = user;
    const library_function *f = &library[g->index];

    (void)trap;
    if (f->which >= MEMCPY)
        return memory(g->machine, f->which, args, results) ? JIT_RETURNED : JIT_BREACH;
    if (f->sig.params == f32s)
        float_f32(f->which, args, results);
    else
        float_f64(f->which, args, results);
    return JIT_RETURNED;
}

static bool open_library(emulator *m)
{
    bool good = true;

    for (unsigned k = 0; k < LIBRARY; k++) {
        m->library[k] = (library_gate){ m, k };
        good &= tool_emulator_host(m, library[k].name, &library[k].sig, run_library, &m->library[k]);
    }
    return good;
}

/* ---- Hooks ---- */

static void on_exception(uc_engine *uc, uint32_t number, void *user)
{
    emulator *m = user;
    uint64_t pc = reg(m, UC_ARM64_REG_PC), at = pc - (uint64_t)(uintptr_t)m->gate_page;

    if (number == EXC_SVC && at / GATE_STEP < m->ngates && at % GATE_STEP == 4) {
        call_host(m, &m->gates[at / GATE_STEP]);
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

static bool start(emulator *m)
{
    size_t size;
    const void *code = jit_engine_code_space(m->engine, &size);
    uint64_t fp_enabled = 3 << 20;
    uint32_t nop = INSN_NOP;
    void *memory = (void *)(uintptr_t)code; /* mapped to be read and executed only */

    if (uc_ctl_set_cpu_model(m->uc, UC_CPU_ARM64_MAX) != UC_ERR_OK
        || uc_mem_map_ptr(m->uc, (uint64_t)(uintptr_t)code, size, UC_PROT_READ | UC_PROT_EXEC, memory)
               != UC_ERR_OK)
        return false;
    m->stack = share(m, STACK_BYTES, UC_PROT_READ | UC_PROT_WRITE);
    m->block = share(m, BLOCK_BYTES, UC_PROT_READ | UC_PROT_WRITE);
    m->gate_page = share(m, PAGE, UC_PROT_READ | UC_PROT_EXEC);
    if (!m->stack || !m->block || !m->gate_page)
        return false;
    memcpy(m->gate_page, &nop, sizeof nop);
    m->ngates = 1;
    return open_library(m)
           && uc_reg_write(m->uc, UC_ARM64_REG_CPACR_EL1, &fp_enabled) == UC_ERR_OK
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
    unshare(m->gate_page, PAGE);
    free(m);
}

bool tool_emulator_share(emulator *m, void *p, size_t size)
{
    return uc_mem_map_ptr(m->uc, (uint64_t)(uintptr_t)p, size, UC_PROT_READ | UC_PROT_WRITE, p)
           == UC_ERR_OK;
}

void tool_emulator_forget(emulator *m)
{
    size_t size;
    uint64_t start_at = (uint64_t)(uintptr_t)jit_engine_code_space(m->engine, &size);

    uc_ctl_remove_cache(m->uc, start_at, start_at + size);
}

/* ---- Calling ---- */

static uint64_t address_of(jit_entry f)
{
    uintptr_t p;

    memcpy(&p, &f, sizeof p);
    return p;
}

static outcome broken(const emulator *m, const char *what, uint64_t at)
{
    const jit_code *code = jit_engine_code_at(m->engine, (const void *)(uintptr_t)at);
    outcome out = { OUT_BROKEN, 0, "" };

    if (code)
        snprintf(out.message, sizeof out.message, "%s at 0x%llx of the code", what,
                 (unsigned long long)(at - address_of(jit_code_entry(code))));
    else
        snprintf(out.message, sizeof out.message, "%s outside the code", what);
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
        return broken(m, m->refusal, pc);
    out.trap = jit_code_trap_at(jit_engine_code_at(m->engine, at), at);
    if (out.trap != JIT_TRAP_NONE)
        return out;
    if (m->outside)
        snprintf(text, sizeof text, "access to 0x%llx", (unsigned long long)m->address);
    else if (m->exception)
        snprintf(text, sizeof text, "exception %u", m->exception);
    else
        snprintf(text, sizeof text, "%s", uc_strerror(error));
    return broken(m, text, pc);
}

outcome tool_emulator_call(emulator *m, jit_entry entry, const jit_signature *sig,
                           const jit_bits *args, jit_bits *results)
{
    size_t taken = (sig->nparams + 1) * sizeof *args, given = sig->nresults * sizeof *results;
    uint64_t to = address_of(entry), back = (uint64_t)(uintptr_t)m->gate_page;
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

bool tool_emulator_host(emulator *m, const char *name, const jit_signature *sig, jit_interp_host fn,
                        void *user)
{
    (void)m, (void)name, (void)sig, (void)fn, (void)user;
    return false;
}

bool tool_emulator_share(emulator *m, void *p, size_t size)
{
    (void)m, (void)p, (void)size;
    return false;
}

void tool_emulator_forget(emulator *m)
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
