/* frame.c - lays out a function's stack frame (the picture is in abi.h). */
#include "machinst/abi.h"
#include "machinst/vcode.h"

#define FRAME_MAX ((uint64_t)0x7fffff00)

static uint64_t align_up(uint64_t x, uint64_t align)
{
    return (x + align - 1) & ~(align - 1);
}

void jit_frame_slots(frame *fr, const jit_func *f, arena *tmp)
{
    uint64_t at = 0;

    fr->slot_offset = ARENA_ARRAY(tmp, uint32_t, f->slots.len);
    for (uint32_t k = 0; k < f->slots.len; k++) {
        const ir_slot *s = &f->slots.at[k];
        uint32_t align = s->align > 8 ? s->align : 8;

        if (s->dynamic)
            continue; /* its uses are refused by lowering */
        if (align > 16) /* the frame itself is aligned to 16 only */
            jit_fail(tmp->fail, JIT_ERR_UNSUPPORTED, "ss%u: alignment of %u bytes, at most 16", k,
                     (unsigned)align);
        at = align_up(at, align);
        fr->slot_offset[k] = (uint32_t)at;
        at += s->size;
        if (at > FRAME_MAX)
            jit_fail(tmp->fail, JIT_ERR_LIMIT, "ss%u: stack slots exceed 2 GiB", k);
    }
    fr->slot_bytes = (uint32_t)align_up(at, 16);
}

/* Bytes below R that saved registers and stack slots take. */
static uint64_t upper_area(const frame *fr)
{
    uint64_t saved = 8 * (uint64_t)fr->nsaved;

    if (!fr->fp && saved > 0)
        saved -= 8; /* the first one stands at R */
    return align_up(saved + fr->slot_bytes, 16);
}

void jit_frame_finish(frame *fr, fail_ctx *fail)
{
    uint64_t size = upper_area(fr) + align_up(fr->spill_bytes, 16)
                    + align_up(fr->out_bytes, 16);

    if (size > FRAME_MAX)
        jit_fail(fail, JIT_ERR_LIMIT, "frame of %llu bytes exceeds 2 GiB",
                 (unsigned long long)size);
    fr->size = (uint32_t)size;
    bool none = !fr->fp && size == 0 && fr->nsaved == 0 && fr->leaf;
    fr->total = none ? 0 : fr->size + fr->entry_above;
    jit_frame_settle(fr);
}

void jit_frame_settle(frame *fr)
{
    /* R, from the register that counts. */
    int64_t r = fr->fp_based ? 0 : (int64_t)fr->total - fr->entry_above;
    int64_t slots = r - (int64_t)upper_area(fr);

    fr->in_at = (int32_t)(r + 16);
    fr->slots_at = fr->spills_at = (int32_t)slots;
}

int32_t jit_frame_offset(const frame *fr, unsigned kind, uint32_t ref, int32_t disp)
{
    switch (kind) {
    case MEM_IN: return fr->in_at + disp;
    case MEM_SLOT: return (int32_t)((int64_t)fr->slots_at + fr->slot_offset[ref] + disp);
    default: return disp; /* MEM_OUT */
    }
}
