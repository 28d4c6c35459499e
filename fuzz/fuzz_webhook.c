/* Bodies of Alertmanager's webhook. What was read must be usable; a refusal must say why. */
#include "observe/webhook.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_array(size + 1, 1);
    memcpy(text, data, size);
    text[size] = '\0'; /* as the server hands it over */
    struct webhook_notice *notice = NULL;
    size_t count = 0;
    struct error error = {.code = ERR_OK};
    enum err code = webhook_read_body(text, size, &notice, &count, &error);
    if (code != ERR_OK && (error.code != code || error.text[0] == '\0' || notice != NULL)) {
        abort();
    }
    if (code == ERR_OK && count == 0) {
        abort();
    }
    for (size_t i = 0; i < count; i++) {
        if (memchr(notice[i].alert, '\0', sizeof(notice[i].alert)) == NULL ||
            notice[i].received_mono_ns != 0) {
            abort();
        }
    }
    mem_free(notice);
    mem_free(text);
    return 0;
}
