# Shared by the script tests: a scratch folder, counted checks, the closing line.
# shellcheck shell=sh
set -u

passed=0
failed=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

check() { # check NAME COMMAND...: passes if the command succeeds
    name=$1
    shift
    if output=$("$@" 2>&1); then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "  FAILED $name"
        echo "$output" | sed 's/^/    /'
    fi
}

# run COMMAND...: keeps its exit status in $status and what it prints in $scratch/out.
run() {
    "$@" >"$scratch/out" 2>&1
    # shellcheck disable=SC2034 # read by the tests
    status=$?
}

says() { # says TEXT: the last run printed it
    grep -qF -- "$1" "$scratch/out" || {
        echo "wanted '$1', got:"
        cat "$scratch/out"
        return 1
    }
}

silent() {
    [ ! -s "$scratch/out" ] || {
        echo "wanted silence, got:"
        cat "$scratch/out"
        return 1
    }
}

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}
