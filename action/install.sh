#!/usr/bin/env bash
# Builds this checkout and installs it below $ROOT.
set -euo pipefail

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
