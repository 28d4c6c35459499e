/* What a run came to, as a file: nothing is lost on the way, and shards add up to the whole. */
#include "load/result_file.h"

#include "base/buf.h"
#include "base/fileio.h"
#include "base/mem.h"
#include "invalid.h"
#include "load/fitness.h"
#include "load/result_fields.h"
#include "small_world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct small_world world;
static char folder[] = "/tmp/result-file-XXXXXX";

static void set_up(void)
{
    small_world_init(&world);
    world.plan.connections = 400; /* so that nobody waits, and observed times are the same, too */
    cr_assert_not_null(mkdtemp(folder));
}

static void tear_down(void)
{
    struct error error = {0};
    small_world_deinit(&world);
    cr_assert_eq(file_remove_tree(folder, &error), ERR_OK);
}

TestSuite(result_file, .init = set_up, .fini = tear_down);

/* Some are refused, some get no answer, some an unreadable list: by the asking user alone. */
static void trouble(void *context, const struct fake_request *request, struct fake_answer *answer)
{
    (void)context;
    answer->latency_ns = (1 + request->user_id % 9) * 1000000;
    if (request->user_id % 7 == 1 && request->nth % 4 == 1) {
        answer->status = 500;
    } else if (request->user_id % 7 == 2 && request->nth % 4 == 1) {
        answer->status = 0;
    } else if (request->user_id % 7 == 4 && request->nth % 4 == 3) {
        answer->latency_ns = FAKE_UNTIL_TIMEOUT;
    }
}

/* Plays one shard and takes it through a file. */
static void play_shard(unsigned shard, unsigned shards, unsigned threads, struct result_file *out)
{
    struct result_file file = {.shards = shards > 0 ? shards : 1,
                               .plan = json_pack("{s:i,s:s}", "seed", 77, "target", "fake"),
                               .parts = json_pack("[{s:i}]", "shard", (int)shard)};
    struct error error = {0};
    char path[64];
    (void)snprintf(path, sizeof path, "%s/%u-of-%u", folder, shard, shards);
    world.plan.shard = shard;
    world.plan.shards = shards;
    world.plan.threads = threads;
    small_world_play(&world, &file.result);
    cr_assert_eq(result_write(&file, path, &error), ERR_OK, "%s", error.text);
    cr_assert_eq(result_read(path, out, &error), ERR_OK, "%s", error.text);
    result_file_deinit(&file);
}

static char *histogram_text(const struct histogram *histogram)
{
    struct buf text;
    buf_init(&text, (size_t)1 << 20);
    histogram_write_text(histogram, &text);
    return buf_take(&text);
}

static void expect_same_histogram(const struct histogram *a, const struct histogram *b,
                                  const char *what)
{
    cr_expect_eq(a == NULL, b == NULL, "%s", what);
    if (a != NULL && b != NULL) {
        char *one = histogram_text(a), *two = histogram_text(b);
        cr_expect_str_eq(one, two, "%s", what);
        mem_free(one);
        mem_free(two);
    }
}

static void expect_same_ledger(const struct ledger *a, const struct ledger *b)
{
    cr_expect_eq(a->digest, b->digest);
    cr_expect_eq(a->bucket_ns, b->bucket_ns);
    cr_expect_eq(a->visits, b->visits);
    cr_expect_eq(a->visits_delayed, b->visits_delayed);
    cr_expect_eq(a->steps, b->steps);
    cr_expect_eq(a->lost, b->lost);
    cr_expect_eq(a->source_count, b->source_count);
    for (int s = 0; s < a->source_count; s++) {
        cr_expect_str_eq(a->source[s], b->source[s]);
    }
    cr_assert_eq(a->phase_count, b->phase_count);
    for (int p = 0; p < a->phase_count; p++) {
        cr_expect_eq(memcmp(&a->nominal[p], &b->nominal[p], sizeof a->nominal[p]), 0, "phase %d",
                     p);
        cr_expect_eq(memcmp(&a->places[p], &b->places[p], sizeof a->places[p]), 0, "phase %d", p);
        cr_expect_eq(a->phase_start_ns[p], b->phase_start_ns[p]);
    }
    for (int64_t at = 0; at < 70 * SMALL_WORLD_SECOND; at += a->bucket_ns) {
        struct ledger_counts one = ledger_window(a, at, at + a->bucket_ns);
        struct ledger_counts two = ledger_window(b, at, at + a->bucket_ns);
        cr_expect_eq(memcmp(&one, &two, sizeof one), 0, "bucket at %lld ns", (long long)at);
    }
}

static void expect_same_result(const struct engine_result *a, const struct engine_result *b)
{
    expect_same_ledger(a->ledger, b->ledger);
    expect_same_histogram(a->schedule_lag, b->schedule_lag, "schedule lag");
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        expect_same_histogram(a->from_intended[e], b->from_intended[e], "from intended");
        expect_same_histogram(a->from_send[e], b->from_send[e], "from send");
        for (int p = 0; p < ENGINE_PARTS; p++) {
            if (p != ENGINE_PART_SCAN) { /* real time, and of one list in some */
                expect_same_histogram(a->part[e][p], b->part[e][p], engine_part_name[p]);
            }
        }
        cr_expect_eq(memcmp(a->failures[e], b->failures[e], sizeof a->failures[e]), 0);
        cr_expect_eq(a->shed[e], b->shed[e]);
        cr_expect_eq(a->unsent[e], b->unsent[e]);
    }
    cr_expect_eq(a->unsent_late, b->unsent_late);
    cr_expect_eq(a->retried, b->retried);
    cr_expect_eq(a->connects, b->connects);
    cr_expect_eq(a->late_starts, b->late_starts);
    cr_expect_eq(a->taken, b->taken);
    cr_expect_eq(a->liked, b->liked);
    cr_expect_eq(a->started_ns, b->started_ns);
    cr_expect_eq(a->ended_ns, b->ended_ns);
    cr_expect_eq(a->problem.code, b->problem.code);
    cr_expect_eq(a->problem_ns, b->problem_ns);
    cr_expect_eq(a->block_count, b->block_count);
    for (int64_t b_ = 0; b_ < a->block_count && a->block_count == b->block_count; b_++) {
        cr_expect_eq(memcmp(&a->block[b_], &b->block[b_], sizeof a->block[b_]), 0, "block %lld",
                     (long long)b_);
    }
}

Test(result_file, two_half_shards_are_the_whole)
{
    struct result_file whole, first, second;
    struct error error = {0};
    world.script.answer = trouble;
    world.plan.keep_truth = true;
    world.plan.block_ns = SMALL_WORLD_SECOND;
    world.plan.slo_ns[0] = 5000000;
    world.plan.fallback[world.plan.fallback_count++] = "popular";
    play_shard(0, 1, 1, &whole);
    play_shard(0, 2, 1, &first);
    play_shard(1, 2, 3, &second);
    cr_expect_gt(first.result.ledger->steps, 0);
    cr_expect_gt(second.result.ledger->steps, 0);
    cr_expect_neq(first.result.ledger->digest, whole.result.ledger->digest);
    cr_expect_not(result_complete(&first));
    cr_assert_eq(result_merge(&second, &first, &error), ERR_OK, "%s", error.text);
    cr_expect(result_complete(&second));
    expect_same_result(&whole.result, &second.result);
    const struct engine_block *block = &second.result.block[5];
    cr_expect(block->hits > 0 && block->fallback > 0 && block->named > block->fallback,
              "there was something to be the same");
    cr_expect_eq(json_integer_value(json_object_get(json_array_get(second.parts, 0), "shard")), 0);
    result_file_deinit(&whole);
    result_file_deinit(&first);
    result_file_deinit(&second);
}

Test(result_file, seven_shards_add_up_in_any_order)
{
    static const unsigned order[] = {4, 0, 6, 1, 3, 5, 2};
    struct result_file whole, sum, part;
    struct error error = {0};
    world.script.answer = trouble;
    play_shard(0, 1, 2, &whole);
    play_shard(order[0], 7, 1, &sum);
    for (size_t i = 1; i < 7; i++) {
        cr_expect_not(result_complete(&sum));
        play_shard(order[i], 7, 1, &part);
        cr_assert_eq(result_merge(&sum, &part, &error), ERR_OK, "%s", error.text);
        result_file_deinit(&part);
    }
    cr_expect(result_complete(&sum));
    expect_same_result(&whole.result, &sum.result);
    result_file_deinit(&whole);
    result_file_deinit(&sum);
}

/* Every plain number of the result is different, so that none can be taken for another. */
static void number_everything(struct engine_result *result)
{
    int64_t next = 1000;
    struct ledger_counts *counts = &result->ledger->observed[3];
    for (size_t i = 0; i < sizeof *counts / sizeof(int64_t); i++) {
        int64_t integer;
        double real;
        memcpy(&integer, (char *)counts + 8 * i, 8);
        (void)integer;
        real = (double)++next + 0.125;
        /* Members of struct ledger_expected and three sums of ledger_counts are reals. */
        bool is_real = (i * 8 >= offsetof(struct ledger_counts, reciprocal_rank) &&
                        i * 8 <= offsetof(struct ledger_counts, rank)) ||
                       (i * 8 > offsetof(struct ledger_counts, now.lists) &&
                        i * 8 != offsetof(struct ledger_counts, rest.lists));
        memcpy((char *)counts + 8 * i, is_real ? (void *)&real : (void *)&next, 8);
    }
    result->shed[0] = ++next;
    result->shed[1] = ++next;
    result->unsent[0] = ++next;
    result->unsent[1] = ++next;
    result->unsent_late = ++next;
    result->retried = ++next;
    result->late_starts = ++next;
    result->connects = ++next;
    result->taken = ++next;
    result->liked = ++next;
    result->cpu_s = 0.1 + (double)++next;
    result->cpu_share_max = 1.0 / 3;
    result->ledger->sources_dropped = ++next;
    result->ledger->leavers = ++next;
    result->ledger->visits_missed = ++next;
    result->ledger->steps_late = ++next;
    result->ledger->steps_unsent = ++next;
    result->ledger->lost = ++next;
    result->rate_changes = 2;
    result->rate_change[0] = (struct pace_change){5, 5, 1.1};
    result->rate_change[1] = (struct pace_change){100, 110, 0};
    for (int f = 0; f < EXCHANGE_FAILURES; f++) {
        result->failures[0][f] = ++next;
        result->failures[1][f] = ++next;
    }
    mem_free(result->block);
    result->block_count = 5;
    result->block = mem_zalloc(5, sizeof *result->block);
    for (size_t i = 0; i < sizeof result->block[3] / sizeof(int64_t); i++) {
        next++;
        memcpy((char *)&result->block[3] + 8 * i, &next, 8);
    }
}

Test(result_file, every_number_comes_back)
{
    struct result_file file = {.shards = 1,
                               .plan = json_pack("{s:s}", "target", "f\"a\\ke"),
                               .parts = json_pack("[{s:i,s:s}]", "shard", 0, "host", "here")};
    struct result_file read;
    struct error error = {0};
    char path[64];
    (void)snprintf(path, sizeof path, "%s/numbers", folder);
    small_world_play(&world, &file.result);
    number_everything(&file.result);
    error_set(&file.result.problem, ERR_TIMEOUT, "http://\"x", 0, "a line\nand another");
    file.result.problem_ns = -5;
    cr_assert_eq(result_write(&file, path, &error), ERR_OK, "%s", error.text);
    cr_assert_eq(result_read(path, &read, &error), ERR_OK, "%s", error.text);
    expect_same_result(&file.result, &read.result);
    cr_expect(json_equal(file.plan, read.plan) && json_equal(file.parts, read.parts));
    const struct engine_result *a = &file.result, *b = &read.result;
    cr_expect_eq(
        memcmp(&a->ledger->observed[3], &b->ledger->observed[3], sizeof a->ledger->observed[3]), 0);
    cr_expect_eq(memcmp(&a->cpu_s, &b->cpu_s, sizeof a->cpu_s), 0);
    cr_expect_eq(memcmp(&a->cpu_share_max, &b->cpu_share_max, sizeof a->cpu_s), 0);
    cr_expect_eq(a->threads, b->threads);
    cr_expect_eq(a->ledger->sources_dropped, b->ledger->sources_dropped);
    cr_expect_eq(a->ledger->leavers, b->ledger->leavers);
    cr_expect_eq(a->ledger->visits_missed, b->ledger->visits_missed);
    cr_expect_eq(a->ledger->steps_late, b->ledger->steps_late);
    cr_expect_eq(a->ledger->steps_unsent, b->ledger->steps_unsent);
    cr_expect_eq(a->rate_changes, b->rate_changes);
    cr_expect_eq(memcmp(a->rate_change, b->rate_change, 2 * sizeof a->rate_change[0]), 0);
    cr_expect_str_eq(a->problem.text, b->problem.text);
    cr_expect_str_eq(a->problem.where, b->problem.where);
    result_file_deinit(&file);
    result_file_deinit(&read);
}

static size_t bytes_of(const struct result_fields *fields)
{
    size_t bytes = 0;
    for (size_t i = 0; i < fields->count; i++) {
        bytes += 8 * (size_t)fields->field[i].count;
    }
    return bytes;
}

/* A new member that is not in the tables would be lost on the way through a file. */
Test(result_file, every_member_has_a_name)
{
    cr_expect_eq(bytes_of(&result_ledger_counts), sizeof(struct ledger_counts));
    cr_expect_eq(bytes_of(&result_block_counts), sizeof(struct engine_block_counts));
    cr_expect_eq(bytes_of(&result_block_lists),
                 sizeof(struct engine_block) - sizeof(((struct engine_block *)NULL)->by));
}

Test(result_file, what_does_not_belong_together_is_not_added)
{
    struct result_file first, second;
    struct error error = {0};
    play_shard(0, 2, 1, &first);
    play_shard(0, 2, 1, &second);
    cr_expect_eq(result_merge(&first, &second, &error), ERR_INPUT);
    cr_expect_str_eq(error.text, "shard 1 of 2 is in two of them");
    result_file_deinit(&second);
    error = (struct error){0};
    play_shard(1, 2, 1, &second);
    json_object_set_new(second.plan, "seed", json_integer(78));
    cr_expect_eq(result_merge(&first, &second, &error), ERR_INPUT);
    cr_expect_not_null(strstr(error.text, "seed is 77 in one and 78 in another"), "%s", error.text);
    json_object_set_new(second.plan, "seed", json_integer(77));
    json_object_set_new(second.plan, "rate", json_integer(5));
    error = (struct error){0};
    cr_expect_eq(result_merge(&first, &second, &error), ERR_INPUT);
    cr_expect_not_null(strstr(error.text, "rate is 5 in one and nothing in another"), "%s",
                       error.text);
    result_file_deinit(&second);
    error = (struct error){0};
    play_shard(2, 3, 1, &second);
    cr_expect_eq(result_merge(&first, &second, &error), ERR_INPUT);
    cr_expect_not_null(strstr(error.text, "one is of 2 shards and another of 3"), "%s", error.text);
    result_file_deinit(&second);
    result_file_deinit(&first);
}

Test(result_file, changes_of_the_rate_stay_only_if_all_had_the_same)
{
    struct result_file part[2];
    struct error error = {0};
    for (unsigned same = 0; same < 2; same++) {
        for (unsigned i = 0; i < 2; i++) {
            play_shard(i, 2, 1, &part[i]);
            part[i].result.rate_changes = 1;
            part[i].result.rate_change[0] = (struct pace_change){7, 7, same ? 2 : 2 + i};
        }
        cr_assert_eq(result_merge(&part[0], &part[1], &error), ERR_OK, "%s", error.text);
        cr_expect_eq(part[0].result.rate_changes, (int)same);
        result_file_deinit(&part[0]);
        result_file_deinit(&part[1]);
    }
}

static void message_of(const char *path, char *message, size_t size)
{
    struct result_file file;
    struct error error = {0};
    if (result_read(path, &file, &error) == ERR_OK) {
        result_file_deinit(&file);
    } else {
        error_format(&error, message, size);
    }
}

Test(result_file, damaged_files_are_refused_with_the_place)
{
    cr_expect_eq(invalid_each("result", message_of), 0);
}

/* Whatever was read can be judged and added to a sound one, as those who merge do. */
static void use(struct result_file *read, const char *sound_path)
{
    const struct fitness_question question = {.offered_per_s = 1, .achieved_per_s = 1};
    struct result_file sound;
    struct fitness fitness;
    struct error error = {0};
    fitness_judge(&read->result, &question, &fitness);
    cr_assert_eq(result_read(sound_path, &sound, &error), ERR_OK, "%s", error.text);
    enum err code = result_merge(&sound, read, &error);
    cr_expect(code == ERR_OK || code == ERR_INPUT);
    if (code == ERR_OK) {
        fitness_judge(&sound.result, &question, &fitness);
    }
    result_file_deinit(&sound);
}

struct damage {
    struct buf text; /* of a file that is sound */
    char path[64], other_path[64];
    size_t refused, used;
};

static void set_up_damage(struct damage *damage)
{
    struct result_file file;
    struct error error = {0};
    world.plan.arrivals.end_ns = SMALL_WORLD_SECOND / 2;
    world.plan.block_ns = SMALL_WORLD_SECOND / 10;
    play_shard(0, 2, 1, &file);
    (void)snprintf(damage->path, sizeof damage->path, "%s/damaged", folder);
    (void)snprintf(damage->other_path, sizeof damage->other_path, "%s/1-of-2", folder);
    cr_assert_eq(result_write(&file, damage->path, &error), ERR_OK);
    result_file_deinit(&file);
    play_shard(1, 2, 1, &file);
    result_file_deinit(&file);
    damage->refused = damage->used = 0;
    buf_init(&damage->text, (size_t)1 << 24);
    cr_assert_eq(file_read(damage->path, &damage->text, &error), ERR_OK);
}

static void read_damaged(struct damage *damage, size_t length)
{
    struct result_file read;
    struct error error = {0}, cause = {0};
    cr_assert_eq(file_write(damage->path, damage->text.data, length, &error), ERR_OK);
    if (result_read(damage->path, &read, &cause) == ERR_OK) {
        use(&read, damage->other_path);
        result_file_deinit(&read);
        damage->used++;
    } else {
        cr_expect_eq(cause.code, ERR_INPUT, "%s", cause.text);
        damage->refused++;
    }
}

/* A file cut anywhere, or with any byte changed, is read or refused, and nothing else. */
Test(result_file, no_damage_goes_unnoticed_by_the_memory)
{
    struct damage damage;
    set_up_damage(&damage);
    for (size_t at = 0; at < damage.text.len; at += 7) {
        char was = damage.text.data[at];
        damage.text.data[at] = at % 2 == 0 ? '-' : '9';
        read_damaged(&damage, at % 5 == 0 ? at : damage.text.len);
        damage.text.data[at] = was;
    }
    cr_expect_gt(damage.refused, 10);
    cr_expect_gt(damage.used, 10);
    buf_deinit(&damage.text);
}

/* Names are where a changed letter leaves a document that is sound in itself. */
Test(result_file, every_name_counts)
{
    static const char *const name[] = {"\"schedule_lag",   "\"list/from_intended",
                                       "\"list/lag",       "\"rating/scan",
                                       "\"rating/connect", "\"failures",
                                       "\"blocks",         "\"rate_changes",
                                       "\"ledger",         "\"sent",
                                       "\"parts"};
    struct damage damage;
    set_up_damage(&damage);
    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
        char *at = memmem(damage.text.data, damage.text.len, name[i], strlen(name[i]));
        cr_assert_not_null(at, "%s", name[i]);
        char *last = at + strlen(name[i]) - 1, was = *last;
        *last = 'X';
        read_damaged(&damage, damage.text.len);
        *last = was;
        cr_expect_eq(damage.refused, i + 1, "%s", name[i]);
    }
    read_damaged(&damage, damage.text.len);
    cr_expect_eq(damage.used, 1, "what is not damaged is read");
    buf_deinit(&damage.text);
}

/* The latest block that a run keeps is one that a reader takes. */
Test(result_file, as_many_blocks_as_a_run_keeps)
{
    struct result_file file, read;
    struct error error = {0};
    char path[64];
    world.plan.block_ns = 10; /* more of them than are kept */
    play_shard(0, 1, 1, &file);
    cr_expect_leq(file.result.block_count, ENGINE_BLOCKS_MAX);
    cr_expect_gt(file.result.ledger->lost, 0, "those beyond are told");
    mem_free(file.result.block);
    file.result.block_count = ENGINE_BLOCKS_MAX;
    file.result.block = mem_zalloc(ENGINE_BLOCKS_MAX, sizeof *file.result.block);
    file.result.block[ENGINE_BLOCKS_MAX - 1].by[ENGINE_GET].sent = 3;
    (void)snprintf(path, sizeof path, "%s/blocks", folder);
    cr_assert_eq(result_write(&file, path, &error), ERR_OK, "%s", error.text);
    cr_assert_eq(result_read(path, &read, &error), ERR_OK, "%s", error.text);
    cr_expect_eq(read.result.block[ENGINE_BLOCKS_MAX - 1].by[ENGINE_GET].sent, 3);
    result_file_deinit(&file);
    result_file_deinit(&read);
}
