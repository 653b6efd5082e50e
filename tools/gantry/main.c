/* main.c - the command `gantry`: reads its options and hands over to a command. */
#include "fuzz.h"
#include "tool.h"
#include "wasm.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: gantry COMMAND [OPTION]... FILE...\n"
    "  test [--target ARCH] [--with FLAG,...] [--emulate] [-O0|-O1|-O2|-O3]\n"
    "       [--interpret] [--all] FILE...\n"
    "                      compile and run each file's run lines\n"
    "  verify FILE...      parse and verify every function, report every fault\n"
    "  print FILE...       print the functions back in canonical CLIF\n"
    "  compile [--target ARCH] [-O0|-O1|-O2|-O3] [-S] [-o FILE] FILE...\n"
    "                      compile every function; -S: disassembly, -o: the code\n"
    "  run [--target ARCH] [--with FLAG,...] [--emulate] [--count] [-O0|-O1|-O2|-O3] FILE [ARG]...\n"
    "                      call the function %main, or else the first\n"
    "  run [-O0|-O1|-O2|-O3] [--dir [GUEST::]DIR] [--env NAME[=VALUE]] [--invoke NAME]\n"
    "      [--threads N] FILE.wasm [ARG]...\n"
    "                      run a WASI command, or call one export\n"
    "  wasm [--target ARCH] [-O0|-O1|-O2|-O3] FILE...\n"
    "                      decode, validate and compile WebAssembly modules\n"
    "  wasm [OPTION]... --commands\n"
    "                      instantiate and call modules by commands on stdin\n"
    "  fuzz [--seed N] [--count M] [OPTION]...\n"
    "                      run random programs everywhere; fuzz --help says more\n"
    "  --version, --help\n";

typedef struct command {
    const char *name;
    int (*run)(const options *o);
    bool options, of_test, of_compile; /* which options it takes */
} command;

static const command commands[] = {
    { "test", tool_test, true, true, false },
    { "verify", tool_verify_command, false, false, false },
    { "print", tool_print, false, false, false },
    { "compile", tool_compile, true, false, true },
    { "run", tool_run, true, false, false }
};

static int misuse(const char *what, const char *word)
{
    fprintf(stderr, "gantry: %s%s%s\n%s", what, word ? " " : "", word ? word : "", usage);
    return 2;
}

static bool set_arch(options *o, const char *name)
{
    if (strcmp(name, "x86_64") == 0)
        o->arch = JIT_ARCH_X86_64;
    else if (strcmp(name, "aarch64") == 0)
        o->arch = JIT_ARCH_AARCH64;
    else
        return false;
    return true;
}

/* Reads the option at argv[*k], and its value; false: it is none that the command takes. */
static bool read_option(const command *c, options *o, int argc, char **argv, int *k)
{
    const char *word = argv[*k], *value = *k + 1 < argc ? argv[*k + 1] : NULL;

    if (c->options && strcmp(word, "--target") == 0 && value) {
        ++*k;
        return set_arch(o, value);
    }
    if (c->options && strncmp(word, "--target=", 9) == 0)
        return set_arch(o, word + 9);
    if (c->options && !c->of_compile && strcmp(word, "--emulate") == 0)
        return o->emulate = true;
    if (c->run == tool_run && strcmp(word, "--count") == 0)
        return o->emulate = o->count = true;
    if (c->options && strcmp(word, "--with") == 0 && value) {
        o->with = value;
        ++*k;
        return true;
    }
    if (c->options && word[1] == 'O' && word[2] >= '0' && word[2] <= '3' && word[3] == 0) {
        o->level = (jit_level)(JIT_O0 + (word[2] - '0'));
        return true;
    }
    if (c->of_test && strcmp(word, "--interpret") == 0)
        return o->interpret = true;
    if (c->of_test && strcmp(word, "--all") == 0)
        return o->all = true;
    if (c->of_compile && strcmp(word, "-S") == 0)
        return o->disassemble = true;
    if (c->of_compile && strcmp(word, "-o") == 0 && value) {
        o->output = value;
        ++*k;
        return true;
    }
    return false;
}

/* Options stand before the files; what follows the file of `run` is the function's. */
static int run_command(const command *c, int argc, char **argv)
{
    options o;
    int n = 0, status;
    bool only_args = false;

    memset(&o, 0, sizeof o);
    o.args = argv;
    for (int k = 0; k < argc; k++) {
        bool is_option = argv[k][0] == '-' && argv[k][1] != 0 && !only_args
                         && !(c->run == tool_run && n > 0);
        if (is_option && strcmp(argv[k], "--") == 0)
            only_args = true;
        else if (!is_option)
            argv[n++] = argv[k]; /* over what was read already */
        else if (!read_option(c, &o, argc, argv, &k))
            return misuse("this makes no sense here:", argv[k < argc ? k : argc - 1]);
    }
    o.nargs = n;
    if (n == 0)
        return misuse("which file?", NULL);
    status = c->run(&o);
    tool_engine_end();
    return status;
}

/* 2 when what was printed did not arrive, as on a full disk. */
static int flushed(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "gantry: cannot write the output\n");
    return 2;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return misuse("which command?", NULL);
    if (strcmp(argv[1], "--version") == 0) {
        printf("gantry %s\nO3 runs as O2: inlining and unrolling are not there yet\n", jit_version());
        return flushed(0);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        fputs(usage, stdout);
        return flushed(0);
    }
    if (strcmp(argv[1], "run") == 0 && tool_is_wasm_run(argc - 2, argv + 2))
        return flushed(tool_wasm_run(argc - 2, argv + 2));
    for (size_t k = 0; k < sizeof commands / sizeof *commands; k++)
        if (strcmp(argv[1], commands[k].name) == 0)
            return flushed(run_command(&commands[k], argc - 2, argv + 2));
    if (strcmp(argv[1], "fuzz") == 0)
        return flushed(tool_fuzz(argc - 2, argv + 2));
    if (strcmp(argv[1], "wasm") == 0)
        return flushed(tool_wasm(argc - 2, argv + 2));
    return misuse("there is no command", argv[1]);
}
