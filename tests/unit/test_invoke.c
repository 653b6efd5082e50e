/* test_invoke.c - calling with any signature and being called; traps of every kind, nested and
 * chained; what compiling refuses: limits, cancelling, IR that makes no sense. */
#define _GNU_SOURCE
#include "ir/func.h"
#include "tests/support/fault_alloc.h"
#include "tests/support/jit_kit.h"

#include <criterion/criterion.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static jit_engine *engine;
static jit_ctx *ctx;
static fault_alloc host;
static const jit_level levels[] = { JIT_O0, JIT_O1, JIT_O2 };

static void begin(void)
{
    fault_alloc_init(&host, 0);
    engine = kit_engine(&host.host, 1 << 20, JIT_MEMORY_DEFAULT);
    ctx = jit_ctx_new(engine);
    cr_assert_not_null(ctx);
    cr_assert_eq(jit_traps_install(), JIT_OK);
}

static void end(void)
{
    jit_traps_remove();
    jit_ctx_free(ctx);
    jit_engine_free(engine);
    cr_expect_eq(host.live, 0);
}

TestSuite(invoke, .init = begin, .fini = end);
TestSuite(compile_limits, .init = begin, .fini = end);

static const jit_abi_param i64s[] = { JIT_I64, JIT_I64, JIT_I64 };
static const jit_signature one_to_one = { JIT_CONV_SYSTEM_V, 1, 1, i64s, i64s };
static const jit_signature two_to_one = { JIT_CONV_SYSTEM_V, 2, 1, i64s, i64s };
static const jit_signature no_args = { JIT_CONV_SYSTEM_V, 0, 0, NULL, NULL };

static jit_code *code_of(const char *text)
{
    jit_code *c = kit_code(engine, ctx, text);
    cr_assert_not_null(c, "%s", text);
    return c;
}

/* ---- Arguments that make no sense ---- */

Test(invoke, calls_that_make_no_sense_are_refused)
{
    jit_bits b = kit_bits(1);
    jit_code *c = code_of("function %f(i64) -> i64 system_v {\nblock0(v0: i64):\n"
                          "    return v0\n}\n");
    static const jit_abi_param strange[] = { JIT_VOID };
    static const jit_abi_param vector[] = { JIT_I8X16 };
    jit_signature bad = { JIT_CONV_SYSTEM_V, 1, 0, strange, NULL };
    jit_signature wide = { JIT_CONV_SYSTEM_V, 1, 0, vector, NULL };
    jit_signature conv = { (jit_conv)77, 0, 0, NULL, NULL };

    cr_expect_eq(jit_invoke(NULL, jit_code_entry(c), &one_to_one, &b, &b).status, JIT_ERR_ARG);
    cr_expect_eq(jit_invoke(engine, NULL, &one_to_one, &b, &b).status, JIT_ERR_ARG);
    cr_expect_eq(jit_invoke(engine, jit_code_entry(c), NULL, &b, &b).status, JIT_ERR_ARG);
    cr_expect_eq(jit_invoke(engine, jit_code_entry(c), &one_to_one, NULL, &b).status, JIT_ERR_ARG);
    cr_expect_eq(jit_invoke(engine, jit_code_entry(c), &one_to_one, &b, NULL).status, JIT_ERR_ARG);
    cr_expect_neq(jit_invoke(engine, jit_code_entry(c), &bad, &b, NULL).status, JIT_OK);
    cr_expect_neq(jit_invoke(engine, jit_code_entry(c), &conv, NULL, NULL).status, JIT_OK);
    cr_expect_neq(jit_invoke(engine, jit_code_entry(c), &wide, &b, NULL).status, JIT_OK);
    jit_call_result r = jit_invoke(engine, jit_code_entry(c), &one_to_one, &b, &b);
    cr_expect(r.status == JIT_OK && r.trap == JIT_TRAP_NONE && kit_word(b) == 1);
    jit_code_free(c);
}

Test(invoke, no_memory_at_any_point_is_a_status_and_the_next_call_works)
{
    jit_code *c = code_of("function %f(i64, i64) -> i64 system_v {\nblock0(v0: i64, v1: i64):\n"
                          "    v2 = isub v0, v1\n    return v2\n}\n");
    jit_bits args[2] = { kit_bits(50), kit_bits(8) }, result;
    jit_call_result r = { JIT_ERR_NOMEM, 0, NULL, NULL };

    for (size_t n = 1; r.status != JIT_OK; n++) {
        host.calls = 0;
        host.fail_at = n;
        r = jit_invoke(engine, jit_code_entry(c), &two_to_one, args, &result);
        cr_assert(r.status == JIT_OK || r.status == JIT_ERR_NOMEM);
    }
    host.fail_at = 0;
    cr_expect_eq(kit_word(result), 42);
    jit_code_free(c);
}

/* ---- Traps ---- */

typedef struct trap_case { const char *body; uint64_t a, b; unsigned trap; } trap_case;

/* Bodies see v0 and v1. Positions are those of the instruction that traps. */
static const trap_case traps[] = {
    { "    @77 trap user5\n", 0, 0, 5 },
    { "    @77 trap int_ovf\n", 0, 0, JIT_TRAP_INT_OVF },
    { "    @77 trap user250\n", 0, 0, 250 },
    { "    @77 trapz v0, user9\n    return v0\n", 0, 0, 9 },
    { "    @77 trapz v0, user9\n    return v0\n", 1, 0, JIT_TRAP_NONE },
    { "    @77 trapnz v0, heap_oob\n    return v0\n", 1, 0, JIT_TRAP_HEAP_OOB },
    { "    @77 v2 = udiv v0, v1\n    return v2\n", 7, 0, JIT_TRAP_INT_DIVZ },
    { "    @77 v2 = sdiv v0, v1\n    return v2\n", 7, 0, JIT_TRAP_INT_DIVZ },
    { "    @77 v2 = sdiv v0, v1\n    return v2\n", (uint64_t)1 << 63, UINT64_MAX,
      JIT_TRAP_INT_OVF },
    { "    @77 v2 = srem v0, v1\n    return v2\n", 7, 0, JIT_TRAP_INT_DIVZ },
    { "    @77 v2 = srem v0, v1\n    return v2\n", (uint64_t)1 << 63, UINT64_MAX, JIT_TRAP_NONE },
    { "    @77 v2 = urem v0, v1\n    return v2\n", 7, 0, JIT_TRAP_INT_DIVZ },
    { "    v2 = bitcast.f64 v0\n    @77 v3 = fcvt_to_sint.i64 v2\n    return v3\n",
      0x7ff8000000000000, 0, JIT_TRAP_BAD_TOINT },
    { "    v2 = bitcast.f64 v0\n    @77 v3 = fcvt_to_sint.i64 v2\n    return v3\n",
      0x7fe0000000000000, 0, JIT_TRAP_INT_OVF },
    { "    v2 = bitcast.f64 v0\n    @77 v3 = fcvt_to_uint.i32 v2\n    v4 = uextend.i64 v3\n"
      "    return v4\n", 0xbff0000000000000, 0, JIT_TRAP_INT_OVF },
    { "    @77 v2 = uadd_overflow_trap v0, v1, user3\n    return v2\n", UINT64_MAX, 1, 3 },
    { "    @77 v2 = load.i64 v0\n    return v2\n", 16, 0, JIT_TRAP_HEAP_OOB },
    { "    @77 v2 = load.i64 user40 v0\n    return v2\n", 16, 0, 40 },
    { "    @77 store user41 v1, v0+8\n    return v0\n", 16, 0, 41 },
    { "    v2 = load.i64 user40 v0\n    v3 = iadd v1, v2\n    return v3\n", 16, 0, 40 },
    { "    @77 istore8 user42 v1, v0+8\n    return v0\n", 16, 0, 42 },
};

static jit_code *trap_code(const trap_case *t, unsigned level)
{
    char text[1024];

    snprintf(text, sizeof text, "function %%f(i64, i64) -> i64 system_v {\n"
                                "block0(v0: i64, v1: i64):\n%s}\n", t->body);
    kit_level(ctx, levels[level]);
    return code_of(text);
}

Test(invoke, traps_of_every_kind_come_back_with_code_place_and_position)
{
    for (unsigned k = 0; k < sizeof traps / sizeof *traps; k++)
        for (unsigned l = 0; l < 2; l++) {
            const trap_case *t = &traps[k];
            jit_code *c = trap_code(t, l);
            jit_bits args[2] = { kit_bits(t->a), kit_bits(t->b) }, result;
            for (unsigned times = 0; times < 3; times++) {
                jit_call_result r = jit_invoke(engine, jit_code_entry(c), &two_to_one, args,
                                               &result);
                cr_assert_eq(r.status, JIT_OK);
                cr_expect_eq(r.trap, t->trap, "%sat O%u: %s", t->body, l, jit_trap_name(r.trap));
                if (t->trap == JIT_TRAP_NONE)
                    continue;
                cr_expect_eq(jit_engine_code_at(engine, r.pc), c);
                cr_expect_eq(jit_code_trap_at(c, r.pc), t->trap);
                cr_expect_eq(jit_code_trap_at(c, (const char *)r.pc + 1), JIT_TRAP_NONE);
                if (strstr(t->body, "@77"))
                    cr_expect_eq(jit_code_position_at(c, r.pc), 0x77, "%s at O%u", t->body, l);
                if (t->trap >= 40 && t->trap <= 42)
                    cr_expect_eq((uintptr_t)r.fault_address, t->trap == 40 ? 16 : 24);
            }
            jit_code_free(c);
        }
}

Test(invoke, the_frames_that_a_trap_ended_are_known_innermost_first)
{
    static const char callee[] = "function %inner(i64) -> i64 system_v {\nblock0(v0: i64):\n"
                                 "    trapz v0, user3\n    return v0\n}\n";
    static const char caller[] = "function %outer(i64) -> i64 system_v {\n"
                                 "    fn0 = %inner(i64) -> i64 system_v\nblock0(v0: i64):\n"
                                 "    v1 = call fn0(v0)\n    v2 = iadd v1, v0\n    return v2\n}\n";
    jit_bits b = kit_bits(0);
    const void *at[64];

    for (size_t k = 0; k < 3; k++) {
        jit_settings s = { .size = sizeof s, .level = levels[k], .frame_pointers = true };
        jit_ctx_configure(ctx, &s);
        jit_code *inner = code_of(callee), *outer = code_of(caller);
        jit_call_result r = jit_invoke(engine, jit_code_entry(outer), &one_to_one, &b, &b);
        cr_assert_eq(r.trap, 3);
        cr_expect_eq(jit_engine_code_at(engine, r.pc), inner);
        size_t n = jit_trap_frames(at, 64);
        cr_assert_geq(n, 1);
        cr_assert_leq(n, 64);
        cr_expect_eq(jit_engine_code_at(engine, (const char *)at[0] - 1), outer);
        cr_expect_eq(jit_trap_frames(at, 0), n);
        jit_code_free(outer);
        jit_code_free(inner);
    }
}

Test(invoke, an_address_that_no_pointer_has_traps_too)
{
    trap_case t = { "    @77 v2 = load.i64 user40 v0\n    return v2\n", 0, 0, 40 };

    for (unsigned l = 0; l < 2; l++) {
        jit_code *c = trap_code(&t, l);
        jit_bits args[2] = { kit_bits(0x8000000000000000), kit_bits(0) }, result;
        jit_call_result r = jit_invoke(engine, jit_code_entry(c), &two_to_one, args, &result);
        cr_expect_eq(r.trap, 40);
        jit_code_free(c);
    }
}

/* ---- Nested ---- */

static jit_code *inner;
static unsigned seen_trap;

static void calls_back(void *user, const jit_bits *args, jit_bits *results)
{
    jit_bits in[2] = { args[0], kit_bits(0) }, out;
    jit_call_result r = jit_invoke(engine, jit_code_entry(inner), &two_to_one, in, &out);

    (void)user;
    seen_trap = r.trap;
    results[0] = kit_bits(r.trap ? 1000 + r.trap : kit_word(out));
}

Test(invoke, a_trap_ends_the_innermost_call_only)
{
    static const trap_case divides = {
        "    v2 = iconst.i64 100\n    v3 = udiv v2, v0\n    return v3\n", 0, 0, 0
    };
    jit_entry back;

    cr_assert_eq(jit_host_function(engine, &one_to_one, calls_back, NULL, &back), JIT_OK);
    cr_assert_eq(jit_engine_define_function(engine, "back", back), JIT_OK);
    for (unsigned l = 0; l < 2; l++) {
        inner = trap_code(&divides, l);
        jit_code *outer = code_of(
            "function %outer(i64, i64) -> i64 system_v {\n    fn0 = %back(i64) -> i64 system_v\n"
            "block0(v0: i64, v1: i64):\n    v2 = call fn0(v0)\n    v3 = call fn0(v1)\n"
            "    v4 = iadd v2, v3\n    trapz v1, user8\n    return v4\n}\n");
        jit_bits args[2] = { kit_bits(0), kit_bits(4) }, result;
        jit_call_result r = jit_invoke(engine, jit_code_entry(outer), &two_to_one, args, &result);
        cr_expect(r.status == JIT_OK && r.trap == JIT_TRAP_NONE);
        cr_expect_eq(kit_word(result), 1000 + JIT_TRAP_INT_DIVZ + 25);
        cr_expect_eq(seen_trap, JIT_TRAP_NONE);
        args[1] = kit_bits(0);
        r = jit_invoke(engine, jit_code_entry(outer), &two_to_one, args, &result);
        cr_expect_eq(r.trap, 8);
        cr_expect_eq(jit_engine_code_at(engine, r.pc), outer);
        jit_code_free(outer);
        jit_code_free(inner);
    }
}

static void deeper(void *user, const jit_bits *args, jit_bits *results)
{
    jit_bits in = kit_bits(kit_word(args[0]) - 1), out;
    jit_entry entry = jit_code_entry(*(jit_code **)user);
    jit_call_result r = jit_invoke(engine, entry, &one_to_one, &in, &out);

    results[0] = kit_bits(r.trap ? r.trap : kit_word(out) + 1);
}

Test(invoke, calls_nest_deeply)
{
    static jit_code *c;
    jit_bits arg = kit_bits(200), result;
    jit_entry fn;

    cr_assert_eq(jit_host_function(engine, &one_to_one, deeper, &c, &fn), JIT_OK);
    cr_assert_eq(jit_engine_define_function(engine, "deeper", fn), JIT_OK);
    c = code_of("function %f(i64) -> i64 system_v {\n    fn0 = %deeper(i64) -> i64 system_v\n"
                "block0(v0: i64):\n    trapz v0, user1\n    v1 = call fn0(v0)\n    return v1\n}\n");
    jit_call_result r = jit_invoke(engine, jit_code_entry(c), &one_to_one, &arg, &result);
    cr_expect_eq(r.trap, JIT_TRAP_NONE);
    cr_expect_eq(kit_word(result), 200); /* 1 from the trap, 199 on the way */
    jit_code_free(c);
}

/* ---- Handlers before and after ours ---- */

static sigjmp_buf out_of_here;
static volatile sig_atomic_t theirs;

static void their_handler(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)info;
    (void)context;
    theirs++;
    siglongjmp(out_of_here, 1);
}

/* A write that no compiler and no sanitizer sees coming. */
static void fault(void)
{
    volatile char *closed = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (sigsetjmp(out_of_here, 1) == 0)
        *closed = 1;
    munmap((void *)(uintptr_t)closed, 4096);
}

static void expect_both_work(void)
{
    static const trap_case t = { "    trap user5\n", 0, 0, 5 };
    jit_code *c = trap_code(&t, 0);
    jit_bits args[2] = { kit_bits(0), kit_bits(0) }, result;
    int before = theirs;

    jit_call_result r = jit_invoke(engine, jit_code_entry(c), &two_to_one, args, &result);
    cr_expect_eq(r.trap, 5);
    fault();
    cr_expect_eq(theirs, before + 1);
    jit_code_free(c);
}

Test(invoke, faults_that_are_not_ours_go_to_the_handlers_before)
{
    struct sigaction a = { .sa_sigaction = their_handler, .sa_flags = SA_SIGINFO }, old, now;

    jit_traps_remove();
    theirs = 0;
    sigaction(SIGSEGV, &a, &old);
    cr_assert_eq(jit_traps_install(), JIT_OK);
    expect_both_work();
    cr_assert_eq(jit_traps_install(), JIT_OK); /* again: nothing changes */
    expect_both_work();
    jit_traps_remove();
    sigaction(SIGSEGV, NULL, &now);
    cr_expect(now.sa_sigaction == their_handler, "the earlier handler is not back");
    fault();
    cr_expect_eq(theirs, 3);
    cr_assert_eq(jit_traps_install(), JIT_OK);
    jit_traps_remove();
    sigaction(SIGSEGV, &old, NULL);
}

static struct sigaction before_theirs;

static void passing_handler(int sig, siginfo_t *info, void *context)
{
    theirs += 100;
    if (before_theirs.sa_flags & SA_SIGINFO)
        before_theirs.sa_sigaction(sig, info, context);
}

Test(invoke, a_handler_put_before_ours_may_pass_on_to_it_even_when_ours_went_and_came)
{
    struct sigaction last = { .sa_sigaction = their_handler, .sa_flags = SA_SIGINFO }, old;
    struct sigaction first = { .sa_sigaction = passing_handler,
                               .sa_flags = SA_SIGINFO | SA_NODEFER };

    jit_traps_remove();
    theirs = 0;
    sigaction(SIGSEGV, &last, &old);
    cr_assert_eq(jit_traps_install(), JIT_OK);
    sigaction(SIGSEGV, &first, &before_theirs);
    fault();
    cr_expect_eq(theirs, 101);
    jit_traps_remove(); /* cannot leave the chain, so it passes all on */
    fault();
    cr_expect_eq(theirs, 202);
    cr_assert_eq(jit_traps_install(), JIT_OK);
    fault();
    cr_expect_eq(theirs, 303);
    sigaction(SIGSEGV, &before_theirs, NULL);
    jit_traps_remove();
    sigaction(SIGSEGV, &old, NULL);
}

Test(invoke, without_handlers_a_trap_is_the_processs_signal, .signal = SIGILL)
{
    static const trap_case t = { "    trap user5\n", 0, 0, 5 };
    jit_code *c = trap_code(&t, 0);
    jit_bits args[2] = { kit_bits(0), kit_bits(0) }, result;

    jit_traps_remove();
    jit_invoke(engine, jit_code_entry(c), &two_to_one, args, &result);
}

/* ---- Other machines ---- */

Test(invoke, code_for_features_that_the_host_lacks_is_not_run)
{
    jit_engine_settings s = { .size = sizeof s, .features = (uint64_t)1 << 60,
                              .arch = JIT_ARCH_X86_64, .code_space = 1 << 20 };
    jit_engine *e = jit_engine_new(&s);
    jit_ctx *c = jit_ctx_new(e);
    jit_func *f = kit_constant(e, "f", 1);
    jit_code *code;

    cr_assert_not(jit_engine_runs_here(e));
    cr_assert_eq(jit_compile_function(c, f, &code), JIT_OK);
    jit_call_result r = jit_invoke(e, jit_code_entry(code), &no_args, NULL, NULL);
    cr_expect_eq(r.status, JIT_ERR_UNSUPPORTED);
    jit_code_free(code);
    jit_func_free(f);
    jit_ctx_free(c);
    jit_engine_free(e);
}

Test(invoke, settings_that_make_no_sense_are_refused)
{
    jit_engine *e = (jit_engine *)1;
    jit_engine_settings s = { .size = 0 };

    cr_expect_eq(jit_engine_create(&s, &e), JIT_ERR_ARG);
    cr_expect_null(e);
    s.size = sizeof s + 1;
    cr_expect_eq(jit_engine_create(&s, &e), JIT_ERR_ARG);
    s = (jit_engine_settings){ .size = sizeof s, .arch = (jit_arch)9 };
    cr_expect_eq(jit_engine_create(&s, &e), JIT_ERR_ARG);
    s = (jit_engine_settings){ .size = sizeof s, .code_space = SIZE_MAX };
    cr_expect_eq(jit_engine_create(&s, &e), JIT_ERR_ARG);
    s = (jit_engine_settings){ .size = sizeof s, .code_space = 1 };
    cr_expect_eq(jit_engine_create(&s, &e), JIT_ERR_ARG);
    cr_expect_eq(jit_engine_create(NULL, NULL), JIT_ERR_ARG);
    s = (jit_engine_settings){ .size = 8 }; /* an older, shorter struct */
    cr_expect_eq(jit_engine_create(&s, &e), JIT_OK);
    jit_engine_free(e);
    jit_engine_free(NULL);
    jit_ctx_free(NULL);
    cr_expect_null(jit_ctx_new(NULL));
}

/* ---- Limits ---- */

/* n diamonds in a row over one value. */
static jit_func *diamonds(uint32_t n)
{
    jit_func *f = jit_func_new(engine, "diamonds", &one_to_one);
    jit_builder *b = jit_build(f);
    jit_var x = jit_var_new(b, JIT_I64);

    jit_var_set(b, x, jit_param(b, 0));
    for (uint32_t k = 0; k < n; k++) {
        jit_block yes = jit_block_new(b), no = jit_block_new(b), on = jit_block_new(b);
        jit_brif(b, jit_icmp(b, JIT_ULT, jit_var_get(b, x), jit_iconst(b, JIT_I64, k)), yes, no);
        jit_block_start(b, yes);
        jit_var_set(b, x, jit_iadd(b, jit_var_get(b, x), jit_iconst(b, JIT_I64, 3)));
        jit_jump(b, on);
        jit_block_start(b, no);
        jit_var_set(b, x, jit_imul(b, jit_var_get(b, x), jit_param(b, 0)));
        jit_jump(b, on);
        jit_block_start(b, on);
    }
    jit_return(b, jit_var_get(b, x));
    jit_build_end(b);
    return f;
}

static jit_status compile_with(const jit_func *f, jit_settings s)
{
    jit_code *code = NULL;

    s.size = sizeof s;
    cr_assert_eq(jit_ctx_configure(ctx, &s), JIT_OK);
    jit_status status = jit_compile_function(ctx, f, &code);
    cr_expect_eq(status == JIT_OK, code != NULL);
    jit_code_free(code);
    return status;
}

Test(compile_limits, each_limit_is_a_status_and_the_context_stays_usable)
{
    jit_func *f = diamonds(300);
    jit_stats st;

    for (unsigned l = 0; l < 2; l++) {
        jit_settings s = { .level = levels[l] };
        cr_assert_eq(compile_with(f, s), JIT_OK, "%s", jit_error_message(ctx));
        jit_ctx_get_stats(ctx, &st);
        s.limits.instructions = st.ir_insts - 1;
        cr_expect_eq(compile_with(f, s), JIT_ERR_LIMIT);
        cr_expect_not_null(strstr(jit_error_message(ctx), "%diamonds"));
        s.limits.instructions = st.ir_insts;
        cr_expect_eq(compile_with(f, s), JIT_OK);
        s.limits.code_bytes = st.code_bytes - 1;
        cr_expect_eq(compile_with(f, s), JIT_ERR_LIMIT);
        s.limits.code_bytes = 1;
        cr_expect_eq(compile_with(f, s), JIT_ERR_LIMIT);
        s.limits.code_bytes = SIZE_MAX;
        cr_expect_eq(compile_with(f, s), JIT_OK);
        for (size_t bytes = 1; bytes < 40000; bytes += bytes / 3 + 1) {
            s.limits.arena_bytes = bytes;
            jit_status status = compile_with(f, s);
            cr_expect_eq(status, JIT_ERR_LIMIT, "%zu bytes", bytes);
        }
        s.limits.arena_bytes = (size_t)64 << 20;
        cr_expect_eq(compile_with(f, s), JIT_OK);
    }
    jit_func_free(f);
}

static uint64_t asks, patience;

static bool loses_patience(void *user)
{
    cr_assert_eq(user, &asks);
    return ++asks > patience;
}

Test(compile_limits, the_host_may_cancel_at_each_time_it_is_asked)
{
    jit_func *f = diamonds(2000);

    for (unsigned l = 0; l < 2; l++) {
        jit_settings s = { .level = levels[l], .limits = { .cancel = loses_patience,
                                                           .cancel_user = &asks } };
        asks = 0;
        patience = UINT64_MAX;
        cr_expect_eq(compile_with(f, s), JIT_OK);
        uint64_t all = asks;
        cr_expect_gt(all, 10, "asked %d times for 6,000 blocks", (int)all);
        for (patience = 0; patience < all; patience++) {
            asks = 0;
            cr_expect_eq(compile_with(f, s), JIT_ERR_CANCELLED);
            cr_expect_eq(asks, patience + 1);
        }
        asks = 0;
        cr_expect_eq(compile_with(f, s), JIT_OK);
    }
    jit_func_free(f);
}

/* ---- IR that makes no sense ---- */

static void expect_refused(jit_func *f, jit_status want, const char *message)
{
    jit_code *code = (jit_code *)1;
    jit_func *good = kit_constant(engine, "good", 9);

    jit_status status = jit_compile_function(ctx, f, &code);
    cr_expect_eq(status, want, "%s: %s", jit_status_name(status), jit_error_message(ctx));
    cr_expect_null(code);
    cr_expect_not_null(strstr(jit_error_message(ctx), message), "%s", jit_error_message(ctx));
    cr_assert_eq(jit_compile_function(ctx, good, &code), JIT_OK);
    cr_expect_str_eq(jit_error_message(ctx), "");
    cr_expect_eq(kit_call_i32(code), 9);
    jit_code_free(code);
    jit_func_free(good);
    jit_func_free(f);
}

Test(compile_limits, functions_that_make_no_sense_are_refused_with_their_place)
{
    jit_builder *b;
    jit_func *f;
    jit_value none = { 0 }, huge = { UINT32_MAX }, far = { 4000 };
    jit_block nowhere = { 0 }, wild = { UINT32_MAX - 1 };

    expect_refused(jit_func_new(engine, "empty", &no_args), JIT_ERR_VERIFY, "%empty");
    f = jit_func_new(engine, "open", &no_args);
    jit_build(f);
    expect_refused(f, JIT_ERR_VERIFY, "%open");
    f = jit_func_new(engine, "wants", &one_to_one);
    b = jit_build(f);
    jit_return(b, jit_iadd(b, jit_param(b, 0), none));
    jit_build_end(b);
    expect_refused(f, JIT_ERR_VERIFY, "%wants");
    f = jit_func_new(engine, "huge", &one_to_one);
    b = jit_build(f);
    jit_return(b, jit_iadd(b, jit_param(b, 0), huge));
    jit_build_end(b);
    expect_refused(f, JIT_ERR_VERIFY, "%huge");
    f = jit_func_new(engine, "far", &one_to_one);
    b = jit_build(f);
    jit_return(b, far);
    jit_build_end(b);
    expect_refused(f, JIT_ERR_VERIFY, "%far");
    f = jit_func_new(engine, "nowhere", &no_args);
    b = jit_build(f);
    jit_jump(b, nowhere);
    jit_build_end(b);
    expect_refused(f, JIT_ERR_VERIFY, "%nowhere");
    f = jit_func_new(engine, "wild", &no_args);
    b = jit_build(f);
    jit_jump(b, wild);
    jit_build_end(b);
    expect_refused(f, JIT_ERR_VERIFY, "%wild");
    f = jit_func_new(engine, "types", &one_to_one);
    b = jit_build(f);
    jit_return(b, jit_iadd(b, jit_param(b, 0), jit_iconst(b, JIT_I8, 1)));
    jit_build_end(b);
    expect_refused(f, JIT_ERR_VERIFY, "%types");
    f = jit_func_new(engine, "sum of", &no_args);
    expect_refused(f, JIT_ERR_VERIFY, "not an identifier");
    jit_code *code = (jit_code *)1;
    cr_expect_eq(jit_compile_function(ctx, NULL, &code), JIT_ERR_ARG);
    cr_expect_null(code);
    cr_expect_eq(jit_compile_function(NULL, NULL, &code), JIT_ERR_ARG);
    cr_expect_eq(jit_compile_function(ctx, NULL, NULL), JIT_ERR_ARG);
}

/* The stored form damaged behind the builder's back: the verifier must find all of it. */
Test(compile_limits, wild_references_in_the_stored_form_are_refused)
{
    for (unsigned k = 0; k < 8; k++) {
        jit_func *f = diamonds(3);
        f->verified = false;
        ir_inst *i = &f->insts.at[4];
        cr_assert_eq(i->op, JIT_OP_iadd);
        switch (k) {
        case 0: i->a = UINT32_MAX; break;
        case 1: i->b = UINT32_MAX; break;
        case 2: i->a = 0; break;
        case 3: i->op = JIT_OP_COUNT; break;
        case 4: i->op = 0; break;
        case 5: f->layout.at[1] = UINT32_MAX; break;
        case 6: f->layout.len = 0; break;
        default: f->blocks.at[0].params = UINT32_MAX; break;
        }
        expect_refused(f, JIT_ERR_VERIFY, "function %diamonds");
    }
}

Test(compile_limits, what_this_build_lacks_is_unsupported_and_named)
{
    static const char *const texts[] = {
        "function %f(i128) -> i128 {\nblock0(v0: i128):\n    v1 = iadd v0, v0\n    return v1\n}\n",
        "function %f(i8x16) -> i8x16 {\nblock0(v0: i8x16):\n    return v0\n}\n",
        "function %f() windows_fastcall {\nblock0:\n    return\n}\n",
        "function %f(i64) {\n    ss0 = explicit_slot 64, align=64\nblock0(v0: i64):\n"
        "    v1 = stack_addr.i64 ss0\n    store v0, v1\n    return\n}\n",
        "function %f(i64, i32) -> i32 {\nblock0(v0: i64, v1: i32):\n    v2 = atomic_load.i32 v0\n"
        "    return v2\n}\n",
    };

    for (unsigned k = 0; k < sizeof texts / sizeof *texts; k++) {
        jit_module *m = kit_read(engine, texts[k]);
        jit_code *code;
        cr_assert_not_null(m);
        cr_expect_eq(jit_compile_function(ctx, jit_module_function_at(m, 0), &code),
                     JIT_ERR_UNSUPPORTED, "%s", texts[k]);
        cr_expect_not_null(strstr(jit_error_message(ctx), "%f"), "%s", jit_error_message(ctx));
        jit_module_free(m);
    }
}

Test(compile_limits, a_frame_beyond_two_gigabytes_is_a_limit)
{
    jit_func *f = jit_func_new(engine, "f", &no_args);

    for (unsigned k = 0; k < 4; k++)
        jit_slot_declare(f, 0x7fffffff, 8);
    jit_builder *b = jit_build(f);
    jit_return_void(b);
    jit_build_end(b);
    expect_refused(f, JIT_ERR_LIMIT, "2 GiB");
}

Test(compile_limits, settings_that_make_no_sense_are_refused)
{
    jit_settings s = { .size = 0 };
    jit_func *f = kit_constant(engine, "f", 1);
    jit_unit *u = (jit_unit *)1;

    cr_expect_eq(jit_ctx_configure(ctx, &s), JIT_ERR_ARG);
    s.size = sizeof s + 8;
    cr_expect_eq(jit_compile_unit(ctx, f, &s, &u), JIT_ERR_ARG);
    cr_expect_null(u);
    s.size = sizeof s;
    s.level = (jit_level)9;
    cr_expect_eq(jit_compile_unit(ctx, f, &s, &u), JIT_ERR_ARG);
    cr_expect_eq(jit_ctx_configure(NULL, NULL), JIT_ERR_ARG);
    cr_expect_eq(jit_ctx_configure(ctx, NULL), JIT_OK);
    cr_expect_eq(jit_compile_unit(ctx, f, NULL, NULL), JIT_ERR_ARG);
    jit_func_free(f);
}
