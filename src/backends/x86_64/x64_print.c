/* x64_print.c - instructions as text, in Intel's syntax as llvm-mc reads it. */
#include "backends/x86_64/x64_emit.h"

static const char *const int_names[16][4] = {
    { "al", "ax", "eax", "rax" },     { "cl", "cx", "ecx", "rcx" },
    { "dl", "dx", "edx", "rdx" },     { "bl", "bx", "ebx", "rbx" },
    { "spl", "sp", "esp", "rsp" },    { "bpl", "bp", "ebp", "rbp" },
    { "sil", "si", "esi", "rsi" },    { "dil", "di", "edi", "rdi" },
    { "r8b", "r8w", "r8d", "r8" },    { "r9b", "r9w", "r9d", "r9" },
    { "r10b", "r10w", "r10d", "r10" },{ "r11b", "r11w", "r11d", "r11" },
    { "r12b", "r12w", "r12d", "r12" },{ "r13b", "r13w", "r13d", "r13" },
    { "r14b", "r14w", "r14d", "r14" },{ "r15b", "r15w", "r15d", "r15" },
};
static const char *const xmm_names[16] = {
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
    "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15",
};
static const char *const cc_names[X64_CC_COUNT] = {
    "o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g",
    "e.np", "ne.p",
};

const char *jit_x64_reg_name(ra_loc reg, unsigned size)
{
    if (x64_is_xmm(reg))
        return xmm_names[x64_hw(reg)];
    if (!x64_is_int(reg))
        return "?";
    return int_names[reg][size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3];
}

const char *jit_x64_cc_name(unsigned cc)
{
    return cc < X64_CC_COUNT ? cc_names[cc] : "?";
}

/* What the two kinds of operand sources have in common: text of operand k, of memory. */
typedef struct printer {
    strbuf *s;
    const emit *e;       /* NULL: no names of constants and symbols */
    const x64_info *row;
    const x64_args *a;
    unsigned n;          /* operands put so far */
} printer;

static unsigned role_width(const x64_role *r, const x64_args *a)
{
    return r->width == 0 ? a->size : r->width == X64_W_SIZE2 ? a->size2 : r->width;
}

static void put_mnemonic(const printer *p)
{
    for (const char *c = p->row->mnemonic; *c; c++) {
        switch (*c) {
        case '*': jit_strbuf_putc(p->s, p->a->size == 4 ? 's' : 'd'); break;
        case '#': jit_strbuf_putc(p->s, p->a->size2 == 4 ? 's' : 'd'); break;
        case '@': jit_strbuf_putc(p->s, p->a->size == 4 ? 'd' : 'q'); break;
        case '?': jit_strbuf_puts(p->s, jit_x64_cc_name(p->a->cc)); break;
        default: jit_strbuf_putc(p->s, *c);
        }
    }
}

static void separate(printer *p)
{
    jit_strbuf_puts(p->s, p->n++ ? ", " : " ");
}

static void put_reg(printer *p, unsigned reg, unsigned cls, unsigned width)
{
    separate(p);
    jit_strbuf_puts(p->s, jit_x64_reg_name(cls == RC_FLOAT ? X64_XMM(reg) : reg, width));
}

static void put_disp(const printer *p, int64_t disp, bool first)
{
    if (disp < 0)
        jit_strbuf_printf(p->s, first ? "-%lld" : " - %lld", -(long long)disp);
    else if (disp || first)
        jit_strbuf_printf(p->s, first ? "%lld" : " + %lld", (long long)disp);
}

static void put_symbol(const printer *p, uint32_t symbol)
{
    char name[256];

    if (!p->e || symbol >= p->e->l->symbols.len) {
        jit_strbuf_printf(p->s, "sym%u", symbol);
        return;
    }
    jit_name_print(&p->e->l->symbols.at[symbol], name, sizeof name);
    jit_strbuf_puts(p->s, name);
}

static const char *pointer_to(unsigned width)
{
    switch (width) {
    case 1: return "byte ptr ";
    case 2: return "word ptr ";
    case 4: return "dword ptr ";
    case 8: return "qword ptr ";
    case 16: return "xmmword ptr ";
    default: return "";
    }
}

static void put_mem(printer *p, unsigned width, bool named)
{
    const x64_mem *m = &p->a->mem;

    separate(p);
    if (!named)
        jit_strbuf_puts(p->s, pointer_to(width));
    jit_strbuf_putc(p->s, '[');
    bool first = true;
    if (m->base == X64_RIP) {
        jit_strbuf_puts(p->s, "rip");
        if (m->kind == X64_MEM_LABEL)
            jit_strbuf_printf(p->s, " + const%u", m->label.id - 1);
        else if (m->kind == X64_MEM_RELOC) {
            jit_strbuf_puts(p->s, m->reloc == X64_RELOC_SLOT32 ? " + slot of " : " + ");
            put_symbol(p, m->symbol);
        }
        first = false;
    } else if (m->base != X64_NO_REG) {
        jit_strbuf_puts(p->s, jit_x64_reg_name(m->base, 8));
        first = false;
    }
    if (m->index != X64_NO_REG) {
        jit_strbuf_printf(p->s, first ? "%s*%u" : " + %s*%u", jit_x64_reg_name(m->index, 8),
                          1u << m->shift);
        first = false;
    }
    put_disp(p, m->disp, first);
    jit_strbuf_putc(p->s, ']');
}

/* Whether the width of the memory operand shows in a register operand beside it. */
static bool width_shows(const x64_info *row)
{
    const x64_shape *s = &jit_x64_shapes[row->shape];
    bool reg = false;

    for (unsigned k = 0; k < s->n; k++) {
        const x64_role *r = &jit_x64_roles[s->role[k]];
        if (r->mem && r->width == X64_W_SIZE2)
            return false;
        reg |= !r->mem && r->kind != RA_TEMP && r->constraint != RA_FIXED;
    }
    return reg || row->mem == X64_W_0;
}

static void put_operand(printer *p, const x64_role *r)
{
    const x64_args *a = p->a;
    unsigned width = role_width(r, a);

    switch (r->place) {
    case X64_AT_REG: put_reg(p, a->reg, r->cls, width); break;
    case X64_AT_V: put_reg(p, a->v, r->cls, a->size); break; /* a count is named whole */
    case X64_AT_RM:
        if (a->is_mem && r->mem)
            put_mem(p, p->row->mem == X64_W_SIZE2 ? a->size2 : a->size, width_shows(p->row));
        else
            put_reg(p, a->rm, r->cls, width);
        break;
    default:
        if (r->constraint == RA_FIXED && r->fixed == X64_RCX)
            put_reg(p, X64_RCX, RC_INT, 1);
    }
}

/* Formats that hold an immediate. */
static bool has_imm(const x64_info *row, const x64_args *a)
{
    switch (row->format) {
    case X64_FORMAT_MODRMI: case X64_FORMAT_MOVRI: case X64_FORMAT_IMM: case X64_FORMAT_ALUI:
    case X64_FORMAT_DIGITI: case X64_FORMAT_SHIFTI: case X64_FORMAT_IMULI: case X64_FORMAT_VEXI:
    case X64_FORMAT_SSEB: case X64_FORMAT_VSSEB: case X64_FORMAT_SSER: case X64_FORMAT_VSSER:
        return true;
    case X64_FORMAT_RET:
        return a->imm != 0;
    default:
        return false;
    }
}

static void put_operands(printer *p)
{
    const x64_shape *s = &jit_x64_shapes[p->row->shape];
    unsigned format = p->row->format;
    /* What Intel writes first: memory that is stored to, and the rm operand of test. */
    const x64_role *first = &jit_x64_roles[s->role[0]], *second = &jit_x64_roles[s->role[1]];
    bool rm_first = s->n == 2 && first->kind == RA_USE && second->mem
                    && (second->mem == 2 || p->row->opcode == 0x85);

    if (rm_first)
        put_operand(p, second);
    for (unsigned k = 0; k < s->n - (rm_first ? 1u : 0u); k++) {
        put_operand(p, &jit_x64_roles[s->role[k]]);
        if (k == 0 && x64_merges(format))
            put_reg(p, p->a->v, RC_FLOAT, 16);
    }
    for (unsigned k = 0; format == X64_FORMAT_VSSES && k < 2; k++)
        put_reg(p, p->a->reg, RC_FLOAT, 16);
    if (format == X64_FORMAT_SSES)
        put_reg(p, p->a->reg, RC_FLOAT, 16);
    if (format == X64_FORMAT_SELF)
        put_reg(p, p->a->rm, RC_INT, p->a->size);
    if (format == X64_FORMAT_CALLSYM || format == X64_FORMAT_MOVSYM) {
        separate(p);
        put_symbol(p, p->a->symbol);
        if (format == X64_FORMAT_MOVSYM)
            put_disp(p, p->a->imm, false);
    }
    if (has_imm(p->row, p->a)) {
        separate(p);
        jit_strbuf_i64(p->s, p->a->imm);
    }
}

/* mov with the register and the immediate that its encoding has. */
static void put_constant(printer *p)
{
    const x64_args *a = p->a;
    uint64_t imm = a->size == 4 ? (uint32_t)a->imm : (uint64_t)a->imm;
    bool word = imm <= UINT32_MAX;

    jit_strbuf_puts(p->s, word || (int64_t)imm == (int32_t)imm ? "mov" : "movabs");
    put_reg(p, a->rm, RC_INT, word ? 4 : 8);
    separate(p);
    jit_strbuf_i64(p->s, (int64_t)imm);
}

void jit_x64_print_inst(strbuf *s, const emit *e, unsigned op, const x64_args *a)
{
    printer p = { s, e, x64_row(op), a, 0 };

    if (op == X64_mov_i) {
        put_constant(&p);
        return;
    }
    if (op == X64_cdq && a->size == 8)
        jit_strbuf_puts(s, "cqo");
    else
        put_mnemonic(&p);
    put_operands(&p);
}

void jit_x64_print_args(const emit *e, unsigned op, const x64_args *a)
{
    jit_strbuf_puts(e->listing, "    ");
    jit_x64_print_inst(e->listing, e, op, a);
    jit_strbuf_putc(e->listing, '\n');
}
