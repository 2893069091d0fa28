#!/usr/bin/env bash
# Says where stanch is, or is to be put: the key under which that is kept, and the release that it can come from.
set -euo pipefail

if [ -n "${BINARY:-}" ]; then
    if ! "$BINARY" --version; then
        echo "::error title=stanch::the input binary is no stanch that runs here"
        exit 2
    fi
    echo "stanch=$BINARY" >>"$GITHUB_OUTPUT"
    exit 0
fi

# The archive of the release this action was taken from. A tag names a release, and a runner keeps an action in
# _actions/OWNER/REPOSITORY/REF (github.action_ref is empty in composite actions: github.com/actions/runner/issues/2473).
# Who names a commit wants what that commit holds, so that is built; and so is a branch.
release() {
    local version target
    [ "${BUILD:-false}" != true ] || return 0
    [[ ${GITHUB_ACTION_PATH//\\//} =~ /_actions/([A-Za-z0-9-]+/[A-Za-z0-9._-]+)/v[0-9][A-Za-z0-9.+-]*/?$ ]] || return 0
    case ${RUNNER_OS:-}-${RUNNER_ARCH:-} in
    Linux-X64) target=x86_64-unknown-linux-musl ;;
    Linux-ARM64) target=aarch64-unknown-linux-musl ;;
    macOS-X64) target=x86_64-apple-darwin ;;
    macOS-ARM64) target=aarch64-apple-darwin ;;
    Windows-X64) target=x86_64-pc-windows-msvc ;;
    *) return 0 ;;
    esac
    # v0 is a tag that moves: the version is what the sources beside this script say.
    version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$GITHUB_ACTION_PATH/Cargo.toml" | head -n 1)
    echo "${GITHUB_SERVER_URL:-https://github.com}/${BASH_REMATCH[1]}/releases/download/v$version/stanch-$target.tar.gz"
}

release=$(release)
cd "$GITHUB_ACTION_PATH"
# A change of anything that is compiled is another key. git sums up files on every kind of runner.
files=$(find Cargo.toml Cargo.lock build.rs src rules -type f | LC_ALL=C sort)
sources=$({ echo "$files"; echo "$files" | git hash-object --no-filters --stdin-paths; } | git hash-object --stdin)
root=$TOOLS/stanch
{
    echo "root=$root"
    echo "stanch=$root/bin/stanch"
    echo "release=$release"
    # What was built and what was released are not the same program.
    echo "key=stanch-${release:+release-}${RUNNER_OS:-any}-${RUNNER_ARCH:-any}-$sources"
} >>"$GITHUB_OUTPUT"
