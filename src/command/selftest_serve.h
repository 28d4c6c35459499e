/* `driftdrill selftest --serve`: the stub server alone, until a signal. Main thread only. */
#ifndef COMMAND_SELFTEST_SERVE_H
#define COMMAND_SELFTEST_SERVE_H

#include "base/error.h"
#include "base/option.h"

/* Prints the address, serves, and prints what was served. */
enum err selftest_serve(const struct options *options, struct error *error);

#endif
