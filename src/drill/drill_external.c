#include "drill/drill_external.h"

#include "drill/disturbances.h"
#include "drill/remote.h"
#include "load/target_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTS 40
#define LIST_TIMEOUT_MS 5000
#define PAST_MIN 10 /* films somebody must have seen for a list to tell anything */
/* A service that knows the people and keeps what they have rated from them serves none of it; one
 * that does not know them serves popular films, of which they have seen a good part. Of one that
 * shows films again, lists cannot tell whom it knows. */
#define STRANGE_SHARE_MAX 0.05
/* Ratings a person that it may have taken since its training. */
#define RATINGS_SHARE_MAX 0.01

void drill_external_disturbances(const struct scenario *scenario, struct faults *faults)
{
    for (int i = 0; i < scenario->disturbance_count; i++) {
        if (scenario->disturbance[i].kind == SCENARIO_STALL_PROMETHEUS) {
            char path[64];
            snprintf(path, sizeof path, "/disturbances/%d", i);
            faults_add(faults, scenario->name, 0, path,
                       "a drill cannot stall a Prometheus that it has not started; leave --stack "
                       "external away");
        }
    }
}

struct tally {
    int lists, places, seen, unknown;
};

static int by_index(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;
    return (left > right) - (left < right);
}

static bool has_seen(const struct people *people, int32_t person, int32_t film)
{
    int64_t first = people->seen_start[person], end = people->seen_start[person + 1];
    return bsearch(&film, people->seen_item + first, (size_t)(end - first), sizeof film,
                   by_index) != NULL;
}

static const char *url_of(const struct drill_external_target *asked)
{
    return target_link_url(asked->link);
}

/* False, with a fault, if it answers no list. */
static bool ask_list(const struct drill_external_target *asked, int32_t person, struct tally *tally,
                     struct faults *faults)
{
    struct step_list list;
    struct error error = {0};
    bool good = target_ask_list(target_link_target(asked->link), person + 1, LIST_TIMEOUT_MS, &list,
                                NULL, &error) == ERR_OK;
    if (!good) {
        faults_add(faults, url_of(asked), 0, "", "no list for person %" PRId32 ": %s", person + 1,
                   error.text);
    }
    for (int i = 0; good && i < list.count; i++) {
        tally->places++;
        tally->unknown += list.item[i] < 0;
        tally->seen += list.item[i] >= 0 && has_seen(asked->people, person, list.item[i]);
    }
    tally->lists++;
    return good;
}

/* Asks people all over the population; false, with a fault, if one gets no list. */
static bool ask_lists(const struct drill_external_target *asked, struct tally *tally,
                      struct faults *faults)
{
    const struct people *people = asked->people;
    int32_t users = population_users(people->population);
    int32_t step = users > LISTS ? users / LISTS : 1;
    bool good = true;
    for (int32_t p = 0; p < users && good; p += step) {
        if (people->seen_start[p + 1] - people->seen_start[p] >= PAST_MIN) {
            good = ask_list(asked, p, tally, faults);
        }
    }
    return good;
}

static void check_lists(const struct drill_external_target *asked, struct faults *faults)
{
    const struct people *people = asked->people;
    struct tally tally = {0};
    if (!ask_lists(asked, &tally, faults)) {
        return;
    }
    double most = STRANGE_SHARE_MAX * tally.places;
    if (tally.unknown > most) {
        faults_add(
            faults, url_of(asked), 0, "",
            "of %d films in %d lists the people know not even the name of %d: the target was "
            "trained on other data",
            tally.places, tally.lists, tally.unknown);
    }
    const struct target_has *has = target_has(target_link_target(asked->link));
    if (tally.seen > most && !has->repeats) {
        faults_add(faults, url_of(asked), 0, "",
                   "of %d films in %d lists %d had been rated before: the target does not know "
                   "these people; train it on %s%s",
                   tally.places, tally.lists, tally.seen, people->past_folder,
                   has->bundled ? ""
                                : ", or say `repeats: true` under `list:` in its description if it "
                                  "shows what people have rated");
    }
}

/* What people like at rest must be what it knows: neither retraining since the past, nor what they
 * did in an earlier drill, which lists follow at once. */
static void check_rest(const struct drill_external_target *asked, struct faults *faults)
{
    struct metrics_snapshot *now = NULL;
    struct error error = {0};
    const char *past = asked->people->past_folder;
    bool has_version = false, has_ratings = false;
    if (target_link_metrics(asked->link, &now, &error) != ERR_OK) {
        faults_add(faults, url_of(asked), 0, "", "does not tell its metrics: %s", error.text);
        return;
    }
    if (now == NULL) {
        return;
    }
    double version = metrics_sum(now, "model_version", NULL, 0, &has_version);
    double ratings = metrics_sum(now, "ratings_since_training", NULL, 0, &has_ratings);
    metrics_snapshot_free(now);
    if (target_link_is_bundled(asked->link) && has_version && version > 1) {
        faults_add(faults, url_of(asked), 0, "",
                   "has been retrained, to model version %.0f: what people like at rest may no "
                   "longer be what it knows; start it anew on %s",
                   version, past);
    }
    if (has_ratings && ratings > RATINGS_SHARE_MAX * asked->scenario->people) {
        faults_add(faults, url_of(asked), 0, "",
                   "has taken %.0f ratings since it was trained, and its lists follow them: start "
                   "it anew on %s",
                   ratings, past);
    }
}

static void check_admin(const struct drill_external_target *asked, struct faults *faults)
{
    struct remote_training training = {0};
    struct error error = {0};
    bool retrains = asked->people->later_folder[0] != '\0';
    bool open = target_link_training(asked->link, &training, &error) == ERR_OK;
    if (retrains && !open) {
        faults_add(faults, url_of(asked), 0, "",
                   "the scenario retrains it, and it may not be asked to: %s", error.text);
    }
    if (training.running) {
        faults_add(faults, url_of(asked), 0, "", "is training");
    }
    error = (struct error){0};
    if (scenario_breaks(asked->scenario) &&
        remote_faults_open(target_link_http(asked->link), url_of(asked), &error) != ERR_OK) {
        faults_add(faults, url_of(asked), 0, "",
                   "the scenario needs its faults on demand (serve --enable-faults): %s",
                   error.text);
    }
}

void drill_external_check(const struct drill_external_target *asked, struct faults *faults)
{
    check_rest(asked, faults);
    check_admin(asked, faults);
    check_lists(asked, faults);
}
