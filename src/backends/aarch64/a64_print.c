/* a64_print.c - instructions as text, as LLVM writes and reads it: with the aliases that the Arm
 * ARM prefers where they say more than the instruction's own name. */
#include "backends/aarch64/a64_emit.h"

static const char *const cc_names[A64_CC_COUNT] = {
    "eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "al", "nv",
    "eq.vs", "mi.gt", "z", "nz", "z", "nz",
};
static const char *const shifts[] = { "lsl", "lsr", "asr", "ror" };
static const char *const extensions[] = {
    "uxtb", "uxth", "uxtw", "uxtx", "sxtb", "sxth", "sxtw", "sxtx"
};

/* "x0x1...": names of one letter and one file. */
#define NAMES(c)                                                                            \
    { c "0", c "1", c "2", c "3", c "4", c "5", c "6", c "7", c "8", c "9", c "10", c "11", \
      c "12", c "13", c "14", c "15", c "16", c "17", c "18", c "19", c "20", c "21",       \
      c "22", c "23", c "24", c "25", c "26", c "27", c "28", c "29", c "30", c "31" }
static const char *const int_names[2][32] = { NAMES("w"), NAMES("x") };
static const char *const float_names[5][32] = {
    NAMES("b"), NAMES("h"), NAMES("s"), NAMES("d"), NAMES("q")
};

const char *jit_a64_cc_name(unsigned cc)
{
    return cc < A64_CC_COUNT ? cc_names[cc] : "?";
}

const char *jit_a64_reg_name(ra_loc reg, unsigned size)
{
    if (a64_is_float(reg))
        return float_names[size >= 16 ? 4 : size == 8 ? 3 : size == 4 ? 2 : size == 2 ? 1 : 0]
                          [a64_hw(reg)];
    return a64_is_int(reg) ? int_names[size == 8][reg] : "?";
}

typedef struct printer {
    strbuf *s;
    const a64_info *row;
    const a64_args *a;
    unsigned n; /* operands put so far */
} printer;

static void separate(printer *p)
{
    jit_strbuf_puts(p->s, p->n++ ? ", " : " ");
}

static void put_int(printer *p, unsigned reg, unsigned size, bool sp)
{
    separate(p);
    if (reg == A64_R31)
        jit_strbuf_puts(p->s, sp ? size == 8 ? "sp" : "wsp" : size == 8 ? "xzr" : "wzr");
    else
        jit_strbuf_puts(p->s, jit_a64_reg_name(reg, size));
}

static void put_float(printer *p, unsigned reg, unsigned size)
{
    separate(p);
    jit_strbuf_puts(p->s, jit_a64_reg_name(A64_V(reg), size));
}

static void put_vector(printer *p, unsigned reg, const char *lanes)
{
    separate(p);
    jit_strbuf_printf(p->s, "v%u.%s", reg, lanes);
}

static void put_num(printer *p, int64_t v)
{
    separate(p);
    jit_strbuf_printf(p->s, "#%lld", (long long)v);
}

/* ---- Operands by the shape ---- */

/* A count of bits is read from its low byte, but named like the rest. */
static unsigned width_of(const a64_role *r, const a64_args *a)
{
    return r->width <= 1 ? a->size : r->width == A64_W_SIZE2 ? a->size2 : r->width;
}

/* Whether 31 at this place is the stack pointer. */
static bool is_sp(const printer *p, unsigned place)
{
    bool sets = p->row->flags & A64_F_W;

    switch (p->row->format) {
    case A64_FORMAT_ADDI: return place == A64_AT_N || !sets;
    case A64_FORMAT_LOGICALI: return place == A64_AT_D && !sets;
    case A64_FORMAT_EXTENDED: return place == A64_AT_N || (place == A64_AT_D && !sets);
    default: return false;
    }
}

static const char *lanes_of(const printer *p)
{
    switch (p->row->format) {
    case A64_FORMAT_VSHR:
    case A64_FORMAT_VSHL: return p->a->size == 4 ? "2s" : NULL;
    default: return p->a->size == 16 ? "16b" : "8b";
    }
}

static bool is_vector(unsigned format)
{
    return format == A64_FORMAT_VEC || format == A64_FORMAT_VMOV || format == A64_FORMAT_VSHR
           || format == A64_FORMAT_VSHL;
}

static void put_role(printer *p, const a64_role *r)
{
    unsigned reg = p->a->place[r->place], width = width_of(r, p->a);

    if (r->place == A64_AT_NONE)
        return;
    if (p->row == a64_row(A64_addv) && r->place == A64_AT_D)
        put_float(p, reg, 1);
    else if (is_vector(p->row->format) && lanes_of(p))
        put_vector(p, reg, lanes_of(p));
    else if (r->cls == RC_FLOAT)
        put_float(p, reg, width);
    else
        put_int(p, reg, width == 8 ? 8 : 4, is_sp(p, r->place));
}

static void put_place(printer *p, unsigned place)
{
    const a64_shape *s = &jit_a64_shapes[p->row->shape];

    for (unsigned k = 0; k < s->n; k++)
        if (jit_a64_roles[s->role[k]].place == place)
            put_role(p, &jit_a64_roles[s->role[k]]);
}

static bool is_unscaled(const printer *p)
{
    unsigned format = p->row->format;

    return p->a->mode == A64_AT_UNSCALED
           && (format == A64_FORMAT_LOAD || format == A64_FORMAT_LOADS
               || format == A64_FORMAT_FLOAD);
}

static void put_mnemonic(printer *p, const char *mnemonic)
{
    unsigned bytes = p->row->mem == A64_W_SIZE2 ? p->a->size2 : p->a->size;

    for (const char *c = mnemonic; *c; c++) {
        if (c == mnemonic + 2 && is_unscaled(p)) /* ldur, stur */
            jit_strbuf_putc(p->s, 'u');
        if (*c == '?')
            jit_strbuf_puts(p->s, jit_a64_cc_name(p->a->cc));
        else if (*c != '#')
            jit_strbuf_putc(p->s, *c);
        else if (bytes < 4 || p->row->mem == A64_W_SIZE2)
            jit_strbuf_putc(p->s, bytes == 1 ? 'b' : bytes == 2 ? 'h' : 'w');
    }
}

/* ---- What follows the registers ---- */

static void put_address(printer *p)
{
    const a64_args *a = p->a;

    separate(p);
    jit_strbuf_printf(p->s, "[%s", a->n == A64_R31 ? "sp" : jit_a64_reg_name(a->n, 8));
    if (a->mode == A64_AT_INDEX) {
        bool whole = a->cc == A64_UXTX || a->cc == A64_SXTX;
        jit_strbuf_printf(p->s, ", %s", a->m == A64_R31 ? whole ? "xzr" : "wzr"
                                                        : jit_a64_reg_name(a->m, whole ? 8 : 4));
        if (a->cc != A64_UXTX)
            jit_strbuf_printf(p->s, ", %s", extensions[a->cc & 7]);
        else if (a->shift)
            jit_strbuf_puts(p->s, ", lsl");
        jit_strbuf_printf(p->s, a->shift ? " #%u]" : "]", (unsigned)a->shift);
    } else if (a->mode == A64_AT_POST) {
        jit_strbuf_printf(p->s, "], #%lld", (long long)a->imm);
    } else {
        if (a->to)
            jit_strbuf_printf(p->s, ", %s", a->to);
        else if (a->imm)
            jit_strbuf_printf(p->s, ", #%lld", (long long)a->imm);
        else if (a->mode == A64_AT_PRE)
            jit_strbuf_puts(p->s, ", #0");
        jit_strbuf_puts(p->s, a->mode == A64_AT_PRE ? "]!" : "]");
    }
}

static void put_shift(printer *p)
{
    if (p->a->cc != A64_LSL || p->a->shift) {
        separate(p);
        jit_strbuf_printf(p->s, "%s #%u", shifts[p->a->cc & 3], (unsigned)p->a->shift);
    }
}

static void put_extension(printer *p)
{
    separate(p);
    jit_strbuf_puts(p->s, extensions[p->a->cc & 7]);
    if (p->a->shift)
        jit_strbuf_printf(p->s, " #%u", (unsigned)p->a->shift);
}

static void put_target(printer *p)
{
    separate(p);
    if (p->a->to)
        jit_strbuf_puts(p->s, p->a->to);
    else
        jit_strbuf_printf(p->s, "#%lld", (long long)p->a->imm);
}

static void put_addi(printer *p)
{
    int64_t v = p->a->imm;

    if (p->a->to) {
        separate(p);
        jit_strbuf_puts(p->s, p->a->to);
        return;
    }
    put_num(p, v > 0xfff ? v >> 12 : v);
    if (v > 0xfff)
        jit_strbuf_puts(p->s, ", lsl #12");
}

static void put_mask(printer *p)
{
    uint64_t v = (uint64_t)p->a->imm;

    separate(p);
    jit_strbuf_printf(p->s, "#0x%llx", (unsigned long long)(p->a->size == 4 ? (uint32_t)v : v));
}

/* An immediate float: n / 16 * 2 to the r, in decimal without rounding. */
static void put_float_imm(printer *p)
{
    uint64_t bits = (uint64_t)p->a->imm;
    uint8_t imm8 = 0;

    jit_a64_fmov_imm(bits, p->a->size, &imm8);
    unsigned r = (imm8 >> 4 & 7) ^ 4;                        /* exponent - (-3) */
    uint64_t n = (16u + (imm8 & 15u)) << r;                  /* in 1/128 */
    separate(p);
    jit_strbuf_printf(p->s, "#%s%llu.%08llu", imm8 & 0x80 ? "-" : "",
                      (unsigned long long)(n >> 7), (unsigned long long)((n & 127) * 781250));
}

static void put_rest(printer *p)
{
    const a64_args *a = p->a;

    switch (p->row->format) {
    case A64_FORMAT_ADDI: put_addi(p); break;
    case A64_FORMAT_LOGICALI: put_mask(p); break;
    case A64_FORMAT_SHIFTED: put_shift(p); break;
    case A64_FORMAT_EXTENDED: put_extension(p); break;
    case A64_FORMAT_BITFIELD:
        put_num(p, a->imm >> 6);
        put_num(p, a->imm & 63);
        break;
    case A64_FORMAT_COND: case A64_FORMAT_CSET: case A64_FORMAT_FCOND:
        separate(p);
        jit_strbuf_puts(p->s, jit_a64_cc_name(a->cc));
        break;
    case A64_FORMAT_CCMPI:
        put_num(p, a->imm);
        /* fall through */
    case A64_FORMAT_CCMP: case A64_FORMAT_FCCMP:
        put_num(p, a->shift);
        separate(p);
        jit_strbuf_puts(p->s, jit_a64_cc_name(a->cc));
        break;
    case A64_FORMAT_WIDE:
        put_num(p, a->imm);
        if (a->shift) {
            separate(p);
            jit_strbuf_printf(p->s, "lsl #%u", (unsigned)a->shift);
        }
        break;
    case A64_FORMAT_LOAD: case A64_FORMAT_LOADS: case A64_FORMAT_FLOAD: put_address(p); break;
    case A64_FORMAT_PAIR: case A64_FORMAT_FPAIR: {
        a64_args at = *a;
        printer q = { p->s, p->row, &at, p->n };
        at.mode = a->cc == A64_PRE ? A64_AT_PRE : a->cc == A64_POST ? A64_AT_POST : A64_AT_SCALED;
        put_address(&q);
        break;
    }
    case A64_FORMAT_FMOVI: put_float_imm(p); break;
    case A64_FORMAT_TB:
        put_num(p, a->shift);
        put_target(p);
        break;
    case A64_FORMAT_BRANCH: case A64_FORMAT_BCOND: case A64_FORMAT_CB: case A64_FORMAT_ADR:
    case A64_FORMAT_ADRP: case A64_FORMAT_LITERAL: case A64_FORMAT_FLITERAL:
        put_target(p);
        break;
    case A64_FORMAT_EXTR: case A64_FORMAT_IMM16: case A64_FORMAT_UDF: case A64_FORMAT_HINT:
    case A64_FORMAT_VSHR: case A64_FORMAT_VSHL:
        put_num(p, a->imm);
        break;
    default:
        break;
    }
}

/* ---- Aliases: Arm ARM, C6.2, "Alias conditions" ---- */

/* Bit-field moves: by what they do. */
static bool put_bitfield(printer *p, unsigned op)
{
    static const char *const names[][7] = {
        { "lsr", "lsl", "uxtb", "uxth", NULL, "ubfx", "ubfiz" },
        { "asr", NULL, "sxtb", "sxth", "sxtw", "sbfx", "sbfiz" },
        { NULL, NULL, NULL, NULL, NULL, "bfxil", "bfi" }
    };
    enum { RIGHT, LEFT, BYTE, HALF, WORD, DOWN, UP } kind;
    const a64_args *a = p->a;
    unsigned bits = 8u * a->size, immr = (unsigned)(a->imm >> 6), imms = (unsigned)(a->imm & 63);
    unsigned row = op == A64_ubfm ? 0 : op == A64_sbfm ? 1 : 2;
    bool extends = immr == 0 && (row == 1 || (row == 0 && bits == 32));

    if (row < 2 && imms == bits - 1)
        kind = RIGHT;
    else if (row == 0 && imms + 1 == immr)
        kind = LEFT;
    else if (extends && (imms == 7 || imms == 15 || imms == 31))
        kind = imms == 7 ? BYTE : imms == 15 ? HALF : WORD;
    else
        kind = imms < immr ? UP : DOWN;
    jit_strbuf_puts(p->s, names[row][kind]);
    put_int(p, a->d, a->size, false);
    put_int(p, a->n, kind >= BYTE && kind <= WORD ? 4 : a->size, false);
    switch (kind) {
    case RIGHT: put_num(p, immr); break;
    case LEFT: put_num(p, bits - 1 - imms); break;
    case DOWN:
        put_num(p, immr);
        put_num(p, imms - immr + 1);
        break;
    case UP:
        put_num(p, bits - immr);
        put_num(p, imms + 1);
        break;
    default: break;
    }
    return true;
}

/* movz and movn by the constant that they make. */
static bool put_wide(printer *p, unsigned op)
{
    const a64_args *a = p->a;
    uint64_t v = (uint64_t)a->imm << a->shift;

    if ((a->imm == 0 && a->shift) || (op == A64_movn && a->size == 4 && a->imm == 0xffff))
        return false;
    v = op == A64_movn ? ~v : v;
    jit_strbuf_puts(p->s, "mov");
    put_place(p, A64_AT_D);
    put_num(p, a->size == 4 ? (int32_t)v : (int64_t)v);
    return true;
}

/* The alias of a row whose operand at `place` is the zero register, and so is not shown. */
static const struct { uint16_t op; uint8_t place; const char *name; } dropped[] = {
    { A64_subs, A64_AT_D, "cmp" }, { A64_subs_i, A64_AT_D, "cmp" }, { A64_subs_x, A64_AT_D, "cmp" },
    { A64_adds, A64_AT_D, "cmn" }, { A64_adds_i, A64_AT_D, "cmn" }, { A64_adds_x, A64_AT_D, "cmn" },
    { A64_ands, A64_AT_D, "tst" }, { A64_ands_i, A64_AT_D, "tst" },
    { A64_sub, A64_AT_N, "neg" }, { A64_subs, A64_AT_N, "negs" }, { A64_orn, A64_AT_N, "mvn" },
    { A64_orr, A64_AT_N, "mov" },
    { A64_sbc, A64_AT_N, "ngc" }, { A64_sbcs, A64_AT_N, "ngcs" },
    { A64_madd, A64_AT_A, "mul" }, { A64_msub, A64_AT_A, "mneg" },
    { A64_smaddl, A64_AT_A, "smull" }, { A64_umaddl, A64_AT_A, "umull" },
    { A64_smsubl, A64_AT_A, "smnegl" }, { A64_umsubl, A64_AT_A, "umnegl" },
};

static bool put_dropped(printer *p, unsigned op)
{
    for (unsigned k = 0; k < sizeof dropped / sizeof *dropped; k++) {
        if (dropped[k].op != op || p->a->place[dropped[k].place] != A64_R31)
            continue;
        if (op == A64_orr && (p->a->shift || p->a->cc)) /* a move does not shift */
            return false;
        jit_strbuf_puts(p->s, dropped[k].name);
        for (unsigned place = A64_AT_D; place <= A64_AT_A; place++)
            if (place != dropped[k].place)
                put_place(p, place);
        put_rest(p);
        return true;
    }
    return false;
}

/* csinc and its like, when both sources are one register: by it, on the inverted condition. */
static bool put_condition(printer *p, unsigned op)
{
    const a64_args *a = p->a;
    bool zero = a->n == A64_R31;
    const char *name;

    if (a->n != a->m || a->cc >= A64_AL)
        return false;
    switch (op) {
    case A64_csinc: name = zero ? "cset" : "cinc"; break;
    case A64_csinv: name = zero ? "csetm" : "cinv"; break;
    case A64_csneg: name = "cneg"; zero = false; break;
    default: return false;
    }
    jit_strbuf_puts(p->s, name);
    put_int(p, a->d, a->size, false);
    if (!zero)
        put_int(p, a->n, a->size, false);
    separate(p);
    jit_strbuf_puts(p->s, jit_a64_cc_name(a64_invert(a->cc)));
    return true;
}

/* Hints that code is made of. */
static bool put_hint(printer *p)
{
    const char *name;

    switch (p->a->imm) {
    case A64_XPACLRI: name = "xpaclri"; break;
    case A64_PACIASP: name = "paciasp"; break;
    case A64_PACIBSP: name = "pacibsp"; break;
    case A64_AUTIASP: name = "autiasp"; break;
    case A64_AUTIBSP: name = "autibsp"; break;
    case A64_BTI_C: name = "bti c"; break;
    case A64_BTI_J: name = "bti j"; break;
    default: return false;
    }
    jit_strbuf_puts(p->s, name);
    return true;
}

static bool put_alias(printer *p, unsigned op)
{
    const a64_args *a = p->a;

    switch (op) {
    case A64_ubfm: case A64_sbfm: case A64_bfm:
        return put_bitfield(p, op);
    case A64_csinc: case A64_csinv: case A64_csneg:
        return put_condition(p, op);
    case A64_movz: case A64_movn:
        return put_wide(p, op);
    case A64_add_i:
        if (a->imm || a->to || (a->d != A64_R31 && a->n != A64_R31))
            return false;
        jit_strbuf_puts(p->s, "mov");
        put_place(p, A64_AT_D);
        put_place(p, A64_AT_N);
        return true;
    case A64_extr:
        if (a->n != a->m)
            return false;
        jit_strbuf_puts(p->s, "ror");
        put_place(p, A64_AT_D);
        put_place(p, A64_AT_N);
        put_num(p, a->imm);
        return true;
    case A64_hint:
        return put_hint(p);
    case A64_ret:
        jit_strbuf_puts(p->s, "ret");
        if (a->n != A64_LR)
            put_place(p, A64_AT_N);
        return true;
    case A64_fcmp_0:
        jit_strbuf_puts(p->s, "fcmp");
        put_place(p, A64_AT_N);
        jit_strbuf_puts(p->s, ", #0.0");
        return true;
    case A64_fzero:
        jit_strbuf_printf(p->s, "movi v%u.2d, #0", a->d);
        return true;
    default:
        return put_dropped(p, op);
    }
}

void jit_a64_print_inst(strbuf *s, unsigned op, const a64_args *a)
{
    printer p = { s, a64_row(op), a, 0 };
    const a64_shape *shape = &jit_a64_shapes[p.row->shape];

    if (put_alias(&p, op))
        return;
    put_mnemonic(&p, p.row->mnemonic);
    for (unsigned k = 0; k < shape->n; k++)
        put_role(&p, &jit_a64_roles[shape->role[k]]);
    put_rest(&p);
}

void jit_a64_print_args(const emit *e, unsigned op, const a64_args *a)
{
    jit_strbuf_puts(e->listing, "    ");
    jit_a64_print_inst(e->listing, op, a);
    jit_strbuf_putc(e->listing, '\n');
}
