#!/usr/bin/env bash
# Builds the Debian package, with the manual and completions that the program writes itself. Needs `cargo install cargo-deb`.
#   packaging/deb.sh [ARGUMENT OF CARGO DEB]...
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --release --locked
made=target/packaging
rm -rf "$made"
mkdir -p "$made/man" "$made/bash" "$made/zsh" "$made/fish"
program=target/release/stanch
"$program" man --dir "$made/man"
"$program" completions bash >"$made/bash/stanch"
"$program" completions zsh >"$made/zsh/_stanch"
"$program" completions fish >"$made/fish/stanch.fish"
cargo deb --locked --no-build "$@"
