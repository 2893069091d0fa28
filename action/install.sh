#!/usr/bin/env bash
# Puts stanch into $ROOT/bin: the program that was released, where $RELEASE is the address of one, else a build of this checkout.
set -euo pipefail

fetch() { curl --fail --silent --show-error --location --retry 3 --max-time 300 --output "$1" "$2"; }

sum() { if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi; }

# An archive that is not what its release says it is ends the step; one that is not there does not.
released() {
    local archive=${RELEASE##*/} work expected actual
    work=$(mktemp -d)
    fetch "$work/SHA256SUMS" "${RELEASE%/*}/SHA256SUMS" && fetch "$work/$archive" "$RELEASE" || return 1
    expected=$(tr -d '\r' <"$work/SHA256SUMS" | sed -n "s/^\([0-9a-f]\{64\}\) [ *]$archive\$/\1/p")
    actual=$(sum "$work/$archive")
    if [ "$expected" != "${actual%% *}" ]; then
        echo "::error title=stanch::$RELEASE is not what the SHA256SUMS of its release says: nothing of it was run"
        exit 2
    fi
    tar xzf "$work/$archive" -C "$work"
    mkdir -p "$ROOT/bin"
    cp "$work/${archive%.tar.gz}"/stanch* "$ROOT/bin/"
    rm -rf "$work"
    "$ROOT/bin/stanch" --version
}

if [ -n "${RELEASE:-}" ]; then
    if released; then
        exit 0
    fi
    echo "::notice title=stanch::there is no program that runs here at $RELEASE, so this action builds its own"
fi
if ! command -v cargo >/dev/null; then
    echo "::error title=stanch::there is no cargo here to build stanch with: install Rust first, or name a stanch by the input binary"
    exit 2
fi
if command -v rustup >/dev/null; then
    # A runner's toolchain may be older than what Cargo.toml asks for.
    rustup toolchain install stable --profile minimal --no-self-update
    export RUSTUP_TOOLCHAIN=stable
fi
cargo install --locked --quiet --path "$GITHUB_ACTION_PATH" --root "$ROOT" --no-track
