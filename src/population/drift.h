/*
 * Injections: what changes in the people, how, when, for whom and by how much, and how far each has
 * moved at a moment. Time here is *nominal drill time*: nanoseconds since the start of the first
 * phase, as the schedule has it, so the truth is a function of scenario and seed, never of how fast
 * a target answered.
 *
 * A drift is written down as plain values (what a scenario says), then bound to a population
 * (population_bind_drift): that finds the members of each cohort and the films concerned, and
 * solves sizes given in effect units for the parameter of the kind. Constant after that; any thread
 * may read. Pure.
 */
#ifndef POPULATION_DRIFT_H
#define POPULATION_DRIFT_H

#include <stdbool.h>
#include <stdint.h>

#define DRIFT_INJECTIONS_MAX 16
#define DRIFT_GENRE_SIZE 48

enum drift_kind {
    /* of the people (population/) */
    DRIFT_CHOICE_ROTATION,  /* choice taste turns; parameter: degrees at most */
    DRIFT_CUT_POINTS,       /* rating habit shifts; parameter: shift of latent judgements, stars */
    DRIFT_OPINION_ROTATION, /* opinion taste turns; parameter: degrees at most */
    DRIFT_TASTE_ROTATION,   /* both tastes turn by the same angle */
    DRIFT_CUT_SPREAD,       /* rating habit widens (> 1) or narrows (< 1) around the person's own
                               judgement of an average film; parameter: factor */
    DRIFT_GENRE_FASHION,    /* films of a genre attract more; parameter: utility added, nats */
    DRIFT_POPULARITY_WAVE,  /* fame attracts more; parameter: factor on the weight of fame */
    DRIFT_POSITION_HABIT,   /* rank k is looked at with k^-power; parameter: power added */
    DRIFT_NEW_FILMS,        /* films the target has never heard of come out: the newest, which hold
                               a share of the ratings in the data (the parameter) and belong into
                               no past before the drill. People watch the best of them elsewhere as
                               long as a list shows nothing new, and films of a list that are not
                               out cannot be taken */
    DRIFT_REMOVED_FILMS,    /* films nobody can watch any more; parameter: share of ratings */
    /* of who comes, how often and how (load/); no taste changes */
    DRIFT_USER_MIX,   /* parameter: share of visits made by the cohort */
    DRIFT_COLD_START, /* parameter: share of visits made by people without a history */
    DRIFT_BOTS,       /* parameter: share of visits made by bots */
    DRIFT_SHILLING,   /* the same, paid to rate films they were never shown */
    DRIFT_TRAFFIC,    /* parameter: factor on visits a second */
    DRIFT_SLOW_RATERS /* parameter: factor on the pause before a rating */
};

enum drift_shape {
    DRIFT_SUDDEN,    /* all at once, stays */
    DRIFT_LINEAR,    /* incremental: everybody moves along a straight line during `ramp_ns` */
    DRIFT_GRADUAL,   /* mixture: each member changes over completely at a moment of their own, the
                        share that has is 1 / (1 + exp(-4 (t - middle) / width)) with middle =
                        onset + ramp / 2 and width = ramp / 2, cut at onset and onset + ramp */
    DRIFT_RECURRING, /* on for `on_ns` in every `period_ns`, from the onset on */
    DRIFT_BLIP       /* on once, for `on_ns` */
};

enum drift_towards {
    DRIFT_ANOTHER_PERSON,   /* a partner of one's own, drawn */
    DRIFT_COMMON_DIRECTION, /* the same for all */
    DRIFT_GENRE,            /* the mean taste of the genre's films */
    DRIFT_SWAP_GROUPS /* two halves of the people, by their leading taste, trade their means */
};

enum drift_cohort {
    DRIFT_EVERYBODY,
    DRIFT_SHARE,         /* a drawn share of the people; the same people in every injection */
    DRIFT_GENRE_LOVERS,  /* the share whose choice taste is nearest to the genre */
    DRIFT_ACTIVITY_BAND, /* from/to: quantiles of the number of ratings in the past */
    DRIFT_NEWCOMERS      /* people without a history */
};

enum drift_unit {                /* of `size` */
                  DRIFT_BY_KIND, /* it is the parameter itself (degrees, factor, share ...) */
                  DRIFT_STARS, /* change of the mean rating of what people rate in lists, signed */
                  DRIFT_NATS,  /* Kullback-Leibler divergence of ratings after from before, a rating
                                */
                  DRIFT_PSI    /* population stability index of the rating stream */
};

struct drift_injection {
    enum drift_kind kind;
    enum drift_shape shape;
    enum drift_towards towards; /* rotations only */
    enum drift_unit unit;
    int64_t onset_ns, ramp_ns;    /* compressed drill time; ramp 0 unless linear or gradual */
    int64_t period_ns, on_ns;     /* recurring, blip */
    int64_t end_ns;               /* INT64_MAX = stays */
    double size;                  /* in `unit` */
    bool narrows;                 /* a spread given in nats or PSI: which of the two ways */
    char genre[DRIFT_GENRE_SIZE]; /* fashion; towards a genre */
    struct {
        enum drift_cohort kind;
        double share;    /* share, genre lovers */
        double from, to; /* activity band, quantiles */
        char genre[DRIFT_GENRE_SIZE];
    } cohort;
    uint8_t stars_given; /* bots, shilling: half stars they always give */

    /* Filled by population_bind_drift; NULL or 0 without it or if not needed. Owned by the drift.
     */
    double parameter; /* what `size` comes to */
    bool bound;
    const uint64_t *members; /* bit per person; NULL = everybody */
    const uint64_t *films;   /* bit per film concerned */
    const float *goal;       /* [2 tastes x 2 groups x TASTE_DIMS], choice taste first: the mean of
                                a genre's films (in the first group's place), or of each group */
    const uint64_t *group;   /* bit per person: which of the two groups */
    const float *turned;     /* [people x TASTE_DIMS] choice tastes that a rotation by `turned_by`,
                                complete and alone, makes; of non-members, those at rest */
    double turned_by;
    int32_t offers;            /* new films: those of them that people hear of */
    const int32_t *offer;      /* [offers] rising catalogue indexes */
    const float *offer_by_dim; /* [TASTE_DIMS x offers] their choice tastes */
    double offer_bar;          /* attraction from which somebody thinks of one by themselves */
};

/* Zeroed = no drift. A plain copy shares what is bound; only one of them is given back. */
struct drift {
    int count;
    struct drift_injection injection[DRIFT_INJECTIONS_MAX];
};

/* Share of the way an injection has gone, 0 to 1. Of a gradual one: share of its members. */
double drift_intensity(const struct drift_injection *injection, int64_t nominal_ns);
/* The same for one member, whose place in the order of changing over is `place` (0 to 1): 0 or 1
 * if gradual. */
double drift_intensity_at(const struct drift_injection *injection, int64_t nominal_ns,
                          double place);
/* Is the injection ever partly or wholly on in [from_ns, to_ns)? */
bool drift_active(const struct drift_injection *injection, int64_t from_ns, int64_t to_ns);
/* The drift with every injection complete and lasting: the world the later past is written in.
 * Shares what is bound; not to be freed on its own. */
struct drift drift_completed(const struct drift *drift);
/* What a scenario calls a kind, and back (-1: no such name). */
const char *drift_kind_name(enum drift_kind kind);
int drift_kind_named(const char *name);
bool drift_of_people(enum drift_kind kind); /* false: of traffic */

/* Sizes a kind can have in DRIFT_BY_KIND: what scenarios may ask for and binding accepts. The
 * neutral size changes nothing (of a share of visits, nothing is asked for); it can be bound. */
struct drift_bounds {
    double least, most, neutral;
    const char *of; /* what a size is, "a factor" */
};
struct drift_bounds drift_bounds(enum drift_kind kind);

/* Forgets what is bound without freeing it, and keeps the plain values: for a copy that is to
 * outlive what it shares. */
void drift_unbind(struct drift *drift);
void drift_deinit(struct drift *drift); /* frees what is bound; plain values stay */

#endif
