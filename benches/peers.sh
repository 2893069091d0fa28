#!/usr/bin/env bash
# CPU time of a sweep beside ripgrep looking for the same six shapes, on the same warm tree, in one run.
# usage: benches/peers.sh TREE   (needs rg and hyperfine, and a release build)
set -euo pipefail

tree=${1:?usage: benches/peers.sh TREE}
stanch=${STANCH:-target/release/stanch}

shapes=(
    -e 'ghp_[A-Za-z0-9]{36}' -e 'gho_[A-Za-z0-9]{36}' -e 'ghu_[A-Za-z0-9]{36}' -e 'ghs_[A-Za-z0-9]{36}'
    -e 'ghr_[A-Za-z0-9]{76}' -e 'github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}'
)

# Elapsed time is how long somebody waits; user plus system, how much was done.
hyperfine --warmup 3 --runs 15 --ignore-failure --export-json /tmp/stanch-peers.json \
    --command-name stanch "$stanch scan -q --exit-zero -f jsonl $tree" \
    --command-name rg "rg -uuu -a -c ${shapes[*]@Q} $tree"

python3 - <<'EOF'
import json
rows = {r["command"]: r for r in json.load(open("/tmp/stanch-peers.json"))["results"]}
cpu = {name: row["user"] + row["system"] for name, row in rows.items()}
for name, row in rows.items():
    print(f"{name:8} {row['mean']:.3f} s elapsed, {cpu[name]:.3f} s of CPU")
print(f"stanch / rg: {cpu['stanch'] / cpu['rg']:.2f} of its CPU time, {rows['stanch']['mean'] / rows['rg']['mean']:.2f} of its elapsed time")
EOF
