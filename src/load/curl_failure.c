#include "load/curl_failure.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define RETRY_AFTER_MAX_S 86400
/* CURLE_TOO_LARGE, which libcurl has from 8.6 on, for a head beyond its maximum. */
#define RESULT_TOO_LARGE 100

enum exchange_failure curl_failure(CURLcode result)
{
    switch ((int)result) {
    case CURLE_OK:
        return EXCHANGE_ANSWERED;
    case CURLE_OPERATION_TIMEDOUT:
        return EXCHANGE_TIMEOUT;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_ABORTED_BY_CALLBACK:
        return EXCHANGE_RESET;
    case CURLE_COULDNT_CONNECT:
        return EXCHANGE_REFUSED;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return EXCHANGE_DNS;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return EXCHANGE_TLS;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_BAD_CONTENT_ENCODING:
        return EXCHANGE_PROTOCOL;
    case RESULT_TOO_LARGE:
        return EXCHANGE_TOO_LONG;
    default:
        return EXCHANGE_OTHER;
    }
}

const char *curl_ca_file(void)
{
    const char *file = getenv("SSL_CERT_FILE");
    file = file != NULL && file[0] != '\0' ? file : getenv("CURL_CA_BUNDLE");
    return file != NULL && file[0] != '\0' ? file : NULL;
}

int32_t curl_retry_after_s(const char *value)
{
    char *end;
    long long seconds = strtoll(value, &end, 10);
    if (end == value || *end != '\0') {
        time_t date = curl_getdate(value, NULL);
        if (date < 0) {
            return -1;
        }
        seconds = (long long)date - clock_wall_ns() / CLOCK_NS_PER_S;
        seconds = seconds > 0 ? seconds : 0;
    }
    return seconds < 0 ? -1 : (int32_t)(seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S);
}

const char curl_no_descriptor_text[] = "no file descriptor left for a connection";

static bool is_shortage(int number)
{
    return number == EMFILE || number == ENFILE;
}

curl_socket_t curl_open_socket(const struct curl_sockaddr *to, bool *no_descriptor)
{
    int fd = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    if (fd < 0 && is_shortage(errno)) {
        *no_descriptor = true;
    }
    return fd >= 0 ? fd : CURL_SOCKET_BAD;
}

bool curl_no_descriptor(int any_fd)
{
    int fd = fcntl(any_fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) {
        return is_shortage(errno);
    }
    close(fd);
    return false;
}
