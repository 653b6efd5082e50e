/* emit.c - rules as C: for each opcode a function that tries its rules, by the operation that
 * makes the first operand and then one after the other. */
#include "rulec.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* ---- Types ---- */

static bool is_pattern_node(const rule *r, int k)
{
    return r->replacement < 0 || k < r->replacement;
}

/* An expression for the type of a class; what it is read from has been matched. */
static void print_type(const rule *r, int class)
{
    if (class == 0) {
        printf("T");
        return;
    }
    if (class == r->truth) {
        printf("JIT_I8");
        return;
    }
    for (int k = 0; k < r->nnodes; k++)
        if (is_pattern_node(r, k) && r->nodes[k].type == class && r->nodes[k].kind <= NODE_CONST) {
            printf("value_type(g->f, v%d)", k);
            return;
        }
    for (int k = 0; k < r->nnodes; k++)
        if (is_pattern_node(r, k) && r->nodes[k].type == class && k != r->pattern) {
            printf("value_type(g->f, v%d)", k);
            return;
        }
    rulec_die(r->file, r->line, "the type of a term cannot be known; write it behind the term");
}

static int class_of(const rule *r, const char *name)
{
    for (int k = 0; k < r->ntypes; k++)
        if (strcmp(r->type_name[k], name) == 0)
            return k;
    for (int k = 0; k < r->nnodes; k++)
        if (r->nodes[k].kind <= NODE_CONST && strcmp(r->nodes[k].name, name) == 0)
            return r->nodes[k].type;
    return -1;
}

/* ---- Expressions ---- */

/* The first node of the pattern with this name. */
static int first_of(const rule *r, const char *name)
{
    for (int k = 0; k < r->nnodes; k++)
        if (is_pattern_node(r, k) && r->nodes[k].kind <= NODE_CONST
            && strcmp(r->nodes[k].name, name) == 0)
            return k;
    return -1;
}

/* Masks of all types that the operands of a comparison have, so that it sees their bits alone. */
static void print_width(const rule *r, int k)
{
    const expr *e = &r->exprs[k];

    if (e->op == 'n' && first_of(r, e->name) >= 0 && r->nodes[first_of(r, e->name)].type != 0) {
        printf(" | mask_of(");
        print_type(r, r->nodes[first_of(r, e->name)].type);
        printf(")");
    }
    if (e->a >= 0)
        print_width(r, e->a);
    if (e->b >= 0)
        print_width(r, e->b);
}

static void print_expr(const rule *r, int k);

static void print_comparison(const rule *r, const expr *e)
{
    const char *op = e->op == '=' ? "==" : e->op == 'N' ? "!=" : strchr("<i", e->op) ? "<"
                     : strchr("lI", e->op) ? "<=" : strchr(">j", e->op) ? ">" : ">=";
    bool is_signed = strchr("ijIJ", e->op) != NULL;
    int sides[2] = { e->a, e->b };

    printf("(");
    for (int k = 0; k < 2; k++) {
        printf(is_signed ? "as_signed(" : "(");
        print_expr(r, sides[k]);
        printf(is_signed ? ", mask_of(T)" : " & (mask_of(T)");
        print_width(r, e->a);
        print_width(r, e->b);
        printf(is_signed ? ")" : "))");
        if (k == 0)
            printf(" %s ", op);
    }
    printf(")");
}

static void print_function(const rule *r, const expr *e)
{
    if (e->arg[0]) {
        int value = first_of(r, e->arg);
        if (strcmp(e->name, "zero") == 0) {
            printf("jit_graph_zeros(g, v%d)", value);
        } else if (strcmp(e->name, "known_zero") == 0) {
            printf("!(");
            print_expr(r, e->a);
            printf(" & mask_of(value_type(g->f, v%d)) & ~jit_graph_zeros(g, v%d))", value, value);
        } else {
            printf(strcmp(e->name, "mask") == 0 ? "mask_of(" : "(uint64_t)jit_type_bits(");
            print_type(r, class_of(r, e->arg));
            printf(")");
        }
        return;
    }
    if (strcmp(e->name, "sh") == 0) {
        printf("(");
        print_expr(r, e->a);
        printf(" & (jit_type_bits(T) - 1))");
        return;
    }
    printf("%s_of(", e->name); /* low_of, log2_of, pow2_of, lz_of */
    print_expr(r, e->a);
    printf(strcmp(e->name, "low") == 0 ? ")" : " & mask_of(T))");
}

static void print_expr(const rule *r, int k)
{
    const expr *e = &r->exprs[k];
    static const struct { char op; const char *text; } plain[] = {
        { '*', "*" }, { '+', "+" }, { '-', "-" }, { '&', "&" }, { '^', "^" }, { '|', "|" },
        { 'A', "&&" }, { 'O', "||" },
    };

    switch (e->op) {
    case '0':
        printf("UINT64_C(%llu)", (unsigned long long)e->number);
        return;
    case 'n':
        if (strcmp(e->name, "w") == 0)
            printf("(uint64_t)jit_type_bits(T)");
        else if (strcmp(e->name, "ones") == 0)
            printf("mask_of(T)");
        else if (strcmp(e->name, "smin") == 0)
            printf("(mask_of(T) ^ mask_of(T) >> 1)");
        else if (strcmp(e->name, "smax") == 0)
            printf("(mask_of(T) >> 1)");
        else if (first_of(r, e->name) >= 0)
            printf("c%d", first_of(r, e->name));
        else {
            printf("(uint64_t)jit_type_bits(");
            print_type(r, class_of(r, e->name));
            printf(")");
        }
        return;
    case 'f':
        print_function(r, e);
        return;
    case 'm':
    case '~':
    case '!':
        printf(e->op == 'm' ? "(0 - " : e->op == '~' ? "(~" : "(!");
        print_expr(r, e->a);
        printf(")");
        return;
    case 'L':
    case 'R':
        printf(e->op == 'L' ? "left_of(" : "right_of(");
        print_expr(r, e->a);
        printf(", ");
        print_expr(r, e->b);
        printf(")");
        return;
    default:
        break;
    }
    for (size_t j = 0; j < sizeof plain / sizeof *plain; j++)
        if (plain[j].op == e->op) {
            printf("(");
            print_expr(r, e->a);
            printf(" %s ", plain[j].text);
            print_expr(r, e->b);
            printf(")");
            return;
        }
    print_comparison(r, e);
}

/* ---- Matching: vK is the value of node K, dK its definition, cK its constant, pK its condition
 * ---- */

static void match_operands(const rule *r, int k);

static void match(const rule *r, int k)
{
    const node *n = &r->nodes[k];

    if (n->annotation[0] && n->type != 0 && r->truth == n->type)
        rulec_die(r->file, r->line, "a truth value needs no type");
    if (n->kind != NODE_OP)
        return;
    printf("        const ir_inst *d%d = definition_of(g->f, v%d);\n", k, k);
    printf("        if (!d%d || d%d->op != JIT_OP_%s", k, k, n->name);
    if (n->cond[0] && !n->cond_is_variable) {
        printf(" || d%d->aux != JIT_", k);
        for (const char *c = n->cond; *c; c++)
            putchar(toupper((unsigned char)*c));
    }
    printf(")\n            break;\n");
    if (n->cond_is_variable)
        printf("        unsigned p%d = d%d->aux;\n        (void)p%d;\n", k, k, k);
    match_operands(r, k);
}

static void match_operands(const rule *r, int k)
{
    const node *n = &r->nodes[k];

    printf("        const uint32_t *a%d = inst_args(g->f, %s%d).at;\n", k, k == r->pattern ? "i" : "d",
           k);
    for (int a = 0; a < n->nargs; a++)
        printf("        uint32_t v%d = a%d[%d];\n        (void)v%d;\n", n->args[a], k, a, n->args[a]);
    for (int a = 0; a < n->nargs; a++)
        match(r, n->args[a]);
}

/* A variable that stands twice is the same value twice. */
static void match_repeated(const rule *r, int k)
{
    const node *n = &r->nodes[k];

    for (int a = 0; a < n->nargs; a++)
        match_repeated(r, n->args[a]);
    if (n->kind <= NODE_CONST && first_of(r, n->name) != k)
        printf("        if (v%d != v%d)\n            break;\n", k, first_of(r, n->name));
}

static void match_constants(const rule *r, int k, bool exprs)
{
    const node *n = &r->nodes[k];

    for (int a = 0; a < n->nargs; a++)
        match_constants(r, n->args[a], exprs);
    if (n->kind == NODE_CONST && !exprs && first_of(r, n->name) == k)
        printf("        uint64_t c%d;\n        if (!jit_fold_constant(g->f, v%d, &c%d))\n"
               "            break;\n        (void)c%d;\n", k, k, k, k);
    if (n->kind == NODE_EXPR && exprs) {
        printf("        uint64_t c%d;\n        if (!jit_fold_constant(g->f, v%d, &c%d)\n"
               "            || (c%d ^ ", k, k, k, k);
        print_expr(r, n->expr);
        printf(") & mask_of(value_type(g->f, v%d)))\n            break;\n", k);
    }
}

/* ---- Making ---- */

static int condition_node(const rule *r, const char *name)
{
    for (int k = 0; k < r->nnodes; k++)
        if (is_pattern_node(r, k) && r->nodes[k].cond_is_variable
            && strcmp(r->nodes[k].cond, name) == 0)
            return k;
    return -1;
}

static void print_aux(const rule *r, const node *n)
{
    if (!n->cond[0]) {
        printf("0");
        return;
    }
    if (!n->cond_is_variable) {
        printf("JIT_");
        for (const char *c = n->cond; *c; c++)
            putchar(toupper((unsigned char)*c));
        return;
    }
    int k = condition_node(r, n->cond);
    if (k < 0)
        rulec_die(r->file, r->line, "the condition %s is not in the pattern", n->cond);
    if (n->change[0])
        printf("%s_condition(p%d)", n->change, k);
    else
        printf("p%d", k);
}

/* Types are read before anything is made, for that may move what they are read from. */
static void print_types(const rule *r, int k)
{
    const node *n = &r->nodes[k];

    for (int a = 0; a < n->nargs; a++)
        print_types(r, n->args[a]);
    if (n->kind == NODE_OP || n->kind == NODE_EXPR) {
        printf("        jit_type t%d = ", k);
        print_type(r, n->kind == NODE_OP ? n->control : n->type);
        printf(";\n");
    }
}

static void make(const rule *r, int k)
{
    const node *n = &r->nodes[k];

    if (n->kind <= NODE_CONST) {
        printf("        uint32_t m%d = v%d;\n", k, first_of(r, n->name));
        return;
    }
    if (n->kind == NODE_EXPR) {
        printf("        uint32_t m%d = jit_graph_iconst(g, t%d, ", k, k);
        print_expr(r, n->expr);
        printf(");\n");
        return;
    }
    for (int a = 0; a < n->nargs; a++)
        make(r, n->args[a]);
    printf("        uint32_t m%d = jit_graph_op(g, JIT_OP_%s, t%d, ", k, n->name, k);
    print_aux(r, n);
    for (int a = 0; a < MAX_ARGS; a++)
        if (a < n->nargs)
            printf(", m%d", n->args[a]);
        else
            printf(", 0");
    printf(");\n");
}

/* Constants of expressions in the replacement are computed before anything is made, too: they
 * only read locals, except for what is known of values, which does not change. */
static void emit_rule(const rule *r)
{
    const node *root = &r->nodes[r->pattern];

    printf("    do { /* %s */\n", r->name);
    if (root->cond[0] && !root->cond_is_variable) {
        printf("        if (i->aux != JIT_");
        for (const char *c = root->cond; *c; c++)
            putchar(toupper((unsigned char)*c));
        printf(")\n            break;\n");
    }
    if (root->cond_is_variable)
        printf("        unsigned p%d = i->aux;\n        (void)p%d;\n", r->pattern, r->pattern);
    printf("        const ir_inst *i%d = i;\n", r->pattern);
    match_operands(r, r->pattern);
    match_repeated(r, r->pattern);
    match_constants(r, r->pattern, false);
    match_constants(r, r->pattern, true);
    if (r->is_fact) {
        printf("        zeros |= ");
        print_expr(r, r->fact);
        printf(";\n    } while (0);\n");
        return;
    }
    if (r->condition >= 0) {
        printf("        if (!");
        const expr *e = &r->exprs[r->condition];
        bool bare = e->op != 'f' && e->op != 'n';
        printf(bare ? "" : "(");
        print_expr(r, r->condition);
        printf(bare ? ")\n            break;\n" : "))\n            break;\n");
    }
    print_types(r, r->replacement);
    make(r, r->replacement);
    printf("        return m%d;\n    } while (0);\n", r->replacement);
}

static void emit_opcode(const rules *all, int op, bool facts)
{
    bool any = false, in_switch = false;

    for (int k = 0; k < all->n; k++)
        any |= all->at[k]->is_fact == facts && all->at[k]->nodes[all->at[k]->pattern].op == op;
    if (!any)
        return;
    printf("\nstatic %s %s_%s(graph *g, const ir_inst *i)\n{\n    const jit_type T = i->type;\n",
           facts ? "uint64_t" : "uint32_t", facts ? "zeros" : "apply", opcodes[op].name);
    if (facts)
        printf("    uint64_t zeros = 0;\n");
    printf("    (void)T;\n");
    if (!facts)
        printf("    const ir_inst *first = definition_of(g->f, inst_args(g->f, i).at[0]);\n");
    for (int inner = 0; inner < nopcodes && !facts; inner++) {
        bool opened = false;
        for (int k = 0; k < all->n; k++) {
            const rule *r = all->at[k];
            const node *root = &r->nodes[r->pattern];
            const node *arg = &r->nodes[root->args[0]];
            if (r->is_fact || root->op != op || arg->kind != NODE_OP || arg->op != inner)
                continue;
            if (!in_switch)
                printf("    switch (first ? first->op : JIT_OP_none) {\n");
            if (!opened)
                printf("    case JIT_OP_%s:\n", opcodes[inner].name);
            in_switch = opened = true;
            emit_rule(r);
        }
        if (opened)
            printf("        break;\n");
    }
    if (in_switch)
        printf("    default:\n        break;\n    }\n");
    else if (!facts)
        printf("    (void)first;\n");
    for (int k = 0; k < all->n; k++) {
        const rule *r = all->at[k];
        const node *root = &r->nodes[r->pattern];
        if (r->is_fact == facts && root->op == op
            && (facts || r->nodes[root->args[0]].kind != NODE_OP))
            emit_rule(r);
    }
    printf("    return %s;\n}\n", facts ? "zeros" : "0");
}

static void emit_dispatch(const rules *all, bool facts)
{
    printf(facts ? "\nuint64_t jit_rules_zeros(graph *g, const ir_inst *i)\n{\n    switch (i->op) {\n"
                 : "\nuint32_t jit_rules_apply(graph *g, const ir_inst *i)\n{\n    switch (i->op) {\n");
    for (int op = 0; op < nopcodes; op++)
        for (int k = 0; k < all->n; k++)
            if (all->at[k]->is_fact == facts && all->at[k]->nodes[all->at[k]->pattern].op == op) {
                printf("    case JIT_OP_%s: return %s_%s(g, i);\n", opcodes[op].name,
                       facts ? "zeros" : "apply", opcodes[op].name);
                break;
            }
    printf("    default: return 0;\n    }\n}\n");
}

void rulec_emit(const rules *all)
{
    printf("/* Made by tools/rulec of src/opt/rules. */\n#include \"opt/rules.h\"\n#include "
           "\"opt/fold.h\"\n");
    for (int op = 0; op < nopcodes; op++) {
        emit_opcode(all, op, false);
        emit_opcode(all, op, true);
    }
    emit_dispatch(all, false);
    emit_dispatch(all, true);
}
