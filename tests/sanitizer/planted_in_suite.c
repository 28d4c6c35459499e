/*
 * A Criterion suite with bugs planted on purpose, chosen by the environment variable PLANTED:
 * overflow, undefined, leak, or none. tests/sanitizer/selfcheck runs it the way `make asan-unit`
 * runs the real suites and expects a failure for each bug. Allocates with malloc itself: the bugs
 * must reach the sanitizers, not base/mem.
 */
#include <criterion/criterion.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static volatile size_t too_many = 17;
static volatile int largest = INT_MAX;
static void *volatile dropped;

static void overflow(void)
{
    char *bytes = malloc(16);
    if (bytes != NULL) {
        memset(bytes, 1, too_many);
    }
    free(bytes);
}

static void undefined(void)
{
    largest = largest + 1;
}

static void leak(void)
{
    dropped = malloc(64);
    dropped = NULL;
}

Test(planted, bug_named_by_the_environment)
{
    const char *name = getenv("PLANTED");
    cr_assert_not_null(name);
    if (strcmp(name, "overflow") == 0) {
        overflow();
    } else if (strcmp(name, "undefined") == 0) {
        undefined();
    } else if (strcmp(name, "leak") == 0) {
        leak();
    }
}
