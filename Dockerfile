# proofmark as a service: docker build --tag proofmark . && docker run --publish 127.0.0.1:8470:8470 --volume proofmark:/data proofmark
FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY . .
RUN cargo install --locked --path . --root /out --features otel,postgres,s3

FROM debian:bookworm-slim
# Roots of the system judge the certificates of time-stamping servers, key services and identity providers.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin proofmark \
    && install --directory --owner proofmark --group proofmark --mode 0700 /data
COPY --from=build /out/bin/proofmark /usr/bin/proofmark
USER proofmark
WORKDIR /data
VOLUME /data
EXPOSE 8470
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/proofmark"]
# All addresses of the container: which of them are reached is said where it is started.
# Without [service.tls] in a proofmark.toml, publish the port to this machine alone and let a proxy there have TLS.
CMD ["serve", "--listen", "0.0.0.0:8470", "--behind-tls-proxy", "--data", "/data"]
