/* machbuf.h - the only writer of code bytes: a checked cursor, labels, fixups, tables, islands.
 *
 * An instruction opens a cursor for its longest form, puts its bytes through it and closes it. A
 * put that does not fit the reservation fails the compile (JIT_ERR_INTERNAL) in every build;
 * nothing is ever written past the end. Offsets count from the buffer's start until mbuf_finish(),
 * which lays constants behind the code, shortens branches, resolves fixups and moves all out
 * exactly once.
 *
 * The first `front` bytes are room for a prologue that is made last (O0): it is written
 * right-justified before the body and mbuf_finish() drops what stays empty. */
#ifndef JIT_MACHBUF_H
#define JIT_MACHBUF_H

#include "support/arena.h"
#include "support/bytes.h"
#include "support/vec.h"

typedef struct mlabel { uint32_t id; } mlabel; /* 0: none, else index + 1 */

/* What a target can patch: its branch and address forms. Filled in by the target (target.h). */
typedef struct fixup_kind {
    const char *name;
    uint8_t bytes;          /* size of the field patched */
    int64_t min, max;       /* reach: of label - field address, before `bias` */
    int8_t bias;            /* added to the distance: x86 rel32 counts from the field's end: -4 */
    uint8_t shrinks_to;     /* index of a shorter form of the whole instruction, 0xff: none */
    /* Writes the distance into the field; the caller has checked the reach. */
    void (*patch)(uint8_t *field, int64_t distance);
    uint8_t island_bytes;   /* size of an island that extends it; 0: it cannot be extended */
    /* Writes one; its own fixup follows. NULL: it names a constant, of which the island is a
     * copy. */
    void (*island)(uint8_t *at, uint8_t *fixup_kind_out);
} fixup_kind;

/* A branch that may be shortened: how its long form is rewritten. */
typedef struct shrink_form {
    uint8_t long_bytes, short_bytes; /* whole instruction */
    uint8_t field;                   /* offset of the 1-byte displacement in the short form */
    int16_t min, max;                /* reach of the short form from its end */
    void (*rewrite)(const uint8_t *long_form, uint8_t *short_form);
} shrink_form;

typedef struct mbuf_fixup {
    uint32_t offset, label;
    uint8_t kind, shrink;
    int32_t addend;
} mbuf_fixup;
typedef struct mbuf_const {
    uint32_t label;        /* labels of constants rise */
    uint32_t size, align;
    uint32_t copy;         /* label of its newest copy in an island; 0: none */
    const uint8_t *bytes;
} mbuf_const;
typedef struct mbuf_trap { uint32_t offset; uint8_t code; } mbuf_trap;
typedef struct mbuf_srcpos { uint32_t offset; uint32_t pos; } mbuf_srcpos;
/* jit_code_site */
typedef struct mbuf_site { uint32_t offset; uint32_t inst; uint8_t kind; } mbuf_site;
typedef struct mbuf_reloc {
    uint32_t offset;
    uint8_t kind;
    uint32_t symbol;
    int64_t addend;
} mbuf_reloc;
typedef struct mbuf_call { uint32_t offset; uint32_t ir; } mbuf_call; /* offset: return address */
enum { UNWIND_DEF_CFA_OFFSET, UNWIND_DEF_CFA_REG, UNWIND_SAVE, UNWIND_RESTORE_STATE,
      UNWIND_REMEMBER_STATE,
       UNWIND_NEGATE_RA /* AArch64: the return address is signed from here on, or no longer */ };
/* reg: DWARF number of the machine; value: offset of the CFA, or of a saved register from the
 * CFA. */
typedef struct mbuf_unwind {
    uint32_t offset;
    uint8_t kind, reg;
    int32_t value;
} mbuf_unwind;

typedef struct mbuf {
    arena *mem;
    fail_ctx *fail;
    uint8_t *at;             /* start of the buffer */
    uint32_t len, cap;
    uint32_t easy;           /* a reservation up to here needs neither growing nor an island */
    uint32_t limit;          /* most bytes; JIT_ERR_LIMIT beyond. 0: 2^31 - 1 */
    uint32_t front;          /* room before the body */
    uint32_t bound;          /* where the newest label stands, + 1; 0: none does */
    uint32_t entry;          /* where code begins, <= front; set with the prologue */
    const fixup_kind *kinds;
    const shrink_form *shrinks;
    uint32_t deadline;       /* offset by which the next island must stand; UINT32_MAX: none
                              * pending */
    uint32_t pending_bytes;  /* at most this much would an island take now, its skip included */
    uint32_t settled;        /* fixups before this one need no island any more */
    uint32_t skip_bytes;     /* size of a jump over an island; targets with islands set it after
                              * init */
    void (*skip)(uint8_t *at, uint32_t distance); /* writes one, over `distance` bytes from its
                                                   * start */
    VEC(uint32_t) labels;    /* offset + 1; 0: not bound */
    VEC(mbuf_fixup) fixups;  /* pending, in order of offset */
    VEC(mbuf_const) consts;
    VEC(mbuf_trap) traps;    /* all tables in order of offset */
    VEC(mbuf_srcpos) srcpos;
    VEC(mbuf_site) sites;
    VEC(mbuf_reloc) relocs;
    VEC(mbuf_call) calls;
    VEC(mbuf_unwind) unwind;
    bool open, finished;     /* finished: open for good */
} mbuf;

/* mem keeps everything; front as above (0: none). A mbuf may be initialized again after a reset. */
void jit_mbuf_init(mbuf *b, arena *mem, const fixup_kind *kinds, const shrink_form *shrinks,
                   uint32_t front, uint32_t limit);

typedef struct mcursor { uint8_t *at, *end; mbuf *buf; } mcursor;
#define MBUF_ISLAND_SLACK 16u /* bytes by which the branches of one instruction may lengthen an
                               * island */
void jit_mbuf_make_room(mbuf *b, uint32_t max); /* for the inline below: an island, a larger
                                                 * buffer */
/* Reserves max bytes. Exactly one cursor is open at a time. Emits an island first when the deadline
 * would pass within these bytes (targets with islands). */
static inline mcursor jit_mbuf_open(mbuf *b, uint32_t max)
{
    if (b->open || (uint64_t)b->len + max > b->easy)
        jit_mbuf_make_room(b, max);
    b->open = true;
    mcursor c = { b->at + b->len, b->at + b->len + max, b };
    return c;
}
_Noreturn void jit_mbuf_overrun(mbuf *b);
static inline uint32_t mcursor_offset(const mcursor *c) { return (uint32_t)(c->at - c->buf->at); }
static inline void mcursor_close(mcursor *c)
{
    if (c->at > c->end)
        jit_mbuf_overrun(c->buf);
    c->buf->len = (uint32_t)(c->at - c->buf->at);
    c->buf->open = false;
}
static inline void mput1(mcursor *c, uint8_t x)
{
    if (c->at == c->end)
        jit_mbuf_overrun(c->buf);
    *c->at++ = x;
}
static inline void mput_le(mcursor *c, uint64_t x, uint32_t n)
{
    if ((size_t)(c->end - c->at) < n)
        jit_mbuf_overrun(c->buf);
    if (n == 4)
        put_le32(c->at, (uint32_t)x);
    else
        for (uint32_t k = 0; k < n; k++)
            c->at[k] = (uint8_t)(x >> 8 * k);
    c->at += n;
}

mlabel jit_mbuf_label(mbuf *b);
void jit_mbuf_bind(mbuf *b, mlabel l);              /* here; once */
/* The newest n bytes become others; no field in them is to be patched, no label stands behind
 * them. */
void jit_mbuf_replace(mbuf *b, const uint8_t *bytes, uint32_t n);
/* Records that the field at `offset` names l + addend. shrink: index + 1 of a shrink_form whose
 * long instruction ends at the field's end; 0: none. */
void jit_mbuf_fixup(mbuf *b, uint32_t offset, mlabel l, uint8_t kind, uint8_t shrink,
                    int32_t addend);
/* A constant behind the code; equal ones are shared. bytes are copied. */
mlabel jit_mbuf_constant(mbuf *b, const void *bytes, uint32_t size, uint32_t align);
void jit_mbuf_trap(mbuf *b, uint8_t code);          /* the instruction that starts here may trap */
void jit_mbuf_new_srcpos(mbuf *b, uint32_t pos);
static inline void jit_mbuf_srcpos(mbuf *b, uint32_t pos) /* from here on */
{
    if (!b->srcpos.len || b->srcpos.at[b->srcpos.len - 1].pos != pos)
        jit_mbuf_new_srcpos(b, pos);
}
void jit_mbuf_site(mbuf *b, uint32_t inst, uint8_t kind); /* from here on */
void jit_mbuf_reloc(mbuf *b, uint32_t offset, uint8_t kind, uint32_t symbol, int64_t addend);
void jit_mbuf_call(mbuf *b, uint32_t ir);           /* a call ended here */
void jit_mbuf_unwind(mbuf *b, uint8_t kind, uint8_t reg, int32_t value); /* holds from here on */

/* Puts a prologue, made in a buffer of its own with front 0, right before the body. Once. */
void jit_mbuf_front(mbuf *b, mbuf *prologue);

/* The finished code: bytes and tables in one allocation each from `out`'s arena, offsets from the
 * first byte of code, which is the entry. */
typedef struct mcode {
    uint8_t *bytes;
    uint32_t size, code_size; /* with and without constants and jump tables */
    uint32_t align;           /* of the whole, at least 16 */
    mbuf_trap *traps; uint32_t ntraps;
    mbuf_srcpos *srcpos; uint32_t nsrcpos;
    mbuf_site *sites; uint32_t nsites;
    mbuf_reloc *relocs; uint32_t nrelocs;
    mbuf_call *calls; uint32_t ncalls;
    mbuf_unwind *unwind; uint32_t nunwind;
    uint32_t *label_offsets; uint32_t nlabels; /* UINT32_MAX: not bound */
} mcode;
/* Once. An unbound label that is used, or a reach exceeded, fails (INTERNAL, LIMIT). */
void jit_mbuf_finish(mbuf *b, arena *out, mcode *code);
bool jit_mbuf_is_valid(const mbuf *b); /* every invariant; run in debug builds and tests */

#endif
