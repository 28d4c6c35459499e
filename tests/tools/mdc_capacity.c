/* mdc_capacity SERVICE_S SERVERS TIME_S SHARE: the highest rate a second at which no more than that
 * share of requests take longer than that time, by theory; what a search must find. */
#include "base/text.h"
#include "capacity/mdc.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    double service_s, servers, time_s, share;
    if (argc != 5 || !text_to_f64(argv[1], &service_s) || !text_to_f64(argv[2], &servers) ||
        !text_to_f64(argv[3], &time_s) || !text_to_f64(argv[4], &share)) {
        (void)fprintf(stderr, "usage: mdc_capacity SERVICE_S SERVERS TIME_S SHARE\n");
        return 2;
    }
    printf("%.4f\n", mdc_capacity(service_s, (int)servers, time_s, share));
    return 0;
}
