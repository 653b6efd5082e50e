/* call.c - calls from the host into compiled code, the stack they may use, and the traps that they
 * end in. */
#include "runtime.h"

#include <stdlib.h>
#include <string.h>

/* Below the limit there has to be room for a host function, or for a signal's frame and handler. */
#define STACK_RESERVE ((uintptr_t)160 * 1024)
#define STACK_DEFAULT ((uintptr_t)4 << 20)

/* ---- Traps ---- */

/* What a trap is when there is no memory for it. */
static gw_trap out_of_memory = { .code = 0, .message = NULL };

gw_trap *gw_trap_new(unsigned code, const char *message, size_t length)
{
    gw_trap *t = calloc(1, sizeof *t);
    char *copy = message ? malloc(length + 1) : NULL;

    if (!t || (message && !copy)) {
        free(t);
        free(copy);
        return &out_of_memory;
    }
    if (copy) {
        memcpy(copy, message, length);
        copy[length] = 0;
    }
    t->code = code;
    t->message = copy;
    return t;
}

void gw_trap_free(gw_trap *t)
{
    if (!t || t == &out_of_memory)
        return;
    free(t->message);
    free(t);
}

const char *gw_trap_message(const gw_trap *t)
{
    return t == &out_of_memory ? "out of memory" : t->message ? t->message : gw_trap_text(t->code);
}

/* ---- The stack ---- */

static void set_limit(gw_store *s, uint64_t limit)
{
    s->stack_limit = limit;
    for (gw_object *o = s->objects; o; o = o->next)
        if (o->kind == GW_OBJ_INSTANCE && ((gw_instance *)o)->context)
            ((gw_instance *)o)->context->stack_limit = limit;
}

/* The limit stays while it leaves at least half and at most twice of what is asked for, since every
 * instance holds a copy; in practice it changes with the thread only. False: there is no stack left
 * even now. */
static bool prepare_stack(gw_store *s)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0), bottom = gw_os_stack_bottom();
    uintptr_t want = s->limits.stack_bytes ? s->limits.stack_bytes : STACK_DEFAULT;
    uintptr_t least = bottom + STACK_RESERVE, now = (uintptr_t)s->stack_limit;

    if (here < least + STACK_RESERVE / 8)
        return false;
    if (s->depth > 0)
        return here > now;
    if (now >= least && now < here - want / 2 && here - now <= 2 * want)
        return true;
    now = here - least < want ? least : here - want;
    set_limit(s, now);
    return true;
}

/* ---- Calls ---- */

/* The frame of compiled code that holds pc; false: it is none of this store's. An instance is found
 * by its code, so of several instances of one module it is the latest. */
static bool note_frame(gw_store *s, gw_trap *t, const void *pc)
{
    gw_frame *f = &t->frames[t->nframes];

    for (gw_object *o = s->objects; o; o = o->next) {
        gw_instance *i = (gw_instance *)o;
        if (o->kind == GW_OBJ_INSTANCE && i->code->published
            && gw_code_place(i->code, pc, &f->func, &f->offset)) {
            f->instance = i;
            t->nframes++;
            return true;
        }
    }
    return false;
}

static void note_frames(gw_store *s, gw_trap *t, const void *pc)
{
    const void *at[GW_MAX_FRAMES];
    size_t n = jit_trap_frames(at, GW_MAX_FRAMES);

    if (pc)
        note_frame(s, t, pc);
    for (size_t k = 0; k < n && k < GW_MAX_FRAMES && t->nframes < GW_MAX_FRAMES; k++)
        note_frame(s, t, (const char *)at[k] - 1);
}

static gw_trap *make_trap(gw_store *s, const jit_call_result *r)
{
    gw_trap *t = s->pending;

    if (r->trap == GW_TRAP_HOST && t) {
        s->pending = NULL;
    } else {
        t = gw_trap_new(r->trap, NULL, 0);
    }
    if (t != &out_of_memory)
        note_frames(s, t, r->pc); /* behind those of a call that a host function made in between */
    return t;
}

gw_trap *gw_call(gw_store *s, const gw_funcref *f, const gw_val *args, gw_val *results)
{
    const gw_sigtype *type = gw_engine_type_at(s->engine, f->type);
    uint32_t n = type->nparams + 1, most = n > type->nresults ? n : type->nresults;
    jit_bits few[16], *bits = few;
    gw_trap *trap = NULL;
    jit_entry entry;

    if (!prepare_stack(s))
        return gw_trap_new(JIT_TRAP_STK_OVF, NULL, 0);
    if (most > 8 && !(bits = malloc(2 * (size_t)most * sizeof *bits)))
        return &out_of_memory;
    memset(bits, 0, 2 * (size_t)(most > 8 ? most : 8) * sizeof *bits);
    memcpy(&bits[0], &f->vmctx, sizeof f->vmctx);
    for (uint32_t k = 0; k < type->nparams; k++)
        memcpy(&bits[k + 1], &args[k], sizeof args[k]);
    memcpy(&entry, &f->code, sizeof entry);
    s->depth++;
    jit_call_result r = jit_invoke(s->engine->jit, entry, &type->sig, bits, bits + most);
    s->depth--;
    if (r.status != JIT_OK)
        trap = gw_trap_new(0, jit_status_name(r.status), strlen(jit_status_name(r.status)));
    else if (r.trap != JIT_TRAP_NONE)
        trap = make_trap(s, &r);
    else
        for (uint32_t k = 0; k < type->nresults; k++)
            memcpy(&results[k], &bits[most + k], sizeof results[k]);
    if (bits != few)
        free(bits);
    return trap;
}
