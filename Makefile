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
JOBS    ?= $(shell nproc)
# Sub-makes share the jobs of `make -j N`; a plain `make` uses all cores.
SUBMAKE  = $(MAKE) --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j$(JOBS))

# Lowest floor first. An archive a floor: a test links its own floor and those below it.
FLOORS  := base numeric movielens population recommender load capacity observe drill command

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
FLAGS_floor_numeric := $(if $(filter debug,$(VARIANT)),,-O2)
FLAGS_floor_population := $(FLAGS_floor_numeric)
FLAGS_floor_recommender := $(FLAGS_floor_numeric)
endif

# A finding must fail the run: by default a leak in a test's child process leaves it green.
RUN_asan := ASAN_OPTIONS=abort_on_error=1:detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
RUN_tsan := TSAN_OPTIONS=halt_on_error=1:exitcode=66
RUN      := $(RUN_$(VARIANT))

# Asked once, and only when something is compiled.
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PACKAGES)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(PACKAGES)))$(PKG_LIBS)
TEST_CFLAGS = $(eval TEST_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(TEST_PACKAGES)))$(TEST_CFLAGS)
TEST_LIBS   = $(eval TEST_LIBS := $(shell $(PKG_CONFIG) --libs $(TEST_PACKAGES)))$(TEST_LIBS)

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
# An archive, so that a test takes only the helpers it calls: some need a floor above its own.
SUPPORT      := $(BUILD)/libsupport.a
SUPPORT_SOURCES := $(wildcard tests/support/*.c)
HEADERS      := $(wildcard src/*/*.h tests/support/*.h)
PRODUCT_SOURCES := $(wildcard src/*.c src/*/*.c fuzz/*.c bench/*.c bench/*/*.c)
ALL_SOURCES  := $(PRODUCT_SOURCES) $(HEADERS) $(UNIT_SOURCES) $(SUPPORT_SOURCES) \
                $(wildcard tests/race/*.c tests/sanitizer/*.c tests/tools/*.c)
SCRIPTS      := $(filter-out tools/debian-packages tools/seen %.md %.py,$(wildcard tools/*)) .ci/run bench/recommender bench/loading \
                $(shell grep -lrE '^\#!/bin/(ba)?sh|^\#!/usr/bin/env bash' tests 2>/dev/null)

# What `make test` runs, cheapest first.
PARTS := format-check check-layers check-headers check-banned tools-test rules-test dashboards-test check \
         unit race sanitizer-selfcheck fuzz-replay asan-unit asan-run tsan-run install-test lint drill-test \
         compose-test

.PHONY: all
all: build

##@ Using
.PHONY: build
build: build/driftdrill ## build/driftdrill, the release binary (the default target)

.PHONY: build/driftdrill
build/driftdrill:
	$(Q)+$(SUBMAKE) VARIANT=release build/release/driftdrill
	$(Q)ln -sf release/driftdrill build/driftdrill

.PHONY: e2e
STACK ?= native
e2e: e2e-$(STACK) ## the first drill: install what is missing, build, get MovieLens, verify taste-shift
.PHONY: e2e-native e2e-compose
e2e-native:
	$(Q)tools/install-deps
	$(Q)+$(SUBMAKE) build
	$(Q)tools/get-movielens
	build/driftdrill verify scenarios/taste-shift.yml --out results/taste-shift
e2e-compose: ## the same drill against the compose stack (make e2e STACK=compose)
	$(Q)tools/get-movielens
	$(Q)tests/compose/e2e

.PHONY: e2e-all e2e-null
e2e-all: ## every scenario as a drill, two at a time; a table of verdicts and delays
	$(Q)tools/install-deps --test
	$(Q)+$(SUBMAKE) build
	$(Q)tools/get-movielens
	$(Q)tests/e2e/all-scenarios
NULL_DRILLS ?= 20
VIRTUAL_HOURS ?= 1000
e2e-null: ## twenty quiet drills and a thousand simulated hours: how often is an alert false?
	$(Q)tools/install-deps
	$(Q)+$(SUBMAKE) build
	$(Q)tools/get-movielens
	build/driftdrill verify scenarios/control.yml --null $(NULL_DRILLS) \
	    --virtual-hours $(VIRTUAL_HOURS) --out results/null

.PHONY: deps deps-test data
deps: ## install the Debian packages that building and drilling need (sudo when not root)
	$(Q)tools/install-deps
deps-test: ## install what the tests need, too
	$(Q)tools/install-deps --test
data: ## MovieLens ml-latest-small into data/, unless it is there or MOVIELENS_DIR names it
	$(Q)tools/get-movielens

SHARE = $(DESTDIR)$(PREFIX)/share/driftdrill
.PHONY: install uninstall clean help
install: build ## program, scenarios, rules and dashboards below PREFIX (/usr/local)
	install -d $(DESTDIR)$(PREFIX)/bin $(SHARE)
	install -m 755 build/release/driftdrill $(DESTDIR)$(PREFIX)/bin/driftdrill
	for d in $$(find scenarios prometheus grafana -type d); do install -d $(SHARE)/$$d; done
	for f in $$(find scenarios prometheus grafana -type f); do install -m 644 $$f $(SHARE)/$$f; done
uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/driftdrill
	rm -rf $(SHARE)
clean: ## remove build/
	rm -rf build
help: ## this list
	@awk 'BEGIN { FS = ":.*## " } /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	     /^[a-z0-9-]+:.*## / { printf "  %-20s %s\n", $$1, $$2 }' Makefile
	@printf '\nVariables: VARIANT=release|debug|asan|tsan  V=1  WERROR=1  PREFIX=DIR  JOBS=N  CFLAGS  LDFLAGS\n'

# ---- how things are made ----

$(BUILD)/packages.ok: tools/check-packages
	$(Q)tools/check-packages $(PACKAGES)
	$(Q)mkdir -p $(@D) && touch $@
$(BUILD)/test-packages.ok: tools/check-packages
	$(Q)tools/check-packages $(PACKAGES) $(TEST_PACKAGES)
	$(Q)mkdir -p $(@D) && touch $@

$(BUILD)/driftdrill: $(BUILD)/src/main.o $(ALL_ARCHIVES)
	$(SAY) LD $@
	$(Q)$(CC) $(BASE_LDFLAGS) -o $@ $^ $(PKG_LIBS) -lm $(LDFLAGS)

define floor_rules
$(BUILD)/lib$(1).a: $$(call floor_objects,$(1))
	$$(SAY) AR $$@
	$$(Q)mkdir -p $$(@D) && rm -f $$@ && $$(AR) rcs $$@ $$^
$(BUILD)/src/$(1)/%.o: src/$(1)/%.c | $(BUILD)/packages.ok
	$$(SAY) CC $$<
	$$(Q)mkdir -p $$(@D) && $$(CC) $$(BASE_CFLAGS) $$(FLAGS_floor_$(1)) -MMD -MP -c -o $$@ $$< $$(CFLAGS)
$(BUILD)/tests/unit/$(1)/%: tests/unit/$(1)/%.c $$(SUPPORT) $$(call archives_up_to,$(1)) \
                            | $(BUILD)/test-packages.ok
	$$(SAY) TEST $$@
	$$(Q)mkdir -p $$(@D) && $$(CC) $$(BASE_CFLAGS) $$(TEST_CFLAGS) -Itests/support -MMD -MP $$(BASE_LDFLAGS) \
	    -o $$@ $$< $$(SUPPORT) $$(call archives_up_to,$(1)) $$(PKG_LIBS) $$(TEST_LIBS) -lm \
	    $$(CFLAGS) $$(LDFLAGS)
endef
$(foreach f,$(FLOORS),$(eval $(call floor_rules,$(f))))

$(SUPPORT): $(patsubst %.c,$(BUILD)/%.o,$(SUPPORT_SOURCES))
	$(SAY) AR $@
	$(Q)mkdir -p $(@D) && rm -f $@ && $(AR) rcs $@ $^
$(BUILD)/tests/support/%.o: tests/support/%.c | $(BUILD)/test-packages.ok
	$(SAY) CC $<
	$(Q)mkdir -p $(@D) && $(CC) $(BASE_CFLAGS) $(TEST_CFLAGS) -Itests/support -MMD -MP -c -o $@ $< $(CFLAGS)

$(BUILD)/src/main.o: src/main.c | $(BUILD)/packages.ok
	$(SAY) CC $<
	$(Q)mkdir -p $(@D) && $(CC) $(BASE_CFLAGS) -MMD -MP -c -o $@ $< $(CFLAGS)

$(BUILD)/tests/race/%: tests/race/%.c $(SUPPORT) $(ALL_ARCHIVES)
	$(SAY) RACE $@
	$(Q)mkdir -p $(@D) && $(CC) $(BASE_CFLAGS) -Itests/support -MMD -MP $(BASE_LDFLAGS) -o $@ $< $(SUPPORT) \
	    $(ALL_ARCHIVES) $(PKG_LIBS) -lm $(CFLAGS) $(LDFLAGS)

$(BUILD)/fuzz/%: fuzz/%.c fuzz/replay_main.c $(ALL_ARCHIVES)
	$(SAY) FUZZ $@
	$(Q)mkdir -p $(@D) && $(CC) $(BASE_CFLAGS) -MMD -MP $(BASE_LDFLAGS) -o $@ $< fuzz/replay_main.c \
	    $(ALL_ARCHIVES) $(PKG_LIBS) -lm $(CFLAGS) $(LDFLAGS)

$(BUILD)/bench/%: bench/%.c $(ALL_ARCHIVES)
	$(SAY) BENCH $@
	$(Q)mkdir -p $(@D) && $(CC) $(BASE_CFLAGS) -MMD -MP $(BASE_LDFLAGS) -o $@ $< $(ALL_ARCHIVES) \
	    $(PKG_LIBS) -lm $(CFLAGS) $(LDFLAGS)

# Programs that check the checks: planted bugs, a probe of the installed paths.
$(BUILD)/tests/sanitizer/%: tests/sanitizer/%.c | $(BUILD)/test-packages.ok
	$(SAY) TEST $@
	$(Q)mkdir -p $(@D) && $(CC) $(BASE_CFLAGS) $(TEST_CFLAGS) $(BASE_LDFLAGS) -o $@ $< $(TEST_LIBS) \
	    $(CFLAGS) $(LDFLAGS)
$(BUILD)/tests/tools/%: tests/tools/%.c $(ALL_ARCHIVES)
	$(SAY) TEST $@
	$(Q)mkdir -p $(@D) && $(CC) $(BASE_CFLAGS) $(BASE_LDFLAGS) -o $@ $< \
	    $(ALL_ARCHIVES) $(PKG_LIBS) -lm $(CFLAGS) $(LDFLAGS)

-include $(shell find build -name '*.d' 2>/dev/null)

##@ Testing
.PHONY: test
test: ## all tests and checks; the last line counts them
	$(Q)tools/install-deps --test
	$(Q)+MAKE="$(MAKE)" JOBS=$(JOBS) tools/run-tests $(PARTS)

.PHONY: unit race fuzz-replay asan asan-unit asan-run tsan-run sanitizer-selfcheck
unit: $(UNIT_TESTS) ## unit tests of one VARIANT
	$(Q)LOGS=$(BUILD) $(RUN) tools/run-suites criterion $(UNIT_TESTS)
race: ## thread tests under ThreadSanitizer
	$(Q)+$(SUBMAKE) VARIANT=tsan race-here
asan: asan-unit asan-run ## unit tests and a run under AddressSanitizer and UBSan
asan-unit:
	$(Q)+$(SUBMAKE) VARIANT=asan unit
asan-run:
	$(Q)+$(SUBMAKE) VARIANT=asan run-here
tsan-run: ## a run against a served recommender, both under ThreadSanitizer
	$(Q)+$(SUBMAKE) VARIANT=tsan run-here
fuzz-replay: ## every fuzz target over its corpus, under AddressSanitizer
	$(Q)+$(SUBMAKE) VARIANT=asan fuzz-here
sanitizer-selfcheck: ## planted bugs must make their runs fail
	$(Q)+$(SUBMAKE) VARIANT=asan build/asan/tests/sanitizer/planted_in_suite
	$(Q)+$(SUBMAKE) VARIANT=tsan build/tsan/tests/sanitizer/planted_race
	$(Q)ASAN_RUN="$(RUN_asan)" TSAN_RUN="$(RUN_tsan)" tests/sanitizer/selfcheck \
	    build/asan/tests/sanitizer/planted_in_suite build/tsan/tests/sanitizer/planted_race

.PHONY: race-here run-here fuzz-here
race-here: $(RACE_TESTS)
	$(Q)LOGS=$(BUILD) $(RUN) tools/run-suites plain $(RACE_TESTS)
run-here: $(BUILD)/driftdrill
	$(Q)$(RUN) tests/sanitizer/run-under-load $(BUILD)/driftdrill
fuzz-here: $(FUZZ_TARGETS)
	$(Q)$(RUN) tools/replay-corpora $(FUZZ_TARGETS)

.PHONY: rules-test check dashboards-test tools-test install-test drill-test compose-test
rules-test: ## promtool over the shipped rules and their tests
	$(Q)tests/rules/run-all
check: ## rules and dashboards against the /metrics of the recommender just built
	$(Q)+$(SUBMAKE) build
	$(Q)tests/rules/against-exposed build/driftdrill
dashboards-test: ## the shipped dashboards: layout, links, limits, and what their queries show
	$(Q)tests/dashboards/run-all
tools-test: ## the scripts in tools/, against planted faults
	$(Q)tests/tools/run-all
install-test: ## install, find the shipped files from elsewhere, uninstall
	$(Q)+$(SUBMAKE) build
	$(Q)+$(SUBMAKE) VARIANT=release build/release/tests/tools/home_probe
	$(Q)+MAKE="$(MAKE)" tests/tools/install-and-run build/release/tests/tools/home_probe
compose-test: ## the compose stack, its demo and a drill; skipped where no Docker engine can be had
	$(Q)tests/compose/run-all
drill-test: ## whole drills that must pass, fail, or be invalid
	$(Q)+$(SUBMAKE) build
	$(Q)tools/get-movielens
	$(Q)tests/e2e/run-all

.PHONY: golden
golden: ## ask Grafana's own code again for what the unit tests expect (needs node, npm, network)
	$(Q)cd tests/golden && npm install --no-audit --no-fund --no-package-lock && node generate.mjs

.PHONY: bench
bench: $(patsubst %.c,$(BUILD)/%,$(wildcard bench/*.c bench/*/*.c)) ## build the benchmarks (see bench/README.md)
.PHONY: bench-load
ROUNDS ?= 5
SECONDS ?= 3
bench-load: ## what a step costs, beside wrk, vegeta, k6 and Locust where installed (docs/load.md)
	$(Q)+$(SUBMAKE) build build/release/bench/load/floor
	$(Q)bench/load/compare.py --rounds $(ROUNDS) --seconds $(SECONDS) \
	    $(if $(ONLY),--only $(ONLY)) $(if $(JSON),--json $(JSON))

##@ Checking
.PHONY: check-layers check-headers check-banned format format-check lint
check-layers: ## an include points down or sideways, never up
	$(Q)tools/check-layers
check-headers: | $(BUILD)/packages.ok ## each header compiles alone
	$(Q)for header in $(HEADERS); do \
	    $(CC) $(BASE_CFLAGS) -Itests/support -Werror -fsyntax-only -x c $$header || exit 1; \
	done; echo "$(words $(HEADERS)) passed, 0 failed"
check-banned: ## banned calls, file-scope state that can change
	$(Q)+$(SUBMAKE) VARIANT=release $(patsubst $(BUILD)/%,build/release/%,$(ALL_ARCHIVES))
	$(Q)tools/check-banned --state $(patsubst $(BUILD)/%,build/release/%,$(ALL_ARCHIVES)) .
# Another major version lays code out differently, so only this one judges.
CLANG_FORMAT ?= clang-format
FORMAT_MAJOR := 14
format: ## lay out all sources with clang-format
	$(Q)$(CLANG_FORMAT) -i $(ALL_SOURCES)
format-check: ## is everything laid out so?
	$(Q)if $(CLANG_FORMAT) --version | grep -q 'version $(FORMAT_MAJOR)\.'; then \
	    $(CLANG_FORMAT) --dry-run --Werror $(ALL_SOURCES) && echo "1 passed, 0 failed"; \
	else \
	    echo "not clang-format $(FORMAT_MAJOR), nothing judged"; echo "0 passed, 0 failed"; \
	fi
TIDY_STAMPS := $(patsubst %,build/lint/%.ok,$(PRODUCT_SOURCES))
lint: ## clang-tidy and shellcheck
	$(Q)+$(SUBMAKE) -k lint-here
	$(Q)shellcheck -x $(SCRIPTS) && \
	    echo "$$(($(words $(TIDY_STAMPS)) + $(words $(SCRIPTS)))) passed, 0 failed"
.PHONY: lint-here
lint-here: $(TIDY_STAMPS)
build/lint/%.ok: % .clang-tidy $(HEADERS) | $(BUILD)/packages.ok
	$(SAY) TIDY $<
	$(Q)mkdir -p $(@D) && clang-tidy --quiet --warnings-as-errors='*' $< -- \
	    -std=c11 -D_GNU_SOURCE -Isrc $(PKG_CFLAGS) 2>$@.log || { grep -v 'warnings generated' $@.log; false; }
	$(Q)rm -f $@.log && touch $@
