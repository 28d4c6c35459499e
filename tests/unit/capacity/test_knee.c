#include "capacity/knee.h"

#include <criterion/criterion.h>
#include <math.h>

enum { POINTS = 20 };

static void curve(double (*y)(double), struct knee_point *out)
{
    for (int i = 0; i < POINTS; i++) {
        double x = 1000.0 * (i + 1) / (POINTS + 1);
        out[i] = (struct knee_point){x, y(x)};
    }
}

static double queue(double x)
{
    return 1 / (1000 - x);
}

static double line(double x)
{
    return 3 * x + 7;
}

static double level(double x)
{
    (void)x;
    return 2;
}

static double root(double x) /* bends the other way */
{
    return sqrt(x);
}

static double corner(double x)
{
    return x < 700 ? 1 : 1 + (x - 700);
}

Test(knee, a_queue_has_its_knee_where_the_scaled_curve_bends_most)
{
    struct knee_point point[POINTS], knee;
    curve(queue, point);
    cr_assert(knee_find(point, POINTS, KNEE_SENSITIVITY, &knee));
    /* d/dx of the scaled difference is zero where the slope is the mean slope:
     * 1/(1000-x)^2 = (y1 - y0)/(x1 - x0) with x0 = 47.6, x1 = 952.4: x = 787. */
    cr_expect_float_eq(knee.x, 787, 1000.0 / (POINTS + 1), "%g", knee.x);
    cr_expect_float_eq(knee.y, queue(knee.x), 1e-12);
}

Test(knee, a_corner_is_found_at_the_corner)
{
    struct knee_point point[POINTS], knee;
    curve(corner, point);
    cr_assert(knee_find(point, POINTS, KNEE_SENSITIVITY, &knee));
    cr_expect_float_eq(knee.x, 700, 1000.0 / (POINTS + 1), "%g", knee.x);
}

Test(knee, the_order_of_points_does_not_matter_and_repeats_are_averaged)
{
    struct knee_point point[2 * POINTS + 2], one, two;
    curve(corner, point);
    cr_assert(knee_find(point, POINTS, KNEE_SENSITIVITY, &one));
    for (int i = 0; i < POINTS; i++) {
        struct knee_point p = point[POINTS - 1 - i];
        point[POINTS + i] = (struct knee_point){p.x, p.y + 0.5};
    }
    point[2 * POINTS] = (struct knee_point){NAN, 5};
    point[2 * POINTS + 1] = (struct knee_point){500, INFINITY};
    cr_assert(knee_find(point, 2 * POINTS + 2, KNEE_SENSITIVITY, &two));
    cr_expect_float_eq(two.x, one.x, 0);
    cr_expect_float_eq(two.y, one.y + 0.25, 1e-12);
}

Test(knee, curves_without_a_knee_have_none)
{
    static double (*const curves[])(double) = {line, level, root};
    for (int i = 0; i < 3; i++) {
        struct knee_point point[POINTS], knee;
        curve(curves[i], point);
        cr_expect_not(knee_find(point, POINTS, KNEE_SENSITIVITY, &knee), "curve %d", i);
    }
}

Test(knee, few_points_have_none_and_sensitivity_asks_for_more)
{
    struct knee_point point[POINTS], knee;
    curve(corner, point);
    cr_expect_not(knee_find(point, 0, KNEE_SENSITIVITY, &knee));
    cr_expect_not(knee_find(point + POINTS - KNEE_POINTS_MIN + 1, KNEE_POINTS_MIN - 1,
                            KNEE_SENSITIVITY, &knee));
    cr_expect_not(knee_find(point, POINTS, 50, &knee), "a drop of 50 steps is not to be had");
}
