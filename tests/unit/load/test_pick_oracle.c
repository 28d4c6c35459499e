/* Generated answers, whole and broken, which a pick and a whole parser must understand alike. */
#include "base/buf.h"
#include "base/rng.h"
#include "pick_oracle.h"

#include <criterion/criterion.h>

#define ANSWERS 2000
#define MUTANTS 6

static void put_value(struct buf *out, struct rng *rng, int depth);

static void put_blank(struct buf *out, struct rng *rng)
{
    static const char *const blanks[] = {" ", "\n", "\t", "\r\n  "};
    if (rng_below(rng, 8) == 0) {
        buf_text(out, blanks[rng_below(rng, 4)]);
    }
}

static void put_string(struct buf *out, struct rng *rng)
{
    static const char *const pieces[] = {"a",    "item",     "\\\"",           "\\u00e9",
                                         "\\\\", "\xc3\xa9", "\\ud83c\\udfac", "\\n",
                                         "/",    "12345678", "{[,:]}",         ""};
    uint64_t count = rng_below(rng, 6);
    buf_text(out, "\"");
    for (uint64_t i = 0; i < count; i++) {
        buf_text(out, pieces[rng_below(rng, 12)]);
    }
    buf_text(out, "\"");
}

static void put_number(struct buf *out, struct rng *rng)
{
    static const char *const numbers[] = {"0",
                                          "-0",
                                          "1",
                                          "42",
                                          "-7",
                                          "0.5",
                                          "1e3",
                                          "-2.5E-3",
                                          "318",
                                          "2147483647",
                                          "2147483648",
                                          "123456789012",
                                          "9223372036854775807",
                                          "7.0"};
    buf_text(out, numbers[rng_below(rng, 14)]);
}

static void put_members(struct buf *out, struct rng *rng, int depth, bool object)
{
    static const char *const keys[] = {"a", "id", "Id", "x\\u0041", "score", "film"};
    uint64_t count = rng_below(rng, 4);
    buf_text(out, object ? "{" : "[");
    for (uint64_t i = 0; i < count; i++) {
        buf_text(out, i > 0 ? "," : "");
        put_blank(out, rng);
        if (object) {
            buf_printf(out, "\"%s%d\"", keys[rng_below(rng, 6)], (int)i);
            put_blank(out, rng);
            buf_text(out, ":");
        }
        put_value(out, rng, depth + 1);
        put_blank(out, rng);
    }
    buf_text(out, object ? "}" : "]");
}

static void put_value(struct buf *out, struct rng *rng, int depth)
{
    uint64_t kind = rng_below(rng, depth < 4 ? 7 : 5);
    put_blank(out, rng);
    if (kind < 2) {
        put_string(out, rng);
    } else if (kind < 4) {
        put_number(out, rng);
    } else if (kind == 4) {
        static const char *const words[] = {"true", "false", "null"};
        buf_text(out, words[rng_below(rng, 3)]);
    } else {
        put_members(out, rng, depth, kind == 5);
    }
}

struct wish { /* what is to stand at a pointer */
    const char *pointer;
    enum { WISH_FILMS, WISH_FILM, WISH_TEXT, WISH_NUMBER, WISH_TEXTS, WISH_NUMBERS } what;
};

struct guide {
    const struct pick_plan *plan;
    struct wish element[3];
    size_t elements;
};

static void put_wishes(struct buf *out, struct rng *rng, const struct guide *guide,
                       const struct wish *wish, size_t count);

static void put_film(struct buf *out, struct rng *rng, const struct pick_plan *plan)
{
    static const char *const digits[] = {"1", "318", "07", "", "2147483648", "99999999999", "-4"};
    if (rng_below(rng, 60) == 0) {
        put_value(out, rng, 3);
    } else if (!plan->film_text) {
        buf_printf(out, "%d", (int)rng_below(rng, 200000));
    } else if (rng_below(rng, 4) > 0) {
        buf_printf(out, "\"%s%d\"", plan->film_prefix != NULL ? plan->film_prefix : "",
                   (int)rng_below(rng, 200000));
    } else {
        buf_printf(out, "\"%s%s\"", rng_below(rng, 2) == 0 ? "m" : "\\u006d",
                   digits[rng_below(rng, 7)]);
    }
}

static void put_wish(struct buf *out, struct rng *rng, const struct guide *guide,
                     const struct wish *wish)
{
    uint64_t count = rng_below(rng, 40) == 0 ? 60 + rng_below(rng, 10) : rng_below(rng, 12);
    if (rng_below(rng, 30) == 0) {
        put_value(out, rng, 2);
        return;
    }
    switch (wish->what) {
    case WISH_FILM:
        put_film(out, rng, guide->plan);
        return;
    case WISH_TEXT:
        put_string(out, rng);
        return;
    case WISH_NUMBER:
        put_number(out, rng);
        return;
    case WISH_FILMS:
    case WISH_TEXTS:
    case WISH_NUMBERS:
        break;
    }
    buf_text(out, "[");
    for (uint64_t i = 0; i < count; i++) {
        buf_text(out, i > 0 ? "," : "");
        if (wish->what == WISH_FILMS) {
            put_wishes(out, rng, guide, guide->element, guide->elements);
        } else if (wish->what == WISH_TEXTS) {
            put_string(out, rng);
        } else {
            put_number(out, rng);
        }
        put_blank(out, rng);
    }
    buf_text(out, "]");
}

/* Those wishes of `wish` whose next step is that of the first, one step further on. */
static size_t below_step(const struct wish *wish, size_t count, struct wish *below,
                         const char *step, size_t len)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const char *rest = wish[i].pointer + 1;
        if (strncmp(rest, step, len) == 0 && (rest[len] == '/' || rest[len] == '\0')) {
            below[kept] = wish[i];
            below[kept++].pointer = rest + len;
        }
    }
    return kept;
}

/* An object that holds what is wished for, in any order and among other members; an array if the
 * steps are numbers. */
static void put_wishes(struct buf *out, struct rng *rng, const struct guide *guide,
                       const struct wish *wish, size_t count)
{
    struct wish below[8];
    const char *done[8];
    size_t steps = 0;
    if (count == 1 && wish[0].pointer[0] == '\0') {
        put_wish(out, rng, guide, &wish[0]);
        return;
    }
    bool array = wish[0].pointer[1] >= '0' && wish[0].pointer[1] <= '9' && rng_below(rng, 20) > 0;
    put_blank(out, rng);
    buf_text(out, array ? "[" : "{");
    uint64_t turn = array ? 0 : rng_below(rng, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        const char *step = wish[(i + turn) % count].pointer + 1;
        size_t len = strcspn(step, "/");
        bool met = false;
        for (size_t k = 0; k < steps; k++) {
            met = met || (strncmp(done[k], step, len) == 0 && strcspn(done[k], "/") == len);
        }
        if (met || rng_below(rng, 40) == 0) {
            continue;
        }
        buf_text(out, steps > 0 ? "," : "");
        done[steps++] = step;
        if (!array) {
            buf_printf(out, "\"%.*s\":", (int)len, step);
        }
        size_t kept = below_step(wish, count, below, step, len);
        put_wishes(out, rng, guide, below, kept);
        if (!array && rng_below(rng, 4) == 0) {
            buf_printf(out, ",\"more%zu\":", i);
            put_value(out, rng, 2);
        }
    }
    buf_text(out, array ? "]" : "}");
}

static void wish_for(struct wish *list, size_t *count, const char *pointer, int what)
{
    if (pointer != NULL) {
        list[*count].pointer = pointer;
        list[*count].what = what;
        (*count)++;
    }
}

static void put_answer(struct buf *out, struct rng *rng, const struct pick_plan *plan)
{
    struct wish whole[4];
    struct guide guide = {.plan = plan};
    size_t count = 0;
    wish_for(whole, &count, plan->films, WISH_FILMS);
    wish_for(whole, &count, plan->scores, WISH_NUMBERS);
    wish_for(whole, &count, plan->sources, WISH_TEXTS);
    wish_for(whole, &count, plan->request_id, plan->request_id_number ? WISH_NUMBER : WISH_TEXT);
    wish_for(guide.element, &guide.elements, plan->film, WISH_FILM);
    wish_for(guide.element, &guide.elements, plan->source, WISH_TEXT);
    wish_for(guide.element, &guide.elements, plan->score, WISH_NUMBER);
    buf_reset(out);
    put_wishes(out, rng, &guide, whole, count);
}

/* Checks a copy with nothing behind its NUL. */
static bool check_exact(const struct pick_plan *plan, const struct pick *pick,
                        const struct buf *text)
{
    char *exact = malloc(text->len + 1);
    cr_assert_not_null(exact);
    memcpy(exact, text->len > 0 ? text->data : "", text->len);
    exact[text->len] = '\0';
    bool list = pick_oracle_check(plan, pick, exact, text->len);
    free(exact);
    return list;
}

static void mutate(struct buf *out, struct rng *rng, const struct buf *text)
{
    static const char bytes[] = "{}[],:\"\\0123456789eE+-. \ntrufalsn\x01\x80\xff";
    size_t at = (size_t)rng_below(rng, (uint32_t)text->len), len = 1 + (size_t)rng_below(rng, 6);
    size_t after = at + len < text->len ? at + len : text->len;
    buf_reset(out);
    buf_add(out, text->data, at);
    switch (rng_below(rng, 4)) {
    case 0: /* cut out */
        break;
    case 1: /* another byte */
        buf_add(out, &bytes[rng_below(rng, sizeof bytes - 1)], 1);
        after = at + 1;
        break;
    case 2: /* one more byte */
        buf_add(out, &bytes[rng_below(rng, sizeof bytes - 1)], 1);
        after = at;
        break;
    default: /* twice */
        buf_add(out, text->data + at, after - at);
        after = at;
    }
    buf_add(out, text->data + after, text->len - after);
}

Test(pick_oracle, generated_and_broken_answers_are_understood_alike)
{
    struct buf text, mutant;
    buf_init(&text, 1 << 20);
    buf_init(&mutant, 1 << 20);
    for (size_t p = 0; p < PICK_ORACLE_PLANS; p++) {
        const struct pick_plan *plan = &pick_oracle_plans[p];
        struct rng rng = rng_stream(20260727, p, 1);
        struct pick *pick = NULL;
        long lists = 0, broken_lists = 0;
        cr_assert_eq(pick_new(plan, &pick, NULL), ERR_OK);
        for (int i = 0; i < ANSWERS; i++) {
            put_answer(&text, &rng, plan);
            cr_assert_not(text.failed);
            lists += check_exact(plan, pick, &text);
            for (int m = 0; m < MUTANTS && text.len > 0; m++) {
                mutate(&mutant, &rng, &text);
                broken_lists += check_exact(plan, pick, &mutant);
            }
        }
        /* Neither side of the comparison may be seldom met. */
        cr_expect_gt(lists, ANSWERS / 4, "plan %zu: %ld lists", p, lists);
        cr_expect_lt(lists, ANSWERS, "plan %zu: %ld lists", p, lists);
        cr_expect_gt(broken_lists, ANSWERS / 10, "plan %zu: %ld lists", p, broken_lists);
        cr_expect_lt(broken_lists, ANSWERS * MUTANTS / 2, "plan %zu: %ld", p, broken_lists);
        pick_free(pick);
    }
    buf_deinit(&text);
    buf_deinit(&mutant);
}
