// throw.cc - a C++ exception on its way through a frame of linked.clif.
#include <cstdint>
#include <cstdio>

typedef int64_t (*callback)(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t,
                            int64_t, int64_t);
extern "C" {
int64_t outer(callback, int64_t);
int64_t numbers[3];
int64_t from_c(int64_t x) { return x; }
}

static int64_t thrower(int64_t a, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t,
                       int64_t, int64_t j)
{
    throw a * 100 + j;
}

int main()
{
    // Values that live in saved registers over the call have to be what they were.
    volatile int64_t seed = 3;
    int64_t a = seed + 1, b = seed + 2, c = seed + 3, d = seed + 4, e = seed + 5, got = 0;
    try {
        got = outer(thrower, 7);
    } catch (int64_t thrown) {
        got = thrown + a + b + c + d + e;
    }
    std::printf("%s\n", got == 709 + 30 ? "caught" : "wrong");
    return got != 709 + 30;
}
