/* machbuf.c - random puts, labels, branches, constants, tables and islands: the finished
 * bytes are decoded again and held against a plain list of what was asked for.
 *
 * The input's first eight bytes seed a generator; each further byte chooses one step. */
#include "machinst/machbuf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- A made-up machine ----
 * Filler bytes are below 0x40. SKIP n: goes on n bytes from its
 * start. JUMP: x86's jmp, long or short. NEAR, MID: an opcode byte and a field of 4; they reach
 * little and go on by hops, which are bare fields. */
enum { LONG, NEAR, MID, FAR, KINDS };
enum {
    OP_SKIP = 0x5c, OP_NEAR = 0x61, OP_MID = 0x62, OP_REF = 0x63, OP_JMP = 0xe9, OP_JMP8 = 0xeb
};

static void patch(uint8_t *field, int64_t distance)
{
    for (unsigned k = 0; k < 4; k++)
        field[k] = (uint8_t)((uint64_t)distance >> 8 * k);
}

static void hop_mid(uint8_t *at, uint8_t *kind)
{
    memset(at, 0xff, 4);
    *kind = MID;
}

static void hop_far(uint8_t *at, uint8_t *kind)
{
    memset(at, 0xff, 4);
    *kind = FAR;
}

static void skip(uint8_t *at, uint32_t distance)
{
    at[0] = OP_SKIP;
    for (unsigned k = 0; k < 3; k++)
        at[k + 1] = (uint8_t)(distance >> 8 * k);
}

static const fixup_kind kinds[KINDS] = {
    [LONG] = { "long", 4, INT32_MIN + 64, INT32_MAX, -4, 0xff, patch, 0, NULL },
    [NEAR] = { "near", 4, -64, 60, 0, 0xff, patch, 4, hop_mid },
    [MID] = { "mid", 4, -3000, 3000, 0, 0xff, patch, 4, hop_far },
    [FAR] = { "far", 4, INT32_MIN, INT32_MAX, 0, 0xff, patch, 0, NULL },
};

static void shorten(const uint8_t *long_form, uint8_t *short_form)
{
    (void)long_form;
    short_form[0] = OP_JMP8;
}

static const shrink_form shrinks[] = { { 5, 2, 1, -128, 127, shorten } };

/* ---- The plain model ----
 * */

enum { STEPS_MOST = 3000, LABELS_MOST = 400, CONSTS_MOST = 40 };
enum { STEPS_FREE = STEPS_MOST - 2 * LABELS_MOST - 4 }; /* the others bind what is open last */
enum step_kind { PUT, JUMP, REACH, REFER, RELOC, BIND, TRAP, POSITION, CALL, PUSH };
typedef struct step {
    enum step_kind kind;
    uint32_t n;      /* PUT: bytes; else a label, or the number noted */
    uint8_t byte;    /* PUT: content; REACH: NEAR or MID */
    int32_t addend;
    uint32_t at;     /* found while decoding: where it begins */
} step;

static step steps[STEPS_MOST];
static uint32_t nsteps;
static mlabel labels[LABELS_MOST];
static bool is_bound[LABELS_MOST];
static uint32_t nlabels;
static uint8_t consts[CONSTS_MOST][16];
static mlabel const_label[CONSTS_MOST];
static uint32_t const_size[CONSTS_MOST], const_align[CONSTS_MOST], nconsts;
static uint8_t prologue[64];
static uint32_t nprologue;

static arena mem, out;
static fail_ctx fc;
static mbuf b;
static mcode code;
static bool islands;
static uint32_t limit, front;
static uint64_t state;
static const uint8_t *input;
static size_t input_left;

static uint32_t below(uint32_t n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return n ? (uint32_t)((state >> 33) % n) : 0;
}

static _Noreturn void found(const char *what, uint32_t at)
{
    fprintf(stderr, "machbuf: %s, at %u\n", what, at);
    abort();
}

static void note(step s)
{
    steps[nsteps++] = s;
}

static uint32_t some_label(void)
{
    if (nlabels < LABELS_MOST && (nlabels == 0 || below(3) == 0)) {
        labels[nlabels] = jit_mbuf_label(&b);
        is_bound[nlabels] = false;
        return nlabels++;
    }
    return below(nlabels);
}

static void bind(uint32_t l)
{
    if (is_bound[l])
        return;
    is_bound[l] = true;
    jit_mbuf_bind(&b, labels[l]);
    note((step){ .kind = BIND, .n = l });
}

/* ---- Steps ----
 * */

static void put(void)
{
    uint32_t n = below(8) ? 1 + below(12) : 1 + below(300), reserve = n + below(8);
    uint8_t byte = (uint8_t)below(0x40);
    mcursor c = jit_mbuf_open(&b, reserve);

    for (uint32_t k = 0; k < n; k++)
        mput1(&c, byte);
    mcursor_close(&c);
    note((step){ .kind = PUT, .n = n, .byte = byte });
}

static void branch(uint8_t opcode, uint8_t kind, uint8_t shrink, mlabel to, int32_t addend)
{
    mcursor c = jit_mbuf_open(&b, 5);

    mput1(&c, opcode);
    jit_mbuf_fixup(&b, mcursor_offset(&c), to, kind, shrink, addend);
    mput_le(&c, 0, 4);
    mcursor_close(&c);
}

static void refer_const(void)
{
    uint32_t k = below(CONSTS_MOST);

    if (k >= nconsts && nconsts < CONSTS_MOST) {
        k = nconsts++;
        const_size[k] = 1u << (2 + below(3));
        const_align[k] = 1u << below(6);
        memset(consts[k], (int)below(6), 16);
        const_label[k].id = 0;
    } else {
        k = below(nconsts);
    }
    mlabel l = jit_mbuf_constant(&b, consts[k], const_size[k], const_align[k]);
    const_label[k] = l;
    branch(OP_REF, FAR, 0, l, (int32_t)below(4));
    note((step){ .kind = REFER, .n = k, .addend = (int32_t)b.fixups.at[b.fixups.len - 1].addend });
}

/* What is noted before an instruction needs one that follows. */
static void put_after_note(step s)
{
    note(s);
    put();
}

static void one_step(uint32_t choice)
{
    uint32_t l;

    switch (choice % 12) {
    case 0: case 1:
        put();
        break;
    case 2: case 3:
        l = some_label();
        branch(OP_JMP, LONG, 1, labels[l], 0);
        note((step){ .kind = JUMP, .n = l });
        break;
    case 4: case 5: case 6:
        if (!islands) {
            put();
            break;
        }
        l = some_label();
        uint8_t kind = below(4) ? NEAR : MID;
        branch(kind == NEAR ? OP_NEAR : OP_MID, kind, 0, labels[l], 0);
        note((step){ .kind = REACH, .n = l, .byte = kind });
        break;
    case 7:
        bind(some_label());
        break;
    case 8:
        refer_const();
        break;
    case 9:
        jit_mbuf_trap(&b, (uint8_t)(1 + below(250)));
        put_after_note((step){ .kind = TRAP, .n = b.traps.at[b.traps.len - 1].code });
        break;
    case 10:
        l = below(5);
        jit_mbuf_srcpos(&b, l);
        put_after_note((step){ .kind = POSITION, .n = l });
        break;
    default:
        put();
        jit_mbuf_reloc(&b, b.len - 1, 3, nsteps, 11);
        note((step){ .kind = RELOC, .n = nsteps });
        jit_mbuf_call(&b, nsteps);
        note((step){ .kind = CALL, .n = nsteps });
        break;
    }
}

static void build(void *arg)
{
    mbuf p;

    (void)arg;
    jit_mbuf_init(&b, &mem, kinds, shrinks, front, limit);
    if (islands) {
        b.skip_bytes = 4;
        b.skip = skip;
    }
    while (input_left > 0 && nsteps < STEPS_FREE) {
        one_step(*input++);
        input_left--;
    }
    for (uint32_t more = below(200); more > 0 && nsteps < STEPS_FREE; more--)
        one_step(below(256));
    for (uint32_t l = 0; l < nlabels; l++) {
        mcursor c = jit_mbuf_open(&b, 1); /* no step: an island may stand here */
        mput1(&c, 0x3f);
        mcursor_close(&c);
        note((step){ .kind = PUSH });
        bind(l);
    }
    if (front) {
        jit_mbuf_init(&p, &mem, kinds, shrinks, 0, 0);
        mcursor c = jit_mbuf_open(&p, nprologue);
        for (uint32_t k = 0; k < nprologue; k++)
            mput1(&c, prologue[k]);
        mcursor_close(&c);
        jit_mbuf_front(&b, &p);
    }
    if (!jit_mbuf_is_valid(&b))
        found("the buffer is not valid", b.len);
    jit_mbuf_finish(&b, &out, &code);
}

/* ---- Decoding ----
 * */

static int32_t word(uint32_t at)
{
    int32_t x;

    if (at > code.size || code.size - at < 4)
        found("a field beyond the code", at);
    memcpy(&x, code.bytes + at, 4);
    return x;
}

/* Goes over an island that may stand at `at`. */
static uint32_t over_island(uint32_t at)
{
    while (islands && at < code.code_size && code.bytes[at] == OP_SKIP) {
        uint32_t n = (uint32_t)word(at) >> 8;
        if (n < 8 || n % 4 || n > code.code_size - at)
            found("an island of a wrong size", at);
        at += n;
    }
    return at;
}

/* Whether `at` is a hop: in an island, which are found by walking all steps first. */
static uint8_t *hop_map;

static void map_hops(uint32_t from, uint32_t to)
{
    while (from < to) {
        uint32_t n = (uint32_t)word(from) >> 8;
        for (uint32_t k = from + 4; k < from + n; k += 4)
            hop_map[k] = 1;
        from += n;
    }
}

static bool is_instruction(const step *s)
{
    return s->kind == PUT || s->kind == JUMP || s->kind == REACH || s->kind == REFER
           || s->kind == PUSH;
}

static uint32_t length_at(const step *s, uint32_t at)
{
    switch (s->kind) {
    case PUT: return s->n;
    case PUSH: return 1;
    case JUMP: return code.bytes[at] == OP_JMP8 ? 2 : 5;
    default: return 5;
    }
}

/* Finds where each step begins; then islands are known. Labels are where the byte before them
 * ended. */
static void locate(void)
{
    uint32_t at = nprologue;

    for (uint32_t k = 0; k < nsteps; k++) {
        step *s = &steps[k];
        s->at = at;
        if (!is_instruction(s))
            continue;
        s->at = over_island(at);
        map_hops(at, s->at);
        if (s->at >= code.code_size)
            found("the code ends too early", k);
        at = s->at + length_at(s, s->at);
    }
    uint32_t last = over_island(at);
    map_hops(at, last);
    if (last != code.code_size)
        found("bytes that nobody put", last);
}

static uint32_t follow(uint32_t to)
{
    for (unsigned hops = 0; to < code.code_size && hop_map[to]; hops++) {
        if (hops > 1000)
            found("hops without an end", to);
        to += (uint32_t)word(to);
    }
    return to;
}

static void check_target(const step *s, uint32_t to)
{
    uint32_t want = code.label_offsets[labels[s->n].id - 1];

    if (follow(to) != want)
        found("a branch to another place than its label's", s->at);
}

static void check_bytes(const step *s)
{
    switch (s->kind) {
    case PUT:
        for (uint32_t k = 0; k < s->n; k++)
            if (code.bytes[s->at + k] != s->byte)
                found("another byte than was put", s->at + k);
        break;
    case JUMP:
        if (code.bytes[s->at] == OP_JMP8) {
            int32_t distance = (int8_t)code.bytes[s->at + 1];
            check_target(s, s->at + 2 + (uint32_t)distance);
        } else if (code.bytes[s->at] == OP_JMP)
            check_target(s, s->at + 5 + (uint32_t)word(s->at + 1));
        else
            found("no jump where one was put", s->at);
        break;
    case REACH: {
        int32_t distance = word(s->at + 1);
        if (code.bytes[s->at] != (s->byte == NEAR ? OP_NEAR : OP_MID))
            found("no branch where one was put", s->at);
        if (distance < kinds[s->byte].min || distance > kinds[s->byte].max)
            found("a branch further than it reaches", s->at);
        check_target(s, s->at + 1 + (uint32_t)distance);
        break;
    }
    case REFER: {
        uint32_t to = s->at + 1 + (uint32_t)word(s->at + 1) - (uint32_t)s->addend;
        if (to % const_align[s->n] || to < code.code_size || to + const_size[s->n] > code.size
            || memcmp(code.bytes + to, consts[s->n], const_size[s->n]) != 0)
            found("a reference to something else than its constant", s->at);
        break;
    }
    case BIND:
        if (code.label_offsets[labels[s->n].id - 1] != s->at)
            found("a label elsewhere than it was bound", s->at);
        break;
    default:
        break;
    }
}

/* Notes in their order against the tables. */
static void check_tables(void)
{
    uint32_t trap = 0, reloc = 0, call = 0, position = UINT32_MAX, p = 0;

    for (uint32_t k = 0; k < nsteps; k++) {
        const step *s = &steps[k], *next = k + 1 < nsteps ? s + 1 : s;
        if (s->kind == TRAP) {
            if (trap >= code.ntraps || code.traps[trap].code != s->n
                || code.traps[trap].offset != next->at)
                found("a trap elsewhere than it was noted", s->at);
            trap++;
        } else if (s->kind == RELOC) {
            if (reloc >= code.nrelocs || code.relocs[reloc].symbol != s->n
                || code.relocs[reloc].offset != s->at - 1 || code.relocs[reloc].addend != 11)
                found("a relocation elsewhere than it was noted", s->at);
            reloc++;
        } else if (s->kind == CALL) {
            if (call >= code.ncalls || code.calls[call].offset != s->at)
                found("a call elsewhere than it was noted", s->at);
            call++;
        } else if (s->kind == POSITION) {
            position = s->n;
        } else if (is_instruction(s)) {
            while (p < code.nsrcpos && code.srcpos[p].offset <= s->at)
                p++;
            if ((p ? code.srcpos[p - 1].pos : UINT32_MAX) != position)
                found("another source position than was noted", s->at);
        }
    }
    if (trap != code.ntraps || reloc != code.nrelocs || call != code.ncalls)
        found("more notes than were made", 0);
}

static void check(void)
{
    if (code.code_size < nprologue || memcmp(code.bytes, prologue, nprologue) != 0)
        found("another prologue", 0);
    hop_map = calloc(code.size + 1, 1);
    if (!hop_map)
        abort();
    locate();
    for (uint32_t k = 0; k < nsteps; k++)
        check_bytes(&steps[k]);
    check_tables();
    free(hop_map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t seed[8] = { 0 };

    memcpy(seed, data, size < 8 ? size : 8);
    memcpy(&state, seed, 8);
    input = data + (size < 8 ? size : 8);
    input_left = size < 8 ? 0 : size - 8;
    nsteps = nlabels = nconsts = nprologue = 0;
    islands = below(2);
    front = below(2) ? 1 + below(64) : 0;
    limit = below(8) ? 0 : 1 + below(4000);
    nprologue = front ? below(front + 1) : 0;
    for (uint32_t k = 0; k < nprologue; k++)
        prologue[k] = (uint8_t)below(256);
    memset(&fc, 0, sizeof fc);
    jit_arena_init(&mem, &jit_libc_allocator, &fc);
    jit_arena_init(&out, &jit_libc_allocator, &fc);
    jit_status status = jit_guard(&fc, build, NULL);
    if (status == JIT_OK)
        check();
    else if (status != JIT_ERR_LIMIT || !limit)
        found(fc.message, 0);
    if (status == JIT_OK && limit && code.size > limit)
        found("more bytes than the limit", code.size);
    jit_arena_free(&mem);
    jit_arena_free(&out);
    return 0;
}
