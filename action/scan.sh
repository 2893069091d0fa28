#!/usr/bin/env bash
# Scans what an event of GitHub Actions adds. Everything from outside comes through the environment; see action.yml.
# A token that is found is no error of this script: judge.sh decides once the report is uploaded.
set -euo pipefail

fail() {
    echo "::error title=stanch::$*"
    exit 2
}

commit() { git cat-file -e "$1^{commit}" 2>/dev/null; }

# A commit that the event names and that is not here: in a full clone it is gone, in a shallow one it was never fetched.
need_depth() {
    if [ "$(git rev-parse --is-shallow-repository)" = true ]; then
        fail "the checkout is shallow and lacks $1: give actions/checkout the input fetch-depth: 0"
    fi
}

# What the event adds, as a range or as a revision and all that leads to it.
range() {
    local base=${BASE:-} head=${HEAD:-} fork
    [[ $base =~ ^[0-9a-f]{40,64}$ && ! $base =~ ^0+$ ]] || base=
    [[ $head =~ ^[0-9a-f]{40,64}$ ]] || head=$(git rev-parse HEAD)
    commit "$head" || need_depth "$head"
    commit "$head" || fail "the commit $head is not in this checkout: give actions/checkout the pull request's head as its ref"
    if [ -n "$base" ] && ! commit "$base"; then
        need_depth "$base"
        echo "::notice title=stanch::$base, where the branch was before, is gone (a forced push?)" >&2
        base=
    fi
    if [ -z "$base" ]; then
        # A new branch adds what the default branch does not have; without one to compare with, all of it.
        fork=refs/remotes/origin/${DEFAULT_BRANCH:-}
        if [ -n "${DEFAULT_BRANCH:-}" ] && commit "$fork" && [ "$(git rev-parse "$fork")" != "$head" ]; then
            base=$(git rev-parse "$fork")
        else
            need_depth "where the branch began"
        fi
    fi
    echo "${base:+$base..}$head"
}

case ${SCAN:-commits} in
commits)
    case ${EVENT:-push} in
    push | pull_request | pull_request_target | merge_group)
        if [[ ${HEAD:-} =~ ^0+$ ]]; then
            echo "the branch was deleted: nothing to scan"
            echo "exit-code=0" >>"$GITHUB_OUTPUT"
            exit 0
        fi
        range=$(range) || { echo "$range"; exit 2; }
        arguments=(git --range "$range")
        ;;
    # A schedule or a button adds no commits: then it is all of them.
    *) arguments=(git --require-full-history) ;;
    esac
    ;;
history) arguments=(git --require-full-history) ;;
tree) arguments=(scan .) ;;
*) fail "the input scan is commits, history or tree, and not $SCAN" ;;
esac

arguments+=(--format github --report "sarif=$SARIF" --no-progress --min-confidence "${MIN_CONFIDENCE:-likely}")
[ -z "${BASELINE:-}" ] || arguments+=("--baseline=$BASELINE")
[ "${NO_PROJECT_CONFIG:-false}" != true ] || arguments+=(--no-project-config)
if [ "${REVOKE:-false}" = true ]; then
    arguments+=(--revoke --yes "--max-revoke=${MAX_REVOKE:-25}")
    [ -z "${WAIT:-}" ] || arguments+=("--wait=$WAIT")
fi

rm -f -- "$SARIF"
code=0
"$STANCH" "${arguments[@]}" || code=$?
echo "exit-code=$code" >>"$GITHUB_OUTPUT"
# Without one, the run could not begin, and said why.
[ ! -s "$SARIF" ] || echo "sarif=$SARIF" >>"$GITHUB_OUTPUT"
