/* commands.c - the commands verify, print, compile and run. */
#include "tool.h"

#include <gantry/jit_object.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int tool_verify_command(const options *o)
{
    totals t = { 0, 0, 0, false };
    source s;

    for (int k = 0; k < o->nargs; k++) {
        if (!tool_load(&s, o->args[k], &t))
            continue;
        tool_parse(&s, &t, NULL, NULL);
        if (s.module)
            tool_verify(&s, &t, NULL, NULL);
        tool_unload(&s);
    }
    return tool_exit_status(&t);
}

int tool_print(const options *o)
{
    totals t = { 0, 0, 0, false };
    source s;

    for (int k = 0; k < o->nargs; k++) {
        if (!tool_load(&s, o->args[k], &t))
            continue;
        tool_parse(&s, &t, NULL, NULL);
        if (s.module) {
            size_t n = 0;
            char *text = jit_module_print(s.module, &n);
            if (text)
                fwrite(text, 1, n, stdout);
            else {
                tool_event(s.path, 0, "error", "no memory to print the file");
                t.refused = true;
            }
            fflush(stdout);
            jit_string_free(tool_engine(), text);
        }
        tool_unload(&s);
    }
    return tool_exit_status(&t);
}

/* ---- compile ---- */

typedef struct compiler {
    const options *options;
    const source *source;
    const config *config;
    jit_engine *engine;
    jit_ctx *ctx;
    FILE *output;
    jit_object *object;  /* what the output gets instead of the bare code; NULL: that */
    totals *totals;
} compiler;

static void refuse_object(compiler *c)
{
    tool_event(c->source->path, c->config->line, "error", "%s",
               c->object ? jit_object_message(c->object) : "no memory for the object");
    c->totals->refused = true;
}

static void compile_function(compiler *c, const jit_func *f)
{
    jit_settings settings = c->config->settings;
    jit_unit *unit;
    size_t size;

    settings.keep_asm = c->options->disassemble;
    if (jit_compile_unit(c->ctx, f, &settings, &unit) != JIT_OK) {
        uint32_t line;
        const char *reason = tool_reason(f, jit_error_message(c->ctx), &line);
        tool_event(c->source->path, line, "error", "%s: %s", jit_func_name(f), reason);
        c->totals->refused = true;
        return;
    }
    if (c->options->disassemble) {
        char *text = jit_unit_disassemble(unit, NULL);
        printf("%s:\n%s\n", jit_func_name(f), text ? text : "");
        jit_string_free(c->engine, text);
    }
    if (c->object) {
        if (jit_object_add_unit(c->object, unit) != JIT_OK)
            refuse_object(c);
    } else if (c->output) {
        const uint8_t *bytes = jit_unit_bytes(unit, &size);
        fwrite(bytes, 1, size, c->output);
    }
    jit_unit_free(unit);
}

static bool names_object(const options *o)
{
    size_t n = o->output ? strlen(o->output) : 0;

    return n > 2 && strcmp(o->output + n - 2, ".o") == 0;
}

static void write_object(compiler *c)
{
    const uint8_t *bytes;
    size_t size;

    if (c->totals->refused)
        return;
    if (jit_object_add_data(c->object, c->source->module) != JIT_OK
        || jit_object_finish(c->object, &bytes, &size) != JIT_OK)
        refuse_object(c);
    else
        fwrite(bytes, 1, size, c->output);
}

static void compile_source(const options *o, const source *s, const config *c, FILE *output,
                           totals *t)
{
    char why[256];
    compiler to = { .options = o, .source = s, .config = c, .output = output, .totals = t,
                    .engine = tool_engine_for(c, why, sizeof why) };

    if (!to.engine || !(to.ctx = jit_ctx_new(to.engine))) {
        tool_event(s->path, c->line, "error", "[%s] %s", c->tag, to.engine ? "no memory" : why);
        t->refused = true;
    }
    if (to.ctx && names_object(o) && !(to.object = jit_object_new(to.engine, s->path)))
        refuse_object(&to);
    for (size_t k = 0; to.ctx && k < jit_module_function_count(s->module); k++)
        compile_function(&to, jit_module_function_at(s->module, k));
    if (to.object)
        write_object(&to);
    jit_object_free(to.object);
    jit_ctx_free(to.ctx);
    if (to.engine)
        jit_engine_free(to.engine);
}

int tool_compile(const options *o)
{
    totals t = { 0, 0, 0, false };
    FILE *output = NULL;
    source s;
    configs list;

    if (names_object(o) && o->nargs != 1) {
        fprintf(stderr, "gantry: an object is made of one file\n");
        return 2;
    }
    if (o->output && !(output = fopen(o->output, "wb"))) {
        fprintf(stderr, "gantry: cannot write %s\n", o->output);
        return 2;
    }
    for (int k = 0; k < o->nargs; k++) {
        if (!tool_load(&s, o->args[k], &t))
            continue;
        if (tool_parse(&s, &t, NULL, NULL) != JIT_ERR_NOMEM && s.module
            && tool_verify(&s, &t, NULL, NULL) == JIT_OK && tool_configs(&s, o, false, &list, &t)) {
            if (names_object(o) && list.n > 1) {
                fprintf(stderr, "gantry: %s names %zu targets; an object is for one of them: "
                                "choose by --target\n", s.path, list.n);
                t.refused = true;
                list.n = 0;
            }
            for (size_t c = 0; c < list.n; c++)
                if (tool_compiles(&list.at[c]))
                    compile_source(o, &s, &list.at[c], output, &t);
                else
                    tool_event(s.path, list.at[c].line, "skip", "[%s] %s", list.at[c].tag,
                               list.at[c].skip);
            tool_configs_free(&list);
        }
        tool_unload(&s);
    }
    if (output && fclose(output) != 0) {
        fprintf(stderr, "gantry: cannot write %s\n", o->output);
        return 2;
    }
    return tool_exit_status(&t);
}

/* ---- run ---- */

/* The index of the function %main, else 0. */
static size_t entry_of(const source *s)
{
    size_t n = jit_module_function_count(s->module);

    for (size_t k = 0; k < n; k++)
        if (strcmp(jit_func_name(jit_module_function_at(s->module, k)), "%main") == 0)
            return k;
    return 0;
}

static bool read_args(const options *o, const jit_signature *sig, jit_bits *args)
{
    if ((uint32_t)(o->nargs - 1) != sig->nparams) {
        fprintf(stderr, "gantry: the function takes %u arguments, %d are given\n", sig->nparams,
                o->nargs - 1);
        return false;
    }
    for (uint32_t k = 0; k < sig->nparams; k++) {
        const char *text = o->args[k + 1], *wrong = "an end";
        size_t n = strlen(text);
        if (!jit_text_value(JIT_PARAM_TYPE(sig->params[k]), &text, &n, args[k].at, &wrong)
            || n > 0) {
            fprintf(stderr, "gantry: argument %u: expected %s in `%s`\n", k + 1, wrong,
                    o->args[k + 1]);
            return false;
        }
    }
    return true;
}

static int run_entry(const options *o, const source *s, const config *c)
{
    size_t index = entry_of(s), size;
    const jit_func *f = jit_module_function_at(s->module, index);
    const jit_signature *sig = jit_func_signature(f);
    jit_bits *args = tool_alloc(sig->nparams, sizeof *args);
    jit_bits *results = tool_alloc(sig->nresults, sizeof *results);
    outcome out;
    call_report report = { false, 0 };
    char *text;
    int status = 2;

    if (read_args(o, sig, args)) {
        out = tool_call_native(s, c, index, args, results, &report);
        size = 64 + (size_t)sig->nresults * 256;
        text = tool_alloc(size, 1);
        if (out.kind == OUT_RETURNED) {
            tool_print_values(text, size, sig, results);
            printf("%s\n", text);
            if (o->count)
                printf("%llu instructions\n", (unsigned long long)report.steps);
            status = 0;
        } else if (out.kind == OUT_TRAPPED) {
            tool_event(s->path, jit_func_line(f), "error", "%s: trap %s", jit_func_name(f),
                       jit_trap_name(out.trap));
            status = 1;
        } else {
            tool_event(s->path, jit_func_line(f), "error", "%s: %s", jit_func_name(f), out.message);
            status = report.began ? 1 : 2;
        }
        free(text);
    }
    free(args);
    free(results);
    return status;
}

int tool_run(const options *o)
{
    totals t = { 0, 0, 0, false };
    source s;
    configs list;
    int status = 2;

    if (!tool_load(&s, o->args[0], &t))
        return 2;
    if (tool_parse(&s, &t, NULL, NULL) == JIT_OK && tool_verify(&s, &t, NULL, NULL) == JIT_OK
        && tool_configs(&s, o, false, &list, &t)) {
        if (jit_module_function_count(s.module) == 0)
            tool_event(s.path, 1, "error", "there is no function to run");
        else
            status = run_entry(o, &s, &list.at[0]);
        tool_configs_free(&list);
    }
    tool_unload(&s);
    return status;
}
