/* wasm.c - the command `gantry wasm`: loads modules, or hands over to the commands of stdin. */
#include "wasm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__x86_64__)
static const char host[] = "x86_64";
#else
static const char host[] = "aarch64";
#endif

bool tool_read_file(const char *path, wasm_byte_vec_t *out)
{
    FILE *f = fopen(path, "rb");
    size_t n = 0, room = 1 << 16;
    char *data = f ? malloc(room) : NULL;

    wasm_byte_vec_new_empty(out);
    while (data) {
        n += fread(data + n, 1, room - n, f);
        if (n < room)
            break;
        char *more = room <= SIZE_MAX / 2 ? realloc(data, room * 2) : NULL;
        if (!more)
            free(data);
        data = more;
        room *= 2;
    }
    bool good = data && !ferror(f);
    if (f)
        fclose(f);
    if (good) {
        out->size = n;
        out->data = data;
    } else {
        free(data);
        errno = errno ? errno : ENOMEM;
    }
    return good;
}

bool tool_wasm_is_host(const char *arch)
{
    return strcmp(arch, host) == 0;
}

bool tool_wasm_option(wasm_config_t *c, const char *word)
{
    if (word[0] == '-' && word[1] == 'O' && word[2] >= '0' && word[2] <= '3' && word[3] == 0)
        gantry_wasm_config_level(c, (unsigned)(word[2] - '0'));
    else if (strcmp(word, "--explicit-bounds") == 0)
        gantry_wasm_config_explicit_bounds(c, true);
    else if (strcmp(word, "--nan-canonical") == 0)
        gantry_wasm_config_nan_canonical(c, true);
    else if (strcmp(word, "--check") == 0)
        gantry_wasm_config_checks(c, 3);
    else
        return false;
    return true;
}

static int misuse(const char *what)
{
    fprintf(stderr,
            "gantry: wasm: this makes no sense here: %s\n"
            "usage: gantry wasm [--target ARCH] [-O0|-O1|-O2|-O3] [--explicit-bounds] "
            "[--nan-canonical]\n"
            "                   [--check] --commands | FILE.wasm...\n",
            what);
    return 2;
}

/* Decodes, validates and compiles; one line for each file. */
static int load(wasm_store_t *s, const char *path)
{
    wasm_byte_vec_t bytes;
    gantry_wasm_error e;
    wasm_module_t *m;

    if (!tool_read_file(path, &bytes)) {
        printf("%s:0: error: cannot read it: %s\n", path, strerror(errno));
        return 2;
    }
    m = gantry_wasm_module_new(s, &bytes, &e);
    wasm_byte_vec_delete(&bytes);
    if (m) {
        wasm_module_delete(m);
        printf("%s: ok\n", path);
    } else {
        printf("%s:%zu: error: %s\n", path, e.offset == SIZE_MAX ? 0 : e.offset, e.text);
    }
    return m ? 0 : 2;
}

int tool_wasm(int argc, char **argv)
{
    wasm_config_t *config = wasm_config_new();
    bool commands = false;
    int files = 0, status = 0;

    for (int k = 0; k < argc && config; k++) {
        if (strcmp(argv[k], "--commands") == 0) {
            commands = true;
        } else if (strcmp(argv[k], "--target") == 0 && k + 1 < argc) {
            if (!tool_wasm_is_host(argv[++k])) {
                fprintf(stderr, "gantry: modules run on the host only, %s\n", host);
                wasm_config_delete(config);
                return 2;
            }
        } else if (argv[k][0] != '-') {
            argv[files++] = argv[k];
        } else if (!tool_wasm_option(config, argv[k])) {
            wasm_config_delete(config);
            return misuse(argv[k]);
        }
    }
    if (!commands && files == 0) {
        wasm_config_delete(config);
        return misuse("no file");
    }
    wasm_engine_t *engine = wasm_engine_new_with_config(config);
    wasm_store_t *store = engine ? wasm_store_new(engine) : NULL;
    if (!store) {
        fprintf(stderr, "gantry: out of memory\n");
        status = 2;
    }
    for (int k = 0; k < files && store; k++)
        status |= load(store, argv[k]);
    wasm_store_delete(store);
    if (commands && status == 0)
        status = tool_wasm_commands(engine);
    wasm_engine_delete(engine);
    return status;
}
