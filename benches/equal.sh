#!/usr/bin/env bash
# Is every token found that is there? Compares what `stanch git` finds in a repository with what a scan of every object's
# bytes finds, as `git cat-file` writes them out. Exits with 1 where they differ.
#
#   benches/equal.sh REPO...
set -euo pipefail

stanch=${STANCH:-$(dirname "$0")/../target/release/stanch}
for tool in git jq "$stanch"; do
    command -v "$tool" >/dev/null || { echo "this needs $tool" >&2; exit 2; }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Rule and hash of what is certain. The repository's own files must not suppress anything. Exit 1 only means that it found
# some, and 2 that it could not read something: damaged archives are in many histories.
find_certain() {
    "$stanch" "$@" -f json -q --no-project-config --no-allow-comments >"$work/report" || [ $? -le 2 ]
    jq -r '.findings[] | select(.confidence == "certain") | "\(.rule) \(.sha256)"' "$work/report" | sort -u
}

differ=0
for repo in "$@"; do
    find_certain git "$repo" >"$work/git"
    git -C "$repo" cat-file --batch-all-objects --batch | find_certain scan - >"$work/plain"
    # Names of refs are no objects: a token found there alone is no difference.
    git -C "$repo" for-each-ref --format='%(refname)' | find_certain scan - >"$work/refs"
    sort -u "$work/plain" "$work/refs" >"$work/all"
    if diff "$work/all" "$work/git" >"$work/diff"; then
        echo "equal      $(wc -l <"$work/git") tokens  $repo"
    else
        echo "different  $repo (< plain, > stanch git)"
        cat "$work/diff"
        differ=1
    fi
done
exit "$differ"
