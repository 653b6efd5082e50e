/* test_abi.c - the calling convention against what the C compiler makes, both ways: arguments,
 * results, structs, preserved registers, alignment of the stack, memory below it; and large frames.
 *
 * Code from C sees its arguments in abi_args and abi_seen, its results in abi_give and abi_got. */
#define _GNU_SOURCE
#include "tests/support/graph.h"
#include "tests/support/jit_kit.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define NOINLINE __attribute__((noinline))
enum { ARGS = 24 };
typedef struct abi_ii { int64_t a, b; } abi_ii;
typedef struct abi_ff { double a, b; } abi_ff;
typedef struct abi_if { int64_t a; double b; } abi_if;
typedef struct abi_big { uint64_t a[3]; } abi_big;
typedef struct abi_case {
    jit_signature sig;
    bool sret;
    jit_entry callee;
    void (*caller)(jit_entry fn);
} abi_case;

static uint64_t abi_args[ARGS], abi_seen[ARGS], abi_give[4], abi_got[4];

static inline float abi_f32(uint64_t x) { float f; memcpy(&f, &x, 4); return f; }
static inline double abi_f64(uint64_t x) { double f; memcpy(&f, &x, 8); return f; }
static inline uint64_t abi_bits32(float f) { uint32_t x; memcpy(&x, &f, 4); return x; }
static inline uint64_t abi_bits64(double f) { uint64_t x; memcpy(&x, &f, 8); return x; }

/* The compiler takes the caller's alignment for granted, so this faults when it is wrong. */
static inline void abi_check_alignment(void)
{
#if defined(__x86_64__)
    _Alignas(16) char local[16];
    __asm__ volatile("movaps %%xmm0, %0" : "=m"(local));
#else
    uint64_t sp;
    __asm__ volatile("mov %0, sp" : "=r"(sp));
    if (sp % 16)
        __builtin_trap();
#endif
}

/* A struct of an integer and a double comes back in a register of each kind on x86-64 (System V
 * psABI, 3.2.3), in two integer registers on AArch64 (AAPCS64, 6.8.2 stage C). */
#if defined(__x86_64__)
#define ABI_MIXED JIT_F64
#else
#define ABI_MIXED JIT_I64
#endif

#include "tests/unit/abi_cases.def"

enum { CASES = sizeof abi_cases / sizeof *abi_cases };

/* ---- Preserved registers ----
 * Calls fn with a pattern in every register it must preserve and in 8 KiB below the stack pointer.
 * Returns a bit for each register it destroyed; *depth: how far below the pointer, at the call, it
 * wrote. ABI_PLATFORM: bits of what C may destroy, compiled code not. ABI_RETURN: bytes that a call
 * pushes. */
uint64_t abi_canaries(jit_entry fn, uint64_t *depth);
#if defined(__x86_64__)
#define ABI_PLATFORM ((uint64_t)0)
#define ABI_RETURN 8u
__asm__(
    ".text\n"
    ".p2align 4\n"
    ".globl abi_canaries\n"
    ".hidden abi_canaries\n"
    ".type abi_canaries, @function\n"
    "abi_canaries:\n"
    "    push %rbx\n    push %rbp\n    push %r12\n    push %r13\n    push %r14\n    push %r15\n"
    "    sub $24, %rsp\n"
    "    mov %rsi, (%rsp)\n"
    "    test %rsi, %rsi\n"
    "    jz 2f\n"
    "    movabs $0x5a5a1234a5a54321, %rdx\n"
    "    lea -8192(%rsp), %rax\n"
    "1:  mov %rdx, (%rax)\n"
    "    add $8, %rax\n"
    "    cmp %rsp, %rax\n"
    "    jne 1b\n"
    "2:  mov $0x1111111111111111, %rbx\n    mov $0x2222222222222222, %rbp\n"
    "    mov $0x3333333333333333, %r12\n    mov $0x4444444444444444, %r13\n"
    "    mov $0x5555555555555555, %r14\n    mov $0x6666666666666666, %r15\n"
    "    call *%rdi\n"
    "    xor %eax, %eax\n"
    "    mov $0x1111111111111111, %rdx\n    xor %rbx, %rdx\n    setne %cl\n    or %cl, %al\n"
    "    mov $0x2222222222222222, %rdx\n    xor %rbp, %rdx\n    setne %cl\n    shl $1, %cl\n"
    "    or %cl, %al\n"
    "    mov $0x3333333333333333, %rdx\n    xor %r12, %rdx\n    setne %cl\n    shl $2, %cl\n"
    "    or %cl, %al\n"
    "    mov $0x4444444444444444, %rdx\n    xor %r13, %rdx\n    setne %cl\n    shl $3, %cl\n"
    "    or %cl, %al\n"
    "    mov $0x5555555555555555, %rdx\n    xor %r14, %rdx\n    setne %cl\n    shl $4, %cl\n"
    "    or %cl, %al\n"
    "    mov $0x6666666666666666, %rdx\n    xor %r15, %rdx\n    setne %cl\n    shl $5, %cl\n"
    "    or %cl, %al\n"
    "    mov (%rsp), %rsi\n"
    "    test %rsi, %rsi\n"
    "    jz 4f\n"
    "    movabs $0x5a5a1234a5a54321, %rdx\n"
    "    lea -8192(%rsp), %rdi\n"
    "3:  cmp %rdx, (%rdi)\n"
    "    jne 5f\n"
    "    add $8, %rdi\n"
    "    cmp %rsp, %rdi\n"
    "    jne 3b\n"
    "5:  mov %rsp, %rcx\n"
    "    sub %rdi, %rcx\n"
    "    mov %rcx, (%rsi)\n"
    "4:  movzbl %al, %eax\n"
    "    add $24, %rsp\n"
    "    pop %r15\n    pop %r14\n    pop %r13\n    pop %r12\n    pop %rbp\n    pop %rbx\n"
    "    ret\n"
    ".size abi_canaries, . - abi_canaries\n");
#else
/* x18 is the platform's: compiled code never touches it, but C on Linux may. */
#define ABI_PLATFORM ((uint64_t)1 << 19)
#define ABI_RETURN 0u
#define SET_X(r, k) "    mov x" #r ", #0x" #k #k #k #k #k #k #k #k "\n"
#define SET_D(r, k) SET_X(2, k) "    fmov d" #r ", x2\n"
#define TEST_X(r, k, bit) SET_X(2, k) "    cmp x" #r ", x2\n    cset x3, ne\n" \
                          "    orr x0, x0, x3, lsl #" #bit "\n"
#define TEST_D(r, k, bit) "    fmov x4, d" #r "\n" TEST_X(4, k, bit)
#define PATTERN "    mov x2, #0x4321\n    movk x2, #0xa5a5, lsl #16\n" \
                "    movk x2, #0x1234, lsl #32\n    movk x2, #0x5a5a, lsl #48\n"
#define EACH_PAIR(op) \
    op " x19, x20, [sp, #16]\n" op " x21, x22, [sp, #32]\n" op " x23, x24, [sp, #48]\n" \
    op " x25, x26, [sp, #64]\n" op " x27, x28, [sp, #80]\n" op " d8, d9, [sp, #96]\n" \
    op " d10, d11, [sp, #112]\n" op " d12, d13, [sp, #128]\n" op " d14, d15, [sp, #144]\n"
__asm__(
    ".text\n"
    ".p2align 4\n"
    ".globl abi_canaries\n"
    ".hidden abi_canaries\n"
    ".type abi_canaries, %function\n"
    "abi_canaries:\n"
    "    stp x29, x30, [sp, #-176]!\n"
    EACH_PAIR("    stp")
    "    str x1, [sp, #160]\n"
    "    cbz x1, 2f\n"
    PATTERN
    "    sub x3, sp, #8192\n"
    "1:  str x2, [x3], #8\n"
    "    cmp sp, x3\n"
    "    b.ne 1b\n"
    "2:\n"
    SET_X(19, 11) SET_X(20, 22) SET_X(21, 33) SET_X(22, 44) SET_X(23, 55) SET_X(24, 66)
    SET_X(25, 77) SET_X(26, 88) SET_X(27, 99) SET_X(28, aa) SET_X(29, bb) SET_X(18, cc)
    SET_D(8, 01) SET_D(9, 02) SET_D(10, 04) SET_D(11, 08)
    SET_D(12, 10) SET_D(13, 20) SET_D(14, 40) SET_D(15, 80)
    "    blr x0\n"
    "    mov x0, #0\n"
    TEST_X(19, 11, 0) TEST_X(20, 22, 1) TEST_X(21, 33, 2) TEST_X(22, 44, 3) TEST_X(23, 55, 4)
    TEST_X(24, 66, 5) TEST_X(25, 77, 6) TEST_X(26, 88, 7) TEST_X(27, 99, 8) TEST_X(28, aa, 9)
    TEST_X(29, bb, 10) TEST_X(18, cc, 19)
    TEST_D(8, 01, 11) TEST_D(9, 02, 12) TEST_D(10, 04, 13) TEST_D(11, 08, 14)
    TEST_D(12, 10, 15) TEST_D(13, 20, 16) TEST_D(14, 40, 17) TEST_D(15, 80, 18)
    "    ldr x1, [sp, #160]\n"
    "    cbz x1, 4f\n"
    PATTERN
    "    sub x3, sp, #8192\n"
    "3:  ldr x4, [x3]\n"
    "    cmp x4, x2\n"
    "    b.ne 5f\n"
    "    add x3, x3, #8\n"
    "    cmp sp, x3\n"
    "    b.ne 3b\n"
    "5:  mov x4, sp\n"
    "    sub x4, x4, x3\n"
    "    str x4, [x1]\n"
    "4:\n"
    EACH_PAIR("    ldp")
    "    ldp x29, x30, [sp], #176\n"
    "    ret\n"
    ".size abi_canaries, . - abi_canaries\n");
#endif

/* Destroys two of those registers and writes 24 bytes below its own. */
void abi_vandal(void);
__asm__(
    ".text\n"
    ".globl abi_vandal\n"
    ".hidden abi_vandal\n"
    "abi_vandal:\n"
#if defined(__x86_64__)
    "    inc %rbp\n    inc %r15\n    movq $1, -24(%rsp)\n    ret\n");
enum { VANDAL = 1 << 1 | 1 << 5 };
#else
    "    add x19, x19, #1\n    fneg d15, d15\n    stur x19, [sp, #-24]\n    ret\n");
enum { VANDAL = 1 << 0 | 1 << 18 };
#endif

/* ---- Fixture ----
 * */

static jit_engine *engine;
static jit_ctx *ctx;
static const jit_level levels[] = { JIT_O0, JIT_O1, JIT_O2 };
static const jit_mem trusted = { JIT_MEM_NOTRAP, 0, { 0 } };
static uint64_t seed;

static void begin(void)
{
    engine = kit_engine(NULL, 32 << 20, JIT_MEMORY_DEFAULT);
    ctx = jit_ctx_new(engine);
    cr_assert_not_null(ctx);
    seed = 7;
}

static void end(void)
{
    jit_ctx_free(ctx);
    jit_engine_free(engine);
}

TestSuite(abi, .init = begin, .fini = end);

static jit_code *compiled(jit_func *f, jit_level level)
{
    jit_code *code = NULL;

    kit_level(ctx, level);
    cr_assert_eq(jit_compile_function(ctx, f, &code), JIT_OK, "%s", jit_error_message(ctx));
    jit_func_free(f);
    return code;
}

static jit_value address(jit_builder *b, const void *p)
{
    return jit_iconst(b, JIT_I64, (int64_t)(intptr_t)p);
}

static unsigned width(jit_abi_param p)
{
    return jit_type_bytes(JIT_PARAM_TYPE(p));
}

static void new_values(void)
{
    for (unsigned k = 0; k < ARGS; k++) {
        abi_args[k] = (uint64_t)test_random(&seed) << 32 | test_random(&seed);
        abi_seen[k] = ~abi_args[k];
    }
    for (unsigned k = 0; k < 4; k++) {
        abi_give[k] = (uint64_t)test_random(&seed) << 32 | test_random(&seed);
        abi_got[k] = ~abi_give[k];
    }
}

static void check_values(const abi_case *c, unsigned k, unsigned level)
{
    unsigned skip = c->sret;

    for (unsigned i = skip; i < c->sig.nparams; i++)
        cr_expect_arr_eq(&abi_seen[i - skip], &abi_args[i - skip], width(c->sig.params[i]),
                         "case %u, O%u: argument %u", k, level, i);
    for (unsigned i = 0; i < (c->sret ? 3 : c->sig.nresults); i++)
        cr_expect_arr_eq(&abi_got[i], &abi_give[i], c->sret ? 8 : width(c->sig.results[i]),
                         "case %u, O%u: result %u", k, level, i);
}

static bool under_valgrind(void) /* which forbids to look below the stack pointer */
{
    const char *preload = getenv("LD_PRELOAD");
    return preload && strstr(preload, "vgpreload");
}

Test(abi, the_canaries_show_what_was_destroyed)
{
    uint64_t depth = 0;

    cr_expect_eq(abi_canaries(abi_vandal, NULL), VANDAL);
    if (!under_valgrind()) {
        cr_expect_eq(abi_canaries(abi_vandal, &depth), VANDAL);
        cr_expect_eq(depth, 24 + ABI_RETURN);
    }
}

/* ---- C calls compiled code ----
 * */

/* Stores its arguments to abi_seen, returns what abi_give holds. */
static jit_func *make_callee(const abi_case *c)
{
    jit_func *f = jit_func_new(engine, "callee", &c->sig);
    jit_builder *b = jit_build(f);
    jit_value seen = address(b, abi_seen), give = address(b, abi_give), r[4];
    unsigned skip = c->sret;

    for (unsigned i = skip; i < c->sig.nparams; i++)
        jit_store(b, trusted, jit_param(b, i), seen, (int32_t)(8 * (i - skip)));
    for (unsigned i = 0; c->sret && i < 3; i++)
        jit_store(b, trusted, jit_load(b, JIT_I64, trusted, give, (int32_t)(8 * i)),
                  jit_param(b, 0), (int32_t)(8 * i));
    for (unsigned i = 0; i < c->sig.nresults; i++)
        r[i] = jit_load(b, JIT_PARAM_TYPE(c->sig.results[i]), trusted, give, (int32_t)(8 * i));
    jit_return_values(b, c->sig.nresults, r);
    jit_build_end(b);
    return f;
}

static const abi_case *calling;
static jit_entry called;

static void call_it(void)
{
    calling->caller(called);
}

Test(abi, compiled_code_called_from_c)
{
    for (unsigned k = 0; k < CASES; k++)
        for (unsigned l = 0; l < 2; l++) {
            jit_code *code = compiled(make_callee(&abi_cases[k]), levels[l]);
            calling = &abi_cases[k];
            called = jit_code_entry(code);
            new_values();
            cr_expect_eq(abi_canaries(call_it, NULL) & ~ABI_PLATFORM, 0, "case %u, O%u", k, l);
            check_values(calling, k, l);
            jit_code_free(code);
        }
}

/* ---- Compiled code calls C ----
 * */

/* Calls c with what abi_args holds, stores the results to abi_got. keep: values that live
 * across. */
static jit_func *make_caller(const abi_case *c, jit_entry callee, unsigned keep)
{
    jit_func *f = jit_func_new(engine, "caller", JIT_SIG(JIT_VOID));
    jit_sigref sig = jit_sig_declare(f, &c->sig);
    jit_slot room = jit_slot_declare(f, 24, 8);
    jit_builder *b = jit_build(f);
    jit_value from = address(b, abi_args), got = address(b, abi_got), a[ARGS + 1], live[32];
    unsigned skip = c->sret;

    for (unsigned i = 0; i < keep; i++)
        live[i] = jit_load(b, i & 1 ? JIT_F64 : JIT_I64, trusted, from, (int32_t)(8 * (i % ARGS)));
    if (c->sret)
        a[0] = jit_stack_addr(b, room, 0);
    for (unsigned i = skip; i < c->sig.nparams; i++)
        a[i] = jit_load(b, JIT_PARAM_TYPE(c->sig.params[i]), trusted, from,
                        (int32_t)(8 * (i - skip)));
    jit_inst call = jit_call_indirect(b, sig, address(b, kit_address(callee)), c->sig.nparams, a);
    for (unsigned i = 0; i < c->sig.nresults; i++)
        jit_store(b, trusted, jit_result(b, call, i), got, (int32_t)(8 * i));
    for (unsigned i = 0; c->sret && i < 3; i++)
        jit_store(b, trusted,
                  jit_load(b, JIT_I64, trusted, jit_stack_addr(b, room, (int32_t)(8 * i)), 0), got,
                  (int32_t)(8 * i));
    for (unsigned i = 0; i < keep; i++) /* still what they were: */
        jit_store(b, trusted, live[i], from, (int32_t)(8 * (i % ARGS)));
    jit_return_void(b);
    jit_build_end(b);
    return f;
}

Test(abi, c_called_from_compiled_code)
{
    uint64_t before[ARGS];

    for (unsigned k = 0; k < CASES; k++)
        for (unsigned l = 0; l < 2; l++) {
            unsigned keep = k % 3 ? 24 : 0;
            jit_func *f = make_caller(&abi_cases[k], abi_cases[k].callee, keep);
            jit_code *code = compiled(f, levels[l]);
            new_values();
            memcpy(before, abi_args, sizeof before);
            uint64_t destroyed = abi_canaries(jit_code_entry(code), NULL);
            cr_expect_eq(destroyed & ~ABI_PLATFORM, 0, "case %u, O%u", k, l);
            check_values(&abi_cases[k], k, l);
            cr_expect_arr_eq(before, abi_args, sizeof before);
            jit_code_free(code);
        }
}

/* ---- Compiled code calls compiled code, in every convention ----
 * */

Test(abi, compiled_code_called_from_compiled_code_in_each_convention)
{
    static const jit_conv convs[] = { JIT_CONV_SYSTEM_V, JIT_CONV_FAST, JIT_CONV_TAIL };

    for (unsigned k = 0; k < CASES; k++)
        for (unsigned m = 0; m < 12; m++) {
            unsigned l = m & 1, other = m >> 1 & 1;
            abi_case c = abi_cases[k];
            c.sig.conv = convs[m / 4];
            jit_code *callee = compiled(make_callee(&c), levels[l]);
            jit_code *caller = compiled(make_caller(&c, jit_code_entry(callee), 24), levels[other]);
            new_values();
            cr_expect_eq(abi_canaries(jit_code_entry(caller), NULL), 0, "case %u, O%u", k, l);
            check_values(&c, k, l);
            jit_code_free(caller);
            jit_code_free(callee);
        }
}

/* ---- Any signature by jit_invoke, and the host with any signature ----
 * */

/* More results than registers, which C does not have. */
static const jit_abi_param many[] = {
    JIT_I64, JIT_F64, JIT_I8 | JIT_SEXT, JIT_F32, JIT_I32, JIT_I16 | JIT_UEXT, JIT_F64, JIT_I64,
    JIT_F64, JIT_F32, JIT_F64, JIT_I64, JIT_F64, JIT_F64, JIT_F64, JIT_I8, JIT_I64, JIT_F64, JIT_I32
};
enum { MANY = sizeof many / sizeof *many };

static void reverse(void *user, const jit_bits *args, jit_bits *results)
{
    const jit_signature *sig = user;

    abi_check_alignment();
    for (uint32_t k = 0; k < sig->nresults; k++)
        results[k] = args[sig->nparams - 1 - k];
}

Test(abi, host_functions_of_any_signature_are_called_by_invoke)
{
    static const jit_conv convs[] = { JIT_CONV_SYSTEM_V, JIT_CONV_FAST, JIT_CONV_TAIL };

    for (unsigned m = 0; m < 3; m++)
        for (uint32_t n = 0; n <= MANY; n++) {
            jit_abi_param back[MANY];
            for (uint32_t k = 0; k < n; k++)
                back[k] = many[n - 1 - k];
            jit_signature sig = { convs[m], n, n, many, back };
            jit_bits args[MANY], results[MANY];
            jit_entry fn;
            for (uint32_t k = 0; k < MANY; k++)
                args[k] = kit_bits((uint64_t)test_random(&seed) << 32 | test_random(&seed));
            memset(results, 0xee, sizeof results);
            cr_assert_eq(jit_host_function(engine, &sig, reverse, &sig, &fn), JIT_OK);
            jit_call_result r = jit_invoke(engine, fn, &sig, args, results);
            cr_assert(r.status == JIT_OK && r.trap == JIT_TRAP_NONE);
            for (uint32_t k = 0; k < n; k++)
                cr_expect_arr_eq(&results[k], &args[n - 1 - k], width(back[k]), "%u of %u in %u", k,
                                 n, m);
            for (uint32_t k = n; k < MANY; k++)
                cr_expect_eq(results[k].at[0], 0xee);
        }
}

/* ---- The stack ----
 * */

/* A leaf with n values alive at once, some in a slot. */
static jit_func *make_leaf(unsigned n, uint32_t slot_bytes)
{
    jit_func *f = jit_func_new(engine, "leaf", JIT_SIG(JIT_VOID));
    jit_slot s = jit_slot_declare(f, slot_bytes, 8);
    jit_builder *b = jit_build(f);
    jit_value from = address(b, abi_args), v[64], sum;

    for (unsigned i = 0; i < n; i++)
        v[i] = jit_load(b, JIT_I64, trusted, from, (int32_t)(8 * (i % ARGS)));
    sum = jit_iconst(b, JIT_I64, 0);
    for (unsigned i = 0; i < n; i++)
        sum = jit_iadd(b, sum, jit_imul(b, v[i], v[(i * 7 + 3) % n]));
    for (uint32_t at = 0; at + 8 <= slot_bytes; at += 8)
        jit_store(b, trusted, sum, jit_stack_addr(b, s, 0), (int32_t)at);
    jit_store(b, trusted, sum, address(b, abi_got), 0);
    jit_return_void(b);
    jit_build_end(b);
    return f;
}

Test(abi, a_leaf_writes_nothing_below_its_frame)
{
    for (unsigned n = 1; n < 60; n += 7)
        for (unsigned l = 0; l < 2; l++) {
            uint64_t depth = 0;
            jit_stats stats;
            jit_code *code = compiled(make_leaf(n, n % 3 ? 8 * (n % 11) : 1), levels[l]);
            jit_ctx_get_stats(ctx, &stats);
            cr_expect_eq(abi_canaries(jit_code_entry(code), under_valgrind() ? NULL : &depth), 0);
            cr_expect_leq(depth, stats.frame_bytes + ABI_RETURN, "%u values at O%u", n, l);
            jit_code_free(code);
        }
}

static void fill_frame(unsigned l, uint32_t bytes, bool probe)
{
    jit_func *f = jit_func_new(engine, "big", JIT_SIG(JIT_I64, JIT_I64));
    jit_slot s = jit_slot_declare(f, bytes, 16);
    jit_settings set = { .size = sizeof set, .level = levels[l], .checks = JIT_CHECK_ALL,
                         .no_probestack = !probe };
    jit_code *code;

    jit_ctx_configure(ctx, &set);
    jit_builder *b = jit_build(f);
    jit_value low = jit_stack_addr(b, s, 0), high = jit_stack_addr(b, s, (int32_t)bytes - 8);
    jit_store(b, trusted, jit_param(b, 0), low, 0);
    jit_store(b, trusted, jit_iadd(b, jit_param(b, 0), jit_param(b, 0)), high, 0);
    jit_return(b, jit_iadd(b, jit_load(b, JIT_I64, trusted, low, 0),
                           jit_load(b, JIT_I64, trusted, high, 0)));
    jit_build_end(b);
    cr_assert_eq(jit_compile_function(ctx, f, &code), JIT_OK, "%s", jit_error_message(ctx));
    int64_t (*fn)(int64_t) = (int64_t (*)(int64_t))jit_code_entry(code);
    cr_expect_eq(fn(14), 42);
    jit_code_free(code);
    jit_func_free(f);
}

Test(abi, large_frames_hold_what_is_written_to_both_ends)
{
    static const uint32_t sizes[] = { 16, 4096, 8192, 20000, 100 << 10, 1 << 20 };

    for (unsigned l = 0; l < 2; l++)
        for (unsigned k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            fill_frame(l, sizes[k], true);
            fill_frame(l, sizes[k], false);
        }
}

/* ---- Running out of stack ----
 * */

static const jit_abi_param one_int[] = { JIT_I64 };
static const jit_signature i64_i64 = { JIT_CONV_SYSTEM_V, 1, 1, one_int, one_int };

static jit_code *endless(uint32_t bytes, jit_level level)
{
    char text[512];

    snprintf(text, sizeof text,
             "function %%endless(i64) -> i64 system_v {\n    ss0 = explicit_slot %u\n"
             "    fn0 = %%endless(i64) -> i64 system_v\nblock0(v0: i64):\n"
             "    v1 = iconst.i64 1\n    v2 = iadd v0, v1\n    v3 = call fn0(v2)\n"
             "    v4 = stack_addr.i64 ss0\n    store v3, v4\n    return v3\n}\n", bytes);
    kit_level(ctx, level);
    return kit_code(engine, ctx, text);
}

Test(abi, frames_touch_every_page_so_that_running_out_of_stack_is_a_trap)
{
    static char other[1 << 16];
    stack_t altered = { .ss_sp = other, .ss_size = sizeof other }, old;

    sigaltstack(&altered, &old);
    cr_assert_eq(jit_traps_install(), JIT_OK);
    for (unsigned l = 0; l < 2; l++)
        for (unsigned k = 0; k < 2; k++) {
            jit_bits arg = kit_bits(0), result;
            jit_code *code = endless(k ? 10 << 20 : 100 << 10, levels[l]);
            cr_assert_not_null(code);
            jit_call_result r = jit_invoke(engine, jit_code_entry(code), &i64_i64, &arg, &result);
            cr_expect_eq(r.status, JIT_OK);
            cr_expect_eq(r.trap, JIT_TRAP_STK_OVF, "O%u, frame %u: %s", l, k,
                         jit_trap_name(r.trap));
            cr_expect_eq(jit_engine_code_at(engine, r.pc), code);
            jit_code_free(code);
        }
    jit_traps_remove();
    sigaltstack(&old, NULL);
}

Test(abi, the_stack_limit_is_a_trap_before_anything_is_touched)
{
    static const char text[] =
        "function %limited(i64 vmctx, i64) -> i64 system_v {\n"
        "    gv0 = vmctx\n    gv1 = load.i64 notrap aligned gv0+8\n    stack_limit = gv1\n"
        "    ss0 = explicit_slot 65536\n"
        "    sig0 = (i64 vmctx, i64) -> i64 system_v\n"
        "    fn0 = %limited(i64 vmctx, i64) -> i64 system_v\n"
        "block0(v0: i64, v1: i64):\n"
        "    v2 = iconst.i64 -1\n    v3 = iadd v1, v2\n    brif v1, block1, block2\n"
        "block1:\n    v4 = call fn0(v0, v3)\n    v5 = stack_addr.i64 ss0\n    store v4, v5\n"
        "    return v4\n"
        "block2:\n    return v1\n}\n";
    static const jit_abi_param two[] = { JIT_I64 | JIT_VMCTX, JIT_I64 };
    jit_signature sig = { JIT_CONV_SYSTEM_V, 2, 1, two, one_int };
    uint64_t vm[2];

    cr_assert_eq(jit_traps_install(), JIT_OK);
    for (unsigned l = 0; l < 2; l++) {
        jit_bits args[2] = { kit_bits((uint64_t)(uintptr_t)vm), kit_bits(5) }, result;
        kit_level(ctx, levels[l]);
        jit_code *code = kit_code(engine, ctx, text);
        cr_assert_not_null(code);
        vm[1] = (uint64_t)(uintptr_t)&result - (2 << 20);
        jit_call_result r = jit_invoke(engine, jit_code_entry(code), &sig, args, &result);
        cr_expect(r.status == JIT_OK && r.trap == JIT_TRAP_NONE && kit_word(result) == 0);
        args[1] = kit_bits(1000);
        r = jit_invoke(engine, jit_code_entry(code), &sig, args, &result);
        cr_expect_eq(r.trap, JIT_TRAP_STK_OVF, "O%u: %s", l, jit_trap_name(r.trap));
        vm[1] = UINT64_MAX;
        args[1] = kit_bits(0);
        r = jit_invoke(engine, jit_code_entry(code), &sig, args, &result);
        cr_expect_eq(r.trap, JIT_TRAP_STK_OVF);
        jit_code_free(code);
    }
    jit_traps_remove();
}
