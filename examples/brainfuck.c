/* brainfuck.c - a complete Brainfuck VM on Gantry's public API: a parser, a plain interpreter, and
 * a JIT whose output is held against the interpreter's.
 *
 *   brainfuck [-O0 | -O1] [--clif] [--asm] [FILE]     no FILE: the program below; input: stdin
 *
 * The language: cells of 8 bits that wrap, a tape that begins with 255 of them and grows to the
 * right up to TAPE_MAX, an error when the program moves left of the first cell; `,` at the end of
 * the input stores 0; every other character is a comment. */
#include <gantry/jit.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Computes a power of two by doubling a decimal number, one group of four cells a digit, the last
 * digit first: F (1 where there is a digit), D (the digit), C (the carry that comes in) and T.
 * The group before the first digit has F = 0 and holds the loop counters instead. */
static const char power_of_two[] =
    ">>>>+>+<<<<            one digit of value 1; now at the outer counter\n"
    "++++++++++++++++[->    16 times\n"
    "  ------[-             250 times (0 minus 6 wraps)\n"
    "    >>[                for each digit\n"
    "      >[->>++<<]>[->+<]>        T = 2D plus C\n"
    "      [-<<+>>[-<<+>>[-<<+>>[-<<+>>[-<<+>>      back to D; count to ten on the way\n"
    "      [-<<+>>[-<<+>>[-<<+>>[-<<+>>[-<<\n"
    "        ---------                              the tenth: D = 0 and a carry for the next\n"
    "        >>>>>+<<<[-<<+>>]                      then what is left of T\n"
    "      ]]]]]]]]]]>\n"
    "    ]>>[-<+<+>>]<<     a carry out of the last digit makes a new one\n"
    "    <<<<[<<<<]>>       back to the inner counter\n"
    "  ]<\n"
    "]<>>>>[>>>>]<<<<       the first digit to be printed is the last group\n"
    "[>>++++++++[-<++++++>]<.<<<<<]++++++++++.\n";

enum { TAPE_START = 256, TAPE_MAX = 1 << 26 };

/* ---- The program ---- */

typedef struct {
    char command;
    uint32_t match; /* of a bracket: index of its partner */
    size_t at;      /* offset in the source */
} op;

typedef struct {
    const char *name;
    char *source, *input; /* input is NULL for a program that reads none */
    size_t ninput;
    op *ops;
    uint32_t nops;
} program;

static void *checked(void *memory)
{
    if (!memory) {
        fprintf(stderr, "brainfuck: out of memory\n");
        exit(1);
    }
    return memory;
}

static bool complain(const program *p, size_t at, const char *what)
{
    unsigned line = 1, column = 1;

    for (size_t i = 0; i < at; i++) {
        column = p->source[i] == '\n' ? 1 : column + 1;
        line += p->source[i] == '\n';
    }
    fprintf(stderr, "%s:%u:%u: %s\n", p->name, line, column, what);
    return false;
}

static bool parse(program *p)
{
    size_t length = strlen(p->source);
    uint32_t open = 0; /* index + 1 of the innermost [ so far; its match is the one around it */

    p->ops = checked(calloc(length + 1, sizeof *p->ops));
    for (size_t at = 0; at < length; at++) {
        if (!strchr("+-<>.,[]", p->source[at]))
            continue;
        uint32_t i = p->nops++;
        op *o = &p->ops[i];
        *o = (op){ .command = p->source[at], .at = at };
        if (o->command == '[') {
            o->match = open;
            open = i + 1;
        } else if (o->command == ']') {
            if (!open)
                return complain(p, at, "this ] closes nothing");
            o->match = open - 1;
            open = p->ops[o->match].match;
            p->ops[o->match].match = i;
        }
    }
    return !open || complain(p, p->ops[open - 1].at, "this [ is never closed");
}

/* ---- The machine that all engines run on ---- */

typedef struct {
    uint8_t *before, *end; /* the bytes beside the tape: the first cell is before[1] */
    const program *program;
    const char *error; /* why it stopped early */
    char *output;
    size_t noutput, output_room, input_at;
    int64_t stopped_at; /* index of a command; nops: it ran to the end */
    double seconds;     /* that it ran */
} machine;

typedef int64_t (*engine)(machine *m); /* returns what stopped_at becomes */

/* Called when the program has left the tape, at cell. Beyond the end, makes the tape longer and
 * returns where the cell is now; else, and when the tape may not grow any more, NULL. */
static uint8_t *leave_tape(machine *m, uint8_t *cell)
{
    size_t size = (size_t)(m->end - m->before);

    m->error = cell == m->before ? "left of the first cell" : size >= TAPE_MAX ? "tape full" : NULL;
    if (m->error)
        return NULL;
    m->before = checked(realloc(m->before, 2 * size + 1));
    m->end = m->before + 2 * size;
    return memset(m->before + size, 0, size);
}

static void put_byte(machine *m, uint8_t byte)
{
    if (m->noutput == m->output_room) {
        m->output_room = 2 * m->output_room + 4096;
        m->output = checked(realloc(m->output, m->output_room));
    }
    m->output[m->noutput++] = (char)byte;
}

static uint8_t get_byte(machine *m)
{
    return m->input_at < m->program->ninput ? (uint8_t)m->program->input[m->input_at++] : 0;
}

static double now(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static machine run(const program *p, engine run_on)
{
    machine m = { .before = checked(calloc(TAPE_START + 1, 1)), .program = p };
    double began = now();

    m.end = m.before + TAPE_START;
    m.stopped_at = run_on(&m);
    m.seconds = now() - began;
    return m;
}

static void free_machine(machine *m)
{
    free(m->before);
    free(m->output);
}

static bool equal(const machine *a, const machine *b)
{
    size_t size = (size_t)(a->end - a->before);

    return a->stopped_at == b->stopped_at && a->noutput == b->noutput
        && (a->noutput == 0 || memcmp(a->output, b->output, a->noutput) == 0)
        && size == (size_t)(b->end - b->before) && memcmp(a->before, b->before, size) == 0;
}

/* ---- The interpreter: what the commands mean ---- */

static int64_t interpret(machine *m)
{
    const program *p = m->program;
    uint8_t *cell = m->before + 1;

    for (uint32_t i = 0; i < p->nops; i++) {
        const op *o = &p->ops[i];
        switch (o->command) {
        case '+': ++*cell; break;
        case '-': --*cell; break;
        case '.': put_byte(m, *cell); break;
        case ',': *cell = get_byte(m); break;
        case '[': i = *cell ? i : o->match; break;
        case ']': i = *cell ? o->match : i; break;
        case '>':
            if (++cell == m->end && !(cell = leave_tape(m, cell)))
                return i;
            break;
        case '<':
            if (--cell == m->before && !(cell = leave_tape(m, cell)))
                return i;
            break;
        }
    }
    return p->nops;
}

/* ---- The compiler: int64_t run(machine *m) ---- */

typedef struct {
    jit_builder *b;
    jit_value machine;
    jit_var cell, stopped_at;
    jit_block stop; /* returns stopped_at */
    jit_fnref leave_tape, put_byte, get_byte;
} compiler;

typedef struct {
    jit_block body, after;
} loop;

/* The tape and the machine are memory of ours: no access to them can fault. */
static const jit_mem ours = { .bits = JIT_MEM_NOTRAP };

static jit_value field(compiler *c, size_t offset)
{
    return jit_load(c->b, JIT_I64, ours, c->machine, (int32_t)offset);
}

static jit_value get_cell(compiler *c)
{
    return jit_load(c->b, JIT_I8, ours, jit_var_get(c->b, c->cell), 0);
}

static void set_cell(compiler *c, jit_value v)
{
    jit_store(c->b, ours, v, jit_var_get(c->b, c->cell), 0);
}

/* Goes on in a block that will get no more predecessors than it has. */
static void continue_in(compiler *c, jit_block block)
{
    jit_block_seal(c->b, block);
    jit_block_start(c->b, block);
}

/* The i-th command moves by +1 or -1; edge is where the tape ends on that side. */
static void move_cell(compiler *c, uint32_t i, int64_t by, jit_value edge)
{
    jit_block off = jit_block_new(c->b), next = jit_block_new(c->b);
    jit_value from = jit_var_get(c->b, c->cell);
    jit_value to = jit_iadd(c->b, from, jit_iconst(c->b, JIT_I64, by));

    jit_var_set(c->b, c->cell, to);
    jit_brif(c->b, jit_icmp(c->b, JIT_EQ, to, edge), off, next);

    jit_block_cold(c->b, off);
    continue_in(c, off);
    jit_inst call = jit_call(c->b, c->leave_tape, 2, (jit_value[]){ c->machine, to });
    jit_value moved = jit_result(c->b, call, 0);
    jit_var_set(c->b, c->cell, moved);
    jit_var_set(c->b, c->stopped_at, jit_iconst(c->b, JIT_I64, i));
    jit_brif(c->b, moved, next, c->stop);
    continue_in(c, next);
}

/* A loop is tested at both ends, so that each turn costs one branch. */
static loop open_loop(compiler *c)
{
    loop l = { jit_block_new(c->b), jit_block_new(c->b) };

    jit_brif(c->b, get_cell(c), l.body, l.after);
    jit_block_start(c->b, l.body); /* sealed when its end is known */
    return l;
}

static void close_loop(compiler *c, loop l)
{
    jit_brif(c->b, get_cell(c), l.body, l.after);
    jit_block_seal(c->b, l.body);
    continue_in(c, l.after);
}

static void translate(compiler *c, const program *p)
{
    jit_builder *b = c->b;
    loop *loops = checked(calloc(p->nops + 1, sizeof *loops));
    uint32_t depth = 0;

    for (uint32_t i = 0; i < p->nops; i++) {
        switch (p->ops[i].command) {
        case '+': set_cell(c, jit_iadd(b, get_cell(c), jit_iconst(b, JIT_I8, 1))); break;
        case '-': set_cell(c, jit_iadd(b, get_cell(c), jit_iconst(b, JIT_I8, -1))); break;
        case '.': jit_call(b, c->put_byte, 2, (jit_value[]){ c->machine, get_cell(c) }); break;
        case ',': set_cell(c, jit_result(b, jit_call(b, c->get_byte, 1, &c->machine), 0)); break;
        case '>': move_cell(c, i, 1, field(c, offsetof(machine, end))); break;
        case '<': move_cell(c, i, -1, field(c, offsetof(machine, before))); break;
        case '[': loops[depth++] = open_loop(c); break;
        case ']': close_loop(c, loops[--depth]); break;
        }
    }
    free(loops);
}

static jit_func *build(jit_engine *e, const program *p)
{
    jit_func *f = checked(jit_func_new(e, "run", JIT_SIG(JIT_I64, JIT_I64)));
    jit_sigref leave = jit_sig_declare(f, JIT_SIG(JIT_I64, JIT_I64, JIT_I64));
    jit_sigref put = jit_sig_declare(f, JIT_SIG(JIT_VOID, JIT_I64, JIT_I8 | JIT_UEXT));
    jit_sigref get = jit_sig_declare(f, JIT_SIG(JIT_I8, JIT_I64));
    jit_builder *b = checked(jit_build(f));
    compiler c = {
        .b = b, .machine = jit_param(b, 0), .stop = jit_block_new(b),
        .cell = jit_var_new(b, JIT_I64), .stopped_at = jit_var_new(b, JIT_I64),
        .leave_tape = jit_callee_declare(f, "leave_tape", leave, false),
        .put_byte = jit_callee_declare(f, "put_byte", put, false),
        .get_byte = jit_callee_declare(f, "get_byte", get, false),
    };
    jit_value before = field(&c, offsetof(machine, before));

    jit_var_set(b, c.cell, jit_iadd(b, before, jit_iconst(b, JIT_I64, 1)));
    translate(&c, p);
    jit_return(b, jit_iconst(b, JIT_I64, p->nops));
    jit_block_cold(b, c.stop);
    jit_block_start(b, c.stop);
    jit_return(b, jit_var_get(b, c.stopped_at));
    jit_build_end(b); /* an error made above is kept with f and reported by the compile */
    return f;
}

/* ---- Running all ---- */

enum { AT_O0, AT_O1, SHOW_CLIF, SHOW_ASM, NOPTIONS };
static const char usage[] = "brainfuck [-O0 | -O1] [--clif] [--asm] [FILE]";
static const char *const option_names[] = { "-O0", "-O1", "--clif", "--asm" };

static void show(jit_engine *e, char *text)
{
    fputs(checked(text), stdout);
    jit_string_free(e, text);
}

/* Compiles f, runs it, and tells whether it came to what the interpreter came to. */
static bool run_level(jit_engine *e, jit_ctx *ctx, const jit_func *f, int level, bool show_asm,
                      const machine *wanted)
{
    jit_settings settings = { .size = sizeof settings, .level = level == AT_O0 ? JIT_O0 : JIT_O1,
                              .keep_asm = show_asm };
    jit_unit *unit = NULL;
    jit_code *code;
    double began = now();

    if (jit_compile_unit(ctx, f, &settings, &unit) != JIT_OK
        || jit_publish(e, ctx, &unit, 1, &code) != JIT_OK) {
        fprintf(stderr, "brainfuck: %s\n", jit_error_message(ctx));
        jit_unit_free(unit);
        return false;
    }
    double took = now() - began;
    if (show_asm)
        show(e, jit_unit_disassemble(unit, NULL));
    machine m = run(wanted->program, (engine)jit_code_entry(code));
    bool same = equal(&m, wanted);
    fprintf(stderr, "%s         %9.2f ms, %.1f times as fast; compiled in %.2f ms to %zu bytes%s\n",
            option_names[level], m.seconds * 1e3, wanted->seconds / m.seconds, took * 1e3,
            jit_code_size(code), same ? "" : "; WRONG: not what the interpreter did");
    free_machine(&m);
    jit_code_free(code);
    jit_unit_free(unit);
    return same;
}

static bool run_levels(const program *p, const bool options[NOPTIONS], const machine *wanted)
{
    jit_engine *e = checked(jit_engine_new(NULL));
    jit_ctx *ctx = checked(jit_ctx_new(e));
    jit_func *f = build(e, p);
    bool all = !options[AT_O0] && !options[AT_O1], ok = true;

    jit_engine_define_function(e, "leave_tape", JIT_FN(leave_tape));
    jit_engine_define_function(e, "put_byte", JIT_FN(put_byte));
    jit_engine_define_function(e, "get_byte", JIT_FN(get_byte));
    if (options[SHOW_CLIF])
        show(e, jit_func_print(f, NULL));
    for (int level = AT_O0; level <= AT_O1; level++)
        if (all || options[level])
            ok = run_level(e, ctx, f, level, options[SHOW_ASM], wanted) && ok;
    jit_func_free(f);
    jit_ctx_free(ctx);
    jit_engine_free(e);
    return ok;
}

/* All of a file, with a 0 behind it; NULL: there is none. */
static char *read_all(FILE *file, size_t *size)
{
    char *text = NULL;
    size_t room = 0, n = 0;

    if (!file)
        return NULL;
    do {
        room = 2 * room + 4096;
        text = checked(realloc(text, room));
        n += fread(text + n, 1, room - n - 1, file);
    } while (n == room - 1);
    text[n] = '\0';
    *size = n;
    fclose(file);
    return text;
}

static bool run_program(program *p, const bool options[NOPTIONS])
{
    if (!parse(p))
        return false;
    if (strchr(p->source, ','))
        p->input = read_all(stdin, &p->ninput);
    machine m = run(p, interpret);
    if (m.noutput)
        fwrite(m.output, 1, m.noutput, stdout);
    fflush(stdout);
    fprintf(stderr, "interpreter %9.2f ms\n", m.seconds * 1e3);
    bool ok = run_levels(p, options, &m);
    if (m.error)
        ok = complain(p, p->ops[m.stopped_at].at, m.error);
    free_machine(&m);
    return ok;
}

int main(int argc, char **argv)
{
    bool options[NOPTIONS] = { false };
    program p = { .name = "(built in)" };
    size_t size;

    for (int i = 1, k; i < argc; i++) {
        for (k = 0; k < NOPTIONS && strcmp(argv[i], option_names[k]) != 0; k++)
            continue;
        if (k < NOPTIONS) {
            options[k] = true;
        } else if (p.source || !(p.source = read_all(fopen(p.name = argv[i], "rb"), &size))) {
            fprintf(stderr, "brainfuck: cannot read %s; usage: %s\n", argv[i], usage);
            return 2;
        }
    }
    if (!p.source)
        p.source = strcpy(checked(malloc(sizeof power_of_two)), power_of_two);
    bool ok = run_program(&p, options);
    free(p.ops);
    free(p.source);
    free(p.input);
    return ok ? 0 : 1;
}
