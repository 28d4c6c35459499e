#include "drill/nulls.h"

#include "load/arrivals.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

Test(nulls, bounds_are_those_of_clopper_and_pearson)
{
    static const struct {
        int64_t hits, trials;
        double confidence, bound;
    } rows[] = {
        {0, 20, 0.95, 0.13910834067}, /* 1 - .05^(1/20) */
        {0, 1, 0.95, 0.95},
        {1, 20, 0.975, 0.24873276277}, /* tables: 24.87 % */
        {3, 3, 0.95, 1},
        {0, 0, 0.95, 1},
        {5, 10, 0.975, 0.81291397155}, /* tables: 81.29 % */
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        double bound = nulls_upper_bound(rows[r].hits, rows[r].trials, rows[r].confidence);
        cr_expect(fabs(bound - rows[r].bound) < 1e-10, "row %zu: %.11f", r, bound);
    }
}

static void add(struct nulls_clusters *clusters, const double *value, int64_t count)
{
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < count; i++) {
        sum += value[i];
        squares += value[i] * value[i];
    }
    nulls_add_cluster(clusters, count, sum, squares);
}

Test(nulls, equal_clusters_by_hand)
{
    struct nulls_clusters clusters = {0};
    add(&clusters, (const double[]){1, 2}, 2);
    add(&clusters, (const double[]){3, 4}, 2);
    add(&clusters, (const double[]){5, 6}, 2);
    add(&clusters, NULL, 0);
    /* MSB = 16 / 2, MSW = 1.5 / 3, n0 = 2 */
    cr_expect(near(nulls_icc(&clusters), 7.5 / 8.5));
    cr_expect(near(nulls_design_effect(&clusters), 1 + 7.5 / 8.5));
    cr_expect(near(nulls_effective_size(&clusters), 6 / (1 + 7.5 / 8.5)));
}

Test(nulls, unequal_clusters_by_hand)
{
    struct nulls_clusters clusters = {0};
    add(&clusters, (const double[]){1}, 1);
    add(&clusters, (const double[]){2, 3}, 2);
    add(&clusters, (const double[]){4, 5, 6}, 3);
    /* MSB = 15 / 2, MSW = 2.5 / 3, n0 = (6 - 14 / 6) / 2 = 11 / 6 */
    double icc = (7.5 - 2.5 / 3) / (7.5 + 5.0 / 6 * 2.5 / 3);
    cr_expect(near(nulls_icc(&clusters), icc));
    cr_expect(near(nulls_design_effect(&clusters), 1 + (14.0 / 6 - 1) * icc));
}

Test(nulls, what_cannot_be_told_is_nan_and_a_negative_correlation_makes_no_sample_larger)
{
    struct nulls_clusters none = {0}, singles = {0}, opposed = {0};
    cr_expect(isnan(nulls_icc(&none)));
    add(&singles, (const double[]){1}, 1);
    add(&singles, (const double[]){2}, 1);
    cr_expect(isnan(nulls_icc(&singles)), "no cluster has two values");
    add(&opposed, (const double[]){1, 5}, 2);
    add(&opposed, (const double[]){1, 5}, 2);
    cr_expect(near(nulls_icc(&opposed), -1));
    cr_expect(near(nulls_design_effect(&opposed), 1));
}

Test(nulls, events_are_grouped_by_person_and_by_visit)
{
    struct event list[] = {
        {.person = 1, .visit = 1, .half_stars = 2, .rank = 1, .post_accepted = true},
        {.person = 2, .visit = 2, .half_stars = 6, .rank = 1, .post_accepted = true},
        {.person = 1, .visit = 3, .half_stars = 4, .rank = 1, .post_accepted = true},
        {.person = 2, .visit = 2, .half_stars = 8, .rank = 1, .post_accepted = true},
        {.person = 2, .visit = 2, .half_stars = 8, .rank = 1, .post_accepted = false},
        {.person = 1, .visit = 3},
        {.person = 9, .visit = 4, .half_stars = 10, .post_accepted = true, .kind = ARRIVALS_BOT},
    };
    struct events events = {.count = sizeof list / sizeof list[0], .event = list, .complete = true};
    struct nulls_clusters people = {0}, visits = {0}, converted = {0};
    nulls_add_events(&people, &events, NULLS_STARS, NULLS_BY_PERSON);
    cr_expect(near(people.clusters, 2) && near(people.values, 4));
    /* {1, 2} and {3, 4}: MSB = 4 / 1, MSW = 1 / 2, n0 = 2 */
    cr_expect(near(nulls_icc(&people), 3.5 / 4.5));
    nulls_add_events(&visits, &events, NULLS_STARS, NULLS_BY_VISIT);
    cr_expect(near(visits.clusters, 3) && near(visits.values, 4));
    nulls_add_events(&converted, &events, NULLS_CONVERSION, NULLS_BY_PERSON);
    cr_expect(near(converted.values, 6) && near(converted.total, 2));
}

Test(nulls, a_sample_with_holes_is_refused)
{
    struct event list[] = {{.person = 1, .half_stars = 2, .post_accepted = true}};
    struct events events = {.count = 1, .event = list, .complete = false};
    struct nulls_clusters people = {0};
    cr_expect_not(nulls_add_events(&people, &events, NULLS_STARS, NULLS_BY_PERSON));
    cr_expect(near(people.values, 0));
    events.complete = true;
    cr_expect(nulls_add_events(&people, &events, NULLS_STARS, NULLS_BY_PERSON));
    cr_expect(near(people.values, 1));
}

#define MANY 90

Test(nulls, alarms_are_counted_however_many_alerts_there_are)
{
    static struct rules_alert rule[MANY];
    static struct evidence_alert alert[MANY];
    struct evidence_episode fired = {.firing_s = 7}, pending = {.firing_s = (double)NAN};
    struct nulls_tallies tallies = {0};
    for (int i = 0; i < MANY; i++) {
        snprintf(rule[i].name, sizeof rule[i].name, "Alert%d", i);
        snprintf(rule[i].severity, sizeof rule[i].severity, "%s", i == 0 ? "none" : "ticket");
        alert[i] = (struct evidence_alert){.rule = &rule[i], .count = 1, .episode = &fired};
    }
    alert[1].episode = &pending;
    alert[2].count = 0;
    struct evidence evidence = {.alert_count = MANY, .alert = alert};
    cr_expect_eq(nulls_count_alarms(&tallies, &evidence), MANY - 3);
    cr_expect_eq(nulls_count_alarms(&tallies, &evidence), MANY - 3);
    cr_assert_eq(tallies.count, (size_t)MANY - 1, "all but the one without severity");
    cr_expect_eq(tallies.tally[0].pending_drills, 2);
    cr_expect_eq(tallies.tally[0].drills, 0);
    cr_expect_eq(tallies.tally[1].pending_drills, 0);
    cr_expect_str_eq(tallies.tally[MANY - 2].alert, "Alert89");
    cr_expect_eq(tallies.tally[MANY - 2].drills, 2);
    nulls_tallies_deinit(&tallies);
}

Test(nulls, what_was_over_before_the_people_came_is_no_alarm)
{
    struct rules_alert rule = {.name = "Gone", .severity = "ticket"};
    struct evidence_episode episode = {.pending_s = -4, .firing_s = -3, .resolved_s = -.5};
    struct evidence_alert alert = {.rule = &rule, .count = 1, .episode = &episode};
    struct evidence evidence = {.alert_count = 1, .alert = &alert};
    struct nulls_tallies tallies = {0};
    cr_expect_eq(nulls_count_alarms(&tallies, &evidence), 0);
    cr_expect_eq(tallies.tally[0].pending_drills, 0);
    episode.resolved_s = 2;
    cr_expect_eq(nulls_count_alarms(&tallies, &evidence), 1);
    episode.resolved_s = (double)NAN;
    cr_expect_eq(nulls_count_alarms(&tallies, &evidence), 1);
    cr_expect_eq(tallies.tally[0].drills, 2);
    nulls_tallies_deinit(&tallies);
}
