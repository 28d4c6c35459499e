#include "observe/palette.h"

#include <stdint.h>
#include <string.h>

static const struct {
    const char *name, *dark, *light;
} hues[] = {
    {"super-light-red", "#FFA6B0", "#FF7383"},
    {"light-red", "#FF7383", "#F2495C"},
    {"red", "#F2495C", "#E02F44"},
    {"semi-dark-red", "#E02F44", "#C4162A"},
    {"dark-red", "#C4162A", "#AD0317"},
    {"super-light-orange", "#FFCB7D", "#FFB357"},
    {"light-orange", "#FFB357", "#FF9830"},
    {"orange", "#FF9830", "#FF780A"},
    {"semi-dark-orange", "#FF780A", "#FA6400"},
    {"dark-orange", "#FA6400", "#E55400"},
    {"super-light-yellow", "#FFF899", "#FFEE52"},
    {"light-yellow", "#FFEE52", "#FADE2A"},
    {"yellow", "#FADE2A", "#F2CC0C"},
    {"semi-dark-yellow", "#F2CC0C", "#E0B400"},
    {"dark-yellow", "#E0B400", "#CC9D00"},
    {"super-light-green", "#C8F2C2", "#96D98D"},
    {"light-green", "#96D98D", "#73BF69"},
    {"green", "#73BF69", "#56A64B"},
    {"semi-dark-green", "#56A64B", "#37872D"},
    {"dark-green", "#37872D", "#19730E"},
    {"super-light-blue", "#C0D8FF", "#8AB8FF"},
    {"light-blue", "#8AB8FF", "#5794F2"},
    {"blue", "#5794F2", "#3274D9"},
    {"semi-dark-blue", "#3274D9", "#1F60C4"},
    {"dark-blue", "#1F60C4", "#1250B0"},
    {"super-light-purple", "#DEB6F2", "#CA95E5"},
    {"light-purple", "#CA95E5", "#B877D9"},
    {"purple", "#B877D9", "#A352CC"},
    {"semi-dark-purple", "#A352CC", "#8F3BB8"},
    {"dark-purple", "#8F3BB8", "#7C2EA3"},
    {"transparent", "rgba(0,0,0,0)", "rgba(255, 255, 255, 0)"},
};
static const char *const classic[] = {"green",
                                      "semi-dark-yellow",
                                      "blue",
                                      "orange",
                                      "red",
                                      "purple",
                                      "dark-green",
                                      "dark-yellow",
                                      "dark-blue",
                                      "dark-orange",
                                      "dark-red",
                                      "dark-purple",
                                      "super-light-green",
                                      "super-light-yellow",
                                      "super-light-blue",
                                      "super-light-orange",
                                      "super-light-red",
                                      "super-light-purple",
                                      "#447EBC",
                                      "#C15C17",
                                      "#890F02",
                                      "#0A437C",
                                      "#6D1F62",
                                      "#584477",
                                      "#B7DBAB",
                                      "#F4D598",
                                      "#70DBED",
                                      "#F9BA8F",
                                      "#F29191",
                                      "#82B5D8",
                                      "#E5A8E2",
                                      "#AEA2E0",
                                      "#629E51",
                                      "#E5AC0E",
                                      "#64B0C8",
                                      "#E0752D",
                                      "#BF1B00",
                                      "#0A50A1",
                                      "#962D82",
                                      "#614D93",
                                      "#9AC48A",
                                      "#F2C96D",
                                      "#65C5DB",
                                      "#F9934E",
                                      "#EA6460",
                                      "#5195CE",
                                      "#D683CE",
                                      "#806EB7",
                                      "#3F6833",
                                      "#967302",
                                      "#2F575E",
                                      "#99440A",
                                      "#58140C",
                                      "#052B51",
                                      "#511749",
                                      "#3F2B5B",
                                      "#E0F9D7",
                                      "#FCEACA",
                                      "#CFFAFF",
                                      "#F9E2D2",
                                      "#FCE2DE",
                                      "#BADFF4",
                                      "#F9D9F9",
                                      "#DEDAF7"};

#define CLASSIC_COUNT (sizeof classic / sizeof classic[0])

const char *palette_hex(const char *name, bool light_theme)
{
    for (size_t i = 0; i < sizeof hues / sizeof hues[0]; i++) {
        if (strcmp(hues[i].name, name) == 0) {
            return light_theme ? hues[i].light : hues[i].dark;
        }
    }
    return *name == '\0' ? "#808080" : strcmp(name, PALETTE_FALLBACK) == 0 ? "#808080" : name;
}

const char *palette_classic(size_t index)
{
    return classic[index % CLASSIC_COUNT];
}

/* Bits of the classic colours that the dark theme leaves out where series choose by name: too
 * little contrast to its panels. (The light theme leaves out others; dashboards are dark by
 * default.) */
#define TOO_DARK UINT64_C(0x00fd00f000f00d00)

/* The hash of the npm package string-hash: djb2 with xor, from the last character to the first, its
 * unsigned sum of 32 bits. Series names here are bytes; only ASCII names hash as in the browser. */
const char *palette_classic_by_name(const char *series)
{
    uint32_t hash = 5381;
    for (size_t i = strlen(series); i-- > 0;) {
        hash = hash * 33 ^ (uint32_t)(unsigned char)series[i];
    }
    size_t left = hash % (uint32_t)(CLASSIC_COUNT - (size_t)__builtin_popcountll(TOO_DARK));
    size_t index = 0;
    for (; left > 0 || (TOO_DARK >> index & 1) != 0; index++) {
        left -= (TOO_DARK >> index & 1) == 0;
    }
    return classic[index];
}
