#!/usr/bin/env bash
# Is every token found that is there? What `stanch git` finds in a repository, held against what a plain look at every
# object's bytes finds, as git itself writes them out. Exits with 1 where they differ.
#
#   benches/equal.sh REPO...
set -euo pipefail

stanch=${STANCH:-$(dirname "$0")/../target/release/stanch}
for tool in git jq "$stanch"; do
    command -v "$tool" >/dev/null || { echo "this needs $tool" >&2; exit 2; }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Rule and hash of what is certain. The repository's own files must not silence anything. Exit 1 only means that it found some.
look() {
    "$stanch" "$@" -f json -q --no-project-config --no-allow-comments >"$work/report" || [ $? -eq 1 ]
    jq -r '.findings[] | select(.confidence == "certain") | "\(.rule) \(.sha256)"' "$work/report" | sort -u
}

differ=0
for repo in "$@"; do
    look git "$repo" >"$work/git"
    git -C "$repo" cat-file --batch-all-objects --batch | look scan - >"$work/plain"
    # Names of refs are no objects: a token found there alone is no difference.
    git -C "$repo" for-each-ref --format='%(refname)' | look scan - >"$work/refs"
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
