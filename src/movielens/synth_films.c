/*
 * The films: genres, release years, how many people see them, what they are like.
 *
 * Genres are drawn from the distribution of greatest entropy that has the published shares of each
 * genre, of the known pairs (share = lift times the product) and of the number of genres a film
 * has. There are only 43,796 sets of at most six genres, so the distribution is solved exactly by
 * iterative proportional fitting and drawn from by its cumulative sums. Independent genres would
 * give every pair a lift of 1; a Markov chain would need tuned couplings.
 *
 * How many people see a film follows the published rank curve (r + q)^-a exp(-r / c), which is no
 * Zipf law: flat at the head, falling faster and faster. Which film gets which rank depends on its
 * genres and decade, as their shares of films and of ratings differ, and on its year: a film cannot
 * be seen by more people than have joined since its release.
 */
#include "movielens/synth_int.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ml-latest-small 2018-09; opinion and taste deviations from the per-user genre shares and the
 * per-user rating shifts measured there. */
const struct synth_genre synth_genres[SYNTH_GENRES] = {
    {"Action", 0.1876, 0.3038, 3.448, 0.62, 0.17},
    {"Adventure", 0.1296, 0.2396, 3.509, 0.59, 0.17},
    {"Animation", 0.0627, 0.0693, 3.630, 0.80, 0.25},
    {"Children", 0.0682, 0.0913, 3.413, 0.83, 0.28},
    {"Comedy", 0.3855, 0.3873, 3.385, 0.56, 0.08},
    {"Crime", 0.1231, 0.1654, 3.658, 0.51, 0.15},
    {"Documentary", 0.0452, 0.0121, 3.798, 1.00, 0.20},
    {"Drama", 0.4476, 0.4158, 3.656, 0.49, 0.13},
    {"Fantasy", 0.0800, 0.1174, 3.491, 0.65, 0.15},
    {"Film-Noir", 0.0089, 0.0086, 3.920, 0.80, 0.20},
    {"Horror", 0.1004, 0.0723, 3.258, 1.07, 0.33},
    {"IMAX", 0.0162, 0.0411, 3.618, 0.60, 0.15},
    {"Musical", 0.0343, 0.0410, 3.564, 0.80, 0.22},
    {"Mystery", 0.0588, 0.0761, 3.632, 0.60, 0.20},
    {"Romance", 0.1638, 0.1797, 3.507, 0.56, 0.15},
    {"Sci-Fi", 0.1006, 0.1710, 3.456, 0.65, 0.19},
    {"Thriller", 0.1944, 0.2623, 3.494, 0.49, 0.13},
    {"War", 0.0392, 0.0482, 3.808, 0.60, 0.15},
    {"Western", 0.0171, 0.0191, 3.584, 0.80, 0.20},
};

enum {
    ACTION,
    ADVENTURE,
    ANIMATION,
    CHILDREN,
    COMEDY,
    CRIME,
    DOCUMENTARY,
    DRAMA,
    FANTASY,
    FILM_NOIR,
    HORROR,
    IMAX,
    MUSICAL,
    MYSTERY,
    ROMANCE,
    SCI_FI,
    THRILLER,
    WAR,
    WESTERN
};

static const struct {
    int one, other;
    double lift; /* observed over expected under independence */
} genre_pairs[] = {
    {COMEDY, DRAMA, 0.60},       {DRAMA, ROMANCE, 1.31},        {COMEDY, ROMANCE, 1.44},
    {DRAMA, THRILLER, 0.98},     {ACTION, THRILLER, 1.84},      {CRIME, DRAMA, 1.19},
    {ACTION, ADVENTURE, 2.57},   {CRIME, THRILLER, 2.44},       {ACTION, DRAMA, 0.65},
    {HORROR, THRILLER, 2.41},    {ACTION, SCI_FI, 2.45},        {ACTION, COMEDY, 0.61},
    {ANIMATION, CHILDREN, 7.25}, {CRIME, FILM_NOIR, 4.86},      {FILM_NOIR, MYSTERY, 4.69},
    {CHILDREN, FANTASY, 3.94},   {ADVENTURE, IMAX, 3.91},       {IMAX, SCI_FI, 3.90},
    {CHILDREN, MUSICAL, 3.69},   {ADVENTURE, CHILDREN, 3.62},   {ADVENTURE, FANTASY, 3.31},
    {DOCUMENTARY, SCI_FI, 0.05}, {DOCUMENTARY, THRILLER, 0.05}, {DOCUMENTARY, ROMANCE, 0.05},
    {DOCUMENTARY, HORROR, 0.05}, {CHILDREN, THRILLER, 0.04},    {MUSICAL, THRILLER, 0.05},
};

#define GENRES_MAX_A_FILM 6
#define GENRE_SETS_MAX 43796
#define FIT_SWEEPS 30

/* Share of films with 0, 1, ... 6 or more genres. */
static const double genre_counts[GENRES_MAX_A_FILM + 1] = {0.0035, 0.289, 0.330, 0.240,
                                                           0.101,  0.028, 0.008};

struct genre_sets {
    int count;
    uint32_t *set;
    double *weight; /* probability; after the fit its cumulative sum */
};

/* Scales the sets that hold all of `mask` to `share` of the whole. */
static void fit_mask(struct genre_sets *sets, uint32_t mask, double share)
{
    double with = 0.0, without = 0.0;
    for (int i = 0; i < sets->count; i++) {
        *((sets->set[i] & mask) == mask ? &with : &without) += sets->weight[i];
    }
    double up = share / with, down = (1.0 - share) / without;
    for (int i = 0; i < sets->count; i++) {
        sets->weight[i] *= (sets->set[i] & mask) == mask ? up : down;
    }
}

static void fit_counts(struct genre_sets *sets)
{
    double sum[GENRES_MAX_A_FILM + 1] = {0};
    for (int i = 0; i < sets->count; i++) {
        sum[__builtin_popcount(sets->set[i])] += sets->weight[i];
    }
    for (int i = 0; i < sets->count; i++) {
        int genres = __builtin_popcount(sets->set[i]);
        sets->weight[i] *= genre_counts[genres] / sum[genres];
    }
}

static void genre_sets_init(struct genre_sets *sets)
{
    *sets = (struct genre_sets){.set = mem_array(GENRE_SETS_MAX, sizeof *sets->set),
                                .weight = mem_array(GENRE_SETS_MAX, sizeof *sets->weight)};
    /* In an order in which sets with the first genres lie together, so that slices of it have
     * exactly the shares and lifts of those. */
    for (uint32_t number = 0; number < UINT32_C(1) << SYNTH_GENRES; number++) {
        uint32_t set = 0;
        for (int g = 0; g < SYNTH_GENRES; g++) {
            set |= (number >> g & 1) << (SYNTH_GENRES - 1 - g);
        }
        if (__builtin_popcount(set) <= GENRES_MAX_A_FILM) {
            sets->set[sets->count] = set;
            sets->weight[sets->count++] = 1.0;
        }
    }
    for (int sweep = 0; sweep < FIT_SWEEPS; sweep++) {
        for (int g = 0; g < SYNTH_GENRES; g++) {
            fit_mask(sets, UINT32_C(1) << g, synth_genres[g].film_share);
        }
        for (size_t i = 0; i < sizeof genre_pairs / sizeof genre_pairs[0]; i++) {
            int a = genre_pairs[i].one, b = genre_pairs[i].other;
            fit_mask(sets, UINT32_C(1) << a | UINT32_C(1) << b,
                     genre_pairs[i].lift * synth_genres[a].film_share * synth_genres[b].film_share);
        }
        fit_counts(sets);
    }
    for (int i = 1; i < sets->count; i++) {
        sets->weight[i] += sets->weight[i - 1];
    }
}

static uint32_t genre_sets_draw(const struct genre_sets *sets, double uniform)
{
    double wanted = uniform * sets->weight[sets->count - 1];
    int low = 0, high = sets->count - 1;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (sets->weight[middle] < wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return sets->set[low];
}

static const struct {
    int first_year, years;
    double films;       /* published number of films */
    double rating_tilt; /* share of ratings over share of films */
} decades[] = {
    {1915, 15, 59, 0.5},    {1930, 10, 136, 0.6},  {1940, 10, 197, 0.6},   {1950, 10, 279, 0.6},
    {1960, 10, 401, 0.7},   {1970, 10, 500, 0.98}, {1980, 10, 1177, 1.06}, {1990, 10, 2212, 1.62},
    {2000, 10, 2850, 1.01}, {2010, 9, 1931, 0.47},
};

#define DECADES ((int)(sizeof decades / sizeof decades[0]))

static int draw_year(struct rng *rng, double *tilt)
{
    double total = 0.0;
    for (int d = 0; d < DECADES; d++) {
        total += decades[d].films;
    }
    double left = rng_uniform(rng) * total;
    int d = 0;
    while (d < DECADES - 1 && left > decades[d].films) {
        left -= decades[d].films;
        d++;
    }
    *tilt = decades[d].rating_tilt;
    return decades[d].first_year + (int)rng_below(rng, (uint32_t)decades[d].years);
}

/* How far the most-rated films stand above the curve. */
#define HEAD_LIFT 0.62

/* Rank curve of ml-latest-small (9,724 films rated), stretched to other numbers of films. The
 * published fit misses the first few films, which stand above it; the last factor lifts them. */
static double rank_curve(int32_t rank, int32_t films)
{
    double r = 1.0 + rank * (9724.0 / films);
    return pow(r + 77.5, -0.764) * exp(-r / 3954.0) * (1.0 + HEAD_LIFT * exp(-r / 12.0));
}

#define SEEN_BY_MOST 0.61 /* share of people who rate the most-rated film */

/* Wanted share by rank: the curve scaled so that the shares sum to the ratings a person, with no
 * share above the cap. Solved by bisection; the sum rises with the factor. */
static void share_by_rank(double *share, int32_t films, double ratings_a_person)
{
    double low = 0.0, high = 1e6;
    for (int step = 0; step < 100; step++) {
        double factor = (low + high) / 2.0, sum = 0.0;
        for (int32_t r = 0; r < films; r++) {
            share[r] = fmin(SEEN_BY_MOST, factor * rank_curve(r, films));
            sum += share[r];
        }
        if (sum < ratings_a_person) {
            low = factor;
        } else {
            high = factor;
        }
    }
}

static double share_allowed(const struct synth_people *people, int year)
{
    int first = year < SYNTH_FIRST_YEAR ? 0 : year - SYNTH_FIRST_YEAR;
    return 0.8 * people->share_from_year[first < SYNTH_YEARS ? first : SYNTH_YEARS - 1];
}

struct scored {
    double score;
    int32_t film;
};

static int by_falling_score(const void *a, const void *b)
{
    const struct scored *one = a, *other = b;
    if (one->score != other->score) {
        return one->score > other->score ? -1 : 1;
    }
    return one->film < other->film ? -1 : 1;
}

/* Gives each rank the best-scored film that is old enough for the share. */
static void assign_shares(struct synth_films *films, const struct synth_people *people,
                          const double *score)
{
    size_t count = (size_t)films->count;
    struct scored *order = mem_array(count, sizeof *order);
    double *share = mem_array(count, sizeof *share);
    double sum = 0.0;
    for (int32_t u = 0; u < people->count; u++) {
        sum += people->ratings[u];
    }
    share_by_rank(share, films->count, sum / people->count);
    for (int32_t i = 0; i < films->count; i++) {
        order[i] = (struct scored){.score = score[i], .film = i};
    }
    qsort(order, count, sizeof *order, by_falling_score);
    for (int32_t r = 0; r < films->count; r++) {
        int32_t at = r;
        while (at < films->count - 1 &&
               share[r] > share_allowed(people, films->year[order[at].film])) {
            at++;
        }
        struct scored chosen = order[at];
        memmove(order + r + 1, order + r, (size_t)(at - r) * sizeof *order);
        order[r] = chosen;
        films->share[chosen.film] = fmin(share[r], share_allowed(people, films->year[chosen.film]));
    }
    mem_free(order);
    mem_free(share);
}

static double popularity_score(uint32_t genres, double decade_tilt, struct rng *rng)
{
    double score = log(decade_tilt);
    for (int g = 0; g < SYNTH_GENRES; g++) {
        if ((genres >> g & 1) != 0) {
            score += log(synth_genres[g].rating_share / synth_genres[g].film_share);
        }
    }
    /* The deviation of log shares along the rank curve is about 1.6. */
    return score + 1.5 * rng_normal(rng);
}

/* Deviation of films' quality beside what fame, genre and age say. */
#define QUALITY_SD 0.63
/* Latent opinion: directions fall off in strength; films that share genres share some of it. */
#define OPINION_GENRES 0.6
#define OPINION_RARE 0.04 /* share of people below which opinions differ less */
#define OPINION_FALL 0.2
/* Everybody sees the famous films; taste decides more the rarer a film is. */
#define NICHE 0.25
#define LOG_SHARE_SD 1.6

/* What decides who chooses the film. */
static void make_taste(struct synth_films *films, int32_t film, double log_share, uint64_t seed)
{
    double niche = exp(-NICHE * log_share);
    struct rng rng = rng_stream(seed, (uint64_t)film, SYNTH_FILM_TASTE);
    double *taste = films->taste + (size_t)film * SYNTH_TASTE;
    for (int g = 0; g < SYNTH_GENRES; g++) {
        taste[g] = (films->genres[film] >> g & 1) != 0 ? niche : 0.0;
    }
    taste[SYNTH_TASTE_FAME] = log_share / LOG_SHARE_SD;
    taste[SYNTH_TASTE_AGE] = fmax(-3.0, (films->year[film] - 1997.0) / 12.0);
    for (int d = 0; d < SYNTH_LATENT; d++) {
        taste[SYNTH_TASTE_LATENT + d] = niche * rng_normal(&rng);
    }
}

/* How good it is: by genre, by age, by popularity (people see what is liked), and by itself. */
static void make_quality(struct synth_films *films, int32_t film, double log_share, uint64_t seed)
{
    struct rng rng = rng_stream(seed, (uint64_t)film, SYNTH_FILM_QUALITY);
    double genre = 0.0;
    for (int g = 0; g < SYNTH_GENRES; g++) {
        if ((films->genres[film] >> g & 1) != 0) {
            genre += 0.6 * (synth_genres[g].mean - 3.5);
        }
    }
    double old = films->year[film] < 1980 ? 0.25 : 0.0;
    films->quality[film] = genre + old + 0.31 * log_share + QUALITY_SD * rng_normal(&rng);
    double *opinion = films->opinion + (size_t)film * SYNTH_OPINION;
    double known = films->share[film] / (films->share[film] + OPINION_RARE);
    for (int d = 0; d < SYNTH_OPINION; d++) {
        double shared = 0.0;
        for (int g = 0; g < SYNTH_GENRES; g++) {
            struct rng loading = rng_stream(seed, (uint64_t)g, SYNTH_GENRE_OPINION);
            loading.counter = 2 * (uint64_t)d;
            shared += (films->genres[film] >> g & 1) != 0 ? rng_normal(&loading) : 0.0;
        }
        int genres = __builtin_popcount(films->genres[film]);
        shared /= sqrt(genres > 0 ? genres : 1);
        double own = sqrt(1.0 - OPINION_GENRES * OPINION_GENRES) * rng_normal(&rng);
        opinion[d] = known * (1.0 - OPINION_FALL * d / (SYNTH_OPINION - 1.0)) *
                     (OPINION_GENRES * shared + own);
    }
}

void synth_films_make(struct synth_films *films, int32_t count, const struct synth_people *people,
                      uint64_t seed)
{
    size_t n = (size_t)count;
    struct genre_sets sets;
    double *score = mem_array(n, sizeof *score);
    *films = (struct synth_films){.count = count,
                                  .genres = mem_array(n, sizeof *films->genres),
                                  .year = mem_array(n, sizeof *films->year),
                                  .share = mem_array(n, sizeof *films->share),
                                  .taste = mem_array(n * SYNTH_TASTE, sizeof *films->taste),
                                  .quality = mem_array(n, sizeof *films->quality),
                                  .opinion = mem_array(n * SYNTH_OPINION, sizeof *films->opinion),
                                  .appeal = mem_zalloc(n, sizeof *films->appeal)};
    genre_sets_init(&sets);
    int32_t *slice = mem_array(n, sizeof *slice);
    synth_shuffle(rng_stream(seed, 0, SYNTH_FILM_GENRES), slice, count);
    for (int32_t i = 0; i < count; i++) {
        struct rng genres = rng_stream(seed, (uint64_t)i + 1, SYNTH_FILM_GENRES);
        struct rng year = rng_stream(seed, (uint64_t)i, SYNTH_FILM_YEAR);
        struct rng rank = rng_stream(seed, (uint64_t)i, SYNTH_FILM_RANK);
        double tilt = 1.0;
        /* A slice of the distribution each, so that shares and lifts come out as wanted. */
        films->genres[i] = genre_sets_draw(&sets, (slice[i] + rng_uniform(&genres)) / count);
        films->year[i] = (int16_t)draw_year(&year, &tilt);
        score[i] = popularity_score(films->genres[i], tilt, &rank);
    }
    assign_shares(films, people, score);
    double mean = 0.0;
    for (int32_t i = 0; i < count; i++) {
        mean += log(films->share[i]) / count;
    }
    for (int32_t i = 0; i < count; i++) {
        make_taste(films, i, log(films->share[i]) - mean, seed);
        make_quality(films, i, log(films->share[i]) - mean, seed);
    }
    mem_free(score);
    mem_free(slice);
    mem_free(sets.set);
    mem_free(sets.weight);
}

void synth_films_deinit(struct synth_films *films)
{
    mem_free(films->genres);
    mem_free(films->year);
    mem_free(films->share);
    mem_free(films->taste);
    mem_free(films->quality);
    mem_free(films->opinion);
    mem_free(films->appeal);
    memset(films, 0, sizeof *films);
}
