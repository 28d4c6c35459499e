/* What those who use libcurl share: its results as kinds of failure, whose certificates it trusts,
 * how long it believes an address, and what it cannot do without descriptors. */
#ifndef LOAD_CURL_FAILURE_H
#define LOAD_CURL_FAILURE_H

#include "load/transport.h"

#include <curl/curl.h>

/* For how long a name's address is believed: libcurl's own default. A target that moves is found by
 * the connections opened afterwards; kept ones stay where they are. */
#define CURL_ADDRESS_AGE_MAX_S 60L

enum exchange_failure curl_failure(CURLcode result);
/* The file of certificates named by SSL_CERT_FILE or CURL_CA_BUNDLE, as for curl and openssl; NULL
 * = the system's. Reads the environment; before the threads start. */
const char *curl_ca_file(void);
/* Seconds a Retry-After asks for, given as a number or as a date; -1 if it is neither. At most a
 * day. */
int32_t curl_retry_after_s(const char *value);

/* For a CURLOPT_OPENSOCKETFUNCTION: *no_descriptor is set if the kernel has none left, which
 * libcurl would report like a target that refuses. */
curl_socket_t curl_open_socket(const struct curl_sockaddr *to, bool *no_descriptor);
/* Whether the process cannot open another descriptor at the moment; any_fd is an open one. */
bool curl_no_descriptor(int any_fd);
extern const char curl_no_descriptor_text[];

#endif
