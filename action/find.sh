#!/usr/bin/env bash
# Says where stanch is, or is to be installed, and under which key a build of this checkout is kept.
set -euo pipefail

if [ -n "${BINARY:-}" ]; then
    if ! "$BINARY" --version; then
        echo "::error title=stanch::the input binary is no stanch that runs here"
        exit 2
    fi
    echo "stanch=$BINARY" >>"$GITHUB_OUTPUT"
    exit 0
fi

cd "$GITHUB_ACTION_PATH"
# A change of anything that is compiled is another key.
sources=$(find Cargo.toml Cargo.lock src rules -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)
root=$TOOLS/stanch
{
    echo "root=$root"
    echo "stanch=$root/bin/stanch"
    echo "key=stanch-${RUNNER_OS:-any}-${RUNNER_ARCH:-any}-${sources:0:32}"
} >>"$GITHUB_OUTPUT"
