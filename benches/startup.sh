#!/usr/bin/env bash
# What a run costs before there is anything to scan: start-up, the hook of a commit, many small repositories. Each figure has its
# bound beside it, measured in the same run.
#   benches/startup.sh [STANCH]
# Needs hyperfine, git and jq; valgrind, where it is there, counts instructions.
set -euo pipefail

stanch=$(realpath "${1:-target/release/stanch}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com

init() { git -c init.defaultBranch=main init -q --template= "$1"; }

# The median time of each command, in milliseconds: the first is the bound.
compare() {
    local title=$1 runs=$2
    shift 2
    hyperfine -N --warmup 3 --runs "$runs" --export-json times.json "$@" >/dev/null 2>&1
    echo "$title"
    jq -r '.results[] | "  \(.median * 1e5 | round / 100) ms (least \(.min * 1e5 | round / 100))  \(.command)"' times.json |
        sed "s,$stanch,stanch,;s,$work/,,"
}

instructions() {
    command -v valgrind >/dev/null || return 0
    local count
    count=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2>&1 >/dev/null | sed -n 's/.*refs: *//p')
    echo "  $count instructions  ${*/#$stanch/stanch}"
}

mkdir empty
compare "An empty directory; the bound is a program that does nothing" 200 /bin/true "$stanch --version" "$stanch scan -q empty"
instructions "$stanch" scan -q empty

init small
(cd small && echo a >a && git add a && git commit -qm a && echo b >b && git add b)
init large
(
    cd large
    for a in $(seq 50); do
        for b in $(seq 20); do
            mkdir -p "d$a/e$b"
            for c in $(seq 100); do echo "int f$a$b$c;" >"d$a/e$b/f$c.c"; done
        done
    done
    git add -A
    git commit -qm all
    for file in d1/e1/f1.c d7/e3/f9.c d40/e19/f99.c; do echo "int more;" >>"$file"; done
    git add -A
)
for repo in small large; do
    cd "$repo"
    compare "What is staged in a $repo repository ($(git ls-files | wc -l) files)" 40 \
        "git diff --cached --name-only" "$stanch git --staged -q" "$stanch hook run --type pre-commit"
    cd ..
done

hooks() { mkdir "$1" && printf '#!/bin/sh\n%s\n' "$2" >"$1/pre-commit" && chmod +x "$1/pre-commit"; }
hooks any 'exit 0'
hooks ours "exec $stanch hook run --type pre-commit"
compare "A commit without a hook, with one that does nothing, and with this one" 60 \
    "git -C small commit --allow-empty -qm x" \
    "git -C small -c core.hooksPath=$work/any commit --allow-empty -qm x" \
    "git -C small -c core.hooksPath=$work/ours commit --allow-empty -qm x"

for n in $(seq 600); do
    init "many/r$n"
    for commit in 1 2 3; do
        seq $((n * commit)) $((n * commit + 300)) >"many/r$n/f$commit"
        git -C "many/r$n" add -A
        git -C "many/r$n" commit -qm "commit $commit"
    done
    if [ $((n % 2)) = 0 ]; then git -C "many/r$n" gc -q; fi
done
compare "The histories of 600 small repositories, half of them packed; the bound is a scan of their files, .git included" 10 \
    "$stanch scan -q many" "$stanch scan -q --history many"
