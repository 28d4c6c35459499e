/*
 * The past must be as hard to learn as the data: with one film of each person held out, implicit
 * ALS ranks it among the first ten so many times as often as popularity does. Every person of the
 * data is played in three rounds with another film held out, the people of the past in one.
 */
#include "base/mem.h"
#include "numeric/als.h"
#include "people_world.h"
#include "population/population_int.h"

#include <criterion/criterion.h>
#include <string.h>

enum { FACTORS = 32, ROUNDS = 3, ROUNDS_OF_PEOPLE = 4 };

struct hits {
    double als, popularity, people;
};

struct histories {
    int32_t people, films;
    const int64_t *start;
    const int32_t *item;
};

struct trial {
    const struct histories *histories;
    struct sparse kept;
    int32_t *held; /* [people] */
    float *user, *film;
    float *count; /* [films] */
};

static void hold_out(struct trial *trial, uint32_t round)
{
    const struct histories *h = trial->histories;
    sparse_init(&trial->kept, h->people, h->films, h->start[h->people] - h->people);
    trial->held = mem_array((size_t)h->people, sizeof *trial->held);
    trial->count = mem_zalloc((size_t)h->films, sizeof *trial->count);
    int64_t next = 0;
    for (int32_t u = 0; u < h->people; u++) {
        struct rng rng = rng_stream(77, (uint64_t)u, round);
        uint32_t length = (uint32_t)(h->start[u + 1] - h->start[u]);
        int64_t held = h->start[u] + rng_below(&rng, length);
        trial->held[u] = h->item[held];
        trial->kept.start[u] = next;
        for (int64_t k = h->start[u]; k < h->start[u + 1]; k++) {
            if (k != held) {
                trial->kept.col[next] = h->item[k];
                trial->kept.value[next++] = 1;
                trial->count[h->item[k]]++;
            }
        }
    }
    trial->kept.start[h->people] = next;
}

static void train(struct trial *trial)
{
    const struct als_config config = {
        .factors = FACTORS, .sweeps = 8, .cg_steps = 3, .regularisation = 1, .alpha = 1, .seed = 5};
    struct parallel parallel = parallel_all_cores();
    struct sparse transposed;
    sparse_transpose(&trial->kept, &transposed);
    trial->user = mem_array((size_t)trial->kept.rows * FACTORS, sizeof(float));
    trial->film = mem_array((size_t)trial->kept.cols * FACTORS, sizeof(float));
    als_train(&config, &trial->kept, &transposed, &parallel, 0, trial->user, trial->film, NULL,
              NULL);
    sparse_deinit(&transposed);
}

static float als_score(const struct trial *trial, int32_t person, int32_t film)
{
    float sum = 0;
    for (int d = 0; d < FACTORS; d++) {
        sum +=
            trial->user[(int64_t)person * FACTORS + d] * trial->film[(int64_t)film * FACTORS + d];
    }
    return sum;
}

static void count_hits(const struct trial *trial, int32_t person, bool *seen, struct hits *hits)
{
    int32_t films = trial->histories->films, held = trial->held[person];
    double above_als = 0, above_popularity = 0;
    memset(seen, 0, (size_t)films * sizeof *seen);
    for (int64_t k = trial->kept.start[person]; k < trial->kept.start[person + 1]; k++) {
        seen[trial->kept.col[k]] = true;
    }
    float wanted = als_score(trial, person, held);
    for (int32_t i = 0; i < films; i++) {
        if (seen[i] || i == held) {
            continue;
        }
        above_als += als_score(trial, person, i) > wanted;
        above_popularity += trial->count[i] > trial->count[held]    ? 1
                            : trial->count[i] == trial->count[held] ? .5
                                                                    : 0;
    }
    hits->als += above_als < 10;
    hits->popularity += above_popularity < 10;
    hits->people++;
}

static void play_round(const struct histories *histories, uint32_t round, struct hits *hits)
{
    struct trial trial = {.histories = histories};
    hold_out(&trial, round);
    train(&trial);
    bool *seen = mem_zalloc((size_t)histories->films, sizeof *seen);
    for (int32_t u = 0; u < histories->people; u++) {
        count_hits(&trial, u, seen, hits);
    }
    mem_free(seen);
    mem_free(trial.held);
    mem_free(trial.count);
    mem_free(trial.user);
    mem_free(trial.film);
    sparse_deinit(&trial.kept);
}

/* Look-alikes alone: the real users' histories are the data. */
static struct hits hits_of_look_alikes(const struct population *p)
{
    int32_t people = p->users - p->real_users;
    int64_t *start = mem_zalloc((size_t)people + 1, sizeof *start);
    for (int32_t u = 0; u < people; u++) {
        start[u + 1] = start[u] + population_activity(p, p->real_users + u);
    }
    int32_t *item = mem_array((size_t)start[people], sizeof *item);
    struct past past = {0};
    for (int32_t u = 0; u < people; u++) {
        population_past(p, p->real_users + u, 0, &past);
        memcpy(item + start[u], past.item, (size_t)past.count * sizeof *item);
    }
    past_deinit(&past);
    struct histories histories = {
        .people = people, .films = p->films, .start = start, .item = item};
    struct hits hits = {0};
    play_round(&histories, 0, &hits);
    mem_free(start);
    mem_free(item);
    return hits;
}

Test(past_learning, als_beats_popularity_by_about_what_it_does_on_the_data)
{
    struct people_world world;
    people_world_full(&world, 1 + ROUNDS_OF_PEOPLE);
    const struct ratings *ratings = &world.data.ratings;
    struct histories data = {.people = ratings->users,
                             .films = ratings->items,
                             .start = ratings->start,
                             .item = ratings->item};
    struct hits real = {0};
    for (uint32_t round = 0; round < ROUNDS; round++) {
        play_round(&data, round, &real);
    }
    struct hits alike = hits_of_look_alikes(world.population);
    double on_data = real.als / real.popularity, on_past = alike.als / alike.popularity;
    (void)fprintf(stderr, "HR@10 of ALS / popularity: data %.3f / %.3f, past %.3f / %.3f\n",
                  real.als / real.people, real.popularity / real.people, alike.als / alike.people,
                  alike.popularity / alike.people);
    cr_expect_gt(on_past, 1.3, "%g", on_past);
    cr_expect(on_past > .65 * on_data && on_past < 1.4 * on_data, "data %g, past %g", on_data,
              on_past);
    people_world_end(&world);
}
