/* Compiling: how often the host is asked whether to go on; settings of another size. */
#include "gantry/jit.h"

#include <criterion/criterion.h>
#include <stdio.h>

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
    size_t at = (size_t)snprintf(text, sizeof text,
                                 "function %%long(i64) -> i64 {\nblock0(v0: i64):\n");

    for (unsigned k = 1; k <= n; k++)
        at += (size_t)snprintf(text + at, sizeof text - at, "    v%u = iadd v%u, v%u\n", k, k - 1,
                               k / 2);
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

static bool count(void *user)
{
    ++*(unsigned *)user;
    return false;
}

static const jit_level levels[] = { JIT_O0, JIT_O1, JIT_O2 };

Test(compile, the_host_is_asked_every_few_hundred_instructions_of_one_block)
{
    fixture x = straight_line(20000);

    for (unsigned k = 0; k < 2; k++) {
        unsigned asked = 0;
        jit_settings s = { .size = sizeof s, .level = levels[k],
                           .limits = { .cancel = count, .cancel_user = &asked } };
        jit_unit *u;
        cr_assert_eq(jit_compile_unit(x.c, x.f, &s, &u), JIT_OK, "%s", jit_error_message(x.c));
        cr_expect_geq(asked, 20000u / 512, "asked %u times", asked);
        jit_unit_free(u);
    }
    done(&x);
}

Test(compile, settings_of_an_older_shorter_header_are_taken)
{
    fixture x = straight_line(3);
    jit_settings s = { .level = JIT_O0 };
    jit_unit *u;

    s.size = sizeof s.size + sizeof s.level;
    cr_expect_eq(jit_compile_unit(x.c, x.f, &s, &u), JIT_OK, "%s", jit_error_message(x.c));
    jit_unit_free(u);
    done(&x);
}
