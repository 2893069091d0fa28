#!/usr/bin/env bash
# Packs a built stanch as it is released: stanch-TARGET.tar.gz, and its line in SHA256SUMS beside it.
#   packaging/archive.sh BINARY TARGET [DIRECTORY]
# BINARY must run on this machine: it writes its own manual and completions. The same input gives the same archive.
set -euo pipefail

if [ $# -lt 2 ]; then
    sed -n '2,4s/^# //p' "$0" >&2
    exit 2
fi
project=$(cd "$(dirname "$0")/.." && pwd)
binary=$(realpath "$1") target=$2 out=${3:-dist}
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

name=stanch-$target
mkdir -p "$work/$name/man" "$work/$name/completions"
case $target in
*windows*) cp "$binary" "$work/$name/stanch.exe" ;;
*) install -m 755 "$binary" "$work/$name/stanch" ;;
esac
(cd "$project" && cp README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT "$work/$name/")
"$binary" man --dir "$work/$name/man"
"$binary" completions bash >"$work/$name/completions/stanch.bash"
"$binary" completions zsh >"$work/$name/completions/_stanch"
"$binary" completions fish >"$work/$name/completions/stanch.fish"

# The owner, the order and the times are not this machine's.
# (GNU tar: `gtar` where the system's own is another.)
tar=$(command -v gtar || echo tar)
time=$(git -C "$project" log -1 --format=%ct 2>/dev/null || date +%s)
"$tar" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@${SOURCE_DATE_EPOCH:-$time}" \
    -C "$work" -cf - "$name" | gzip -9n >"$out/$name.tar.gz"

sums=$out/SHA256SUMS
touch "$sums"
grep -v " $name.tar.gz\$" "$sums" >"$work/sums" || true
(cd "$out" && sha256sum "$name.tar.gz") >>"$work/sums"
LC_ALL=C sort -k 2 "$work/sums" >"$sums"
echo "$out/$name.tar.gz"
