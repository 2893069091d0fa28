#!/usr/bin/env bash
# Scans what an event of GitHub Actions adds. Everything from outside comes through the environment; see action.yml.
# A token that is found is no error of this script: judge.sh decides once the report is uploaded.
set -euo pipefail

fail() {
    echo "::error title=stanch::$*"
    exit 2
}

note() { echo "::notice title=stanch::$*" >&2; }

nothing() {
    echo "$*: nothing to scan"
    echo "exit-code=0" >>"$GITHUB_OUTPUT"
    exit 0
}

is_id() { [[ $1 =~ ^[0-9a-f]{40,64}$ && ! $1 =~ ^0+$ ]]; }
here() { git cat-file -e "$1" 2>/dev/null; }
commit() { git cat-file -e "$1^{commit}" 2>/dev/null; }
is_shallow() { [ "$(git rev-parse --is-shallow-repository)" = true ]; }

# A commit that the event names and that is not here: in a full clone it is gone, in a shallow one it was never fetched.
need_depth() {
    if is_shallow; then
        fail "the checkout is shallow and lacks $1: give actions/checkout the input fetch-depth: 0"
    fi
}

# The remote-tracking branch of a branch, where it was fetched.
tracking() {
    if [ -n "$1" ] && commit "refs/remotes/origin/$1"; then
        git rev-parse "refs/remotes/origin/$1^{commit}"
    fi
}

# The object that a pushed ref, a pull request or a queue leads to now.
find_head() {
    local head=${HEAD:-}
    # An event without ids has a ref: a tag's own message is looked at, too.
    is_id "$head" || head=$(git rev-parse --verify --quiet "$ref" || git rev-parse HEAD)
    if ! here "$head"; then
        need_depth "$head"
        # actions/checkout fetches the commit that an annotated tag is of, and not the tag itself.
        if [[ $ref != refs/tags/* ]]; then
            fail "the commit $head is not in this checkout: give actions/checkout the pull request's head as its ref"
        fi
        note "the tag $head is not in this checkout, so its message is not scanned"
        head=$(git rev-parse HEAD)
    fi
    echo "$head"
}

# What the event adds, as revisions: its head, and behind ^ what was there before.
range() {
    local base=${BASE:-} head default='' branch
    head=$(find_head) || { echo "$head"; exit 2; }
    is_id "$base" || base=
    if [ -n "$base" ] && ! here "$base"; then
        need_depth "$base"
        note "$base, where the branch was before, is gone (a forced push?)"
        base=
    fi
    case $event in
    pull_request | pull_request_target)
        # The branch may have gone on since, and have been merged. What is merged already is not left out: it may be this.
        branch=$(tracking "${BASE_REF:-${GITHUB_BASE_REF:-}}")
        [ -z "$branch" ] || git merge-base --is-ancestor "$head" "$branch" || default=$branch
        ;;
    merge_group) ;;
    *)
        # What the default branch has is not new on another branch or tag.
        if [ -z "$base$ref" ] || [[ -n $ref && $ref != "refs/heads/${DEFAULT_BRANCH:-}" ]]; then
            default=$(tracking "${DEFAULT_BRANCH:-}")
        fi
        ;;
    esac
    if [ -z "$base$default" ]; then
        need_depth "where the branch began"
        note "there is nothing to compare $head with, so all that leads to it is scanned"
    fi
    echo "$head${base:+ ^$base}${default:+ ^$default}"
}

event=${EVENT:-push}
ref=${REF:-${GITHUB_REF:-}}
case ${SCAN:-commits} in
commits)
    case $event in
    push | pull_request | pull_request_target | merge_group | create | release)
        if [[ ${HEAD:-} =~ ^0+$ ]]; then
            nothing "$ref was deleted"
        fi
        range=$(range) || { echo "$range"; exit 2; }
        arguments=(git --range "$range")
        ;;
    delete) nothing "a branch or tag was deleted" ;;
    # A schedule or a button adds no commits: then it is all of them.
    *) arguments=(git --require-full-history) ;;
    esac
    ;;
history) arguments=(git --require-full-history) ;;
tree) arguments=(scan .) ;;
*) fail "the input scan is commits, history or tree, and not $SCAN" ;;
esac

arguments+=(--format github --report "sarif=$SARIF" --no-progress --min-confidence "${MIN_CONFIDENCE:-likely}")
baseline=${BASELINE:-}
if [ "${NO_PROJECT_CONFIG:-false}" = true ]; then
    # Who opens a pull request suppresses nothing: neither by a comment nor by the baseline in it.
    arguments+=(--no-project-config --no-allow-comments)
    if [ -n "$baseline" ] && [[ $event = pull_request* ]]; then
        if ! is_id "${BASE:-}" || ! here "$BASE"; then
            fail "the base of the pull request, whose $baseline is to be taken, is not in this checkout"
        fi
        trusted=$(mktemp)
        git show "$BASE:./$baseline" >"$trusted" || fail "the base of the pull request has no $baseline"
        baseline=$trusted
    fi
fi
[ -z "$baseline" ] || arguments+=("--baseline=$baseline")
if [ "${REVOKE:-false}" = true ]; then
    arguments+=(--revoke --yes "--max-revoke=${MAX_REVOKE:-25}")
    [ -z "${WAIT:-}" ] || arguments+=("--wait=$WAIT")
fi

rm -f -- "$SARIF"
code=0
"$STANCH" "${arguments[@]}" || code=$?
if [ "$code" = 2 ] && [ "${SCAN:-commits}" != tree ] && is_shallow; then
    echo "::error title=stanch::the checkout is shallow: give actions/checkout the input fetch-depth: 0"
fi
echo "exit-code=$code" >>"$GITHUB_OUTPUT"
# Without one, the run could not begin, and said why.
[ ! -s "$SARIF" ] || echo "sarif=$SARIF" >>"$GITHUB_OUTPUT"
