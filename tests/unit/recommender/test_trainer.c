#include "recommender/trainer.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "taste_world.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdlib.h>

#define DEADLINE_S 60

/* A trainer on a made-up folder, and what it trains for. */
struct stand {
    char folder[64];
    struct publish publish;
    struct store *store;
    struct trainer *trainer;
    atomic_bool may;
    atomic_int asked;
};

static bool may_begin(void *context)
{
    struct stand *stand = context;
    atomic_fetch_add(&stand->asked, 1);
    return atomic_load(&stand->may);
}

static void write_folder(const char *folder, int64_t newest_s)
{
    struct dataset data;
    taste_data(&data, 0, newest_s, 1);
    cr_assert(taste_write(&data, folder));
    dataset_deinit(&data);
}

static struct trainer_status status_of(struct stand *stand)
{
    struct trainer_status status;
    trainer_status(stand->trainer, &status);
    return status;
}

/* Until so many trainings have ended, well or not. */
static struct trainer_status wait_ended(struct stand *stand, uint64_t trainings)
{
    struct trainer_status status = status_of(stand);
    int64_t until_ns = clock_mono_ns() + DEADLINE_S * CLOCK_NS_PER_S;
    while (status.trained + status.failures < trainings && clock_mono_ns() < until_ns) {
        clock_sleep_ns(CLOCK_NS_PER_MS);
        status = status_of(stand);
    }
    cr_assert(status.trained + status.failures >= trainings, "no training after a minute");
    return status;
}

static void stand_open(struct stand *stand, struct trainer_config config)
{
    struct error error = {0};
    *stand = (struct stand){.folder = "/tmp/trainer-test-XXXXXX"};
    cr_assert(mkdtemp(stand->folder) != NULL);
    write_folder(stand->folder, 1600000000);
    publish_init(&stand->publish);
    atomic_store(&stand->may, true);
    cr_assert(store_open(NULL, &stand->store, &error) == ERR_OK, "%s", error.text);
    config.data_folder = stand->folder;
    config.train = taste_config();
    config.may_begin = may_begin;
    config.context = stand;
    cr_assert(trainer_start(&stand->trainer, &config, &stand->publish, stand->store, &error) ==
                  ERR_OK,
              "%s", error.text);
    cr_assert(wait_ended(stand, 1).failures == 0);
}

static void stand_close(struct stand *stand)
{
    trainer_stop(stand->trainer);
    store_close(stand->store);
    publish_deinit(&stand->publish);
    cr_expect(file_remove_tree(stand->folder, NULL) == ERR_OK);
}

static void rate(struct stand *stand, int count)
{
    for (int i = 0; i < count; i++) {
        trainer_rated(stand->trainer);
    }
}

Test(trainer, enough_ratings_begin_a_training_and_are_counted_anew)
{
    struct stand stand;
    stand_open(&stand, (struct trainer_config){.retrain_on_ratings = 5});
    rate(&stand, 4);
    struct trainer_status status = status_of(&stand);
    cr_expect(status.cause == CAUSE_START && status.ratings == 4 && status.trained == 1 &&
              status.state == TRAINER_IDLE);
    rate(&stand, 1);
    status = wait_ended(&stand, 2);
    cr_expect(status.cause == CAUSE_RATINGS && status.model_version == 2 && status.ratings == 0);
    rate(&stand, 5);
    status = wait_ended(&stand, 3);
    cr_expect(status.cause == CAUSE_RATINGS && status.model_version == 3);
    stand_close(&stand);
}

Test(trainer, without_being_told_to_no_training_begins_by_itself)
{
    struct stand stand;
    stand_open(&stand, (struct trainer_config){0});
    rate(&stand, 1000);
    cr_expect(trainer_retrain(stand.trainer, NULL));
    struct trainer_status status = wait_ended(&stand, 2);
    cr_expect(status.cause == CAUSE_REQUEST && status.trained == 2);
    cr_expect(atomic_load(&stand.asked) == 0, "nobody asks about one that was requested");
    stand_close(&stand);
}

Test(trainer, trainings_repeat_after_their_time)
{
    struct stand stand;
    int64_t began_ns = clock_mono_ns();
    stand_open(&stand, (struct trainer_config){.retrain_every_ns = 50 * CLOCK_NS_PER_MS});
    struct trainer_status status = wait_ended(&stand, 4);
    cr_expect(status.trained >= 4 && status.cause == CAUSE_TIME);
    cr_expect(clock_mono_ns() - began_ns >= 150 * CLOCK_NS_PER_MS, "not before it is time");
    stand_close(&stand);
}

Test(trainer, what_may_not_begin_waits_until_it_may)
{
    struct stand stand;
    stand_open(&stand, (struct trainer_config){.retrain_on_ratings = 2});
    atomic_store(&stand.may, false);
    rate(&stand, 2);
    int64_t until_ns = clock_mono_ns() + DEADLINE_S * CLOCK_NS_PER_S;
    while (atomic_load(&stand.asked) < 2 && clock_mono_ns() < until_ns) {
        clock_sleep_ns(CLOCK_NS_PER_MS);
    }
    cr_expect(atomic_load(&stand.asked) >= 2, "it is asked again");
    cr_expect(status_of(&stand).trained == 1);
    atomic_store(&stand.may, true);
    cr_expect(wait_ended(&stand, 2).cause == CAUSE_RATINGS);
    stand_close(&stand);
}

Test(trainer, a_failed_training_changes_nothing_but_its_count)
{
    struct stand stand;
    stand_open(&stand, (struct trainer_config){0});
    cr_expect(trainer_retrain(stand.trainer, "/nonexistent"));
    struct trainer_status status = wait_ended(&stand, 2);
    cr_expect(status.state == TRAINER_FAILED && status.failures == 1 && status.trained == 1);
    cr_expect(status.model_version == 1 && publish_own(&stand.publish)->version == 1);
    cr_expect(strstr(status.error.where, "/nonexistent") != NULL, "%s", status.error.where);
    stand_close(&stand);
}

Test(trainer, a_further_data_set_stays_part_of_later_trainings)
{
    struct stand stand;
    char later[96];
    stand_open(&stand, (struct trainer_config){0});
    int64_t at_first = publish_own(&stand.publish)->corpus.ratings.count;
    (void)snprintf(later, sizeof later, "%s/later", stand.folder);
    struct dataset data;
    taste_data(&data, 1, 1600000000 + 120 * TASTE_DAY_S, 2);
    cr_assert(taste_write(&data, later));
    dataset_deinit(&data);
    cr_expect(trainer_retrain(stand.trainer, later));
    (void)wait_ended(&stand, 2);
    int64_t joined = publish_own(&stand.publish)->corpus.ratings.count;
    cr_expect(joined > at_first, "%lld, then %lld", (long long)at_first, (long long)joined);
    cr_expect(trainer_retrain(stand.trainer, NULL));
    (void)wait_ended(&stand, 3);
    cr_expect(publish_own(&stand.publish)->corpus.ratings.count == joined);
    stand_close(&stand);
}

Test(trainer, stored_ratings_of_unknown_films_are_left_out_and_counted)
{
    struct store_entry known = {.rating = {1, taste_movie_id(3), 8, 1600000100}};
    struct store_entry unknown = {.rating = {1, 999999, 8, 1600000101}};
    struct stand stand;
    stand_open(&stand, (struct trainer_config){0});
    cr_assert(store_add(stand.store, &known, NULL) == ERR_OK);
    cr_assert(store_add(stand.store, &unknown, NULL) == ERR_OK);
    cr_expect(trainer_retrain(stand.trainer, NULL));
    cr_expect(wait_ended(&stand, 2).left_out == 1);
    stand_close(&stand);
}
