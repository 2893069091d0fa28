#!/usr/bin/env bash
# Elapsed and CPU time beside ripgrep looking for the same six shapes, and beside `git cat-file` for histories: both sides by
# turns in one run, warm, medians. What is measured is the ratio: seconds of a machine that others use say little.
#
#   benches/peers.sh trees DIRECTORY...     everything on, without containers, and plain tokens only
#   benches/peers.sh files [DIRECTORY]      one file of 1 GiB each of log lines, words, base64, UTF-16 and hex, made there
#   benches/peers.sh histories REPO...
#
# STANCH names the program (target/release/stanch), RG ripgrep, ROUNDS how often each is run (11).
set -euo pipefail

case ${1-} in
trees | histories) [ $# -gt 1 ] ;;
files) ;;
*) false ;;
esac || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }

exec python3 "$(dirname "$0")/peers.py" "$@"
