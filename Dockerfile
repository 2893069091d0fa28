# syntax=docker/dockerfile:1
# docker build -t stanch . && docker run --rm -v "$PWD:/work:ro" stanch scan .
FROM rust:1.95-alpine AS build
# SQLite, Zstandard and libdeflate are C.
RUN apk add --no-cache build-base
WORKDIR /src
COPY . .
# What `stanch --version -v` tells: --build-arg STANCH_COMMIT=$(git rev-parse HEAD)
ARG STANCH_COMMIT=""
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo install --locked --path . --root /out --no-track

FROM alpine:3.22
# git is for the scripts of CI around the program, which reads repositories itself.
RUN apk add --no-cache ca-certificates git \
    && adduser -D -u 10001 stanch \
    && git config --system --add safe.directory '*'
COPY --from=build /out/bin/stanch /usr/local/bin/stanch
USER 10001
WORKDIR /work
ENTRYPOINT ["stanch"]
CMD ["scan", "."]
