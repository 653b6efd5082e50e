/* reader.c - any bytes may be read as CLIF: nothing crashes, and what was read and printed reads
 * back as the same text. */
#include "gantry/jit_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *print(const char *text, size_t n, size_t *length, jit_status *status)
{
    jit_module *m;
    char *printed;

    *status = jit_module_read(NULL, text, n, &m, NULL, NULL);
    if (!m)
        abort();
    printed = jit_module_print(m, length);
    jit_module_free(m);
    return printed;
}

/* A value of any type in the same bytes. */
static void read_values(const char *text, size_t n)
{
    for (unsigned t = 0; t < 256; t++) {
        const char *at = text, *error = "";
        size_t left = n < 512 ? n : 512;
        uint8_t bytes[16], again[16];
        char buffer[256];
        if (!jit_text_value((jit_type)t, &at, &left, bytes, &error))
            continue;
        left = jit_text_print_value((jit_type)t, bytes, buffer, sizeof buffer);
        at = buffer;
        if (left >= sizeof buffer || !jit_text_value((jit_type)t, &at, &left, again, &error)
            || left != 0 || memcmp(bytes, again, 16) != 0)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1), *first, *second;
    size_t n = 0, m = 0;
    jit_status status;

    if (!copy)
        return 0;
    memcpy(copy, data, size);
    copy[size] = 0;
    first = print(copy, size, &n, &status);
    second = first ? print(first, n, &m, &status) : NULL;
    if (second && (status != JIT_OK || m != n || memcmp(first, second, n) != 0)) {
        fprintf(stderr, "printed first:\n%s\nthen:\n%s\n", first, second);
        abort();
    }
    jit_string_free(NULL, first);
    jit_string_free(NULL, second);
    read_values(copy, size);
    free(copy);
    return 0;
}
