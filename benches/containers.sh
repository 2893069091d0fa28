#!/bin/sh
# CPU time of a scan of containers beside that of the system's own decompressors, each on one thread.
# usage: containers.sh FILE...    (needs GNU time, and a release build, or the program in STANCH)
set -eu

# The user's and the system's seconds of a command, the least of five runs.
seconds() {
    for _ in 1 2 3 4 5; do
        { /usr/bin/time -f '%U %S' "$@" > /dev/null; } 2>&1 | tail -n 1
    done | awk '{ sum = $1 + $2; if (NR == 1 || sum < least) least = sum } END { printf "%.2f", least }'
}

printf '%-30s %8s %8s\n' seconds system stanch
for file; do
    case $file in
        *.tar) tool='tar -xOf' ;;
        *.gz) tool=zcat ;;
        *.bz2) tool=bzcat ;;
        *.xz | *.lzma) tool='xz -T1 -dc' ;;
        *.zst) tool='zstd -dcq' ;;
        *.lz4) tool='lz4 -dcq' ;;
        *.zip | *.jar | *.whl) tool='unzip -p' ;;
        *.7z) tool='7z x -so -mmt=1' ;;
        *.a) tool='ar p' ;;
        *) echo "$file: no tool is known for it" >&2; continue ;;
    esac
    # shellcheck disable=SC2086 # a tool and its options
    printf '%-30s %8s %8s\n' "$(basename "$file")" "$(seconds $tool "$file")" \
        "$(seconds "${STANCH:-target/release/stanch}" scan -q --exit-zero -f jsonl "$file")"
done
