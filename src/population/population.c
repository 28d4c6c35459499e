/*
 * Building the people. Everything is learned from the data set's ratings: choice taste (choice.c),
 * biases and opinion taste (numeric/biasmf), the films' appeal (appeal.c), the cut-points of
 * ratings (rating.c) and last the cost of choosing nothing (step.c).
 *
 * The people 0 .. real_users-1 are the users of the data. Each further one is a look-alike: habits
 * (biases, activity, half stars) of a base person, a choice and an opinion taste mixed from the
 * base and a second person. Bases go round the real users in turn, so every habit keeps its real
 * share.
 *
 * Appeal, cut-points and cost are fitted on a fixed sample of people in which every base has the
 * same weight, because a film's share and the rating histogram need hundreds of people, not 20,000.
 * The cut-points see the ratings of pasts drawn exactly as past.c draws them.
 */
#include "population/population.h"

#include "base/mem.h"
#include "numeric/biasmf.h"
#include "numeric/sparse.h"
#include "population/appeal.h"
#include "population/choice.h"
#include "population/past_rating.h"
#include "population/population_int.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define REAL_USERS_MIN 32
#define FILMS_MIN 64 /* with at least one rating */
/* The most-seen film of three editions of MovieLens has .54 to .62 of the people, and in
 * ml-latest-small .54, from which half of all random draws would fall short. So its share is raised
 * towards HEAD_WANTED, by HEAD_LIFT at most, and that of others with the fourth power of theirs. */
#define HEAD_WANTED .57
#define HEAD_LIFT .04
/* Drawn counts spread more than the shares they are drawn by, so the films that turn out as the
 * tenth rated most would hold more of the ratings than in the data. */
#define RARE_LIFT .12
#define RARE_RATINGS 10.
#define PAST_TASTE 1.10
#define PAST_TASTE_RARE 1.5
#define SAMPLE_PEOPLE 1024 /* at least, if there are as many */
#define SAMPLE_PEOPLE_MAX 4096

struct population_config population_defaults(void)
{
    return (struct population_config){
        .users = 20000,
        .seed = 1,
        .choice_sharpness = 1.2,
        .popularity_weight = .3,
        .examination_power = .5,
        .popular_list_share = .18,
        .past_sharpness = 1.1,
        .look_alike_mix = .35,
        .examination = POPULATION_POSITION,
        .cascade_stop = .15,
        .abandon_share = 0,
        .rating_share = 1,
    };
}

static enum err check(const struct population_config *config, const struct dataset *data,
                      struct error *error)
{
    const struct ratings *ratings = &data->ratings;
    int32_t rated = 0;
    bool *seen = mem_zalloc((size_t)data->catalogue.count + 1, sizeof *seen);
    for (int64_t k = 0; k < ratings->count; k++) {
        rated += !seen[ratings->item[k]];
        seen[ratings->item[k]] = true;
    }
    mem_free(seen);
    if (ratings->users < REAL_USERS_MIN || rated < FILMS_MIN) {
        return error_set(error, ERR_INPUT, NULL, 0,
                         "%d users who rated %d films are too few to learn tastes from: at least "
                         "%d users and %d films are needed",
                         ratings->users, rated, REAL_USERS_MIN, FILMS_MIN);
    }
    if (config->users < ratings->users) {
        return error_set(
            error, ERR_INPUT, NULL, 0,
            "%d people are fewer than the %d users of the data, who are all among them",
            config->users, ratings->users);
    }
    if (config->newcomers < 0 || config->newcomers > config->users - ratings->users) {
        return error_set(error, ERR_INPUT, NULL, 0,
                         "%d newcomers among %d people: those are 0 to %d, because the %d users of "
                         "the data have a past",
                         config->newcomers, config->users, config->users - ratings->users,
                         ratings->users);
    }
    return ERR_OK;
}

static void allocate(struct population *population)
{
    size_t users = (size_t)population->users, films = (size_t)population->films;
    population->taste = mem_zalloc(users * TASTE_DIMS, sizeof(float));
    population->opinion = mem_zalloc(users * TASTE_DIMS, sizeof(float));
    population->user_bias = mem_zalloc(users, sizeof(float));
    population->base = mem_zalloc(users, sizeof(int32_t));
    population->partner = mem_zalloc(users, sizeof(int32_t));
    population->whole_stars = mem_zalloc(users, sizeof(bool));
    population->film_count = mem_zalloc(films, sizeof(int32_t));
    population->film_taste = mem_zalloc(films * TASTE_DIMS, sizeof(float));
    population->film_by_dim = mem_zalloc(films * TASTE_DIMS, sizeof(float));
    population->film_opinion = mem_zalloc(films * TASTE_DIMS, sizeof(float));
    population->film_bias = mem_zalloc(films, sizeof(float));
    population->film_fame = mem_zalloc(films, sizeof(float));
    population->film_appeal = mem_zalloc(films, sizeof(float));
    population->film_past = mem_zalloc(films, sizeof(float));
    population->past_opinion = mem_zalloc(films * TASTE_DIMS, sizeof(float));
    population->film_log = mem_zalloc(films, sizeof(float));
    population->half_use = mem_zalloc((size_t)population->real_users, sizeof(float));
}

void population_free(struct population *population)
{
    if (population == NULL) {
        return;
    }
    mem_free(population->taste);
    mem_free(population->opinion);
    mem_free(population->user_bias);
    mem_free(population->base);
    mem_free(population->partner);
    mem_free(population->whole_stars);
    mem_free(population->film_count);
    mem_free(population->film_taste);
    mem_free(population->film_by_dim);
    mem_free(population->film_opinion);
    mem_free(population->film_bias);
    mem_free(population->film_fame);
    mem_free(population->film_appeal);
    mem_free(population->film_past);
    mem_free(population->past_opinion);
    mem_free(population->film_log);
    singles_deinit(&population->singles);
    mem_free(population->half_use);
    mem_free(population);
}

/* Fame is measured from its mean over ratings, so that it is about 0 for the films people see. */
static void count_films(struct population *population)
{
    const struct ratings *ratings = &population->data->ratings;
    for (int64_t k = 0; k < ratings->count; k++) {
        population->film_count[ratings->item[k]]++;
    }
    double mean = 0;
    for (int32_t i = 0; i < population->films; i++) {
        mean += population->film_count[i] * log(population->film_count[i] + 1.);
    }
    mean /= (double)ratings->count;
    for (int32_t i = 0; i < population->films; i++) {
        population->film_fame[i] = (float)(population->config.popularity_weight *
                                           (log(population->film_count[i] + 1.) - mean));
    }
}

/* What a past is chosen by: the taste of rare films is mostly noise. */
static void fill_film_by_dim(struct population *population)
{
    taste_by_dim(population->film_taste, population->films, population->film_by_dim);
    for (int32_t i = 0; i < population->films; i++) {
        double count = population->film_count[i];
        float kept = (float)(PAST_TASTE * count / (count + PAST_TASTE_RARE));
        for (int d = 0; d < TASTE_DIMS; d++) {
            population->film_by_dim[(int64_t)d * population->films + i] *= kept;
        }
    }
}

static void fit_opinions(struct population *population, uint64_t seed,
                         const struct parallel *parallel)
{
    const struct ratings *ratings = &population->data->ratings;
    struct sparse stars;
    sparse_init(&stars, ratings->users, ratings->items, ratings->count);
    memcpy(stars.start, ratings->start, ((size_t)ratings->users + 1) * sizeof *stars.start);
    memcpy(stars.col, ratings->item, (size_t)ratings->count * sizeof *stars.col);
    for (int64_t k = 0; k < ratings->count; k++) {
        stars.value[k] = (float)ratings->half_stars[k] / 2;
    }
    struct biasmf_config config = biasmf_defaults();
    config.factors = TASTE_DIMS;
    config.seed = seed;
    struct biasmf model;
    biasmf_fit(&config, &stars, parallel, &model);
    population->mean_stars = model.mean;
    size_t users = (size_t)ratings->users, films = (size_t)ratings->items;
    memcpy(population->user_bias, model.user_bias, users * sizeof(float));
    memcpy(population->film_bias, model.item_bias, films * sizeof(float));
    memcpy(population->opinion, model.user_factor, users * TASTE_DIMS * sizeof(float));
    memcpy(population->film_opinion, model.item_factor, films * TASTE_DIMS * sizeof(float));
    biasmf_deinit(&model);
    sparse_deinit(&stars);
}

/* One half star in a history is enough: the habit decides which grid somebody rates on. */
static void describe_real_users(struct population *population)
{
    const struct ratings *ratings = &population->data->ratings;
    for (int32_t u = 0; u < population->real_users; u++) {
        bool halves = false;
        for (int64_t k = ratings->start[u]; k < ratings->start[u + 1]; k++) {
            halves = halves || ratings->half_stars[k] % 2 == 1;
        }
        population->whole_stars[u] = !halves;
        population->base[u] = u;
    }
}

static void mix(const float *base, const float *other, double part, float *out)
{
    for (int d = 0; d < TASTE_DIMS; d++) {
        out[d] = base[d] + (float)part * other[d];
    }
}

static void make_look_alikes(struct population *population)
{
    double part = population->config.look_alike_mix;
    for (int32_t p = population->real_users; p < population->users; p++) {
        int32_t base = p % population->real_users;
        struct rng rng = rng_stream(population->config.seed, (uint64_t)p, POPULATION_MIX);
        int32_t other = (int32_t)rng_below(&rng, (uint32_t)population->real_users);
        float *taste = population->taste + (int64_t)p * TASTE_DIMS;
        mix(population->taste + (int64_t)base * TASTE_DIMS,
            population->taste + (int64_t)other * TASTE_DIMS, part, taste);
        if (!(taste_normalise(taste) > 0)) {
            memcpy(taste, population->taste + (int64_t)base * TASTE_DIMS,
                   TASTE_DIMS * sizeof *taste);
        }
        /* Opinions differ in strength, so they are mixed by a weighted mean and not to length 1. */
        float *opinion = population->opinion + (int64_t)p * TASTE_DIMS;
        mix(population->opinion + (int64_t)base * TASTE_DIMS,
            population->opinion + (int64_t)other * TASTE_DIMS, part, opinion);
        for (int d = 0; d < TASTE_DIMS; d++) {
            opinion[d] /= (float)sqrt(1 + part * part);
        }
        population->base[p] = base;
        population->user_bias[p] = population->user_bias[base];
        population->whole_stars[p] = population->whole_stars[base];
    }
}

static void common_direction(const struct population *population, const float *tastes,
                             uint32_t purpose, float out[TASTE_DIMS])
{
    struct rng rng = rng_stream(population->config.seed, 0, purpose);
    for (int d = 0; d < TASTE_DIMS; d++) {
        double square = 0;
        for (int32_t u = 0; u < population->real_users; u++) {
            double value = tastes[(int64_t)u * TASTE_DIMS + d];
            square += value * value;
        }
        out[d] = (float)(rng_normal(&rng) * sqrt(square));
    }
    taste_normalise(out);
}

/* Where drifts lead: another person each, and one direction for all, drawn as spread out along
 * each dimension as people are. */
static void choose_goals(struct population *population)
{
    uint64_t seed = population->config.seed;
    for (int32_t p = 0; p < population->users; p++) {
        struct rng rng = rng_stream(seed, (uint64_t)p, POPULATION_PARTNER);
        uint32_t others = (uint32_t)population->users - 1;
        population->partner[p] =
            (int32_t)(((uint32_t)p + 1 + rng_below(&rng, others)) % (others + 1));
    }
    common_direction(population, population->taste, POPULATION_COMMON, population->common);
    common_direction(population, population->opinion, POPULATION_COMMON_OPINION,
                     population->common_opinion);
}

/* The sample on which appeal, cut-points and cost are fitted: the last people who have a past, a
 * whole number of rounds over the real users where that is possible. */
static struct people_range choose_sample(const struct population *population)
{
    int32_t real = population->real_users, all = population->users - population->config.newcomers;
    int32_t rounds = (SAMPLE_PEOPLE + real - 1) / real;
    int32_t size = rounds * real < SAMPLE_PEOPLE_MAX ? rounds * real : SAMPLE_PEOPLE_MAX;
    size = size < all ? size : all;
    return (struct people_range){.first = all - size, .count = size};
}

static void fit_appeal(struct population *population, struct people_range sample,
                       const struct parallel *parallel)
{
    int32_t people = sample.count, first = sample.first;
    int32_t *activity = mem_array((size_t)people, sizeof *activity);
    double *share = mem_array((size_t)population->films, sizeof *share);
    const int32_t *dealt = population->singles.start;
    for (int32_t k = 0; k < people; k++) {
        int32_t base = population->base[first + k];
        activity[k] = population_activity(population, first + k) - (dealt[base + 1] - dealt[base]);
    }
    double top = 0;
    for (int32_t i = 0; i < population->films; i++) {
        top = fmax(top, population->film_count[i] / (double)population->real_users);
    }
    double lift = fmax(0, fmin(HEAD_LIFT, HEAD_WANTED - top));
    for (int32_t i = 0; i < population->films; i++) {
        double seen = population->film_count[i] / (double)population->real_users;
        double rare = 1 + RARE_LIFT * exp(-population->film_count[i] / RARE_RATINGS);
        share[i] = population->film_count[i] == 1 ? 0 : rare * seen + lift * pow(seen / top, 4);
    }
    struct appeal_problem problem = {
        .people = people,
        .taste = population->taste + (int64_t)first * TASTE_DIMS,
        .activity = activity,
        .films = population->films,
        .film_by_dim = population->film_by_dim,
        .share = share,
        .sharpness = population->config.past_sharpness,
    };
    appeal_solve(&problem, parallel, population->film_appeal);
    for (int32_t k = 0; k < population->singles.count; k++) {
        population->film_appeal[population->singles.film[k]] = -INFINITY;
    }
    mem_free(activity);
    mem_free(share);
}

struct judgements {
    const struct population *population;
    int32_t first;
    const int64_t *start; /* [people + 1] place of each person's values in latent */
    double *latent;       /* for a step's cut-points: noise without memory */
    double *past_latent;  /* for those of a past */
    bool *past_whole;     /* the grids used in it */
};

/* The same draws as past.c makes for these people, look-alikes or real ones: what is fitted on a
 * real user is what their look-alikes will rate. */
static void judge_pasts(void *context, int64_t first, int64_t end, unsigned lane)
{
    (void)lane;
    const struct judgements *judgements = context;
    const struct population *population = judgements->population;
    const struct ratings *ratings = &population->data->ratings;
    size_t films = (size_t)population->films;
    float *score = mem_array(films, sizeof *score);
    int32_t *chosen = mem_array(films, sizeof *chosen);
    for (int64_t k = first; k < end; k++) {
        int32_t person = judgements->first + (int32_t)k;
        int32_t count = (int32_t)(judgements->start[k + 1] - judgements->start[k]);
        uint64_t seed = population->config.seed;
        struct rng noise = rng_stream(seed, (uint64_t)person, POPULATION_PAST_NOISE);
        count = past_films(population, person, score, chosen);
        for (int32_t n = 0; n < count; n++) {
            judgements->latent[judgements->start[k] + n] =
                population_judgement(population, person, chosen[n]) +
                population_noise(noise, chosen[n]);
        }
        past_rating_order(population, person, chosen, count);
        past_rating_judge(population, person, population->opinion + (int64_t)person * TASTE_DIMS,
                          POPULATION_PAST_MOOD, chosen,
                          ratings->time_s + ratings->start[population->base[person]], count,
                          judgements->past_latent + judgements->start[k]);
        past_rating_grid(population, person, POPULATION_PAST_GRID, count,
                         judgements->past_whole + judgements->start[k]);
    }
    mem_free(score);
    mem_free(chosen);
}

/* Splits the sample's latent values and the data's ratings by habit, because people who use half
 * stars differ from the others in more than the grid: their ratings spread less. */
static void fit_ratings(struct population *population, const int64_t *start, const double *latent,
                        struct people_range people)
{
    const struct ratings *ratings = &population->data->ratings;
    int64_t total = start[people.count];
    struct rating_sample sample[2] = {{.count = 0}, {.count = 0}};
    for (int habit = 0; habit < 2; habit++) {
        sample[habit].latent = mem_array((size_t)total, sizeof *latent);
    }
    for (int32_t k = 0; k < people.count; k++) {
        struct rating_sample *own = &sample[population->whole_stars[people.first + k]];
        int64_t count = start[k + 1] - start[k];
        memcpy(own->latent + own->count, latent + start[k], (size_t)count * sizeof *latent);
        own->count += count;
    }
    for (int32_t u = 0; u < population->real_users; u++) {
        for (int64_t k = ratings->start[u]; k < ratings->start[u + 1]; k++) {
            sample[population->whole_stars[u]].wanted[ratings->half_stars[k] - 1]++;
        }
    }
    rating_fit(&population->rating, &sample[0], &sample[1]);
    mem_free(sample[0].latent);
    mem_free(sample[1].latent);
}

static void fit_cut_points(struct population *population, struct people_range sample,
                           const struct parallel *parallel)
{
    int32_t people = sample.count, first = sample.first;
    int64_t *start = mem_zalloc((size_t)people + 1, sizeof *start);
    for (int32_t k = 0; k < people; k++) {
        start[k + 1] = start[k] + population_activity(population, first + k);
    }
    struct judgements judgements = {.population = population, .first = first, .start = start};
    size_t count = (size_t)start[people];
    judgements.latent = mem_array(count, sizeof *judgements.latent);
    judgements.past_latent = mem_array(count, sizeof *judgements.past_latent);
    judgements.past_whole = mem_array(count, sizeof *judgements.past_whole);
    parallel_for(parallel, people, 0, judge_pasts, &judgements);
    fit_ratings(population, start, judgements.latent, sample);
    past_rating_fit(population, judgements.past_latent, judgements.past_whole, start[people]);
    mem_free(judgements.latent);
    mem_free(judgements.past_latent);
    mem_free(judgements.past_whole);
    mem_free(start);
}

enum err population_build(const struct population_config *config, const struct dataset *data,
                          const struct parallel *parallel, struct population **out,
                          struct error *error)
{
    *out = NULL;
    enum err code = check(config, data, error);
    if (code != ERR_OK) {
        return code;
    }
    struct population *population = mem_zalloc(1, sizeof *population);
    population->config = *config;
    population->data = data;
    population->users = config->users;
    population->real_users = data->ratings.users;
    population->films = data->catalogue.count;
    allocate(population);
    for (int rank = 1; rank <= POPULATION_LIST_MAX; rank++) {
        population->look[rank - 1] = pow(rank, -config->examination_power);
    }
    /* The order matters: each fit below reads what those above it filled. */
    struct rng seeds = rng_stream(config->seed, 0, POPULATION_FIT);
    count_films(population);
    singles_find(&data->ratings, population->film_count, &population->singles);
    choice_fit(&data->ratings, population->film_count, rng_u64(&seeds), parallel, population->taste,
               population->film_taste);
    fill_film_by_dim(population);
    fit_opinions(population, rng_u64(&seeds), parallel);
    describe_real_users(population);
    past_rating_prepare(population);
    make_look_alikes(population);
    choose_goals(population);
    struct people_range sample = choose_sample(population);
    fit_appeal(population, sample, parallel);
    fit_cut_points(population, sample, parallel);
    population->no_choice_cost = step_solve_cost(population, sample, parallel);
    *out = population;
    return ERR_OK;
}

int32_t population_users(const struct population *population)
{
    return population->users;
}

int32_t population_user_id(const struct population *population, int32_t person)
{
    assert(person >= 0 && person < population->users);
    (void)population;
    return person + 1;
}

const struct catalogue *population_catalogue(const struct population *population)
{
    return &population->data->catalogue;
}

double population_no_choice_cost(const struct population *population)
{
    return population->no_choice_cost;
}

int32_t population_newcomers(const struct population *population)
{
    return population->config.newcomers;
}

bool population_is_newcomer(const struct population *population, int32_t person)
{
    return person >= population->users - population->config.newcomers;
}
