/* emulator.c - the command's emulator: calls of every kind, how they end, and that it reports each
 * fault seeded in the accesses of a function's code. */
#define _DEFAULT_SOURCE
#include "tests/support/jit_kit.h"
#include "tools/gantry/emulate.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

static unsigned passed, failed, skipped;
static const jit_arch archs[] = { JIT_ARCH_X86_64, JIT_ARCH_AARCH64 };
static const jit_level levels[] = { JIT_O0, JIT_O1, JIT_O2 };
static const char *const names[] = { "", "x86_64", "aarch64" };

/* An engine of one machine, its emulator, and some memory that both know. */
typedef struct rig {
    jit_arch arch;
    jit_level level;
    jit_engine *engine;
    jit_ctx *ctx;
    emulator *machine;
    uint8_t *heap;
} rig;
enum { HEAP = 1 << 16 };

static void check(const rig *r, const char *what, bool good, const char *got)
{
    passed += good;
    failed += !good;
    if (!good)
        printf("%s -O%d: failed: %s: %s\n", names[r->arch], (int)r->level - JIT_O0, what, got);
}

static bool start(rig *r, jit_arch arch, jit_level level)
{
    jit_engine_settings s = { .size = sizeof s, .arch = arch };
    char why[128] = "";

    *r = (rig){ arch, level, jit_engine_new(&s), NULL, NULL, NULL };
    r->ctx = r->engine ? jit_ctx_new(r->engine) : NULL;
    r->machine = r->ctx ? tool_emulator_new(r->engine, why, sizeof why) : NULL;
    r->heap = mmap(NULL, HEAP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool good = r->machine && r->heap != MAP_FAILED
                && tool_emulator_share(r->machine, r->heap, HEAP);
    check(r, "starting", good, why);
    return good;
}

static void stop(rig *r)
{
    tool_emulator_free(r->machine);
    jit_ctx_free(r->ctx);
    munmap(r->heap, HEAP);
    jit_engine_free(r->engine);
}

/* A module's functions as units and codes. */
typedef struct program {
    jit_module *module;
    size_t n;
    jit_unit *units[8];
    jit_code *codes[8];
} program;

static bool compile(rig *r, program *p, const char *text)
{
    jit_settings s = { .size = sizeof s, .level = r->level, .checks = JIT_CHECK_ALL,
                       .accountable = true };
    jit_status status = JIT_OK;

    *p = (program){ .module = kit_read(r->engine, text) };
    p->n = p->module ? jit_module_function_count(p->module) : 0;
    for (size_t k = 0; k < p->n && status == JIT_OK; k++)
        status = jit_compile_unit(r->ctx, jit_module_function_at(p->module, k), &s, &p->units[k]);
    if (status == JIT_OK)
        status = jit_publish(r->engine, r->ctx, p->units, p->n, p->codes);
    check(r, text, p->n > 0 && status == JIT_OK, jit_error_message(r->ctx));
    return p->n > 0 && status == JIT_OK;
}

static void end(rig *r, program *p)
{
    for (size_t k = 0; k < p->n; k++) {
        jit_code_free(p->codes[k]);
        jit_unit_free(p->units[k]);
    }
    tool_emulator_forget(r->machine);
    jit_module_free(p->module);
}

static outcome run(const rig *r, const program *p, size_t k, const jit_bits *args,
                   jit_bits *results)
{
    const jit_func *f = jit_module_function_at(p->module, k);

    return tool_emulator_call(r->machine, jit_code_entry(p->codes[k]), jit_func_signature(f), args,
                              results);
}

/* ---- How calls end ---- */

static const char ways_out[] =
    "function %divides(i32, i32) -> i32 {\n"
    "block0(v0: i32, v1: i32):\n    v2 = sdiv v0, v1\n    return v2\n}\n"
    "function %stops() {\nblock0:\n    trap user7\n}\n"
    "function %loads(i64) -> i64 {\n"
    "block0(v0: i64):\n    v1 = load.i64 v0\n    return v1\n}\n"
    "function %loads_surely(i64) -> i64 {\n"
    "block0(v0: i64):\n    v1 = load.i64 notrap v0\n    return v1\n}\n"
    "function %turns(i32) {\n"
    "block0(v0: i32):\n    jump block1(v0)\n"
    "block1(v1: i32):\n    v2 = iadd v1, v1\n    jump block1(v2)\n}\n"
    "function %jumps(i64) {\n    sig0 = ()\n"
    "block0(v0: i64):\n    call_indirect sig0, v0()\n    return\n}\n"
    "function %deep(i64) -> i64 {\n    fn0 = %deep(i64) -> i64\n"
    "block0(v0: i64):\n    v1 = call fn0(v0)\n    v2 = iadd v1, v0\n    return v2\n}\n";

static void expect_trap(const rig *r, const program *p, size_t k, jit_bits *args, unsigned trap)
{
    jit_bits results[1];
    outcome out = run(r, p, k, args, results);

    check(r, jit_trap_name(trap), out.kind == OUT_TRAPPED && out.trap == trap, out.message);
}

static void expect_broken(const rig *r, const program *p, size_t k, jit_bits *args,
                          outcome_kind kind, const char *message)
{
    jit_bits results[1];
    outcome out = run(r, p, k, args, results);

    check(r, message, out.kind == kind && strstr(out.message, message), out.message);
}

static void test_ways_out(rig *r)
{
    program p;
    jit_bits args[2] = { kit_bits(7), kit_bits(0) }, results[1];

    if (!compile(r, &p, ways_out))
        return;
    expect_trap(r, &p, 0, args, JIT_TRAP_INT_DIVZ);
    args[0] = kit_bits(0x80000000);
    args[1] = kit_bits(0xffffffff);
    expect_trap(r, &p, 0, args, JIT_TRAP_INT_OVF);
    args[0] = kit_bits((uint64_t)-40);
    args[1] = kit_bits(7);
    outcome out = run(r, &p, 0, args, results);
    check(r, "a sound division", out.kind == OUT_RETURNED && (int32_t)kit_word(results[0]) == -5,
          out.message);
    expect_trap(r, &p, 1, args, 7);
    args[0] = kit_bits(64);
    expect_trap(r, &p, 2, args, JIT_TRAP_HEAP_OOB);
    expect_broken(r, &p, 3, args, OUT_BROKEN, "access to 0x40 at 0x");
    tool_emulator_budget(r->machine, 1000);
    expect_broken(r, &p, 4, args, OUT_ENDLESS, "no end within 1000 instructions");
    check(r, "instructions are counted", tool_emulator_steps(r->machine) == 1001, "they are not");
    tool_emulator_budget(r->machine, 1 << 30);
    args[0] = kit_bits(8);
    expect_broken(r, &p, 5, args, OUT_BROKEN, "access to 0x8 outside the code");
    out = run(r, &p, 6, args, results);
    check(r, "a stack that ends", out.kind == OUT_BROKEN || out.kind == OUT_TRAPPED, out.message);
    end(r, &p);
}

/* Code of a convention that keeps less than C's, called as if it were C's. */
static void test_kept_registers(rig *r)
{
    static const jit_abi_param i64s[] = { JIT_I64 };
    static const jit_signature as_c = { JIT_CONV_SYSTEM_V, 1, 1, i64s, i64s };
    program p;
    jit_bits args[1] = { kit_bits(1) }, results[1];
    char text[4096] = "function %spends(i64) -> i64 tail {\nblock0(v0: i64):\n", line[80];

    for (int k = 1; k < 28; k++) {
        snprintf(line, sizeof line, "    v%d = imul v%d, v0\n", k, k - 1);
        strcat(text, line);
    }
    for (int k = 28; k < 55; k++) {
        snprintf(line, sizeof line, "    v%d = bxor v%d, v%d\n", k, k - 1, 55 - k);
        strcat(text, line);
    }
    strcat(text, "    return v54\n}\n");
    if (r->level == JIT_O0 || !compile(r, &p, text))
        return;
    outcome out = tool_emulator_call(r->machine, jit_code_entry(p.codes[0]), &as_c, args, results);
    check(r, "a register that is not kept", out.kind == OUT_BROKEN
          && strstr(out.message, "was not preserved"), out.message);
    end(r, &p);
}

/* ---- Functions of the host ---- */

static jit_outcome sum_all(void *user, const jit_bits *args, jit_bits *results, unsigned *trap)
{
    uint64_t sum = 0;
    double x;

    (void)trap;
    for (unsigned k = 0; k < 12; k++)
        sum = sum * 3 + kit_word(args[k]);
    memcpy(&x, args[12].at, sizeof x);
    results[0] = kit_bits(sum + *(const uint64_t *)user);
    x += 1;
    memcpy(results[1].at, &x, sizeof x);
    results[2] = args[13];
    return JIT_RETURNED;
}

static jit_outcome invert(void *user, const jit_bits *args, jit_bits *results, unsigned *trap)
{
    (void)user, (void)trap;
    results[0] = kit_bits(~kit_word(args[0]) & 0xff);
    return JIT_RETURNED;
}

static const char calls_out[] =
    "function %asks(i64) -> i64, f64, i16, i8 system_v {\n"
    "    fn0 = %sum_all(i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, f64, i16)"
    " -> i64, f64, i16\n"
    "    fn1 = %invert(i8) -> i8\n"
    "block0(v0: i64):\n"
    "    v1 = iadd v0, v0\n    v2 = ireduce.i16 v1\n    v3 = f64const 0x1.8p1\n"
    "    v4, v5, v6 = call fn0(v0, v1, v0, v1, v0, v1, v0, v1, v0, v1, v0, v1, v3, v2)\n"
    "    v7 = ireduce.i8 v0\n    v8 = call fn1(v7)\n"
    "    return v4, v5, v6, v8\n}\n";

static void test_host_functions(rig *r)
{
    static const jit_abi_param in[] = { JIT_I64, JIT_I64, JIT_I64, JIT_I64, JIT_I64, JIT_I64,
                                        JIT_I64, JIT_I64, JIT_I64, JIT_I64, JIT_I64, JIT_I64,
                                        JIT_F64, JIT_I16 };
    static const jit_abi_param out_types[] = { JIT_I64, JIT_F64, JIT_I16 }, i8s[] = { JIT_I8 };
    static const jit_signature many = { JIT_CONV_SYSTEM_V, 14, 3, in, out_types };
    static const jit_signature one = { JIT_CONV_SYSTEM_V, 1, 1, i8s, i8s };
    uint64_t add = 1000, sum = 0;
    program p;
    jit_bits args[1] = { kit_bits(5) }, results[4] = { { { 0 } } };
    double x = 0;

    check(r, "a function of the host",
          tool_emulator_host(r->machine, "%sum_all", &many, sum_all, &add)
          && tool_emulator_host(r->machine, "%invert", &one, invert, NULL), "it cannot be called");
    if (!compile(r, &p, calls_out))
        return;
    outcome out = run(r, &p, 0, args, results);
    for (unsigned k = 0; k < 12; k++)
        sum = sum * 3 + 5 + 5 * (k % 2);
    memcpy(&x, results[1].at, sizeof x);
    check(r, "a function of the host with many values", out.kind == OUT_RETURNED
          && kit_word(results[0]) == sum + add && x == 4.0 && results[2].at[0] == 10
          && results[3].at[0] == 0xfa, out.message);
    end(r, &p);
}

/* ---- Accounts ---- */

/* Code of one function held against the IR of another, which differs in what it accesses. Both take
 * the address of a heap, so that instruction 0 is the first access of each. */
typedef struct fault {
    const char *what;
    const char *meant, *made;   /* their bodies, behind "block0(v0: i64):" and a slot of 32 bytes */
    const char *complaint;      /* NULL: there is nothing to complain of */
} fault;

#define RETURN(v) "    return " v "\n"
static const fault faults[] = {
    { "sound accesses",
      "    v1 = load.i64 v0\n    store v1, v0+8\n" RETURN("v1"),
      "    v1 = load.i64 v0\n    store v1, v0+8\n" RETURN("v1"), NULL },
    { "a load that is wider",
      "    v1 = load.i32 v0\n    v2 = uextend.i64 v1\n" RETURN("v2"),
      "    v1 = load.i64 v0\n    v2 = iadd v1, v1\n" RETURN("v2"),
      "load of 8 bytes at" },
    { "a load that is narrower", /* which reads nothing that is not the IR's */
      "    v1 = load.i64 v0\n" RETURN("v1"), "    v1 = uload32.i64 v0\n" RETURN("v1"), NULL },
    { "a load elsewhere",
      "    v1 = load.i64 v0\n" RETURN("v1"), "    v1 = load.i64 v0+8\n" RETURN("v1"),
      "that the IR does not make there" },
    { "a store that is wider",
      "    istore8 v0, v0+16\n" RETURN("v0"), "    store v0, v0+16\n" RETURN("v0"),
      "store of 8 bytes at" },
    { "a store that is narrower",
      "    store v0, v0+16\n" RETURN("v0"), "    istore32 v0, v0+16\n" RETURN("v0"),
      "which were not stored" },
    { "a store elsewhere",
      "    store v0, v0+16\n" RETURN("v0"), "    store v0, v0+24\n" RETURN("v0"),
      "store of 8 bytes at" },
    { "a stray store",
      "    v1 = load.i64 v0\n    store v0, v0+16\n    v2 = load.i64 v0+24\n" RETURN("v2"),
      "    v1 = load.i64 v0\n    store v0, v0+16\n    store v0, v0+24\n" RETURN("v0"),
      "store of 8 bytes at" },
    { "a store in place of a load",
      "    v1 = load.i64 v0+8\n" RETURN("v0"), "    store v0, v0+8\n" RETURN("v0"),
      "store of 8 bytes at" },
    { "a load in place of a store",
      "    store v0, v0+8\n" RETURN("v0"), "    v1 = load.i64 v0+8\n" RETURN("v1"),
      "load of 8 bytes at" },
    { "a store that is missing",
      "    store v0, v0+8\n    store v0, v0+16\n" RETURN("v0"),
      "    store v0, v0+8\n    v1 = load.i64 v0+16\n    v2 = iadd v1, v0\n" RETURN("v2"),
      "load of 8 bytes at" },
    { "the last store missing",
      "    store v0, v0+8\n    store v0, v0+16\n" RETURN("v0"),
      "    store v0, v0+8\n" RETURN("v0"), "which were not stored" },
    { "a slot's store at the wrong place",
      "    v1 = stack_addr.i64 ss0\n    store v0, v1\n    store v0, v1+8\n" RETURN("v0"),
      "    v1 = stack_addr.i64 ss0\n    store v0, v1\n    store v0, v1+16\n" RETURN("v0"),
      "store of 8 bytes at" },
    { "a slot's load that is wider",
      "    v1 = stack_addr.i64 ss0\n    store v0, v1\n    v2 = load.i32 v1\n" RETURN("v0"),
      "    v1 = stack_addr.i64 ss0\n    store v0, v1\n    v2 = load.i64 v1+4\n"
      "    v3 = iadd v2, v0\n" RETURN("v3"),
      "load of 8 bytes at" },
    { "a load over the end of a page",
      "    v1 = load.i64 v0+4092\n    v2 = uload32.i64 v0+1022\n    v3 = iadd v1, v2\n"
      RETURN("v3"),
      "    v1 = load.i64 v0+4092\n    v2 = uload32.i64 v0+1022\n    v3 = iadd v1, v2\n"
      RETURN("v3"),
      NULL },
    { "a store over the end of a page, elsewhere",
      "    store v0, v0+4092\n" RETURN("v0"), "    store v0, v0+4091\n" RETURN("v0"),
      "store of 8 bytes at" },
    { "a load that is folded into its user",
      "    v1 = load.i64 v0+8\n    v2 = iadd v1, v0\n" RETURN("v2"),
      "    v1 = load.i64 v0+8\n    v2 = iadd v1, v0\n" RETURN("v2"), NULL },
    { "a folded load that is wider",
      "    v1 = load.i32 v0+8\n    v2 = ireduce.i32 v0\n    v3 = iadd v1, v2\n"
      "    v4 = uextend.i64 v3\n" RETURN("v4"),
      "    v1 = load.i64 v0+8\n    v2 = iadd v1, v0\n" RETURN("v2"), "load of 8 bytes at" },
    { "an update of memory",
      "    v1 = load.i64 v0+8\n    v2 = iadd v1, v0\n    store v2, v0+8\n" RETURN("v0"),
      "    v1 = load.i64 v0+8\n    v2 = iadd v1, v0\n    store v2, v0+8\n" RETURN("v0"), NULL },
};

/* The interpreter runs `meant`, the machine what is at index `made`, with map. */
static outcome run_held(rig *r, const program *p, const jit_code_map *map)
{
    const jit_func *meant = jit_module_function_at(p->module, 0);
    jit_interp *in = jit_interp_new(r->engine, p->module);
    jit_bits args[1] = { kit_bits((uint64_t)(uintptr_t)r->heap) }, results[1];

    memset(r->heap, 0x5a, HEAP);
    tool_emulator_account(r->machine, meant, jit_code_entry(p->codes[1]),
                          jit_code_size(p->codes[1]), map);
    jit_interp_memory(in, r->heap, HEAP, true);
    jit_interp_watch(in, tool_emulator_expect, r->machine);
    tool_emulator_expect_begin(r->machine);
    jit_run meaning = jit_interp_run(in, meant, args, results, 0);
    check(r, "the meaning", meaning.outcome == JIT_RETURNED,
          meaning.message ? meaning.message : "no reason");
    outcome out = run(r, p, 1, args, results);
    check(r, "all is accounted for", tool_emulator_accounted(r->machine), "it is not");
    jit_interp_free(in);
    return out;
}

static void test_fault(jit_arch arch, jit_level level, const fault *f)
{
    char text[4096];
    program p;
    rig r;

    if (!start(&r, arch, level))
        return;
    snprintf(text, sizeof text,
             "function %%meant(i64) -> i64 {\n    ss0 = explicit_slot 32\nblock0(v0: i64):\n%s}\n"
             "function %%made(i64) -> i64 {\n    ss0 = explicit_slot 32\nblock0(v0: i64):\n%s}\n",
             f->meant, f->made);
    if (compile(&r, &p, text)) {
        const jit_code_map *maps[2] = { jit_unit_map(p.units[0]), jit_unit_map(p.units[1]) };
        jit_code_map map = *maps[1];
        /* What the code has no instruction for is its own; both have the same slots. */
        uint32_t made_by[64];
        for (uint32_t k = 0; k < 64; k++)
            made_by[k] = k < map.ninsts ? map.made_by[k] : k;
        map.made_by = made_by;
        map.ninsts = maps[0]->ninsts > map.ninsts ? maps[0]->ninsts : map.ninsts;
        outcome out = run_held(&r, &p, &map);
        bool good = f->complaint ? out.kind == OUT_BROKEN && strstr(out.message, f->complaint)
                                 : out.kind == OUT_RETURNED;
        check(&r, f->what, good, out.message[0] ? out.message : "nothing was found");
        end(&r, &p);
    }
    stop(&r);
}

/* An access by an instruction that has none: as if a spill or saved register went astray. */
static void test_outside_frame(jit_arch arch, jit_level level, const char *access, bool in_slot)
{
    char text[1024];
    program p;
    rig r;

    if (!start(&r, arch, level))
        return;
    snprintf(text, sizeof text,
             "function %%meant(i64) -> i64 {\n    ss0 = explicit_slot 32\nblock0(v0: i64):\n%s"
             "    return v0\n}\n"
             "function %%made(i64) -> i64 {\n    ss0 = explicit_slot 32\nblock0(v0: i64):\n%s"
             "    return v0\n}\n", access, access);
    if (compile(&r, &p, text)) {
        jit_code_map map = *jit_unit_map(p.units[1]);
        jit_code_site *sites = calloc(map.nsites, sizeof *sites);
        for (size_t k = 0; sites && k < map.nsites; k++) {
            sites[k] = map.sites[k];
            sites[k].kind = JIT_SITE_OWN;
        }
        map.sites = sites;
        outcome out = run_held(&r, &p, &map);
        check(&r, in_slot ? "a spill into a slot" : "a spill outside the frame",
              out.kind == OUT_BROKEN && strstr(out.message, "outside of what is the frame's own"),
              out.message[0] ? out.message : "nothing was found");
        free(sites);
        end(&r, &p);
    }
    stop(&r);
}

/* ---- Refusals, and speed ---- */

static void test_refusal(uint64_t features)
{
    jit_engine_settings s = { .size = sizeof s, .arch = JIT_ARCH_X86_64, .features = features };
    rig r = { JIT_ARCH_X86_64, JIT_O0, jit_engine_new(&s), NULL, NULL, NULL };
    char why[128] = "";

    check(&r, "features that the emulator lacks", !tool_emulator_new(r.engine, why, sizeof why)
          && strstr(why, "lacks"), why);
    jit_engine_free(r.engine);
}

static void measure_calls(rig *r)
{
    const unsigned calls = kit_short() ? 200 : 20000;
    struct timespec from, to;
    program p;
    jit_bits args[2] = { kit_bits(7), kit_bits(2) }, results[1];
    unsigned good = 0;

    if (!compile(r, &p, ways_out))
        return;
    timespec_get(&from, TIME_UTC);
    for (unsigned k = 0; k < calls; k++)
        good += run(r, &p, 0, args, results).kind == OUT_RETURNED;
    timespec_get(&to, TIME_UTC);
    double seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) * 1e-9;
    check(r, "many calls with one engine", good == calls, "some failed");
    printf("%s -O%d: %.0f short calls a second\n", names[r->arch], (int)r->level - JIT_O0,
           (double)calls / seconds);
    end(r, &p);
}

static void test_machine(jit_arch arch, jit_level level)
{
    rig r;

    if (!start(&r, arch, level))
        return;
    test_ways_out(&r);
    test_kept_registers(&r);
    test_host_functions(&r);
    measure_calls(&r);
    stop(&r);
    for (size_t k = 0; k < sizeof faults / sizeof *faults; k++)
        test_fault(arch, level, &faults[k]);
    test_outside_frame(arch, level, "    v1 = load.i64 v0\n    store v1, v0+64\n", false);
    test_outside_frame(arch, level, "    v1 = stack_addr.i64 ss0\n    store v0, v1+8\n", true);
}

int main(void)
{
    for (size_t a = 0; a < 2; a++)
        for (size_t k = 0; k < sizeof levels / sizeof *levels; k++)
            if (tool_emulates(archs[a]))
                test_machine(archs[a], levels[k]);
            else
                skipped++;
    if (tool_emulates(JIT_ARCH_X86_64)) {
        test_refusal(JIT_X86_POPCNT);
        test_refusal(JIT_X86_SSE41 | JIT_X86_AVX);
        test_refusal(JIT_X86_FMA);
    }
    printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
    return failed > 0;
}
