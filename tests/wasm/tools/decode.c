/* decode.c - the command `module` of `gantry wasm --commands` for the decoder alone: one line
 * in, one line out. run_wast.py drives it where only decoding and validation are of interest. */
#include "module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads a whole file; NULL: cannot. */
static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = NULL;
    long n;

    if (!f)
        return NULL;
    if (fseek(f, 0, SEEK_END) == 0 && (n = ftell(f)) >= 0 && fseek(f, 0, SEEK_SET) == 0
        && (bytes = malloc((size_t)n + 1)) != NULL) {
        *size = fread(bytes, 1, (size_t)n, f);
        if (*size != (size_t)n) {
            free(bytes);
            bytes = NULL;
        }
    }
    fclose(f);
    return bytes;
}

static void answer(const char *path)
{
    static const char *const names[] = { [GW_OK] = "ok",
                                         [GW_MALFORMED] = "malformed",
                                         [GW_INVALID] = "invalid",
                                         [GW_UNSUPPORTED] = "unsupported",
                                         [GW_LIMIT] = "unsupported",
                                         [GW_NOMEM] = "error" };
    size_t size = 0;
    uint8_t *bytes = read_file(path, &size);
    gw_module *m = NULL;
    gw_error e;

    if (!bytes) {
        printf("error %s cannot be read\n", path);
        return;
    }
    gw_module_decode(bytes, size, false, &m, &e);
    printf("%s%s%s\n", names[e.status], e.text[0] ? " " : "", e.text);
    gw_module_free(m);
    free(bytes);
}

int main(void)
{
    char line[4096], word[16], name[1024], path[2048];

    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "%15s %1023s %2047s", word, name, path) == 3
            && strcmp(word, "module") == 0)
            answer(path);
        else
            printf("error only `module NAME FILE` is known\n");
        fflush(stdout);
    }
    return 0;
}
