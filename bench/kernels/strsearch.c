/* strsearch.c - examples/clif/strsearch.clif in C. */
#include <stdint.h>
#include <string.h>

static void kmp_borders(const uint8_t *word, uint64_t n, uint32_t *borders)
{
    uint64_t k = 0;

    borders[0] = 0;
    for (uint64_t i = 1; i < n; i++) {
        while (word[i] != word[k] && k)
            k = borders[k - 1];
        k = word[i] == word[k] ? k + 1 : 0;
        borders[i] = (uint32_t)k;
    }
}

static uint64_t kmp_count(const uint8_t *text, uint64_t size, const uint8_t *word, uint64_t n)
{
    uint32_t borders[32];
    uint64_t k = 0, count = 0;

    kmp_borders(word, n, borders);
    for (uint64_t i = 0; i < size; i++) {
        while (text[i] != word[k] && k)
            k = borders[k - 1];
        k = text[i] == word[k] ? k + 1 : 0;
        if (k == n) {
            count++;
            k = borders[n - 1];
        }
    }
    return count;
}

static uint64_t horspool_count(const uint8_t *text, uint64_t size, const uint8_t *word, uint64_t n)
{
    uint8_t shift[256];
    uint64_t count = 0, last = n - 1;

    for (int i = 0; i < 256; i++)
        shift[i] = (uint8_t)n;
    for (uint64_t i = 0; i < last; i++)
        shift[word[i]] = (uint8_t)(last - i);
    for (int64_t at = 0; at <= (int64_t)(size - n); at += shift[text[at + (int64_t)last]]) {
        uint64_t k = last;

        while (word[k] == text[at + (int64_t)k] && k)
            k--;
        count += k == 0 && word[0] == text[at];
    }
    return count;
}

static void letters(uint8_t *text, uint64_t size)
{
    uint32_t x = 1;

    for (uint64_t i = 0; i < size; i++) {
        x = (x * 1103515245u + 12345u) & 0x7fffffff;
        text[i] = (uint8_t)((x >> 16 & 3) + 'a');
    }
}

static uint64_t search(uint64_t size, uint64_t word, uint64_t n)
{
    uint8_t text[16384], bytes[8];
    uint64_t count;

    letters(text, size);
    memcpy(bytes, &word, sizeof bytes);
    count = kmp_count(text, size, bytes, n);
    if (horspool_count(text, size, bytes, n) != count)
        __builtin_trap();
    return count;
}

uint64_t kernel(void)
{
    uint64_t all = search(16384, 0x6261, 2);

    all = all * 5000 + search(16384, 0x636261, 3);
    all = all * 5000 + search(16384, 0x61636261, 4);
    all = all * 5000 + search(16384, 0x6262626262, 5);
    return all * 5000 + search(16384, 0x6162636461626364, 8);
}
