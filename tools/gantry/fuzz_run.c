/* fuzz_run.c - runs a program in the interpreter and on every machine, and compares.
 *
 * Results, trap codes and the memory have to be the same, also at a trap. A machine is an
 * instruction set with a set of features, run by the host or in the emulator. Every NaN that
 * arithmetic makes is the canonical one, so results are compared bit for bit. */
#define _DEFAULT_SOURCE
#include "fuzz_gen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { MAX_MACHINES = 40, ODD_SETS = 24, FUEL = 60000, CODE_BYTES = 4 << 20 };

/* The levels, from which each new one joins by a row. */
static const struct { jit_level level; const char *option; } levels[] = {
    { JIT_O0, "-O0" }, { JIT_O1, "-O1" }, { JIT_O2, "-O2" }
};
enum { LEVELS = sizeof levels / sizeof *levels };

typedef struct fuzz_machine {
    jit_arch arch;
    uint64_t features;
    bool emulated;
    unsigned every, phase; /* of the seeds whose programs it runs */
    char name[256];
    jit_engine *engine;  /* NULL: not started yet */
    jit_ctx *context;
    emulator *emulator;
    bool broken;         /* it cannot be started */
    unsigned programs;   /* since it was started */
} fuzz_machine;

struct fuzz_bench {
    jit_engine *engine;
    uint8_t *heap;
    bool hostless;       /* programs have nothing of the host but the heap */
    fuzz_machine machines[MAX_MACHINES];
    unsigned nmachines;
};

uint8_t *tool_fuzz_heap(void)
{
    uint8_t *pages = mmap(NULL, 3 * FUZZ_HEAP, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (pages == MAP_FAILED
        || mprotect(pages + FUZZ_HEAP, FUZZ_HEAP, PROT_READ | PROT_WRITE) != 0)
        return NULL;
    return pages + FUZZ_HEAP;
}

/* ---- Functions of the host ---- */

/* They are C's, so the compiler uses registers as it likes. */
static uint64_t host_mix(uint64_t a, double b, int32_t c, float d)
{
    uint64_t x;
    uint32_t y;

    memcpy(&x, &b, sizeof x);
    memcpy(&y, &d, sizeof y);
    return (a ^ x * 3) + (uint64_t)(int64_t)c * 5 + y;
}

/* Exact in every register that is passed: sums of bits. */
static double host_many(float a, double b, uint8_t c, double d, float e, int16_t f, double g,
                        double h, int32_t i, double j, float k, int64_t l)
{
    const double doubles[] = { b, d, g, h, j };
    const float floats[] = { a, e, k };
    uint64_t x, sum = (uint64_t)c * 3 + (uint64_t)(int64_t)f * 5 + (uint64_t)(int64_t)i * 7;
    uint32_t y;
    double r;

    sum += (uint64_t)l * 9;
    for (unsigned n = 0; n < 5; n++) {
        memcpy(&x, &doubles[n], sizeof x);
        sum = (sum << 7 | sum >> 57) + x;
    }
    for (unsigned n = 0; n < 3; n++) {
        memcpy(&y, &floats[n], sizeof y);
        sum = (sum << 9 | sum >> 55) + y;
    }
    sum >>= 12; /* between 1 and 2 */
    sum |= 0x3ff0000000000000u;
    memcpy(&r, &sum, sizeof r);
    return r;
}

static jit_outcome mix_bits(void *user, const jit_bits *args, jit_bits *results, unsigned *trap)
{
    uint64_t a, r;
    double b;
    int32_t c;
    float d;

    (void)user, (void)trap;
    memcpy(&a, args[0].at, sizeof a);
    memcpy(&b, args[1].at, sizeof b);
    memcpy(&c, args[2].at, sizeof c);
    memcpy(&d, args[3].at, sizeof d);
    r = host_mix(a, b, c, d);
    memcpy(results[0].at, &r, sizeof r);
    return JIT_RETURNED;
}

static float float_at(const jit_bits *b)
{
    float x;

    memcpy(&x, b->at, sizeof x);
    return x;
}

static double double_at(const jit_bits *b)
{
    double x;

    memcpy(&x, b->at, sizeof x);
    return x;
}

static jit_outcome many_bits(void *user, const jit_bits *args, jit_bits *results, unsigned *trap)
{
    int16_t f;
    int32_t i;
    int64_t l;
    double r;

    (void)user, (void)trap;
    memcpy(&f, args[5].at, sizeof f);
    memcpy(&i, args[8].at, sizeof i);
    memcpy(&l, args[11].at, sizeof l);
    r = host_many(float_at(&args[0]), double_at(&args[1]), args[2].at[0], double_at(&args[3]),
                  float_at(&args[4]), f, double_at(&args[6]), double_at(&args[7]), i,
                  double_at(&args[9]), float_at(&args[10]), l);
    memcpy(results[0].at, &r, sizeof r);
    return JIT_RETURNED;
}

/* ---- Machines ---- */

#define WIDE(k) 0 /* known by name only */
static const struct { jit_arch arch; const char *name; uint64_t bits; } features[] = {
#define X86(name, bit) { JIT_ARCH_X86_64, #name, bit },
#define A64(name, bits) { JIT_ARCH_AARCH64, #name, bits },
#define PRESET(name, bits)
#include "features.def"
#undef X86
#undef A64
#undef PRESET
};
enum { FEATURES = sizeof features / sizeof *features };

/* A machine that each program runs on whose seed is `phase` modulo `every`. */
static void add_machine(fuzz_bench *b, jit_arch arch, uint64_t set, bool emulated, unsigned every,
                        unsigned phase)
{
    fuzz_machine *m = &b->machines[b->nmachines];
    size_t n;

    if (b->nmachines == MAX_MACHINES)
        return;
    b->nmachines++;
    m->arch = arch;
    m->features = set;
    m->emulated = emulated;
    m->every = every;
    m->phase = phase;
    n = (size_t)snprintf(m->name, sizeof m->name, "%s", tool_arch_name(arch));
    for (unsigned k = 0; k < FEATURES && n < sizeof m->name; k++)
        if (features[k].arch == arch && features[k].bits
            && (set & features[k].bits) == features[k].bits)
            n += (size_t)snprintf(m->name + n, sizeof m->name - n, " %s", features[k].name);
}

/* Sets with one feature off, then random ones. */
static uint64_t odd_set(unsigned k, jit_arch arch, uint64_t all)
{
    fuzz_rng r = { k };
    unsigned n = 0;

    for (unsigned i = 0; i < FEATURES; i++)
        if (features[i].arch == arch && all & features[i].bits && n++ == k)
            return all & ~features[i].bits;
    return all & fuzz_random(&r) & (k % 2 ? fuzz_random(&r) : UINT64_MAX);
}

static void stop(fuzz_machine *m)
{
    tool_emulator_free(m->emulator);
    jit_ctx_free(m->context);
    if (m->engine)
        jit_engine_free(m->engine);
    m->emulator = NULL;
    m->context = NULL;
    m->engine = NULL;
    m->programs = 0;
}

/* An engine keeps its entry code for every signature it has seen, and here each program has another. */
enum { PROGRAMS_MOST = 10000 };

static bool start(fuzz_bench *b, fuzz_machine *m)
{
    jit_engine_settings s = { .size = sizeof s, .arch = m->arch, .features = m->features,
                              .code_space = CODE_BYTES };
    char why[128];

    if (m->programs++ == PROGRAMS_MOST)
        stop(m);
    if (m->engine || m->broken)
        return !m->broken;
    m->engine = jit_engine_new(&s);
    m->context = m->engine ? jit_ctx_new(m->engine) : NULL;
    m->broken = !m->context;
    if (!m->broken && m->emulated && b->hostless) {
        m->emulator = tool_emulator_new(m->engine, why, sizeof why);
        m->broken = !m->emulator;
    } else if (!m->broken && m->emulated) {
        m->emulator = tool_emulator_new(m->engine, why, sizeof why);
        m->broken = !m->emulator || !tool_emulator_share(m->emulator, b->heap, FUZZ_HEAP)
            || !tool_emulator_host(m->emulator, "host_mix", &tool_fuzz_host_mix, mix_bits, NULL)
            || !tool_emulator_host(m->emulator, "host_many", &tool_fuzz_host_many, many_bits, NULL);
    } else if (!m->broken && !b->hostless) {
        m->broken = jit_engine_define_function(m->engine, "host_mix", JIT_FN(host_mix)) != JIT_OK
            || jit_engine_define_function(m->engine, "host_many", JIT_FN(host_many)) != JIT_OK;
    }
    if (m->emulator)
        tool_emulator_budget(m->emulator, 200 * FUEL);
    return !m->broken;
}

fuzz_bench *tool_fuzz_bench_new(uint8_t *heap, jit_arch arch, fuzz_where where)
{
    static const jit_arch archs[] = { JIT_ARCH_X86_64, JIT_ARCH_AARCH64 };
    fuzz_bench *b = tool_alloc(1, sizeof *b);
    jit_arch host;
    uint64_t all = jit_host_features(&host);

    b->heap = heap;
    b->engine = jit_engine_new(NULL);
    if (where & FUZZ_NATIVE && (arch == JIT_ARCH_HOST || arch == host)) {
        add_machine(b, host, 0, false, 1, 0);
        if (all)
            add_machine(b, host, all, false, 1, 0);
        for (unsigned k = 0; all && k < ODD_SETS; k++)
            add_machine(b, host, odd_set(k, host, all), false, ODD_SETS, k);
    }
    for (unsigned k = 0; where & FUZZ_EMULATED && k < 2; k++) {
        uint64_t known = tool_emulated_features(archs[k]);
        if (!tool_emulates(archs[k]) || (arch != JIT_ARCH_HOST && arch != archs[k]))
            continue;
        add_machine(b, archs[k], 0, true, 1, 0);
        if (known) {
            add_machine(b, archs[k], known, true, 4, 1);
            add_machine(b, archs[k], odd_set(100, archs[k], known), true, 4, 3);
        }
    }
    if (!b->engine || jit_traps_install() != JIT_OK) {
        fprintf(stderr, "gantry: no engine for the host\n");
        exit(2);
    }
    return b;
}

void tool_fuzz_bench_free(fuzz_bench *b)
{
    for (unsigned k = 0; k < b->nmachines; k++)
        stop(&b->machines[k]);
    jit_engine_free(b->engine);
    free(b);
}

void tool_fuzz_without_host(fuzz_bench *b)
{
    b->hostless = true;
}

jit_engine *tool_fuzz_engine(fuzz_bench *b)
{
    return b->engine;
}

unsigned tool_fuzz_machines(const fuzz_bench *b)
{
    return b->nmachines;
}

unsigned tool_fuzz_levels(void)
{
    return LEVELS;
}

const char *tool_fuzz_level(unsigned level)
{
    return levels[level].option;
}

const char *tool_fuzz_target(fuzz_bench *b, unsigned machine, bool *emulated)
{
    *emulated = b->machines[machine].emulated;
    return b->machines[machine].name;
}

bool tool_fuzz_takes(const fuzz_bench *b, unsigned machine, uint64_t seed)
{
    const fuzz_machine *m = &b->machines[machine];

    return seed % m->every == m->phase;
}

/* ---- Answers ---- */

static const jit_func *last_function(const fuzz_program *p)
{
    return jit_module_function_at(p->module, jit_module_function_count(p->module) - 1);
}

static void take(fuzz_answer *a, const jit_signature *sig, const jit_bits *bits)
{
    for (uint32_t k = 0; k < sig->nresults && k < FUZZ_RESULTS; k++) {
        a->results[k] = 0;
        memcpy(&a->results[k], bits[k].at, jit_type_bytes(JIT_PARAM_TYPE(sig->results[k])));
    }
}

static bool same_answer(const fuzz_answer *a, const fuzz_answer *b, const jit_signature *sig)
{
    return a->trapped == b->trapped
        && (a->trapped ? a->trap == b->trap
                       : memcmp(a->results, b->results, sig->nresults * sizeof a->results[0]) == 0);
}

static size_t print_answer(char *s, size_t size, const fuzz_answer *a, uint32_t n)
{
    size_t at = 0;

    if (a->trapped)
        at += (size_t)snprintf(s, size, " trap %s", jit_trap_name(a->trap));
    for (uint32_t k = 0; !a->trapped && k < n && at < size; k++)
        at += (size_t)snprintf(s + at, size - at, " 0x%llx", (unsigned long long)a->results[k]);
    return at < size ? at : size - 1;
}

static void describe(char *s, size_t size, const char *what, const fuzz_answer *got,
                     const fuzz_answer *wanted, uint32_t n)
{
    size_t at = (size_t)snprintf(s, size, "%s: got", what);

    at += print_answer(s + at, size - at, got, n);
    at += (size_t)snprintf(s + at, size - at, ", wanted");
    print_answer(s + at, size - at, wanted, n);
}

static bool define_hosts(jit_interp *in, const jit_module *m)
{
    if (!jit_module_find(m, "host_mix")
        && jit_interp_define(in, "host_mix", mix_bits, NULL) != JIT_OK)
        return false;
    return jit_module_find(m, "host_many")
        || jit_interp_define(in, "host_many", many_bits, NULL) == JIT_OK;
}

fuzz_verdict tool_fuzz_expect(fuzz_bench *b, const fuzz_program *p, fuzz_expected *x, char *what,
                              size_t size)
{
    jit_interp *in = jit_interp_new(b->engine, p->module);
    const jit_func *f = last_function(p);
    const jit_signature *sig = jit_func_signature(f);
    fuzz_verdict verdict = FUZZ_SAME;

    if (!in || jit_interp_memory(in, b->heap, FUZZ_HEAP, true) != JIT_OK
        || (!b->hostless && !define_hosts(in, p->module))) {
        fprintf(stderr, "gantry: no memory for the interpreter\n");
        exit(2);
    }
    jit_interp_nan_canonical(in, true);
    x->returned = x->trapped = x->endless = 0;
    for (uint32_t r = 0; r < p->runs && verdict == FUZZ_SAME; r++) {
        jit_bits results[FUZZ_RESULTS + 1];
        memset(results, 0, sizeof results);
        memcpy(b->heap, p->image, FUZZ_HEAP);
        jit_run run = jit_interp_run(in, f, p->args[r], results, FUEL);
        x->answer[r].trapped = run.outcome == JIT_TRAPPED;
        x->answer[r].trap = run.trap;
        take(&x->answer[r], sig, results);
        memcpy(x->heap[r], b->heap, FUZZ_HEAP);
        x->returned += run.outcome == JIT_RETURNED;
        x->trapped += run.outcome == JIT_TRAPPED;
        x->endless += run.outcome == JIT_OUT_OF_FUEL;
        if (run.outcome == JIT_OUT_OF_FUEL) {
            verdict = FUZZ_SKIPPED;
        } else if (run.outcome == JIT_BREACH || run.outcome == JIT_REFUSED) {
            snprintf(what, size, "the interpreter: %s", run.message ? run.message : "refused");
            verdict = FUZZ_INVALID;
        }
    }
    jit_interp_free(in);
    return verdict;
}

bool tool_fuzz_is_settled(fuzz_bench *b, const fuzz_program *p, const fuzz_program *moved)
{
    static fuzz_expected x, y;
    char what[256];
    /* has a stack where `moved` has none */
    jit_interp *other = jit_interp_new(b->engine, p->module);
    bool good = tool_fuzz_expect(b, p, &x, what, sizeof what) == FUZZ_SAME
        && tool_fuzz_expect(b, moved, &y, what, sizeof what) == FUZZ_SAME
        && memcmp(x.answer, y.answer, p->runs * sizeof x.answer[0]) == 0;

    jit_interp_free(other);
    return good;
}

/* ---- Trying ---- */

void tool_fuzz_variant(uint64_t seed, jit_settings *s)
{
    s->nan_canonical = true;
    s->checks = seed % 4 ? 0 : JIT_CHECK_ALL; /* they take as long as compiling */
    s->frame_pointers = seed % 8 == 5;
    s->block_padding = seed % 64 == 7 ? 13 : 0; /* 4 KiB: branches get long */
}

void tool_fuzz_variant_lines(uint64_t seed, char *text, size_t size)
{
    jit_settings s = { .size = sizeof s };

    tool_fuzz_variant(seed, &s);
    snprintf(text, size, "set enable_nan_canonicalization=true\n%s%s",
             s.frame_pointers ? "set preserve_frame_pointers=true\n" : "",
             s.block_padding ? "set bb_padding_log2_minus_one=13\n" : "");
}

static outcome call(const fuzz_machine *m, jit_entry entry, const jit_signature *sig,
                    const jit_bits *args, jit_bits *results)
{
    outcome o = { OUT_RETURNED, 0, "" };

    if (m->emulator)
        return tool_emulator_call(m->emulator, entry, sig, args, results);
    jit_call_result r = jit_invoke(m->engine, entry, sig, args, results);
    if (r.status != JIT_OK) {
        o.kind = r.status == JIT_ERR_UNSUPPORTED ? OUT_SKIPPED : OUT_BROKEN;
        snprintf(o.message, sizeof o.message, "the call could not be made: %s",
                 jit_status_name(r.status));
    } else if (r.trap != JIT_TRAP_NONE) {
        o.kind = OUT_TRAPPED;
        o.trap = r.trap;
    }
    return o;
}

static fuzz_verdict compare_run(fuzz_bench *b, const fuzz_machine *m, const fuzz_program *p,
                                jit_entry entry, uint32_t r, const fuzz_expected *x, char *what,
                                size_t size)
{
    const jit_signature *sig = jit_func_signature(last_function(p));
    jit_bits results[FUZZ_RESULTS + 1];
    fuzz_answer got = { .trapped = false };

    memset(results, 0, sizeof results);
    memcpy(b->heap, p->image, FUZZ_HEAP);
    outcome o = call(m, entry, sig, p->args[r], results);
    if (o.kind == OUT_SKIPPED)
        return FUZZ_SKIPPED;
    if (o.kind == OUT_BROKEN || o.kind == OUT_ENDLESS) {
        snprintf(what, size, "%s", o.message);
        return FUZZ_DIFFERENT;
    }
    got.trapped = o.kind == OUT_TRAPPED;
    got.trap = o.trap;
    take(&got, sig, results);
    if (!same_answer(&got, &x->answer[r], sig)) {
        describe(what, size, "results differ", &got, &x->answer[r], sig->nresults);
        return FUZZ_DIFFERENT;
    }
    for (size_t k = 0; k < FUZZ_HEAP; k++)
        if (b->heap[k] != x->heap[r][k]) {
            snprintf(what, size, "memory differs%s: byte %zu is 0x%02x, not 0x%02x",
                     got.trapped ? " at the trap" : "", k, b->heap[k], x->heap[r][k]);
            return FUZZ_DIFFERENT;
        }
    return FUZZ_SAME;
}

fuzz_verdict tool_fuzz_try(fuzz_bench *b, const fuzz_program *p, fuzz_place at,
                           const fuzz_expected *x, unsigned *run, char *what, size_t size)
{
    fuzz_machine *m = &b->machines[at.machine];
    jit_settings s = { .size = sizeof s, .level = levels[at.level].level };
    size_t n = jit_module_function_count(p->module);
    jit_unit **units = tool_alloc(n, sizeof *units);
    jit_code **codes = tool_alloc(n, sizeof *codes);
    jit_status status = start(b, m) ? JIT_OK : JIT_ERR_UNSUPPORTED;
    fuzz_verdict verdict = FUZZ_SAME;

    tool_fuzz_variant(p->seed, &s);
    *run = FUZZ_RUNS;
    for (size_t k = 0; k < n && status == JIT_OK; k++)
        status = jit_compile_unit(m->context, jit_module_function_at(p->module, k), &s, &units[k]);
    if (status == JIT_OK)
        status = jit_publish(m->engine, m->context, units, n, codes);
    if (status == JIT_ERR_UNSUPPORTED) {
        verdict = FUZZ_SKIPPED;
    } else if (status != JIT_OK) {
        snprintf(what, size, "%s: %s", jit_status_name(status), jit_error_message(m->context));
        bool invalid = status == JIT_ERR_VERIFY || status == JIT_ERR_LINK;
        verdict = invalid ? FUZZ_INVALID : FUZZ_DIFFERENT;
    }
    for (uint32_t r = 0; r < p->runs && verdict == FUZZ_SAME && status == JIT_OK; r++) {
        *run = r;
        verdict = compare_run(b, m, p, jit_code_entry(codes[n - 1]), r, x, what, size);
    }
    for (size_t k = 0; k < n; k++) {
        jit_code_free(codes[k]);
        jit_unit_free(units[k]);
    }
    free(units);
    free(codes);
    if (m->emulator)
        tool_emulator_forget(m->emulator);
    return verdict;
}
