/* nbody.c - examples/clif/nbody.clif in C. */
#include <math.h>
#include <stdint.h>

enum { BODIES = 5 };

typedef struct body {
    double x, y, z, vx, vy, vz, mass;
} body;

#define PI 3.141592653589793
#define SOLAR_MASS (4 * PI * PI)
#define DAYS 365.24

static void planets(body *b)
{
    const body all[BODIES] = {
        { 0, 0, 0, 0, 0, 0, SOLAR_MASS },
        { 4.84143144246472090e+00, -1.16032004402742839e+00, -1.03622044471123109e-01,
          1.66007664274403694e-03 * DAYS, 7.69901118419740425e-03 * DAYS,
          -6.90460016972063023e-05 * DAYS, 9.54791938424326609e-04 * SOLAR_MASS },
        { 8.34336671824457987e+00, 4.12479856412430479e+00, -4.03523417114321381e-01,
          -2.76742510726411899e-03 * DAYS, 4.99852801234917238e-03 * DAYS,
          2.30417297573763929e-05 * DAYS, 2.85885980666130812e-04 * SOLAR_MASS },
        { 1.28943695621391310e+01, -1.51111514016986312e+01, -2.23307578892655734e-01,
          2.96460137564761618e-03 * DAYS, 2.37847173959480950e-03 * DAYS,
          -2.96589568540237556e-05 * DAYS, 4.36624404335156298e-05 * SOLAR_MASS },
        { 1.53796971148509165e+01, -2.59193146099879641e+01, 1.79258772950371181e-01,
          2.68067772490389322e-03 * DAYS, 1.62824170038242295e-03 * DAYS,
          -9.51592254519715870e-05 * DAYS, 5.15138902046611451e-05 * SOLAR_MASS },
    };

    for (int i = 0; i < BODIES; i++)
        b[i] = all[i];
}

static void offset_momentum(body *b)
{
    double x = 0, y = 0, z = 0;

    for (int i = 0; i < BODIES; i++) {
        x += b[i].vx * b[i].mass;
        y += b[i].vy * b[i].mass;
        z += b[i].vz * b[i].mass;
    }
    b->vx = -x / b->mass;
    b->vy = -y / b->mass;
    b->vz = -z / b->mass;
}

static void advance(body *b, double dt)
{
    for (body *p = b; p < b + BODIES; p++)
        for (body *q = p + 1; q < b + BODIES; q++) {
            double x = p->x - q->x, y = p->y - q->y, z = p->z - q->z;
            double square = x * x + y * y + z * z, pull = dt / (square * sqrt(square));
            double of_q = q->mass * pull, of_p = p->mass * pull;

            p->vx -= x * of_q;
            p->vy -= y * of_q;
            p->vz -= z * of_q;
            q->vx += x * of_p;
            q->vy += y * of_p;
            q->vz += z * of_p;
        }
    for (body *p = b; p < b + BODIES; p++) {
        p->x += dt * p->vx;
        p->y += dt * p->vy;
        p->z += dt * p->vz;
    }
}

static double energy(const body *b)
{
    double e = 0;

    for (const body *p = b; p < b + BODIES; p++) {
        e += 0.5 * p->mass * (p->vx * p->vx + p->vy * p->vy + p->vz * p->vz);
        for (const body *q = p + 1; q < b + BODIES; q++) {
            double x = p->x - q->x, y = p->y - q->y, z = p->z - q->z;

            e -= p->mass * q->mass / sqrt(x * x + y * y + z * z);
        }
    }
    return e;
}

double kernel(void)
{
    body b[BODIES];

    planets(b);
    offset_momentum(b);
    for (uint32_t steps = 5000; steps; steps--)
        advance(b, 0.01);
    return energy(b);
}
