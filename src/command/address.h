/* Addresses given on the command line. */
#ifndef COMMAND_ADDRESS_H
#define COMMAND_ADDRESS_H

#include "base/error.h"

/* Refuses user and password in a URL, without repeating them: addresses are written down, in
 * verdicts and logs. `instead` says what there is
 * for that. */
enum err address_without_secret(const char *option, const char *url, const char *instead,
                                struct error *error) __attribute__((warn_unused_result));

#endif
