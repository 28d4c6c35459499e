# The program with its scenarios, rules and dashboards. Built with or without BuildKit.
FROM debian:bookworm-slim AS build
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        gcc libc6-dev make pkg-config libcurl4-openssl-dev libjansson-dev libgsl-dev libyaml-dev \
        libmicrohttpd-dev libsqlite3-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Makefile ./
COPY tools tools
COPY src src
RUN make -s build
COPY scenarios scenarios
COPY prometheus prometheus
COPY grafana grafana
RUN make -s install DESTDIR=/install

FROM debian:bookworm-slim
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        curl libcurl4 libjansson4 libgsl27 libyaml-0-2 libmicrohttpd12 libsqlite3-0 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --home-dir /var/lib/driftdrill driftdrill \
    && install -d -o driftdrill -g driftdrill /var/lib/driftdrill /etc/driftdrill
COPY --from=build /install/usr/local/ /usr/local/
COPY tools/demo /usr/local/bin/demo
USER 10001:10001
WORKDIR /var/lib/driftdrill
ENTRYPOINT ["/usr/local/bin/driftdrill"]
CMD ["--help"]
