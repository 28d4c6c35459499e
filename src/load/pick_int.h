/* What compiling (pick.c) hands to reading (pick_read.c). */
#ifndef LOAD_PICK_INT_H
#define LOAD_PICK_INT_H

#include "load/pick.h"

#define PICK_NODES_MAX 32
#define PICK_MESSAGE_BYTES 96

enum pick_want {
    PICK_NOTHING, /* on the way to something, or nowhere */
    PICK_FILMS,
    PICK_FILM,
    PICK_SOURCE,
    PICK_SCORE,
    PICK_SOURCES,
    PICK_SCORES,
    PICK_REQUEST_ID
};

/* One step of a pointer; those of the same container are linked. Nodes are kept in one array, 0 is
 * the answer itself and thus never a child: it stands for "none". */
struct pick_node {
    enum pick_want want;
    bool strict; /* what its steps lead into must be there, an object or an array */
    bool counts; /* a step from here is a number, so it may lead into an array */
    uint8_t child, sibling;
    uint8_t ordinal; /* among its siblings */
    int32_t index;   /* the step as a place in an array, -1 if it cannot be one */
    size_t key_len;
    char key[64];
    char twice[PICK_MESSAGE_BYTES];
};

struct pick {
    int nodes;
    struct pick_node node[PICK_NODES_MAX];
    uint8_t element; /* node of an element of the list */
    bool film_text, request_id_number;
    bool sources_beside, scores_beside;
    bool cuts;
    int32_t places; /* looked at */
    size_t prefix_len;
    char prefix[32];
    char no_films[PICK_MESSAGE_BYTES], no_film[PICK_MESSAGE_BYTES], long_id[PICK_MESSAGE_BYTES];
};

#endif
