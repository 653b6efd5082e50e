/* test_handles.c - handles freed twice, used after free, taken twice; the log of allocations; and
 * faults seeded into the library's own structures: each is told, and the place with it. */
#include "jit/engine.h"
#include "tests/support/fault_alloc.h"
#include "tests/support/jit_kit.h"

#include <signal.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

static jit_engine *engine;
static jit_ctx *ctx;

static void begin(void)
{
    engine = kit_engine(NULL, 1 << 20, JIT_MEMORY_DEFAULT);
    ctx = jit_ctx_new(engine);
    cr_assert_not_null(ctx);
}

static void end(void)
{
    jit_ctx_free(ctx);
    jit_engine_free(engine);
}

TestSuite(handles, .init = begin, .fini = end);

static jit_code *constant(const char *name, int32_t k)
{
    jit_func *f = kit_constant(engine, name, k);
    jit_code *code = NULL;

    cr_assert_eq(jit_compile_function(ctx, f, &code), JIT_OK);
    jit_func_free(f);
    return code;
}

/* ---- Handles ---- */

#ifdef JIT_DEBUG
/* What body writes to stderr holds `want`; it ends by itself, or by abort(). */
static void expect_told(void (*body)(void), const char *want, bool aborts)
{
    int status = 0;
    const char *text = kit_stderr_of(body, &status);

    cr_expect_not_null(strstr(text, want), "told: %s", text);
    if (aborts)
        cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    else
        cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void free_twice(void)
{
    jit_code *a = constant("a", 1);

    jit_code_free(a);
    jit_code *b = constant("b", 2); /* would get a's memory */
    jit_code_free(a);
    if (kit_call_i32(b) != 2)
        abort();
}

static void use_after_free(void)
{
    jit_code *a = constant("a", 1);

    jit_code_free(a);
    if (jit_code_entry(a) || jit_code_size(a) || jit_code_trap_at(a, NULL)
        || jit_code_position_at(a, NULL) != UINT32_MAX)
        abort();
}

static void no_handle(void)
{
    uint32_t not_one[64] = { 0 };

    jit_code_free((jit_code *)(void *)not_one);
}

static void free_unit_twice(void)
{
    jit_func *f = kit_constant(engine, "f", 1);
    jit_unit *u;

    if (jit_compile_unit(ctx, f, NULL, &u) != JIT_OK)
        abort();
    jit_unit_free(u);
    jit_unit_free(u);
}

static void free_engine_too_early(void)
{
    constant("a", 1);
    jit_ctx_free(ctx);
    jit_engine_free(engine);
}

static void two_owners(void)
{
    jit_code *a = constant("a", 1), *b = constant("b", 2);

    b->entry = a->entry; /* the seeded fault: b owns a's memory, too */
    jit_code_free(b);
    if (kit_call_i32(a) != 1 || !jit_code_mem_is_valid(&engine->mem))
        abort();
    jit_code_free(a);
}

Test(handles, a_second_free_is_told_and_ignored)
{
    expect_told(free_twice, "jit_code_free: the code handle", false);
    expect_told(free_twice, "has been freed", false);
}

Test(handles, a_use_after_free_is_told_and_gives_nothing)
{
    expect_told(use_after_free, "jit_code_entry: the code handle", false);
    expect_told(use_after_free, "jit_code_size: the code handle", false);
}

Test(handles, what_is_no_handle_is_told)
{
    expect_told(no_handle, "is not one", false);
}

Test(handles, a_unit_freed_twice_is_told)
{
    expect_told(free_unit_twice, "jit_unit_free", false);
}

Test(handles, an_engine_with_live_code_is_not_freed)
{
    expect_told(free_engine_too_early, "1 codes are still alive", true);
}

Test(handles, a_second_owner_of_code_memory_is_told)
{
    expect_told(two_owners, "is not", false);
}
#endif

static void free_twice_quietly(void)
{
    jit_code *a = constant("a", 1);

    jit_code_free(a);
    jit_code_free(a);
    jit_code *b = constant("b", 2);
    if (kit_call_i32(b) != 2 || !jit_code_mem_is_valid(&engine->mem))
        abort();
}

Test(handles, freeing_twice_harms_nobody)
{
    int status = 1;

    kit_stderr_of(free_twice_quietly, &status); /* told in debug builds only */
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

Test(handles, a_unit_may_be_published_twice_and_each_code_has_its_own_memory)
{
    jit_func *f = kit_constant(engine, "f", 5);
    jit_code *a, *b;
    jit_unit *u;

    cr_assert_eq(jit_compile_unit(ctx, f, NULL, &u), JIT_OK);
    cr_assert_eq(jit_publish(engine, ctx, &u, 1, &a), JIT_OK);
    cr_assert_eq(jit_publish(engine, ctx, &u, 1, &b), JIT_OK);
    cr_expect_neq(kit_address(jit_code_entry(a)), kit_address(jit_code_entry(b)));
    jit_unit_free(u);
    jit_code_free(a);
    cr_expect_eq(kit_call_i32(b), 5);
    jit_code_free(b);
    jit_func_free(f);
}

Test(handles, a_unit_taken_twice_in_one_batch_is_refused)
{
    jit_func *f = kit_constant(engine, "f", 5);
    jit_code *codes[2];
    jit_unit *u, *units[2];

    cr_assert_eq(jit_compile_unit(ctx, f, NULL, &u), JIT_OK);
    units[0] = units[1] = u;
    cr_expect_eq(jit_publish(engine, ctx, units, 2, codes), JIT_ERR_LINK);
    cr_expect_str_eq(jit_error_message(ctx), "two functions are called %f");
    cr_expect(!codes[0] && !codes[1]);
    jit_unit_free(u);
    jit_func_free(f);
    cr_expect(jit_code_mem_is_valid(&engine->mem));
}

/* ---- The log ---- */

typedef struct log_count {
    size_t allocs, frees, other;
    size_t by_context, by_engine, by_functions;
} log_count;

static void count_line(void *user, const char *line)
{
    log_count *n = user;

    n->allocs += strncmp(line, "alloc ", 6) == 0;
    n->frees += strncmp(line, "free ", 5) == 0;
    n->other += strchr(line, '\n') || !strstr(line, " bytes at 0x") || !strstr(line, " by ");
    n->by_context += strstr(line, " by context 0x") != NULL;
    n->by_engine += strstr(line, " by engine 0x") != NULL;
    n->by_functions += strstr(line, " by functions of engine 0x") != NULL;
}

Test(handles, each_allocation_and_free_is_one_line_with_its_owner)
{
    log_count n = { 0, 0, 0, 0, 0, 0 };
    jit_engine_settings s = { .size = sizeof s, .host_features = true, .log = count_line,
                              .log_user = &n, .code_space = 1 << 20 };
    jit_engine *e = jit_engine_new(&s);
    jit_ctx *c = jit_ctx_new(e);
    jit_func *f = kit_constant(e, "f", 1);
    jit_code *code;

    cr_assert_eq(jit_compile_function(c, f, &code), JIT_OK);
    size_t before = n.allocs;
    jit_code_free(code);
    cr_assert_eq(jit_compile_function(c, f, &code), JIT_OK);
#ifndef JIT_DEBUG /* where handles are kept for a while */
    cr_expect_eq(n.allocs, before, "a second compile asks the host for memory");
#endif
    (void)before;
    jit_code_free(code);
    jit_func_free(f);
    jit_ctx_free(c);
    jit_engine_free(e);
    cr_expect_gt(n.allocs, 3);
    cr_expect_eq(n.allocs, n.frees);
    cr_expect_eq(n.other, 0);
    cr_expect(n.by_context > 0 && n.by_engine > 0 && n.by_functions > 0);
    cr_expect_eq(n.by_context + n.by_engine + n.by_functions, n.allocs + n.frees);
}

/* ---- Seeded faults ---- */

static fail_ctx fail;
static arena mem;
static jit_func *around;

static void emit_with(ra_loc destination)
{
    lower *l = ARENA_NEW(&mem, lower);
    frame fr = { .leaf = true };
    mbuf b;
    minst i = { .op = MI_MOVE, .size = 8 };
    ra_operand ops[2] = { { .vreg = 0, .kind = RA_DEF, .width = 8, .loc = destination },
                          { .vreg = 1, .kind = RA_USE, .width = 8, .loc = RA_INT(1) } };
    emit e = { .buf = &b, .l = l, .frame = &fr, .next_block = UINT32_MAX, .own_place = true };

    l->f = around;
    jit_mbuf_init(&b, &mem, jit_target_x86_64.fixups, jit_target_x86_64.shrinks, 0, 0);
    /* Any row that puts an integer register will do: the first of the table that takes two. */
    for (i.op = MI_TARGET; i.op < MI_TARGET + 400; i.op++)
        jit_target_x86_64.emit(&e, &i, ops, 2);
}

static void emit_virtual(void *arg)
{
    (void)arg;
    emit_with(LOC_NONE);
}

Test(handles, an_operand_left_virtual_is_an_internal_error_that_names_the_instruction)
{
    memset(&fail, 0, sizeof fail);
    around = kit_constant(engine, "f", 1);
    jit_arena_init(&mem, &jit_libc_allocator, &fail);
    cr_expect_eq(jit_guard(&fail, emit_virtual, NULL), JIT_ERR_INTERNAL);
    cr_expect_not_null(strstr(fail.message, "operand left virtual"), "%s", fail.message);
    cr_expect_not_null(strstr(fail.message, "x86_64: "), "%s", fail.message);
    jit_arena_free(&mem);
    jit_func_free(around);
}

Test(handles, a_relocation_behind_its_code_is_an_internal_error)
{
    jit_module *m = kit_read(engine, "function %f() system_v {\n    fn0 = %f() system_v\nblock0:\n"
                                     "    call fn0()\n    return\n}\n");
    jit_code *code;
    jit_unit *u;

    cr_assert_eq(jit_compile_unit(ctx, jit_module_function_at(m, 0), NULL, &u), JIT_OK);
    cr_assert_gt(u->code.nrelocs, 0);
    u->code.relocs[0].offset = u->code.size - 3; /* the seeded fault */
    cr_expect_eq(jit_publish(engine, ctx, &u, 1, &code), JIT_ERR_INTERNAL);
    cr_expect_not_null(strstr(jit_error_message(ctx), "%f"));
    cr_expect(jit_code_mem_is_valid(&engine->mem));
    jit_unit_free(u);
    jit_module_free(m);
}

Test(handles, code_memory_refuses_a_second_owner_and_strangers)
{
    code_mem *m = &engine->mem;
    uint8_t *exec, *write;
    int a, b;

    cr_assert(jit_code_mem_alloc(m, 100, &exec, &write));
    cr_expect(jit_code_mem_commit(m, exec, 100, &a));
    cr_expect_not(jit_code_mem_commit(m, exec, 100, &b));
    cr_expect_eq(jit_code_mem_owner(m, exec + 99), &a);
    cr_expect_not(jit_code_mem_release(m, exec, &b));
    cr_expect_not(jit_code_mem_release(m, exec + 64, &a));
    cr_expect_not(jit_code_mem_release(m, exec + 1, &a));
    cr_expect_not(jit_code_mem_release(m, m->os.exec + m->os.size, NULL));
    cr_expect(jit_code_mem_release(m, exec, &a));
    cr_expect_not(jit_code_mem_release(m, exec, &a));
    cr_expect_not(jit_code_mem_release(m, exec, NULL));
    cr_expect(jit_code_mem_is_valid(m));
}
