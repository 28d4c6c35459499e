#include "command/address.h"

#include <string.h>

enum err address_without_secret(const char *option, const char *url, const char *instead,
                                struct error *error)
{
    const char *scheme_end = strstr(url, "://");
    const char *authority = scheme_end != NULL ? scheme_end + 3 : url;
    return memchr(authority, '@', strcspn(authority, "/?#")) == NULL
               ? ERR_OK
               : error_set(error, ERR_USAGE, option, 0,
                           "user and password in an address would be written into logs and "
                           "verdicts: %s",
                           instead);
}
