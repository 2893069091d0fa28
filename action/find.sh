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
# A change of anything that is compiled is another key. git sums up files on every kind of runner.
files=$(find Cargo.toml Cargo.lock build.rs src rules -type f | LC_ALL=C sort)
sources=$({ echo "$files"; echo "$files" | git hash-object --no-filters --stdin-paths; } | git hash-object --stdin)
root=$TOOLS/stanch
{
    echo "root=$root"
    echo "stanch=$root/bin/stanch"
    echo "key=stanch-${RUNNER_OS:-any}-${RUNNER_ARCH:-any}-$sources"
} >>"$GITHUB_OUTPUT"
