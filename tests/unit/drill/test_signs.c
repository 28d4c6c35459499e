#include "drill/signs.h"

#include <criterion/criterion.h>
#include <string.h>

Test(signs, a_panel_is_about_the_quantity_its_title_names)
{
    static const struct {
        const char *title;
        enum scenario_quantity quantity;
    } rows[] = {
        {"Conversion", SCENARIO_CONVERSION},
        {"conversion rate, all", SCENARIO_CONVERSION},
        {"Reciprocal rank over time", SCENARIO_RECIPROCAL_RANK},
        {"MRR", SCENARIO_RECIPROCAL_RANK},
        {"Mean rating by recommender", SCENARIO_MEAN_RATING},
        {"Average Rating", SCENARIO_MEAN_RATING},
        {"Rating distribution shift", SCENARIO_RATING_PSI},
        {"Rating PSI", SCENARIO_RATING_PSI},
        {"Rating distribution", SCENARIO_NO_QUANTITY},
        {"Epsilon", SCENARIO_NO_QUANTITY},
        {"Conversions", SCENARIO_NO_QUANTITY},
        {"", SCENARIO_NO_QUANTITY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_eq(signs_quantity(rows[i].title), rows[i].quantity, "%s", rows[i].title);
    }
}

Test(signs, what_is_wrong_with_a_query_is_said)
{
    static const char buckets[] = "adds up cumulative buckets";
    static const char ratings[] = "looks at ratings alone";
    static const char other[] = "answers another question";
    static const struct {
        const char *query, *said;
    } rows[] = {
        {"sum(rate(user_rating_bucket{le=~\"3.0|4.0|5.0\"}[5m])) / "
         "sum(rate(user_rating_count[5m]))",
         buckets},
        {"sum(rate(user_rating_bucket{job=~\"a\", le =~ '3.0|4.0'}[5m]))", buckets},
        {"sum(rate(user_rating_bucket{le!=\"1.0\"}[5m]))", buckets},
        {"sum(rate(user_rating_bucket[5m])) / sum(rate(http_requests_total[5m]))", buckets},
        {"sum(rate(user_rating_bucket{job=\"a\"}[5m]))", buckets},
        {"sum(rate(user_rating_bucket{le=\"2.0\"}[5m])) / sum(rate(user_rating_count[5m]))",
         ratings},
        {"sum(rate(user_rating_bucket{le=~\"2([.]0)?\"}[5m]))", ratings},
        {"sum(rate(user_rating_count[5m])) / sum(rate(http_requests_total[5m]))", other},
        {"histogram_quantile(0.5, sum by (le) (rate(user_rating_bucket[5m])))", ratings},
        {"job:recommendation_conversion:ratio15m", other},
        {"user_rating_bucket{le=~\"", ratings},
        {"user_rating_bucket{le=~\"(\"}", ratings},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char said[200];
        signs_explain(SCENARIO_CONVERSION, rows[i].query, said, sizeof said);
        cr_expect_eq(strncmp(said, rows[i].said, strlen(rows[i].said)), 0, "%s: %s", rows[i].query,
                     said);
    }
}
