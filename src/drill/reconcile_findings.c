/* What a comparison of counts found, in words and in one. */
#include "drill/reconcile.h"

const char *reconcile_kind_text(enum reconcile_kind kind)
{
    static const char *const texts[] = {
        [RECONCILE_EQUAL] = "equal",
        [RECONCILE_EXPLAINED] = "explained by what nobody can tell",
        [RECONCILE_ABSENT] = "not exported",
        [RECONCILE_RESET] = "counter reset",
        [RECONCILE_LOST] = "lost",
        [RECONCILE_DOUBLE] = "double counted",
        [RECONCILE_BEYOND] = "beyond what unanswered requests explain",
        [RECONCILE_LABEL] = "wrong label",
        [RECONCILE_BUCKET] = "wrong bucket",
    };
    return texts[kind];
}

bool reconcile_agrees(const struct reconciliation *reconciliation)
{
    if (!reconciliation->done) {
        return false;
    }
    for (int i = 0; i < reconciliation->count; i++) {
        if (!reconciliation->row[i].ok) {
            return false;
        }
    }
    return true;
}
