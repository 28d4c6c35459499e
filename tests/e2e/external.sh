# A stack that runs already, as plain processes on loopback, for cases about --stack external. Sets
# the ports; `past` is the folder that drill and target share, $scratch/render what the stack runs by.
# shellcheck shell=bash disable=SC2154,SC2317 # variables of lib.sh; functions are called by check

PROMETHEUS=${DRIFTDRILL_PROMETHEUS:-prometheus}
ALERTMANAGER=$(command -v alertmanager || command -v prometheus-alertmanager)
past=$scratch/past

free_ports() { # free_ports N
    python3 -c 'import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in held: s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in held))' "$1"
}
read -r target_port prometheus_port alertmanager_port webhook_port own_port < <(free_ports 5)

external() { # external NAME SCENARIO [OPTION...]: a drill against the stack, in the background
    local name=$1 scenario=$2
    shift 2
    drill_start "$name" "$scenario" --stack external --target "http://127.0.0.1:$target_port/" \
        --prometheus "http://127.0.0.1:$prometheus_port" \
        --alertmanager "http://127.0.0.1:$alertmanager_port" --webhook "127.0.0.1:$webhook_port" \
        --listen "127.0.0.1:$own_port" --past "$past" "$@"
}

answers() { # answers PORT PATH
    curl -sf --max-time 2 "http://127.0.0.1:$1$2"
}

start_target() { # always as it was after its training
    cp "$scratch/kept.model" "$scratch/target.model" 2>/dev/null
    "$DRIFTDRILL" serve --data "$past" --listen "127.0.0.1:$target_port" \
        --model "$scratch/target.model" >"$scratch/url" 2>"$scratch/target.out" &
    target=$!
    track "$target"
    until_true 120 test -s "$scratch/url"
    [ -f "$scratch/kept.model" ] || cp "$scratch/target.model" "$scratch/kept.model"
}

# As start_alertmanager: begun with what `render_stack` wrote.
start_prometheus() {
    local flags
    mapfile -t flags <"$scratch/render/prometheus/flags"
    "$PROMETHEUS" --config.file="$scratch/render/prometheus/prometheus.yml" \
        --storage.tsdb.path="$scratch/tsdb" "${flags[@]}" \
        --web.listen-address="127.0.0.1:$prometheus_port" >>"$scratch/prometheus.out" 2>&1 &
    prometheus=$!
    track "$prometheus"
    until_true 20 answers "$prometheus_port" /-/ready
}

start_alertmanager() {
    "$ALERTMANAGER" --config.file="$scratch/render/alertmanager/alertmanager.yml" \
        --storage.path="$scratch/am" --cluster.listen-address= \
        --web.listen-address="127.0.0.1:$alertmanager_port" >>"$scratch/alertmanager.out" 2>&1 &
    alertmanager=$!
    track "$alertmanager"
    until_true 20 answers "$alertmanager_port" /-/ready
}

# The shipped files at a time scale of 60, with the addresses of this stack.
render_stack() {
    rm -rf "$scratch/render"
    "$DRIFTDRILL" render --time-scale 60 --fit-objectives --out "$scratch/render" \
        --webhook "http://127.0.0.1:$webhook_port/alerts" >"$scratch/render.out" 2>&1
    sed -i -e "s/recommender:8000/127.0.0.1:$target_port/" \
        -e "s/simulator:9100/127.0.0.1:$own_port/" \
        -e "s/alertmanager:9093/127.0.0.1:$alertmanager_port/" \
        -e "s/localhost:9090/127.0.0.1:$prometheus_port/" "$scratch/render/prometheus/prometheus.yml"
}

stop() { # stop PID
    send TERM "$1" 2>/dev/null
    wait "$1" 2>/dev/null
}

# A model of six minutes is a stale one at this time scale, so nobody may remember its age.
forget() {
    stop "$prometheus"
    rm -rf "$scratch/tsdb"
    start_prometheus
}

sees_the_target() {
    answers "$prometheus_port" '/api/v1/query?query=up%7Bjob%3D%22recommender%22%7D==1' |
        grep -q '"recommender"'
}
