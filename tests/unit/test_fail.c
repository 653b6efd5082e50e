#include "support/fail.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

static fail_ctx fc;
static int steps;

static void succeeds(void *arg)
{
    *(int *)arg = 7;
}

static void fails(void *arg)
{
    steps++;
    jit_fail(&fc, JIT_ERR_LIMIT, "%s is %d", (const char *)arg, 3);
}

static void nests(void *arg)
{
    cr_expect_eq(jit_guard(&fc, fails, arg), JIT_ERR_LIMIT);
    steps++;
    jit_fail(&fc, JIT_ERR_PARSE, "after: %s", fc.message); /* the old message as an argument */
}

static void fails_long(void *arg)
{
    jit_fail(&fc, JIT_ERR_ARG, "%s%s", (const char *)arg, (const char *)arg);
}

Test(fail, a_guard_returns_ok_when_nothing_failed)
{
    int x = 0;
    cr_expect_eq(jit_guard(&fc, succeeds, &x), JIT_OK);
    cr_expect_eq(x, 7);
    cr_expect_null(fc.target);
}

Test(fail, a_failure_unwinds_to_the_guard_with_its_message)
{
    cr_expect_eq(jit_guard(&fc, fails, "this"), JIT_ERR_LIMIT);
    cr_expect_eq(fc.status, JIT_ERR_LIMIT);
    cr_expect_str_eq(fc.message, "this is 3");
    cr_expect_null(fc.target);
}

Test(fail, guards_nest_and_the_inner_one_catches_first)
{
    steps = 0;
    cr_expect_eq(jit_guard(&fc, nests, "x"), JIT_ERR_PARSE);
    cr_expect_eq(steps, 2);
    cr_expect_str_eq(fc.message, "after: x is 3");
}

Test(fail, a_long_message_is_cut_and_terminated)
{
    char text[400];

    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = 0;
    cr_expect_eq(jit_guard(&fc, fails_long, text), JIT_ERR_ARG);
    cr_expect_eq(strlen(fc.message), sizeof fc.message - 1);
}

Test(fail, setting_a_failure_does_not_unwind)
{
    cr_expect_eq(jit_fail_set(&fc, JIT_ERR_IO, "no %s", "file"), JIT_ERR_IO);
    cr_expect_str_eq(fc.message, "no file");
}

Test(fail, failing_without_a_guard_aborts, .signal = SIGABRT)
{
    fc.target = NULL;
    jit_fail(&fc, JIT_ERR_INTERNAL, "nobody catches this");
}
