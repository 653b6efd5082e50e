/* check.c - types of a rule's terms, that its names are bound, and that it makes less of its
 * pattern. */
#include "rulec.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Types: classes of types that are equal. Class 0 is T, the root's controlling type. ---- */

typedef struct typer {
    rule *r;
    int parent[MAX_TYPES];
    int frozen; /* classes of the pattern, which the replacement does not join: conditions say when they
                 * are equal, and the prover looks at that */
} typer;

static int find(typer *t, int k)
{
    while (t->parent[k] != k)
        k = t->parent[k];
    return k;
}

static int new_type(typer *t)
{
    if (t->r->ntypes == MAX_TYPES)
        rulec_die(t->r->file, t->r->line, "too many types");
    t->parent[t->r->ntypes] = t->r->ntypes;
    return t->r->ntypes++;
}

static int truth(typer *t)
{
    if (t->r->truth < 0)
        t->r->truth = new_type(t);
    return find(t, t->r->truth);
}

static void same(typer *t, int a, int b)
{
    a = find(t, a);
    b = find(t, b);
    if (a < t->frozen && b < t->frozen)
        return;
    if (a < b) /* T stays the one that stands for its class */
        t->parent[b] = a;
    else
        t->parent[a] = b;
}

static int named(typer *t, const char *name)
{
    rule *r = t->r;

    for (int k = 0; k < r->ntypes; k++)
        if (strcmp(r->type_name[k], name) == 0)
            return find(t, k);
    int k = new_type(t);
    strcpy(r->type_name[k], name);
    return k;
}

static bool bound(const rule *r, int k, const char *name, int *where)
{
    for (int j = 0; j < k; j++)
        if (r->nodes[j].kind <= NODE_CONST && strcmp(r->nodes[j].name, name) == 0) {
            *where = j;
            return true;
        }
    return false;
}

/* Gives the term its type class and all below theirs. Letters: see jit_opcodes.def. */
static void type_term(typer *t, int k, int type, int root)
{
    rule *r = t->r;
    node *n = &r->nodes[k];
    int other;

    if (n->annotation[0])
        same(t, type, named(t, n->annotation));
    n->type = type;
    if (n->kind <= NODE_CONST && bound(r, k, n->name, &other) && r->nodes[other].type >= 0)
        same(t, r->nodes[other].type, type);
    if (n->kind != NODE_OP)
        return;
    const opcode *o = &opcodes[n->op];
    const char *from = o->rule, *to = strchr(o->rule, '>') + 1;
    if (to - 1 - from != n->nargs)
        rulec_die(r->file, r->line, "%s takes %d operands", o->name, (int)(to - 1 - from));
    if (*to == 'C' || *to == 'a') { /* a truth value: the controlling type is the first operand's */
        same(t, type, truth(t));
        n->control = k == root && root == r->pattern ? 0 : new_type(t);
    } else
        n->control = type;
    for (int a = 0; a < n->nargs; a++) {
        const node *arg = &r->nodes[n->args[a]];
        int own = n->control;
        if (from[a] == 'a')
            own = truth(t);
        else if (from[a] != 'T' && arg->kind == NODE_EXPR && root != r->pattern)
            own = n->control; /* an amount that is made */
        else if (from[a] != 'T') /* any integer, a narrower or a wider one */
            own = arg->kind <= NODE_CONST && bound(r, n->args[a], arg->name, &other)
                  ? r->nodes[other].type : new_type(t);
        else if (arg->kind <= NODE_CONST && bound(r, n->args[a], arg->name, &other)
                 && r->nodes[other].type >= 0)
            same(t, own, r->nodes[other].type);
        type_term(t, n->args[a], own, root);
    }
}

static void infer(rule *r)
{
    typer t = { .r = r };

    r->truth = -1;
    strcpy(r->type_name[new_type(&t)], "T");
    node *root = &r->nodes[r->pattern];
    if (root->kind != NODE_OP)
        rulec_die(r->file, r->line, "a pattern is an operation");
    const char *to = strchr(opcodes[root->op].rule, '>') + 1;
    bool is_truth = *to == 'C' || *to == 'a';
    type_term(&t, r->pattern, is_truth ? truth(&t) : 0, r->pattern);
    t.frozen = r->ntypes;
    if (r->replacement >= 0)
        type_term(&t, r->replacement, is_truth ? truth(&t) : 0, r->replacement);
    for (int k = 0; k < r->nnodes; k++) {
        if (r->nodes[k].type >= 0)
            r->nodes[k].type = find(&t, r->nodes[k].type);
        if (r->nodes[k].control >= 0)
            r->nodes[k].control = find(&t, r->nodes[k].control);
    }
    for (int k = 0; k < r->ntypes; k++) /* the name of a class that went into another one */
        if (find(&t, k) != k && r->type_name[k][0] && !r->type_name[find(&t, k)][0])
            strcpy(r->type_name[find(&t, k)], r->type_name[k]);
    if (r->truth >= 0)
        r->truth = find(&t, r->truth);
}

/* ---- Names ---- */

static bool in_pattern(const rule *r, int k, const char *name, node_kind kind)
{
    const node *n = &r->nodes[k];

    if (n->kind == kind && strcmp(n->name, name) == 0)
        return true;
    for (int a = 0; a < n->nargs; a++)
        if (in_pattern(r, n->args[a], name, kind))
            return true;
    return false;
}

static void check_names(const rule *r, int k)
{
    const node *n = &r->nodes[k];

    if (n->kind <= NODE_CONST && !in_pattern(r, r->pattern, n->name, n->kind))
        rulec_die(r->file, r->line, "%s is not in the pattern", n->name);
    for (int a = 0; a < n->nargs; a++)
        check_names(r, n->args[a]);
}

static void check_expr(const rule *r, int k)
{
    static const char *const known[] = { "w", "ones", "smin", "smax", "T" };
    static const char *const functions[] = { "sh", "log2", "pow2", "low", "lz" };
    const expr *e = &r->exprs[k];
    bool ok = e->op != 'n' && e->op != 'f';

    for (size_t j = 0; e->op == 'n' && j < sizeof known / sizeof *known; j++)
        ok |= strcmp(e->name, known[j]) == 0;
    for (int j = 0; e->op == 'n' && j < r->ntypes; j++)
        ok |= strcmp(e->name, r->type_name[j]) == 0;
    ok |= e->op == 'n' && in_pattern(r, r->pattern, e->name, NODE_CONST);
    for (size_t j = 0; e->op == 'f' && !e->arg[0] && j < sizeof functions / sizeof *functions; j++)
        ok |= strcmp(e->name, functions[j]) == 0;
    if (e->op == 'f' && e->arg[0])
        ok = in_pattern(r, r->pattern, e->arg, NODE_VALUE)
             || in_pattern(r, r->pattern, e->arg, NODE_CONST);
    for (int j = 0; e->arg[0] && j < r->ntypes; j++)
        ok |= strcmp(e->arg, r->type_name[j]) == 0;
    if (!ok)
        rulec_die(r->file, r->line, "%s%s%s is not known here", e->name, e->arg[0] ? " of " : "",
                  e->arg);
    if (e->a >= 0)
        check_expr(r, e->a);
    if (e->b >= 0)
        check_expr(r, e->b);
}

/* ---- Less ---- */

/* What an operation weighs: each rewrite makes the whole lighter, so that no chain of them can
 * run in a circle, and a form that one rule makes is never undone by another. Roughly cycles,
 * and within a tie the form that more rules know how to go on with is the lighter one. */
static int weight_of(const node *n)
{
    static const struct { const char *name; int weight; } weights[] = {
        { "ireduce", 1 }, { "ishl", 2 }, { "ushr", 2 }, { "sshr", 2 }, { "rotl", 2 }, { "rotr", 3 },
        { "icmp", 3 }, { "uextend", 3 }, { "sextend", 4 }, { "iadd", 3 }, { "isub", 4 },
        { "ineg", 3 }, { "bnot", 3 }, { "band", 3 }, { "bor", 3 }, { "bxor", 4 }, { "bmask", 5 },
        { "select", 5 }, { "umin", 5 }, { "umax", 5 }, { "smin", 5 }, { "smax", 5 }, { "iabs", 5 },
        { "imul", 10 }, { "umulhi", 12 }, { "smulhi", 12 }, { "udiv", 40 }, { "sdiv", 40 },
        { "urem", 40 }, { "srem", 40 }, { "bitrev", 9 },
    };
    int weight = 6;

    for (size_t k = 0; k < sizeof weights / sizeof *weights; k++)
        if (strcmp(n->name, weights[k].name) == 0)
            weight = weights[k].weight;
    return weight - (strcmp(n->cond, "eq") == 0 || strcmp(n->cond, "ne") == 0);
}

static int weigh(const rule *r, int k)
{
    const node *n = &r->nodes[k];
    int sum = 0;

    if (n->kind != NODE_OP)
        return 0;
    for (int a = 0; a < n->nargs; a++)
        sum += weigh(r, n->args[a]);
    node_kind first = r->nodes[n->args[0]].kind; /* a constant belongs on the right */
    return sum + weight_of(n) + (n->nargs == 2 && (first == NODE_CONST || first == NODE_EXPR));
}

void rulec_check(rule *r)
{
    infer(r);
    if (r->condition >= 0)
        check_expr(r, r->condition);
    if (r->fact >= 0)
        check_expr(r, r->fact);
    for (int k = 0; k < r->nnodes; k++)
        if (r->nodes[k].expr >= 0)
            check_expr(r, r->nodes[k].expr);
    if (r->replacement < 0)
        return;
    check_names(r, r->replacement);
    int before = weigh(r, r->pattern), after = weigh(r, r->replacement);
    if (after >= before)
        rulec_die(r->file, r->line, "%s makes %d of %d: it could run in a circle with another rule",
                  r->name, after, before);
}

/* ---- All rules ---- */

/* Whether every term that b's pattern matches is one that a's matches, conditions apart. */
static bool covers(const rule *a, int x, const rule *b, int y, const char *binding[MAX_NODES])
{
    const node *m = &a->nodes[x], *n = &b->nodes[y];

    if (m->kind == NODE_VALUE || m->kind == NODE_CONST) {
        if (m->kind == NODE_CONST && n->kind != NODE_CONST && n->kind != NODE_EXPR)
            return false;
        for (int k = 0; k < x; k++) /* the same variable once more: only when b has the same there */
            if (a->nodes[k].kind == m->kind && strcmp(a->nodes[k].name, m->name) == 0)
                return n->kind <= NODE_CONST && binding[k] && strcmp(binding[k], n->name) == 0;
        binding[x] = n->kind <= NODE_CONST ? n->name : NULL;
        return !m->annotation[0];
    }
    if (m->kind == NODE_EXPR)
        return n->kind == NODE_EXPR && a->exprs[m->expr].op == '0' && b->exprs[n->expr].op == '0'
               && a->exprs[m->expr].number == b->exprs[n->expr].number;
    if (n->kind != NODE_OP || m->op != n->op || strcmp(m->cond, n->cond) != 0)
        return false;
    for (int k = 0; k < m->nargs; k++)
        if (!covers(a, m->args[k], b, n->args[k], binding))
            return false;
    return true;
}

void rulec_check_all(const rules *all)
{
    for (int i = 0; i < all->n; i++) {
        const rule *b = all->at[i];
        for (int j = 0; j < i; j++) {
            const rule *a = all->at[j];
            const char *binding[MAX_NODES] = { NULL };
            if (!b->swapped && strcmp(a->name, b->name) == 0)
                rulec_die(b->file, b->line, "%s is the name of a rule in line %d", b->name, a->line);
            if (!a->is_fact && !b->is_fact && !b->swapped && a->condition < 0
                && covers(a, a->pattern, b, b->pattern, binding))
                rulec_die(b->file, b->line, "%s is never reached: %s in line %d takes all of it",
                          b->name, a->name, a->line);
        }
    }
}

/* ---- Commutative operands ---- */

/* Constants stand on the right already, so only what is none has to be looked for on both sides. */
static bool wants_twin(const rule *r, int k)
{
    const node *n = &r->nodes[k];

    if (n->kind != NODE_OP || !(opcodes[n->op].props & OP_COMMUTES) || n->nargs != 2)
        return false;
    const node *a = &r->nodes[n->args[0]], *b = &r->nodes[n->args[1]];
    if (a->kind == NODE_CONST || b->kind == NODE_CONST || a->kind == NODE_EXPR
        || b->kind == NODE_EXPR)
        return false;
    return !(a->kind == NODE_VALUE && b->kind == NODE_VALUE && k == r->pattern
             && strcmp(a->name, b->name) == 0);
}

static bool is_in_pattern(const rule *r, int k)
{
    return r->replacement < 0 || k < r->replacement; /* patterns are read first */
}

void rulec_expand(rules *all)
{
    rules out = { NULL, 0, 0 };

    for (int i = 0; i < all->n; i++) {
        int commutes[MAX_NODES], n = 0;
        for (int k = 0; k < all->at[i]->nnodes; k++)
            if (is_in_pattern(all->at[i], k) && wants_twin(all->at[i], k))
                commutes[n++] = k;
        for (unsigned twin = 0; twin < 1u << n; twin++) {
            rule *r = malloc(sizeof *r);
            if (out.n == out.cap) {
                out.cap = out.cap ? 2 * out.cap : 512;
                out.at = realloc(out.at, (size_t)out.cap * sizeof *out.at);
            }
            if (!r || !out.at)
                rulec_die(all->at[i]->file, 0, "no memory");
            *r = *all->at[i];
            for (int k = 0; k < n; k++)
                if (twin >> k & 1) {
                    node *c = &r->nodes[commutes[k]];
                    int x = c->args[0];
                    c->args[0] = c->args[1];
                    c->args[1] = x;
                    r->swapped = true;
                }
            out.at[out.n++] = r;
        }
    }
    *all = out;
}
