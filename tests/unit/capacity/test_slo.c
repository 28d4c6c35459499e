#include "capacity/slo.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static struct slo read_good(const char *text, bool quality)
{
    struct slo slo = {0};
    struct faults faults;
    faults_init(&faults);
    enum err code = quality ? slo_read_quality(text, "--quality", &slo, &faults)
                            : slo_read(text, "--slo", &slo, &faults);
    cr_assert_eq(code, ERR_OK, "%s: %s", text, faults.count > 0 ? faults.list[0].text : "");
    cr_assert_eq(faults.count, 0);
    faults_deinit(&faults);
    return slo;
}

Test(slo, objectives_become_shares_of_bad_responses)
{
    static const struct {
        const char *text;
        enum slo_kind kind;
        enum slo_endpoint endpoint;
        double allowed;
        int64_t latency_ns;
    } rows[] = {
        {"p99<50ms", SLO_LATENCY, SLO_ANY, 0.01, 50000000},
        {" p99.9 < 1.5s ", SLO_LATENCY, SLO_ANY, 0.001, 1500000000},
        {"p50<800us", SLO_LATENCY, SLO_ANY, 0.5, 800000},
        {"list.p95<20ms", SLO_LATENCY, SLO_LIST, 0.05, 20000000},
        {"rating.p99<20ms", SLO_LATENCY, SLO_RATING, 0.01, 20000000},
        {"errors<0.1%", SLO_ERRORS, SLO_ANY, 0.001, 0},
        {"errors<0.001", SLO_ERRORS, SLO_ANY, 0.001, 0},
        {"list.errors<1%", SLO_ERRORS, SLO_LIST, 0.01, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct slo slo = read_good(rows[i].text, false);
        cr_expect_eq(slo.count, 1, "%s", rows[i].text);
        cr_expect_eq(slo.objective[0].kind, rows[i].kind, "%s", rows[i].text);
        cr_expect_eq(slo.objective[0].endpoint, rows[i].endpoint, "%s", rows[i].text);
        cr_expect_float_eq(slo.objective[0].allowed, rows[i].allowed, 1e-12, "%s", rows[i].text);
        cr_expect_eq(slo.objective[0].latency_ns, rows[i].latency_ns, "%s", rows[i].text);
        cr_expect_not(slo_is_quality(&slo.objective[0]), "%s", rows[i].text);
    }
}

Test(slo, several_objectives_keep_their_order_and_spelling)
{
    struct slo slo = read_good("p99<50ms, p50<10ms,errors<0.1%", false);
    cr_assert_eq(slo.count, 3);
    cr_expect_str_eq(slo.objective[0].text, "p99<50ms");
    cr_expect_str_eq(slo.objective[1].text, "p50<10ms");
    cr_expect_eq(slo.objective[2].kind, SLO_ERRORS);
}

Test(slo, quality_is_appended_to_latency)
{
    struct slo slo = read_good("p99<50ms", false);
    struct faults faults;
    faults_init(&faults);
    cr_assert_eq(slo_read_quality("hit_rate>0.3,fallback<5%", "--quality", &slo, &faults), ERR_OK);
    cr_assert_eq(slo.count, 3);
    cr_expect_eq(slo.objective[1].kind, SLO_HIT_RATE);
    cr_expect_float_eq(slo.objective[1].allowed, 0.7, 1e-12);
    cr_expect_eq(slo.objective[2].kind, SLO_FALLBACK);
    cr_expect_float_eq(slo.objective[2].allowed, 0.05, 1e-12);
    cr_expect(slo_is_quality(&slo.objective[1]) && slo_is_quality(&slo.objective[2]));
    faults_deinit(&faults);
}

Test(slo, a_kept_hit_rate_follows_what_the_ledger_expects)
{
    struct slo slo = read_good("hit_rate_kept>90%", true);
    cr_expect_float_eq(slo_allowed(&slo.objective[0], 0.4), 1 - 0.36, 1e-12);
    cr_expect(isnan(slo_allowed(&slo.objective[0], NAN)));
    cr_expect(isnan(slo_allowed(&slo.objective[0], 0)));
    struct slo plain = read_good("hit_rate>0.3", true);
    cr_expect_float_eq(slo_allowed(&plain.objective[0], NAN), 0.7, 1e-12);
}

Test(slo, every_fault_of_a_text_is_told_at_once)
{
    static const struct {
        const char *text;
        bool quality;
        size_t faults;
        const char *says; /* of the first */
    } rows[] = {
        {"", false, 1, "expected an objective like p99<50ms"},
        {"p99", false, 1, "expected an objective like p99<50ms"},
        {"p99<50ms,", false, 1, "expected an objective"},
        {"p99<50", false, 1, "us, ms or s"},
        {"p99<-5ms", false, 1, "us, ms or s"},
        {"p99<2h", false, 1, "us, ms or s"},
        {"p99<4000s", false, 1, "an hour at most"},
        {"p100<5ms", false, 1, "below 100"},
        {"p0<5ms", false, 1, "above 0"},
        {"pxx<5ms", false, 1, "quantile"},
        {"p99>5ms", false, 1, "upper bound"},
        {"errors>1%", false, 1, "upper bound"},
        {"errors<0", false, 1, "above 0"},
        {"errors<100%", false, 1, "below 1"},
        {"errors<nan", false, 1, "share"},
        {"mean<5ms", false, 1, "quantile (p99) or errors"},
        {"hit_rate>0.3", false, 1, "is a quality"},
        {"p99<5ms,p99<6ms", false, 1, "twice"},
        {"p9<5,errors<2,mean<3", false, 3, "us, ms or s"},
        {"hit_rate<0.3", true, 1, "lower bound"},
        {"fallback>1%", true, 1, "upper bound"},
        {"p99<5ms", true, 1, "quality is"},
        {"list.hit_rate>0.3", true, 1, "quality is"},
        {"hit_rate>0.3,hit_rate>0.4", true, 1, "twice"},
        {"p1<1s,p2<1s,p3<1s,p4<1s,p5<1s,p6<1s,p7<1s,p8<1s,p9<1s", false, 1, "8 at most"},
        {"errors<0.00000000000000000000000000000000000000000000000000000000000000001", false, 1,
         "expected"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct slo slo = {0};
        struct faults faults;
        faults_init(&faults);
        enum err code = rows[i].quality ? slo_read_quality(rows[i].text, "--slo", &slo, &faults)
                                        : slo_read(rows[i].text, "--slo", &slo, &faults);
        cr_expect_eq(code, ERR_USAGE, "%s", rows[i].text);
        cr_expect_eq(faults.count, rows[i].faults, "%s: %zu faults", rows[i].text, faults.count);
        if (faults.count > 0) {
            cr_expect(strstr(faults.list[0].text, rows[i].says) != NULL, "%s: %s", rows[i].text,
                      faults.list[0].text);
            cr_expect_str_eq(faults.list[0].where, "--slo");
        }
        faults_deinit(&faults);
    }
}
