# Shared by the whole-drill cases: a scratch folder, drills in the background or to their end, checks
# that print "ok NAME" or "not ok NAME: why", and what is needed to see processes and ports come and
# go. A case that ends without calling `finish` has failed. run-all sets the E2E_ variables.
# shellcheck shell=bash
set -u
# What failing drills of a test say is not for the job's page.
unset GITHUB_ACTIONS GITHUB_STEP_SUMMARY GITHUB_WORKSPACE

E2E=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$E2E/../.." && pwd)
DRIFTDRILL=${DRIFTDRILL:-$ROOT/build/driftdrill}
SCENARIOS=$E2E/scenarios
# The people's past is the same for every case with the same seed: it is written once.
E2E_CACHE=${E2E_CACHE:-$ROOT/build/e2e-cache}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/driftdrill-e2e.XXXXXX")
failures=0
started=() # "PID BIRTH" of the processes that must not outlive the case

clean_up() {
    local code=$? entry
    for entry in "${started[@]}"; do
        send KILL "${entry% *}" && wait "${entry% *}"
    done 2>/dev/null
    if [ "$failures" -eq 0 ] && [ "$code" -eq 0 ]; then
        rm -rf "$scratch"
        return
    fi
    echo "# kept: $scratch"
    local log
    for log in "$scratch"/*.out; do
        [ -f "$log" ] || continue
        echo "# the end of $log"
        tail -n 40 "$log" | sed 's/^/#   /'
    done
}
trap clean_up EXIT
trap 'exit 1' INT TERM

finish() {
    [ "$failures" -eq 0 ]
    exit
}

# ---- checks ----

check() { # check NAME COMMAND...: ok if the command succeeds; what it prints tells why not
    local name=$1 why
    shift
    if why=$("$@" 2>&1); then
        echo "ok $name"
    else
        failures=$((failures + 1))
        echo "not ok $name: ${why:-$*}" | head -n 5
    fi
}

check_status() { # check_status NAME WANTED: of the last drill or command
    check "$1" wanted_status "$2"
}

wanted_status() {
    [ "$status" -eq "$1" ] || {
        echo "wanted exit status $1, got $status"
        return 1
    }
}

check_says() { # check_says NAME TEXT: the last drill or command printed it
    check "$1" said "$2"
}

said() {
    grep -qF -- "$1" "$out" || {
        echo "'$1' is not in what it printed"
        return 1
    }
}

check_json() { # check_json NAME FILTER [FILE]: jq finds it true (of the last drill's verdict.json)
    check "$1" json_holds "$2" "${3:-$folder/verdict.json}"
}

# `row` and `rows` find expectations by a regular expression on their names.
JQ_DEFINITIONS='
    def rows(name): [.expectations[] | select(.name | test(name))];
    def row(name): rows(name) | if length == 1 then .[0] else error("not one row " + name) end;
    def alert(name): .alerts[] | select(.alert == name);
'

json_holds() {
    jq -e "$JQ_DEFINITIONS $1" "$2" >/dev/null 2>"$scratch/jq.err" || {
        echo "$1 does not hold; $(cat "$scratch/jq.err")"
        jq -c '.invalid_because // empty, (.expectations[]? | select(.outcome != "pass"))' "$2"
        return 1
    }
}

# ---- drills ----

# drill_start NAME SCENARIO [OPTION...]: in the background. Sets folder, out and drill_pid.
drill_start() {
    local name=$1 scenario=$2
    shift 2
    folder=$scratch/$name
    out=$scratch/$name.out
    "$DRIFTDRILL" verify "$scenario" --out "$folder" --cache "$E2E_CACHE" "$@" >"$out" 2>&1 &
    drill_pid=$!
    track "$drill_pid"
}

drill_wait() { # sets status; what the shell says of a killed job is no news
    wait "$drill_pid" 2>/dev/null
    status=$?
}

drill() { # drill NAME SCENARIO [OPTION...]: to its end
    drill_start "$@"
    drill_wait
}

# Whether everything that made the drill invalid is the machine's doing: a generator that could not
# keep up, or a hole in scrapes or evaluations. A drill is right to say so, and no alert can be
# judged by it.
machine_too_busy() { # machine_too_busy STATUS FOLDER
    [ "$1" -eq 3 ] && jq -e '
        [.invalid_because[], (.expectations[] | select(.outcome == "invalid") | .observed)]
        | length > 0 and all(test("generator was too slow|no free connection|no (evaluation|scrape) for"))
    ' "$2/verdict.json" >/dev/null 2>&1
}

# judged_drill NAME SCENARIO [OPTION...]: as drill, again, twice at most, while the machine is too busy.
judged_drill() {
    local name=$1 again
    shift
    drill "$name" "$@"
    for again in again third; do
        machine_too_busy "$status" "$folder" || return 0
        echo "# $name: the machine was too busy, once more:" \
            "$(jq -c '.invalid_because' "$folder/verdict.json")"
        drill "$name-$again" "$@"
    done
}

# until_true SECONDS COMMAND...: polls
until_true() {
    local turns=$(($1 * 20))
    shift
    while ! "$@" >/dev/null 2>&1; do
        turns=$((turns - 1))
        [ "$turns" -gt 0 ] || {
            echo "not within its time: $*"
            return 1
        }
        sleep 0.05
    done
}

# The status line comes every five seconds, so that much has been played when it shows.
playing() {
    grep -Eq '^(control|drift) .* left .* requests/s' "$out"
}

ended() {
    ! alive "$drill_pid"
}

playing_or_ended() {
    playing || ended
}

# Waits until the drill of drill_start plays; the case fails if it never does.
await_play() {
    until_true 120 playing_or_ended
    check "$1" playing
}

# ---- processes and ports ----

# The ids of processes come round again within minutes of drills, sooner where threads come and go,
# each of which takes one too: an id alone may by now be somebody else's.
birth() { # birth PID: when it began, in clock ticks since the machine did; nothing if it is gone
    sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
}

track() { # track PID...: remembers them, to be ended with the case
    local pid began
    for pid in "$@"; do
        began=$(birth "$pid")
        [ -z "$began" ] || started+=("$pid $began")
    done
}

is_tracked() { # is_tracked PID: is it the process that `track` remembers?
    local entry
    entry="$1 $(birth "$1")"
    printf '%s\n' "${started[@]}" | grep -qxF -- "$entry"
}

send() { # send SIGNAL PID: to a process of `track`, and to no other that has its id now
    is_tracked "$2" && kill "-$1" "$2"
}

alive() { # a zombie is dead
    [ -r "/proc/$1/stat" ] && ! grep -q '^State:[[:space:]]*[ZX]' "/proc/$1/status" 2>/dev/null &&
        [ -r "/proc/$1/stat" ]
}

children_of() { # children_of PID
    grep -lsE "^PPid:[[:space:]]*$1\$" /proc/[0-9]*/status | cut -d/ -f3
}

child_like() { # child_like PID TEXT: the child whose command line holds the text
    local child
    for child in $(children_of "$1"); do
        if tr '\0' ' ' <"/proc/$child/cmdline" 2>/dev/null | grep -qF -- "$2"; then
            echo "$child"
            return
        fi
    done
    return 1
}

# Inodes of the listening sockets of these processes: unlike a port, an inode is not given to
# somebody else a moment later.
listening() { # listening PID...
    local sockets pid
    sockets=$(for pid in "$@"; do
        find "/proc/$pid/fd" -type l -printf '%l\n' 2>/dev/null
    done | sed -n 's/^socket:\[\([0-9]*\)\]$/\1/p')
    open_listeners | grep -Fxf <(echo "${sockets:-none}")
}

open_listeners() {
    awk '$4 == "0A" { print $10 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# watch_processes: remembers the drill, its children and what they listen on, for check_gone
watch_processes() {
    mapfile -t watched < <(
        echo "$drill_pid"
        children_of "$drill_pid"
    )
    mapfile -t ports < <(listening "${watched[@]}")
    track "${watched[@]}"
}

all_gone() {
    local pid port
    for pid in "${watched[@]}"; do
        if is_tracked "$pid" && alive "$pid"; then
            echo "process $pid is still there: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
            return 1
        fi
    done
    for port in "${ports[@]}"; do
        if open_listeners | grep -qx "$port"; then
            echo "listening socket $port is still there"
            return 1
        fi
    done
}

check_gone() { # check_gone NAME: within five seconds nothing of watch_processes is left
    until_true 5 all_gone >/dev/null
    check "$1" all_gone
}
