/* Compiling: cancelling and limits, settings, what is refused, and that a context survives it all. */
#include "gantry/jit.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

typedef struct fixture {
    jit_engine *e;
    jit_ctx *c;
    jit_module *m;
    const jit_func *f;
} fixture;

/* One block of n additions. */
static fixture straight_line(unsigned n)
{
    fixture x = { .e = jit_engine_new(NULL) };
    static char text[1 << 20];
    size_t at = (size_t)snprintf(text, sizeof text, "function %%long(i64) -> i64 {\nblock0(v0: i64):\n");

    for (unsigned k = 1; k <= n; k++)
        at += (size_t)snprintf(text + at, sizeof text - at, "    v%u = iadd v%u, v%u\n", k, k - 1, k / 2);
    at += (size_t)snprintf(text + at, sizeof text - at, "    return v%u\n}\n", n);
    x.c = jit_ctx_new(x.e);
    cr_assert_eq(jit_module_read(x.e, text, at, &x.m, NULL, NULL), JIT_OK);
    x.f = jit_module_function_at(x.m, 0);
    return x;
}

static void done(fixture *x)
{
    jit_module_free(x->m);
    jit_ctx_free(x->c);
    jit_engine_free(x->e);
}

typedef struct patience { unsigned asked, until; } patience;

static bool lose_patience(void *user)
{
    patience *p = user;
    return ++p->asked == p->until;
}

static const jit_level levels[] = { JIT_O0, JIT_O1 };

Test(compile, the_host_is_asked_every_few_hundred_instructions_of_one_block)
{
    fixture x = straight_line(20000);

    for (unsigned k = 0; k < 2; k++) {
        patience p = { 0, 0 };
        jit_settings s = { .size = sizeof s, .level = levels[k],
                           .limits = { .cancel = lose_patience, .cancel_user = &p } };
        jit_unit *u;
        cr_assert_eq(jit_compile_unit(x.c, x.f, &s, &u), JIT_OK, "%s", jit_error_message(x.c));
        cr_expect_geq(p.asked, 20000 / 512, "asked %u times", p.asked);
        jit_unit_free(u);
    }
    done(&x);
}

Test(compile, a_compile_can_be_cancelled_whenever_the_host_is_asked)
{
    fixture x = straight_line(3000);

    for (unsigned k = 0; k < 2; k++) {
        patience p = { 0, 1 };
        jit_settings s = { .size = sizeof s, .level = levels[k],
                           .limits = { .cancel = lose_patience, .cancel_user = &p } };
        jit_status status = JIT_ERR_CANCELLED;
        for (; status == JIT_ERR_CANCELLED; p.until++, p.asked = 0) {
            jit_unit *u;
            status = jit_compile_unit(x.c, x.f, &s, &u);
            if (status == JIT_ERR_CANCELLED) {
                cr_expect_null(u);
                cr_expect(strstr(jit_error_message(x.c), "cancelled by the host") != NULL);
            }
            jit_unit_free(u);
        }
        cr_expect_eq(status, JIT_OK, "the context is usable after being cancelled");
        cr_expect_gt(p.until, 6u);
    }
    done(&x);
}

Test(compile, each_limit_is_an_error_that_names_the_function)
{
    fixture x = straight_line(3000);
    const jit_limits limits[] = { { .instructions = 3000 }, { .arena_bytes = 1000 }, { .code_bytes = 100 } };

    for (unsigned k = 0; k < 6; k++) {
        jit_settings s = { .size = sizeof s, .level = levels[k / 3], .limits = limits[k % 3] };
        jit_unit *u;
        cr_expect_eq(jit_compile_unit(x.c, x.f, &s, &u), JIT_ERR_LIMIT, "limit %u", k % 3);
        cr_expect(strstr(jit_error_message(x.c), "%long") != NULL, "%s", jit_error_message(x.c));
        cr_expect_null(u);
    }
    done(&x);
}

Test(compile, settings_of_an_unknown_size_or_level_are_refused)
{
    fixture x = straight_line(3);
    jit_settings s = { .size = 0 };
    jit_unit *u = (jit_unit *)&x;

    cr_expect_eq(jit_compile_unit(x.c, x.f, &s, &u), JIT_ERR_ARG);
    cr_expect_eq(jit_ctx_configure(x.c, &s), JIT_ERR_ARG);
    s.size = sizeof s + 1;
    cr_expect_eq(jit_compile_unit(x.c, x.f, &s, &u), JIT_ERR_ARG);
    s.size = sizeof s;
    s.level = (jit_level)(JIT_O3 + 1);
    cr_expect_eq(jit_compile_unit(x.c, x.f, &s, &u), JIT_ERR_ARG);
    cr_expect_null(u);
    s.level = JIT_O0;
    s.size = sizeof s.size + sizeof s.level; /* an older header's, shorter one */
    cr_expect_eq(jit_compile_unit(x.c, x.f, &s, &u), JIT_OK, "%s", jit_error_message(x.c));
    jit_unit_free(u);
    done(&x);
}

Test(compile, a_unit_is_published_by_its_own_engine_only)
{
    fixture x = straight_line(3), other = straight_line(3);
    jit_unit *u;
    jit_code *code;

    cr_assert_eq(jit_compile_unit(x.c, x.f, NULL, &u), JIT_OK);
    cr_expect_eq(jit_publish(other.e, other.c, &u, 1, &code), JIT_ERR_ARG);
    cr_expect(strstr(jit_error_message(other.c), "not this engine's") != NULL, "%s",
              jit_error_message(other.c));
    cr_expect_null(code);
    cr_assert_eq(jit_publish(x.e, x.c, &u, 1, &code), JIT_OK);
    jit_unit_free(u);
    jit_code_free(code);
    done(&other);
    done(&x);
}
