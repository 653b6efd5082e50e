/* fuzz_log.c - the log of campaigns: a table in Markdown with a row for each run. */
#define _POSIX_C_SOURCE 200809L
#include "fuzz.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void describe(const fuzz_campaign *c, char *s, size_t size)
{
    snprintf(s, size, "%ssize %u", c->settings.traps ? "traps, " : "", c->settings.size);
}

uint64_t tool_fuzz_log_next(const fuzz_campaign *c, uint64_t *total)
{
    FILE *f = fopen(c->path, "r");
    char line[512], wanted[64], where[32], settings[64];
    uint64_t next = 1, first, count, functions;

    *total = 0;
    if (!f)
        return next;
    describe(c, wanted, sizeof wanted);
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "| %*[^|] | %*[^|] | %31[a-z] | %63[^|] | %" SCNu64 " | %" SCNu64
                         " | %" SCNu64, where, settings, &first, &count, &functions) != 5
            || strcmp(where, c->where) != 0)
            continue;
        *total += functions;
        for (size_t n = strlen(settings); n > 0 && settings[n - 1] == ' '; n--)
            settings[n - 1] = 0;
        if (strcmp(settings, wanted) == 0 && first + count > next)
            next = first + count;
    }
    fclose(f);
    return next;
}

bool tool_fuzz_log_add(const fuzz_campaign *c)
{
    FILE *f = fopen(c->path, "a");
    time_t now = time(NULL);
    struct tm t;
    char date[32], settings[64];

    if (!f)
        return false;
    gmtime_r(&now, &t);
    strftime(date, sizeof date, "%Y-%m-%d %H:%M", &t);
    describe(c, settings, sizeof settings);
    fseek(f, 0, SEEK_END);
    if (ftell(f) == 0)
        fprintf(f, "| end (UTC) | commit | where | settings | first seed | programs | functions "
                   "| seconds | found |\n|---|---|---|---|---|---|---|---|---|\n");
    fprintf(f, "| %s | %s | %s | %s | %" PRIu64 " | %" PRIu64 " | %" PRIu64 " | %.0f | %u |\n",
            date, c->note, c->where, settings, c->first, c->done, c->functions, c->seconds,
            c->found);
    return fclose(f) == 0;
}
