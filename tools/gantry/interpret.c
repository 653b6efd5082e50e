/* interpret.c - runs run lines in the reference interpreter. */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FUEL = 1u << 30 }; /* instructions of one run line */

static void settle(outcome *out, const jit_run *run)
{
    memset(out, 0, sizeof *out);
    switch (run->outcome) {
    case JIT_RETURNED:
        out->kind = OUT_RETURNED;
        return;
    case JIT_TRAPPED:
        out->kind = OUT_TRAPPED;
        out->trap = run->trap;
        return;
    case JIT_OUT_OF_FUEL:
        out->kind = OUT_ENDLESS;
        snprintf(out->message, sizeof out->message, "no end within %u instructions", FUEL);
        return;
    default:
        out->kind = run->outcome != JIT_REFUSED             ? OUT_BROKEN
                    : run->status == JIT_ERR_UNSUPPORTED ? OUT_SKIPPED
                    : run->status == JIT_ERR_VERIFY      ? OUT_REFUSED : OUT_BROKEN;
        snprintf(out->message, sizeof out->message, "%s: %s",
                 run->outcome == JIT_BREACH ? "breach" : jit_status_name(run->status),
                 run->message ? run->message : "no reason given");
    }
}

void tool_run_interpreter(const source *s, bool nan_canonical, const run_line *lines, size_t n,
                          totals *t)
{
    jit_interp *in = jit_interp_new(tool_engine(), s->module);

    if (!in) {
        tool_event(s->path, 0, "error", "no memory for the interpreter");
        t->refused = true;
        return;
    }
    jit_interp_nan_canonical(in, nan_canonical);
    for (size_t k = 0; k < n; k++) {
        const run_line *r = &lines[k];
        jit_bits *results = tool_alloc(jit_func_signature(r->func)->nresults, sizeof *results);
        jit_run run = jit_interp_run(in, r->func, r->args, results, FUEL);
        outcome out;
        settle(&out, &run);
        switch (tool_judge(s, "interpret", r, &out, results)) {
        case 'p': t->passed++; break;
        case 'f': t->failed++; break;
        case 's': t->skipped++; break;
        case 'x': t->refused = true; break;
        }
        free(results);
    }
    jit_interp_free(in);
}
