#include "drift_rows.h"
#include "population/moment.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { PEOPLE = 400, NEW = 40 };

static struct people_world world;

static void begin(void)
{
    struct population_config config = population_defaults();
    config.users = PEOPLE;
    config.newcomers = NEW;
    drift_rows_world(&world, &config);
}

static void end(void)
{
    people_world_end(&world);
}

TestSuite(bind, .init = begin, .fini = end);

static enum err bind(struct drift *drift, struct error *error)
{
    struct parallel one = {.threads = 1};
    return population_bind_drift(world.population, drift, &one, error);
}

static int32_t count_bits(const uint64_t *bits, int32_t places)
{
    int32_t count = 0;
    for (int32_t place = 0; place < places; place++) {
        count += moment_has(bits, place);
    }
    return count;
}

static struct drift cohort_of(enum drift_cohort kind, double share, double from, double to)
{
    struct drift drift = {
        .count = 1,
        .injection = {{.kind = DRIFT_CHOICE_ROTATION,
                       .size = 60,
                       .end_ns = INT64_MAX,
                       .cohort = {.kind = kind, .share = share, .from = from, .to = to}}}};
    (void)snprintf(drift.injection[0].cohort.genre, DRIFT_GENRE_SIZE, "%s",
                   drift_rows_genre(world.population));
    return drift;
}

Test(bind, a_cohort_has_its_share_and_only_its_members_drift)
{
    static const struct {
        const char *name;
        enum drift_cohort kind;
        double share, from, to;
        int32_t least, most;
    } rows[] = {
        {"share", DRIFT_SHARE, .3, 0, 0, 90, 150},
        {"lovers", DRIFT_GENRE_LOVERS, .2, 0, 0, 80, 80},
        {"least active", DRIFT_ACTIVITY_BAND, 0, 0, .5, 180, 180},
        {"most active", DRIFT_ACTIVITY_BAND, 0, .9, 1, 36, 36},
        {"newcomers", DRIFT_NEWCOMERS, 0, 0, 0, NEW, NEW},
    };
    const struct population *p = world.population;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct drift drift = cohort_of(rows[i].kind, rows[i].share, rows[i].from, rows[i].to);
        struct error error = {0};
        cr_assert_eq(bind(&drift, &error), ERR_OK, "%s: %s", rows[i].name, error.text);
        int32_t count = count_bits(drift.injection[0].members, PEOPLE);
        cr_expect(count >= rows[i].least && count <= rows[i].most, "%s: %d", rows[i].name, count);
        for (int32_t person = 0; person < PEOPLE; person++) {
            struct moment now;
            moment_make(p, &drift, MOMENT_NOW, 0, person, &now);
            bool member = moment_has(drift.injection[0].members, person);
            cr_expect_eq(now.share[0], member ? 1 : 0, "%s: person %d", rows[i].name, person);
        }
        drift_deinit(&drift);
    }
}

Test(bind, a_smaller_share_is_part_of_a_larger_one)
{
    static const enum drift_cohort kinds[] = {DRIFT_SHARE, DRIFT_GENRE_LOVERS};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct drift some = cohort_of(kinds[i], .2, 0, 0), more = cohort_of(kinds[i], .5, 0, 0);
        struct error error = {0};
        cr_assert_eq(bind(&some, &error), ERR_OK);
        cr_assert_eq(bind(&more, &error), ERR_OK);
        for (int32_t person = 0; person < PEOPLE; person++) {
            cr_expect(!moment_has(some.injection[0].members, person) ||
                      moment_has(more.injection[0].members, person));
        }
        drift_deinit(&some);
        drift_deinit(&more);
    }
}

Test(bind, lovers_are_nearer_to_the_genre_than_others)
{
    struct drift drift = cohort_of(DRIFT_GENRE_LOVERS, .3, 0, 0);
    struct error error = {0};
    drift.injection[0].towards = DRIFT_GENRE;
    memcpy(drift.injection[0].genre, drift.injection[0].cohort.genre, DRIFT_GENRE_SIZE);
    cr_assert_eq(bind(&drift, &error), ERR_OK);
    const struct drift_injection *injection = &drift.injection[0];
    float least = 1, most = -1;
    for (int32_t person = 0; person < PEOPLE; person++) {
        float near = taste_dot(world.population->taste + person * TASTE_DIMS, injection->goal);
        if (moment_has(injection->members, person)) {
            least = near < least ? near : least;
        } else {
            most = near > most ? near : most;
        }
    }
    cr_expect_geq(least, most);
    drift_deinit(&drift);
}

Test(bind, a_gradual_drift_turns_members_over_one_by_one)
{
    struct drift drift = cohort_of(DRIFT_EVERYBODY, 0, 0, 0);
    struct error error = {0};
    drift.injection[0].shape = DRIFT_GRADUAL;
    drift.injection[0].onset_ns = 1000;
    drift.injection[0].ramp_ns = 1000;
    cr_assert_eq(bind(&drift, &error), ERR_OK);
    bool before[PEOPLE] = {false};
    for (int64_t at_ns = 900; at_ns <= 2100; at_ns += 100) {
        double changed = 0;
        for (int32_t person = 0; person < PEOPLE; person++) {
            struct moment now;
            moment_make(world.population, &drift, MOMENT_NOW, at_ns, person, &now);
            cr_expect(now.share[0] == 0 || now.share[0] == 1);
            cr_expect(!before[person] || now.share[0] == 1, "nobody changes back");
            before[person] = now.share[0] > 0;
            changed += now.share[0];
        }
        cr_expect_float_eq(changed / PEOPLE, drift_intensity(&drift.injection[0], at_ns), .1);
    }
    drift_deinit(&drift);
}

Test(bind, groups_are_halves_that_trade_their_means)
{
    struct drift drift = cohort_of(DRIFT_EVERYBODY, 0, 0, 0);
    struct error error = {0};
    drift.injection[0].towards = DRIFT_SWAP_GROUPS;
    drift.injection[0].size = 180;
    cr_assert_eq(bind(&drift, &error), ERR_OK);
    const struct drift_injection *injection = &drift.injection[0];
    cr_expect_eq(count_bits(injection->group, PEOPLE), PEOPLE / 2);
    double nearer = 0;
    for (int32_t person = 0; person < PEOPLE; person++) {
        struct moment now;
        moment_make(world.population, &drift, MOMENT_NOW, 0, person, &now);
        int own = moment_has(injection->group, person);
        nearer += taste_dot(now.taste, injection->goal + (1 - own) * TASTE_DIMS) >
                  taste_dot(now.taste, injection->goal + own * TASTE_DIMS);
    }
    cr_expect_gt(nearer, .9 * PEOPLE, "%g are nearer to the other group", nearer);
    drift_deinit(&drift);
}

Test(bind, new_films_are_the_newest_and_missing_until_they_come_out)
{
    const struct population *p = world.population;
    struct drift_injection injection = {.kind = DRIFT_NEW_FILMS, .size = .25, .end_ns = INT64_MAX};
    struct drift drift = drift_rows_bind(p, &injection);
    const int16_t *year = population_catalogue(p)->year;
    int oldest = 9999, newest = 0;
    double held = 0;
    for (int32_t i = 0; i < p->films; i++) {
        if (population_withheld(&drift, i)) {
            oldest = year[i] < oldest ? year[i] : oldest;
            held += p->film_count[i];
        } else {
            newest = year[i] > newest ? year[i] : newest;
        }
    }
    cr_expect(population_withholds(&drift));
    cr_expect_leq(newest, oldest);
    cr_expect_float_eq(held / (double)p->data->ratings.count, .25, .05);
    struct past past = {0}, later = {0};
    int32_t found = 0, removed = 0;
    for (int32_t person = 0; person < 200; person++) {
        population_past(p, person, 1700000000, &past);
        int32_t whole = past.count;
        past_withhold(&past, &drift);
        removed += whole - past.count;
        population_later_past(p, person, 1700000000, &drift, 20, 20, &past, &later);
        for (int32_t k = 0; k < past.count; k++) {
            cr_expect_not(population_withheld(&drift, past.item[k]));
            cr_expect(k == 0 || past.time_s[k] >= past.time_s[k - 1]);
        }
        for (int32_t k = 0; k < later.count; k++) {
            found += population_withheld(&drift, later.item[k]);
        }
    }
    cr_expect_gt(removed, 0);
    cr_expect_gt(found, 200, "%d new films in later pasts", found);
    past_deinit(&past);
    past_deinit(&later);
    drift_deinit(&drift);
    cr_expect_not(population_withholds(&drift));
}

/* Takes of films concerned before the onset and after it, on lists that hold them. */
Test(bind, new_films_cannot_be_taken_before_and_removed_ones_not_after)
{
    const struct population *p = world.population;
    for (int kind = DRIFT_NEW_FILMS; kind <= DRIFT_REMOVED_FILMS; kind++) {
        struct drift_injection injection = {
            .kind = (enum drift_kind)kind, .size = .3, .end_ns = INT64_MAX};
        struct drift drift = drift_rows_bind(p, &injection);
        int32_t taken[2] = {0};
        for (int32_t person = 0; person < PEOPLE; person++) {
            struct step_list list = drift_rows_list(p, (uint64_t)person);
            for (int after = 0; after < 2; after++) {
                for (uint32_t step = 0; step < 5; step++) {
                    struct step_outcome outcome =
                        population_step(p, &drift, 999 + after, person, step, &list, NULL, 0);
                    taken[after] +=
                        outcome.watched && moment_has(drift.injection[0].films, outcome.item);
                }
            }
        }
        bool out = kind == DRIFT_NEW_FILMS;
        cr_expect_eq(taken[out ? 0 : 1], 0, "%s", drift_kind_name((enum drift_kind)kind));
        cr_expect_gt(taken[out ? 1 : 0], 0, "%s", drift_kind_name((enum drift_kind)kind));
        drift_deinit(&drift);
    }
}

/* Films of the genre in later pasts, and their ratings, under each kind. */
Test(bind, the_later_past_shows_every_kind)
{
    const struct population *p = world.population;
    struct drift_row rows[DRIFT_ROWS];
    int count = drift_rows(p, rows);
    struct past nothing = {0}, rest = {0}, after = {0};
    for (int i = 0; i < count; i++) {
        struct drift drift = drift_rows_bind(p, &rows[i].injection);
        int32_t films = 0, stars = 0;
        for (int32_t person = 0; person < 150; person++) {
            population_later_past(p, person, 1700000000, NULL, 30, 30, &nothing, &rest);
            population_later_past(p, person, 1700000000, &drift, 30, 30, &nothing, &after);
            cr_assert_eq(rest.count, after.count);
            for (int32_t k = 0; k < rest.count; k++) {
                cr_expect_eq(rest.time_s[k], after.time_s[k]);
                films += rest.item[k] != after.item[k];
                stars += rest.item[k] == after.item[k] && rest.half_stars[k] != after.half_stars[k];
            }
        }
        /* A position habit is about lists, and a past is not chosen from any; and there, new films
         * are films like others. */
        bool lists = rows[i].injection.kind == DRIFT_POSITION_HABIT ||
                     rows[i].injection.kind == DRIFT_NEW_FILMS;
        cr_expect_eq(films > 0, rows[i].chooses && !lists, "%s: %d films", rows[i].name, films);
        cr_expect_eq(stars > 0, rows[i].rates, "%s: %d ratings", rows[i].name, stars);
        drift_deinit(&drift);
    }
    past_deinit(&rest);
    past_deinit(&after);
}

Test(bind, what_cannot_be_bound_is_refused_and_nothing_stays_bound)
{
    static const struct {
        const char *name, *wanted;
        struct drift_injection injection;
    } rows[] = {
        {"fashion of no genre",
         "no film has the genre \"Nothing\"",
         {.kind = DRIFT_GENRE_FASHION, .size = 1, .genre = "Nothing"}},
        {"towards no genre",
         "no film has the genre \"Nothing\"",
         {.kind = DRIFT_CHOICE_ROTATION, .towards = DRIFT_GENRE, .genre = "Nothing"}},
        {"lovers of no genre",
         "no film has the genre \"Nothing\"",
         {.kind = DRIFT_CHOICE_ROTATION,
          .cohort = {.kind = DRIFT_GENRE_LOVERS, .share = .1, .genre = "Nothing"}}},
        {"nobody", "nobody of 400 people", {.kind = DRIFT_CUT_POINTS, .cohort = {DRIFT_SHARE}}},
        {"angle", "degrees from 0.1 to 180", {.kind = DRIFT_CHOICE_ROTATION, .size = 181}},
        {"spread", "a factor from 0.05", {.kind = DRIFT_CUT_SPREAD, .size = 0}},
        {"share", "a share from 0.0001 to 0.9", {.kind = DRIFT_REMOVED_FILMS, .size = 1}},
        {"no number", "a power", {.kind = DRIFT_POSITION_HABIT, .size = NAN}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct drift drift = {.count = 2};
        struct error error = {0};
        drift.injection[0] = (struct drift_injection){.kind = DRIFT_NEW_FILMS, .size = .1};
        drift.injection[1] = rows[i].injection;
        cr_expect_eq(bind(&drift, &error), ERR_INPUT, "%s", rows[i].name);
        cr_expect_not_null(strstr(error.text, rows[i].wanted), "%s: %s", rows[i].name, error.text);
        cr_expect_not_null(strstr(error.text, "injection 2"), "%s: %s", rows[i].name, error.text);
        cr_expect(!drift.injection[0].bound && drift.injection[0].films == NULL);
    }
}

Test(bind, every_kind_has_the_sizes_of_its_bounds_and_no_others)
{
    for (int kind = DRIFT_CHOICE_ROTATION; kind <= DRIFT_SLOW_RATERS; kind++) {
        struct drift_bounds bounds = drift_bounds((enum drift_kind)kind);
        const double sizes[] = {bounds.least,     bounds.most,        bounds.neutral,
                                bounds.least - 1, bounds.most * 1.01, NAN};
        for (int k = 0; k < 6; k++) {
            struct drift drift = {.count = 1,
                                  .injection = {{.kind = (enum drift_kind)kind, .size = sizes[k]}}};
            struct error error = {0};
            (void)snprintf(drift.injection[0].genre, DRIFT_GENRE_SIZE, "%s",
                           drift_rows_genre(world.population));
            cr_expect_eq(bind(&drift, &error), k < 3 ? ERR_OK : ERR_INPUT, "%s of %g: %s",
                         drift_kind_name((enum drift_kind)kind), sizes[k], error.text);
            drift_deinit(&drift);
        }
    }
}

/* Tastes turned beforehand are those that a step would turn, and stand only for the angle, the
 * moment and the order that they were made for. */
Test(bind, tastes_turned_beforehand_change_no_bit)
{
    const struct population *p = world.population;
    struct drift drift = {
        .count = 2,
        .injection = {{.kind = DRIFT_TASTE_ROTATION, .shape = DRIFT_LINEAR, .size = 50},
                      {.kind = DRIFT_CHOICE_ROTATION, .towards = DRIFT_SWAP_GROUPS, .size = 70}}};
    struct error error = {0};
    for (int i = 0; i < 2; i++) {
        drift.injection[i].ramp_ns = i == 0 ? 100 : 0;
        drift.injection[i].end_ns = i == 0 ? 300 : INT64_MAX;
        drift.injection[i].cohort.kind = i == 0 ? DRIFT_SHARE : DRIFT_EVERYBODY;
        drift.injection[i].cohort.share = .6;
    }
    cr_assert_eq(bind(&drift, &error), ERR_OK, "%s", error.text);
    struct drift plain = drift, further = drift;
    plain.injection[0].turned = plain.injection[1].turned = NULL;
    further.injection[1].parameter = 20;
    int32_t turned = 0;
    for (int32_t person = 0; person < PEOPLE; person++) {
        for (int64_t at_ns = 50; at_ns <= 350; at_ns += 100) {
            struct moment now, wanted, less;
            moment_make(p, &drift, MOMENT_NOW, at_ns, person, &now);
            moment_make(p, &plain, MOMENT_NOW, at_ns, person, &wanted);
            moment_make(p, &further, MOMENT_NOW, 350, person, &less);
            cr_expect_eq(memcmp(now.taste, wanted.taste, TASTE_DIMS * sizeof *now.taste), 0,
                         "person %d at %d", person, (int)at_ns);
            turned += now.taste != now.turned[0];
            cr_expect_lt(taste_angle(less.taste, p->taste + person * TASTE_DIMS), 20.1);
        }
    }
    cr_expect_gt(turned, PEOPLE, "most steps turn nothing: %d", turned);
    drift_deinit(&drift);
    cr_expect_null(drift.injection[1].turned);
}

Test(bind, sizes_in_effect_units_wait_for_the_solver)
{
    struct drift drift = {
        .count = 5,
        .injection = {{.kind = DRIFT_CUT_POINTS, .unit = DRIFT_STARS, .size = -.5},
                      {.kind = DRIFT_CUT_SPREAD, .unit = DRIFT_PSI, .size = .2},
                      {.kind = DRIFT_CUT_POINTS, .unit = DRIFT_NATS, .size = .1},
                      {.kind = DRIFT_POPULARITY_WAVE, .unit = DRIFT_PSI, .size = .01},
                      {.kind = DRIFT_TASTE_ROTATION, .unit = DRIFT_PSI, .size = .01}}};
    struct error error = {0};
    cr_assert_eq(bind(&drift, &error), ERR_OK);
    cr_expect_eq(drift.injection[0].parameter, rating_shift(&world.population->rating, -.5));
    cr_expect_eq(drift.injection[1].parameter, 1);
    cr_expect_eq(drift.injection[2].parameter, 0);
    cr_expect_eq(drift.injection[3].parameter, 1, "fame as it was");
    cr_expect_null(drift.injection[4].turned, "the angle is not known yet");
    drift_deinit(&drift);
}

Test(bind, newcomers_are_the_last_and_have_no_past)
{
    struct past past = {0};
    cr_expect_eq(population_newcomers(world.population), NEW);
    for (int32_t person = PEOPLE - NEW - 5; person < PEOPLE; person++) {
        bool newcomer = person >= PEOPLE - NEW;
        population_past(world.population, person, 1700000000, &past);
        cr_expect_eq(population_is_newcomer(world.population, person), newcomer);
        cr_expect_eq(past.count == 0, newcomer);
    }
    past_deinit(&past);
    struct population_config config = population_defaults();
    struct population *other = NULL;
    struct parallel one = {.threads = 1};
    struct error error = {0};
    config.users = 200;
    config.newcomers = 121;
    cr_expect_eq(population_build(&config, &world.data, &one, &other, &error), ERR_INPUT);
    cr_expect_not_null(strstr(error.text, "newcomers"), "%s", error.text);
}
