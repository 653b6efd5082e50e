/* criterion.h - stands in for Criterion where it cannot run (TSan, valgrind, qemu): the same test
 * bodies one after another in one process, without forking and without libraries.
 *
 * Understood: Test(), TestSuite(), the options .init .fini .signal .disabled (.description and
 * .timeout are taken and ignored; a test with .exit_code is skipped, since it would end us), and
 * cr_expect / cr_assert in the forms below, each with an optional printf-like message. A failed
 * cr_assert leaves the test, a failed cr_expect goes on; in a thread the test started, a failed
 * cr_assert ends that thread. */
#ifndef GANTRY_PLAIN_CRITERION_H
#define GANTRY_PLAIN_CRITERION_H
#include <assert.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int sentinel; /* so that an empty list of options is not an empty initializer */
    void (*init)(void);
    void (*fini)(void);
    int signal;    /* the test passes when it is left by this signal; 0: none */
    int exit_code; /* not 0: the test ends its process, which we cannot let it do */
    bool disabled;
    const char *description;
    double timeout;
} plain_options;

typedef struct plain_test {
    const char *suite, *name; /* name is NULL for the options of a whole suite */
    void (*body)(void);
    plain_options options;
    struct plain_test *next;
} plain_test;

void plain_register(plain_test *test);

/* Reports a failure of the running test; does not return when fatal. what is the text of the
 * assertion; message is NULL or a format for the arguments that follow. */
void plain_failed(bool fatal, const char *file, int line, const char *what, const char *message,
                  ...);

/* Leaves the running test and counts it as skipped. */
_Noreturn void plain_skip(const char *message, ...);

void plain_log(const char *level, const char *message, ...);

#define PLAIN_REGISTER(id, suite_name, test_name, function, ...)                           \
    static plain_test plain_data_##id = {                                                  \
        suite_name, test_name, function, { .sentinel = 0, __VA_ARGS__ }, NULL };           \
    __attribute__((constructor)) static void plain_constructor_##id(void)                  \
    { plain_register(&plain_data_##id); }

#define PLAIN_TEST(suite, name, ...)                                                       \
    static void plain_body_##suite##_##name(void);                                         \
    PLAIN_REGISTER(suite##_##name, #suite, #name, plain_body_##suite##_##name, __VA_ARGS__) \
    static void plain_body_##suite##_##name(void)
#define PLAIN_SUITE(suite, ...)                                                            \
    PLAIN_REGISTER(suite, #suite, NULL, NULL, __VA_ARGS__)                                 \
    typedef int plain_suite_##suite /* takes the semicolon */

#define Test(suite, ...) PLAIN_TEST(suite, __VA_ARGS__, )
#define TestSuite(...) PLAIN_SUITE(__VA_ARGS__, )

/* Each form hands on its arguments with a NULL behind them: the message, if there is none. */
#define PLAIN_FIRST(a, ...) (a)
#define PLAIN_REST(a, ...) __VA_ARGS__
#define PLAIN_FAIL(fatal, what, ...) plain_failed(fatal, __FILE__, __LINE__, what, __VA_ARGS__)
#define PLAIN_TRUE(fatal, what, wanted, ...)                                               \
    (!PLAIN_FIRST(__VA_ARGS__) == !(wanted)                                                \
         ? (void)0 : PLAIN_FAIL(fatal, what, PLAIN_REST(__VA_ARGS__)))
#define PLAIN_OP(fatal, what, op, a, b, ...)                                               \
    ((a) op (b) ? (void)0 : PLAIN_FAIL(fatal, what, __VA_ARGS__))
#define PLAIN_NULL(fatal, what, op, a, ...)                                                \
    ((const void *)(a) op NULL ? (void)0 : PLAIN_FAIL(fatal, what, __VA_ARGS__))
#define PLAIN_STR(fatal, what, op, a, b, ...)                                              \
    (strcmp(a, b) op 0 ? (void)0                                                           \
                       : (plain_log("left ", "%s", a), plain_log("right", "%s", b),        \
                          PLAIN_FAIL(fatal, what, __VA_ARGS__)))
#define PLAIN_EMPTY(fatal, what, op, a, ...)                                               \
    ((a)[0] op '\0' ? (void)0 : PLAIN_FAIL(fatal, what, __VA_ARGS__))
#define PLAIN_ARR(fatal, what, op, a, b, size, ...)                                        \
    (memcmp(a, b, size) op 0 ? (void)0 : PLAIN_FAIL(fatal, what, __VA_ARGS__))
#define PLAIN_FLOAT(fatal, what, wanted, a, b, epsilon, ...)                               \
    (((a) - (b) <= (epsilon) && (b) - (a) <= (epsilon)) == (wanted)                        \
         ? (void)0 : PLAIN_FAIL(fatal, what, __VA_ARGS__))

#define cr_expect(...) PLAIN_TRUE(false, #__VA_ARGS__, true, __VA_ARGS__, NULL)
#define cr_assert(...) PLAIN_TRUE(true, #__VA_ARGS__, true, __VA_ARGS__, NULL)
#define cr_expect_not(...) PLAIN_TRUE(false, "not " #__VA_ARGS__, false, __VA_ARGS__, NULL)
#define cr_assert_not(...) PLAIN_TRUE(true, "not " #__VA_ARGS__, false, __VA_ARGS__, NULL)

#define cr_expect_eq(...) PLAIN_OP(false, "eq: " #__VA_ARGS__, ==, __VA_ARGS__, NULL)
#define cr_assert_eq(...) PLAIN_OP(true, "eq: " #__VA_ARGS__, ==, __VA_ARGS__, NULL)
#define cr_expect_neq(...) PLAIN_OP(false, "neq: " #__VA_ARGS__, !=, __VA_ARGS__, NULL)
#define cr_assert_neq(...) PLAIN_OP(true, "neq: " #__VA_ARGS__, !=, __VA_ARGS__, NULL)
#define cr_expect_lt(...) PLAIN_OP(false, "lt: " #__VA_ARGS__, <, __VA_ARGS__, NULL)
#define cr_assert_lt(...) PLAIN_OP(true, "lt: " #__VA_ARGS__, <, __VA_ARGS__, NULL)
#define cr_expect_leq(...) PLAIN_OP(false, "leq: " #__VA_ARGS__, <=, __VA_ARGS__, NULL)
#define cr_assert_leq(...) PLAIN_OP(true, "leq: " #__VA_ARGS__, <=, __VA_ARGS__, NULL)
#define cr_expect_gt(...) PLAIN_OP(false, "gt: " #__VA_ARGS__, >, __VA_ARGS__, NULL)
#define cr_assert_gt(...) PLAIN_OP(true, "gt: " #__VA_ARGS__, >, __VA_ARGS__, NULL)
#define cr_expect_geq(...) PLAIN_OP(false, "geq: " #__VA_ARGS__, >=, __VA_ARGS__, NULL)
#define cr_assert_geq(...) PLAIN_OP(true, "geq: " #__VA_ARGS__, >=, __VA_ARGS__, NULL)

#define cr_expect_null(...) PLAIN_NULL(false, "null: " #__VA_ARGS__, ==, __VA_ARGS__, NULL)
#define cr_assert_null(...) PLAIN_NULL(true, "null: " #__VA_ARGS__, ==, __VA_ARGS__, NULL)
#define cr_expect_not_null(...) PLAIN_NULL(false, "not null: " #__VA_ARGS__, !=, __VA_ARGS__, NULL)
#define cr_assert_not_null(...) PLAIN_NULL(true, "not null: " #__VA_ARGS__, !=, __VA_ARGS__, NULL)

#define cr_expect_str_eq(...) PLAIN_STR(false, "str_eq: " #__VA_ARGS__, ==, __VA_ARGS__, NULL)
#define cr_assert_str_eq(...) PLAIN_STR(true, "str_eq: " #__VA_ARGS__, ==, __VA_ARGS__, NULL)
#define cr_expect_str_neq(...) PLAIN_STR(false, "str_neq: " #__VA_ARGS__, !=, __VA_ARGS__, NULL)
#define cr_assert_str_neq(...) PLAIN_STR(true, "str_neq: " #__VA_ARGS__, !=, __VA_ARGS__, NULL)
#define cr_expect_str_empty(...) PLAIN_EMPTY(false, "empty: " #__VA_ARGS__, ==, __VA_ARGS__, NULL)
#define cr_assert_str_empty(...) PLAIN_EMPTY(true, "empty: " #__VA_ARGS__, ==, __VA_ARGS__, NULL)
#define cr_expect_str_not_empty(...) \
    PLAIN_EMPTY(false, "not empty: " #__VA_ARGS__, !=, __VA_ARGS__, NULL)
#define cr_assert_str_not_empty(...) \
    PLAIN_EMPTY(true, "not empty: " #__VA_ARGS__, !=, __VA_ARGS__, NULL)

#define cr_expect_arr_eq(...) PLAIN_ARR(false, "arr_eq: " #__VA_ARGS__, ==, __VA_ARGS__, NULL)
#define cr_assert_arr_eq(...) PLAIN_ARR(true, "arr_eq: " #__VA_ARGS__, ==, __VA_ARGS__, NULL)
#define cr_expect_arr_neq(...) PLAIN_ARR(false, "arr_neq: " #__VA_ARGS__, !=, __VA_ARGS__, NULL)
#define cr_assert_arr_neq(...) PLAIN_ARR(true, "arr_neq: " #__VA_ARGS__, !=, __VA_ARGS__, NULL)

#define cr_expect_float_eq(...) \
    PLAIN_FLOAT(false, "float_eq: " #__VA_ARGS__, true, __VA_ARGS__, NULL)
#define cr_assert_float_eq(...) \
    PLAIN_FLOAT(true, "float_eq: " #__VA_ARGS__, true, __VA_ARGS__, NULL)
#define cr_expect_float_neq(...) \
    PLAIN_FLOAT(false, "float_neq: " #__VA_ARGS__, false, __VA_ARGS__, NULL)
#define cr_assert_float_neq(...) \
    PLAIN_FLOAT(true, "float_neq: " #__VA_ARGS__, false, __VA_ARGS__, NULL)

/* The message is a literal here, so that it may be left out. */
#define cr_expect_fail(...) PLAIN_FAIL(false, "reached", "" __VA_ARGS__)
#define cr_assert_fail(...) PLAIN_FAIL(true, "reached", "" __VA_ARGS__)
#define cr_skip_test(...) plain_skip("" __VA_ARGS__)
#define cr_skip(...) plain_skip("" __VA_ARGS__)

#define cr_log_info(...) plain_log("info", __VA_ARGS__)
#define cr_log_warn(...) plain_log("warning", __VA_ARGS__)
#define cr_log_error(...) plain_log("error", __VA_ARGS__)

#endif
