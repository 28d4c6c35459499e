# driftdrill: fire drills for recommender monitoring. `make help` lists the targets.
# One build/<variant>/ a flavour, so no target needs a clean: release debug asan tsan.

VARIANT ?= release
BUILD   := build/$(VARIANT)
PREFIX  ?= /usr/local
V       ?= 0
Q       := $(if $(filter 1,$(V)),,@)
SAY     := $(if $(filter 1,$(V)),@:,@printf '  %-6s %s\n')
CC      ?= cc
PKG_CONFIG ?= pkg-config

# Lowest floor first. An archive a floor: a test links its own floor and those below it.
FLOORS  := base numeric movielens population recommender load observe drill command

PACKAGES      := libcurl jansson gsl yaml-0.1 libmicrohttpd sqlite3
TEST_PACKAGES := criterion

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -Wformat=2 $(if $(WERROR),-Werror)
FLAGS_release := -O2
FLAGS_debug   := -O0
FLAGS_asan    := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FLAGS_tsan    := -O1 -fsanitize=thread
# Numeric loops are plain C that the compiler vectorises; no -ffast-math, results are reproducible.
FLAGS_floor_numeric    := -O3
FLAGS_floor_population := -O3
FLAGS_floor_recommender := -O3
ifneq ($(filter asan tsan debug,$(VARIANT)),)
FLAGS_floor_numeric :=
FLAGS_floor_population :=
FLAGS_floor_recommender :=
endif

PKG_CFLAGS = $(shell $(PKG_CONFIG) --cflags $(PACKAGES))
PKG_LIBS   = $(shell $(PKG_CONFIG) --libs $(PACKAGES))
TEST_CFLAGS = $(shell $(PKG_CONFIG) --cflags $(TEST_PACKAGES))
TEST_LIBS   = $(shell $(PKG_CONFIG) --libs $(TEST_PACKAGES))

BASE_CFLAGS = -std=c11 -D_GNU_SOURCE -g -pthread -fno-math-errno -ffp-contract=off -Isrc $(WARNINGS) \
              $(FLAGS_$(VARIANT)) $(PKG_CFLAGS)
BASE_LDFLAGS = -pthread $(filter -fsanitize=%,$(FLAGS_$(VARIANT)))

floor_sources = $(wildcard src/$(1)/*.c)
floor_objects = $(patsubst %.c,$(BUILD)/%.o,$(call floor_sources,$(1)))
floor_archive = $(BUILD)/lib$(1).a
# All floors up to and including $(1), highest first: the order the linker wants.
floors_up_to  = $(shell echo $(FLOORS) | tr ' ' '\n' | sed '/^$(1)$$/q' | tac)
archives_up_to = $(foreach f,$(call floors_up_to,$(1)),$(call floor_archive,$(f)))
ALL_ARCHIVES  := $(foreach f,$(shell echo $(FLOORS) | tr ' ' '\n' | tac),$(call floor_archive,$(f)))

UNIT_SOURCES := $(wildcard tests/unit/*/test_*.c)
UNIT_TESTS   := $(patsubst %.c,$(BUILD)/%,$(UNIT_SOURCES))
RACE_TESTS   := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/race/race_*.c))
FUZZ_TARGETS := $(patsubst %.c,$(BUILD)/%,$(wildcard fuzz/fuzz_*.c))
SUPPORT      := $(wildcard tests/support/*.c)

.PHONY: all build deps data e2e test help
all: build

build: build/driftdrill ## build/driftdrill, the release binary

build/driftdrill: check-packages
	$(Q)$(MAKE) --no-print-directory VARIANT=release build/release/driftdrill
	$(Q)ln -sf release/driftdrill build/driftdrill

$(BUILD)/driftdrill: $(BUILD)/src/main.o $(ALL_ARCHIVES)
	$(SAY) LD $@
	$(Q)$(CC) $(BASE_LDFLAGS) -o $@ $^ $(PKG_LIBS) -lm $(LDFLAGS)

define floor_rules
$(BUILD)/lib$(1).a: $$(call floor_objects,$(1))
	$$(SAY) AR $$@
	$$(Q)mkdir -p $$(@D) && rm -f $$@ && $$(AR) rcs $$@ $$^
$(BUILD)/src/$(1)/%.o: src/$(1)/%.c
	$$(SAY) CC $$<
	$$(Q)mkdir -p $$(@D) && $$(CC) $$(BASE_CFLAGS) $$(FLAGS_floor_$(1)) -MMD -MP -c -o $$@ $$< $$(CFLAGS)
$(BUILD)/tests/unit/$(1)/%: tests/unit/$(1)/%.c $$(SUPPORT) $$(call archives_up_to,$(1))
	$$(SAY) TEST $$@
	$$(Q)mkdir -p $$(@D) && $$(CC) $$(BASE_CFLAGS) $$(TEST_CFLAGS) -Itests/support -MMD -MP $$(BASE_LDFLAGS) \
	    -o $$@ $$< $$(SUPPORT) $$(call archives_up_to,$(1)) $$(PKG_LIBS) $$(TEST_LIBS) -lm $$(LDFLAGS)
endef
$(foreach f,$(FLOORS),$(eval $(call floor_rules,$(f))))

$(BUILD)/src/main.o: src/main.c
	$(SAY) CC $<
	$(Q)mkdir -p $(@D) && $(CC) $(BASE_CFLAGS) -MMD -MP -c -o $@ $< $(CFLAGS)

$(BUILD)/tests/race/%: tests/race/%.c $(SUPPORT) $(ALL_ARCHIVES)
	$(SAY) RACE $@
	$(Q)mkdir -p $(@D) && $(CC) $(BASE_CFLAGS) -Itests/support -MMD -MP $(BASE_LDFLAGS) -o $@ $< $(SUPPORT) \
	    $(ALL_ARCHIVES) $(PKG_LIBS) -lm $(LDFLAGS)

$(BUILD)/fuzz/%: fuzz/%.c fuzz/replay_main.c $(ALL_ARCHIVES)
	$(SAY) FUZZ $@
	$(Q)mkdir -p $(@D) && $(CC) $(BASE_CFLAGS) -MMD -MP $(BASE_LDFLAGS) -o $@ $< fuzz/replay_main.c \
	    $(ALL_ARCHIVES) $(PKG_LIBS) -lm $(LDFLAGS)

-include $(shell find build -name '*.d' 2>/dev/null)

.PHONY: check-packages
check-packages:
	$(Q)tools/check-packages $(PACKAGES)
