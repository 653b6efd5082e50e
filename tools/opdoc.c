/* opdoc.c - writes docs/instructions.md, the reference of all instructions, from their tables.
 *
 * `make docs` builds and runs it; the tests hold the page against its output. */
#include <gantry/jit_base.h>
#include <stdio.h>
#include <string.h>

enum {
    OP_TERM = 1, OP_BRANCH = 2, OP_EFFECT = 4, OP_TRAPS = 8, OP_LOADS = 16, OP_STORES = 32,
    OP_CALL = 64, OP_COMMUTES = 128, OP_EXPLICIT = 256
};

static const struct { unsigned bit; const char *word; } property_words[] = {
    { OP_TERM, "ends its block" }, { OP_BRANCH, "branches" },
    { OP_EFFECT, "stays although unused" },
    { OP_TRAPS, "may trap" }, { OP_LOADS, "reads memory" }, { OP_STORES, "writes memory" },
    { OP_CALL, "calls" }, { OP_COMMUTES, "commutes" }
};

typedef struct instruction {
    const char *name, *operands, *types, *rule, *meaning;
    unsigned props;
} instruction;

#define FORMAT(name, nargs, pooled, text) static const char text_##name[] = text;
#include <gantry/jit_formats.def>
#undef FORMAT

static const instruction instructions[] = {
#define OP(name, format, types, rule, props, meaning) \
    { #name, text_##format, #types, rule, meaning, props },
#include <gantry/jit_opcodes.def>
#undef OP
};

/* ---- Sets of types ---- */

typedef struct typeset {
    const char *name;
    bool (*has)(jit_type t);
} typeset;

/* NONE looks at no type. */
#define TYPESET(name, test) \
    static bool is_##name(jit_type t) { (void)t; return test; }
#include <gantry/jit_typesets.def>
#undef TYPESET

static const typeset typesets[] = {
#define TYPESET(name, test) { #name, is_##name },
#include <gantry/jit_typesets.def>
#undef TYPESET
};

static void put_type(jit_type t)
{
    printf("%c%u", jit_type_lane(t) <= JIT_I128 ? 'i' : 'f', jit_type_lane_bits(t));
    if (jit_type_is_vector(t))
        printf("x%u", jit_type_lanes(t));
}

/* Scalars, then vectors of 16 to 128 bits. */
static void put_members(const typeset *s)
{
    const char *before = "";

    for (unsigned log2 = 0; log2 <= 4; log2++)
        for (unsigned lane = JIT_I8; lane <= JIT_F128; lane++) {
            jit_type t = JIT_VEC(lane, log2);
            bool legal = log2 == 0 || (jit_type_lane_bits(t) <= 64 && jit_type_bits(t) <= 128);
            if (!legal || !s->has(t))
                continue;
            printf("%s", before);
            put_type(t);
            before = " ";
        }
    if (!*before)
        printf("no type of its own");
}

static void put_typesets(void)
{
    printf("## Sets of types\n\n| set | types |\n|---|---|\n");
    for (size_t k = 0; k < sizeof typesets / sizeof *typesets; k++) {
        printf("| %s | ", typesets[k].name);
        put_members(&typesets[k]);
        printf(" |\n");
    }
}

/* ---- Instructions ---- */

/* What a letter of a rule stands for; jit_opcodes.def explains them. */
static const char *letter(char c)
{
    switch (c) {
    case 'T': return "T";
    case 'a': return "i8";
    case 'w': return "i32";
    case 'p': return "i64 (an address)";
    case 's': return "any scalar integer";
    case '.': return "as the signature says";
    case 'v': return "any vector";
    case 'L': return "lane of T";
    case 'H': return "integer of half the width";
    case 'D': return "integer of double the width";
    case 'n': return "narrower integer";
    case 'W': return "wider integer";
    case 'f': return "narrower float";
    case 'F': return "wider float";
    case 'M': return "any type of the same size";
    case 'C': return "i8, or for vectors lanes of integers";
    case 'y': return "float of the same shape";
    case 'z': return "integer of the same shape";
    case 'K': return "lanes of half the width, twice as many";
    case 'G': return "lanes of double the width, half as many";
    case 'd': return "f32x4";
    case 'e': return "f64x2";
    default:  return "?";
    }
}

/* The letters from s on up to end or '>', in words. */
static void put_letters(const char *s)
{
    const char *before = "";

    for (; *s && *s != '>'; s++) {
        printf("%s%s", before, letter(*s));
        before = ", ";
    }
    if (!*before)
        printf("none");
}

static void put_form(const instruction *i)
{
    const char *results = strchr(i->rule, '>') + 1;

    printf("    ");
    if (strcmp(results, ".") == 0)
        printf("v0, ... = ");
    else if (*results)
        printf(results[1] ? "v0, v1 = " : "v0 = ");
    printf("%s%s%s%s\n", i->name, i->props & OP_EXPLICIT ? ".T" : "", *i->operands ? " " : "",
           i->operands);
}

static void put_instruction(const instruction *i)
{
    const char *before = "";

    printf("\n### %s\n\n%s.\n\n", i->name, i->meaning);
    put_form(i);
    printf("\n- T: %s; operands: ", strcmp(i->types, "NONE") == 0 ? "none" : i->types);
    put_letters(i->rule);
    printf("; results: ");
    put_letters(strchr(i->rule, '>') + 1);
    for (size_t k = 0; k < sizeof property_words / sizeof *property_words; k++)
        if (i->props & property_words[k].bit) {
            printf("%s%s", *before ? before : "\n- ", property_words[k].word);
            before = ", ";
        }
    printf("\n");
}

int main(void)
{
    printf("# Instructions\n\n"
           "Made by `make docs` from `include/gantry/jit_opcodes.def`, `jit_formats.def` and\n"
           "`jit_typesets.def`; do not edit it. Each instruction of CLIF that Gantry reads,\n"
           "checks and prints is here. What a target cannot compile yet is\n"
           "`JIT_ERR_UNSUPPORTED`, naming it.\n\n"
           "T is the controlling type. It is written behind the name where no operand has it\n"
           "(`uextend.T`), else it is that of the first operand whose type is T. The builder's\n"
           "function of an instruction is `jit_` and its name.\n\n");
    put_typesets();
    printf("\n## The instructions\n");
    for (size_t k = 0; k < sizeof instructions / sizeof *instructions; k++)
        put_instruction(&instructions[k]);
    return 0;
}
