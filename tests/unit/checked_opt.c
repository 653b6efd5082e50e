/* checked_opt.c - JIT_CHECK_IR: a mid-end that breaks the IR is found out before lowering.
 *
 * A program of its own, for its jit_opt_pipeline() takes the place of the library's. */
#include "gantry/jit.h"
#include "opt/passes.h"
#include <stdio.h>
#include <string.h>

static enum { SOUND, OTHER_TYPE, NO_VALUE, NO_OPCODE } damage;

const jit_func *jit_opt_pipeline(const jit_func *f, const jit_settings *s, const ir_cfg *cfg,
                                 arena *tmp)
{
    if (s->level == JIT_O0)
        return f;
    const jit_func *made = jit_opt_local(f, tmp, cfg->rpo, cfg->nrpo);
    ir_inst *i = (ir_inst *)(uintptr_t)inst_at(made, 1); /* the iadd */
    switch (damage) {
    case SOUND:      break;
    case OTHER_TYPE: i->type = JIT_I32; break;
    case NO_VALUE:   i->b = 1000; break;
    case NO_OPCODE:  i->op = JIT_OP_COUNT; break;
    }
    return made;
}

static const char text[] =
    "function %f(i64) -> i64 {\n"
    "block0(v0: i64):\n"
    "    v1 = iconst.i64 5\n"
    "    v2 = iadd v0, v1\n"
    "    return v2\n"
    "}\n";

static unsigned passed, failed;

static void expect(bool ok, const char *what, const char *message)
{
    passed += ok;
    failed += !ok;
    if (!ok)
        printf("fail: %s (%s)\n", what, message);
}

static void check(jit_ctx *c, const jit_func *f, jit_level level, jit_status wanted,
                  const char *what)
{
    jit_settings s = { .size = sizeof s, .level = level, .checks = JIT_CHECK_IR,
                       .no_verify = true };
    jit_unit *u = NULL;
    jit_status status = jit_compile_unit(c, f, &s, &u);

    expect(status == wanted, what, jit_error_message(c));
    if (wanted == JIT_ERR_MISCOMPILE) {
        expect(strstr(jit_error_message(c), "function %f: after the mid-end: ") != NULL,
               "the message names function and stage", jit_error_message(c));
        expect(u == NULL, "no unit", "");
    }
    jit_unit_free(u);
}

int main(void)
{
    jit_engine *e = jit_engine_new(NULL);
    jit_ctx *c = jit_ctx_new(e);
    jit_module *m = NULL;

    jit_status status = jit_module_read(e, text, sizeof text - 1, &m, NULL, NULL);
    expect(status == JIT_OK, "the text is read", "");
    const jit_func *f = jit_module_function_at(m, 0);
    check(c, f, JIT_O1, JIT_OK, "a sound function");
    damage = OTHER_TYPE;
    check(c, f, JIT_O1, JIT_ERR_MISCOMPILE, "an operand of another type");
    damage = NO_VALUE;
    check(c, f, JIT_O1, JIT_ERR_MISCOMPILE, "an operand that does not exist");
    damage = NO_OPCODE;
    check(c, f, JIT_O1, JIT_ERR_MISCOMPILE, "an opcode that does not exist");
    check(c, f, JIT_O0, JIT_OK, "O0 has no mid-end");
    damage = SOUND;
    check(c, f, JIT_O1, JIT_OK, "the context and the function afterwards");
    jit_module_free(m);
    jit_ctx_free(c);
    jit_engine_free(e);
    printf("%u passed, %u failed, 0 skipped\n", passed, failed);
    return failed != 0;
}
