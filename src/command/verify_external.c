#include "command/verify_external.h"

#include "base/fileio.h"
#include "base/text.h"
#include "command/address.h"
#include "command/token.h"
#include "load/target.h"

#include <stdio.h>
#include <string.h>

static const char *instead_of_secret(const char *name)
{
    return strcmp(name, "grafana") == 0  ? "use --grafana-token-file"
           : strcmp(name, "target") == 0 ? "leave them away; for /admin there is --admin-token-file"
                                         : "leave them away";
}

/* Copies an address without a closing slash; *url is NULL if it is not given. */
static enum err read_url(const struct options *options, const char *name, bool needed,
                         char out[256], const char **url, struct error *error)
{
    char option[32];
    const char *text = options_text(options, name);
    snprintf(option, sizeof option, "--%s", name);
    *url = text == NULL ? NULL : out;
    if (text == NULL) {
        return needed ? error_set(error, ERR_USAGE, option, 0, "needed with --stack external")
                      : ERR_OK;
    }
    enum err code = address_without_secret(option, text, instead_of_secret(name), error);
    if (code != ERR_OK) {
        return code;
    }
    bool http = text_starts(text, "http://") || text_starts(text, "https://");
    const char *host = http ? strstr(text, "://") + 3 : "";
    if (host[0] == '\0' || host[0] == '/' || !text_copy(out, 256, text)) {
        return error_set(error, ERR_USAGE, option, 0,
                         "expected an address such as http://127.0.0.1:9090, got '%s'", text);
    }
    for (size_t len = strlen(out); out[len - 1] == '/'; len--) {
        out[len - 1] = '\0';
    }
    return ERR_OK;
}

/* None of them without the other one. */
static enum err check_without(const struct options *options, const char *const *names, size_t count,
                              const char *only, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (options_is_set(options, names[i])) {
            char option[32];
            snprintf(option, sizeof option, "--%s", names[i]);
            return error_set(error, ERR_USAGE, option, 0, "only with %s", only);
        }
    }
    return ERR_OK;
}

static enum err check_native(const struct options *options, struct error *error)
{
    static const char *const of_stack[] = {"grafana", "grafana-token-file", "webhook"};
    static const char *const of_target[] = {"admin-token-file", "past", "past-in-target"};
    enum err code = check_without(options, of_stack, 3, "--stack external", error);
    if (code == ERR_OK && options_text(options, "target") == NULL) {
        code = check_without(options, of_target, 3, "--target", error);
    }
    return code;
}

/* What starts programs of its own, or plays without watching, has no use for a stack that runs. */
static enum err check_modes(const struct options *options, bool external, struct error *error)
{
    static const char *const native[] = {"paired", "null", "calibrate", "alertmanager-config"};
    /* Plays several times, for which the target must begin anew. */
    size_t count = external ? 4 : options_text(options, "target") != NULL ? 2 : 0;
    for (size_t i = 0; i < count; i++) {
        if (options_is_set(options, native[i])) {
            char option[32];
            snprintf(option, sizeof option, "--%s", native[i]);
            return error_set(error, ERR_USAGE, option, 0, "not with %s",
                             external ? "--stack external" : "--target");
        }
    }
    if (options_is_set(options, "past-in-target") && !options_is_set(options, "past")) {
        return error_set(error, ERR_USAGE, "--past-in-target", 0, "only with --past");
    }
    if (options_is_set(options, "grafana-token-file") && !options_is_set(options, "grafana")) {
        return error_set(error, ERR_USAGE, "--grafana-token-file", 0, "only with --grafana");
    }
    return ERR_OK;
}

static enum err read_urls(const struct options *options, struct verify_external *out,
                          struct error *error)
{
    const struct {
        const char *name;
        bool needed;
        const char **url;
    } urls[] = {{"prometheus", true, &out->drill.prometheus_url},
                {"alertmanager", true, &out->drill.alertmanager_url},
                {"grafana", false, &out->drill.grafana_url}};
    enum err code = ERR_OK;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0] && code == ERR_OK; i++) {
        code = read_url(options, urls[i].name, urls[i].needed, out->url[i], urls[i].url, error);
    }
    return code;
}

/* Whether a scenario speaks of a target of its own is not known yet. */
static enum err read_target(const struct options *options, struct verify_external *out,
                            struct error *error)
{
    const char *text = options_text(options, "target");
    if (text == NULL || target_is_url(text)) {
        return read_url(options, "target", false, out->url[3], &out->target, error);
    }
    enum err code = address_without_secret("--target", text, instead_of_secret("target"), error);
    if (code == ERR_OK && !file_exists(text)) {
        code = error_set(error, ERR_USAGE, "--target", 0,
                         "expected an address such as http://127.0.0.1:8000 or a target file, got "
                         "'%s'",
                         text);
    }
    out->target = text;
    return code;
}

enum err verify_external_read(const struct options *options, struct verify_external *out,
                              struct error *error)
{
    const char *which = options_text(options, "stack");
    *out = (struct verify_external){.wanted = strcmp(which, "external") == 0};
    if (!out->wanted && strcmp(which, "native") != 0) {
        return error_set(error, ERR_USAGE, "--stack", 0, "expected native or external, got '%s'",
                         which);
    }
    enum err code = out->wanted ? ERR_OK : check_native(options, error);
    if (code == ERR_OK) {
        code = check_modes(options, out->wanted, error);
    }
    if (code == ERR_OK) {
        code = read_target(options, out, error);
    }
    if (code == ERR_OK && out->wanted) {
        code = read_urls(options, out, error);
    }
    if (code == ERR_OK) {
        code = token_read(options_text(options, "admin-token-file"), out->token, sizeof out->token,
                          error);
    }
    if (code == ERR_OK) {
        code = token_read(options_text(options, "grafana-token-file"), out->grafana_token,
                          sizeof out->grafana_token, error);
    }
    const char *past = options_text(options, "past");
    const char *in_target = options_text(options, "past-in-target");
    out->drill.webhook_listen = options_text(options, "webhook");
    out->admin_token = out->token[0] != '\0' ? out->token : NULL;
    out->drill.grafana_token = out->grafana_token[0] != '\0' ? out->grafana_token : NULL;
    out->past_folder = past;
    out->past_in_target = in_target != NULL ? in_target : past;
    return code;
}
