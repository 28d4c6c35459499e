#include "recommender/source.h"

const char *source_name(enum source source)
{
    static const char *const names[SOURCE_COUNT] = {"base", "similar", "popular"};
    return names[source];
}
