# Shared by the tests of the compose stack: which compose there is, images, the project's clean-up.
# shellcheck shell=bash
set -u

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PROJECT=${PROJECT:-driftdrill-test-$$}
# Classic builds need nothing but the engine.
export DOCKER_BUILDKIT=${DOCKER_BUILDKIT:-0} COMPOSE_DOCKER_CLI_BUILD=${COMPOSE_DOCKER_CLI_BUILD:-0}
if [ -z "${MOVIELENS_DIR:-}" ] && [ -f "$ROOT/data/ml-latest-small/ratings.csv" ]; then
    MOVIELENS_DIR=$ROOT/data/ml-latest-small
fi
if [ -n "${MOVIELENS_DIR:-}" ]; then
    MOVIELENS_DIR=$(cd "$MOVIELENS_DIR" && pwd) # a name without a slash would be a volume
    export MOVIELENS_DIR
fi
# The stack of a run that was killed must not come back with the engine, beside later drills.
export RESTART=no
OVERRIDES=() # further compose files: -f FILE

find_compose() {
    if command -v docker-compose >/dev/null 2>&1; then
        COMPOSE=(docker-compose)
    else
        COMPOSE=(docker compose)
    fi
}
find_compose

compose() {
    (cd "$ROOT" && "${COMPOSE[@]}" -p "$PROJECT" -f docker-compose.yml "${OVERRIDES[@]}" "$@")
}

has_image() {
    docker image inspect "$1" >/dev/null 2>&1
}

images() { # images the stack names and does not build
    sed -n 's/^ *image: *\([a-z]*\/[^ ]*\).*/\1/p' "$ROOT/docker-compose.yml" | sort -u
}

# Stacks of other runs take from the cores that a drill needs; whose they are cannot be known here.
say_running() {
    docker ps --filter label=com.docker.compose.project \
        --format '{{.Label "com.docker.compose.project"}}' | sort -u | sed -n \
        's/^driftdrill-\(test\|e2e\)-[0-9]*$/# another stack is up: &; docker-compose -p & down -v/p'
}

# An engine that answers, and every image but Grafana's. OFFLINE_IMAGES names a program that starts an
# engine where none runs and makes stand-ins for what cannot be pulled. Says why not.
have_engine() {
    if [ -n "${OFFLINE_IMAGES:-}" ]; then
        "$OFFLINE_IMAGES" "$ROOT/docker-compose.yml" || return 1
        find_compose # it may have installed one
    fi
    if ! docker info >/dev/null 2>&1; then
        echo "# no Docker engine answers"
        return 1
    fi
    if ! "${COMPOSE[@]}" version >/dev/null 2>&1; then
        echo "# neither docker-compose nor docker compose is there"
        return 1
    fi
    say_running
    local image
    for image in $(images); do
        has_image "$image" || timeout 300 docker pull -q "$image" >/dev/null 2>&1
        if ! has_image "$image" && [[ $image != grafana/* ]]; then
            echo "# $image is not there and cannot be pulled"
            return 1
        fi
    done
}

have_grafana() {
    has_image "$(images | grep '^grafana/')"
}

# Loopback ports nobody listens on, for whatever else runs here.
choose_ports() {
    read -r RECOMMENDER_PORT SIMULATOR_PORT PROMETHEUS_PORT ALERTMANAGER_PORT GRAFANA_PORT < <(
        python3 -c '
import socket
held = [socket.socket() for _ in range(5)]
for s in held:
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in held))')
    export RECOMMENDER_PORT SIMULATOR_PORT PROMETHEUS_PORT ALERTMANAGER_PORT GRAFANA_PORT
}

container() { # container SERVICE: its id
    docker ps -aq --filter "label=com.docker.compose.project=$PROJECT" \
        --filter "label=com.docker.compose.service=$1" | head -n 1
}

remove_all() {
    compose down -v --remove-orphans >/dev/null 2>&1
}

left_over() { # what of the project is still there
    docker ps -aq --filter "label=com.docker.compose.project=$PROJECT"
    docker volume ls -q --filter "label=com.docker.compose.project=$PROJECT"
    docker network ls -q --filter "label=com.docker.compose.project=$PROJECT"
}
