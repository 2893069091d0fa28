"""What peers.sh runs."""

import base64
import os
import pathlib
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time

STANCH = os.environ.get("STANCH", "target/release/stanch")
RG = os.environ.get("RG", "rg")
ROUNDS = int(os.environ.get("ROUNDS", "11"))

SHAPES = [f"{prefix}[A-Za-z0-9]{{36}}" for prefix in ("ghp_", "gho_", "ghu_", "ghs_")]
SHAPES += ["ghr_[A-Za-z0-9]{76}", "github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"]
RIPGREP = [RG, "-uuu", "-a", "-c", *(part for shape in SHAPES for part in ("-e", shape))]
SCAN = [STANCH, "scan", "-q", "--exit-zero", "-f", "jsonl"]
NO_CONTAINERS = ["--max-archive-depth", "0"]
PLAIN = [*NO_CONTAINERS, "--max-decode-depth", "0"]

LARGE = 1 << 30
BLOCK = 16 << 20


def used(command):
    """Seconds elapsed, seconds of CPU, and the most memory in MB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def compare(title, commands):
    """Runs each of the commands by turns and prints its medians and their share of the first one's."""
    runs = {name: [] for name in commands}
    for number in range(ROUNDS + 1):
        for name, command in commands.items():
            result = used(command)
            if number > 0:  # the first warms the cache
                runs[name].append(result)
    median = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in runs.items()}
    first = next(iter(median.values()))
    print(f"\n{title}\n{'':24}{'elapsed':>9}{'CPU':>9}{'memory':>9}{'elapsed':>10}{'CPU':>6}")
    for name, (elapsed, cpu, memory) in median.items():
        shares = f"{elapsed / first[0]:10.2f}{cpu / first[1]:6.2f}"
        print(f"{name:24}{elapsed:8.3f}s{cpu:8.3f}s{memory:7.0f}MB{shares}", flush=True)
    return median


def trees(directories):
    for tree in directories:
        commands = {
            "ripgrep": [*RIPGREP, tree],
            "stanch": [*SCAN, tree],
            "without containers": [*SCAN, *NO_CONTAINERS, tree],
            "plain tokens only": [*SCAN, *PLAIN, tree],
        }
        median = compare(tree, commands)
        encodings = median["without containers"][1] / median["plain tokens only"][1] - 1
        print(f"the encodings cost {100 * encodings:.0f}% of plain")


def contents(rng):
    """By name: 16 MiB of it, which is repeated."""
    words = [
        word for word in "the of and to a in is it you that he was for on are with as I his they be at one have this".split()
    ] + ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randrange(3, 12))) for _ in range(20_000)]
    line = lambda: " ".join(rng.choices(words, k=12)) + "\n"
    log = lambda: (
        f"2026-01-{rng.randrange(10, 31)}T12:{rng.randrange(10, 60)}:{rng.randrange(10, 60)}.{rng.randrange(1000):03}Z "
        f"{rng.choice(['INFO', 'WARN', 'DEBUG'])} request id={rng.randrange(1 << 64):016x} path=/{rng.choice(words)}/"
        f"{rng.choice(words)}?page={rng.randrange(99)} status={rng.choice([200, 301, 404])} took={rng.randrange(9999)}ms\n"
    )
    text = lambda make, size=BLOCK: "".join(make() for _ in range(size // len(make())))[:size].encode().ljust(size, b"\n")
    encoded = base64.b64encode(rng.randbytes(BLOCK * 3 // 4))
    return {
        "log lines": text(log),
        "words": text(line),
        "base64": b"\n".join(encoded[at : at + 76] for at in range(0, len(encoded), 76)) + b"\n",
        "UTF-16": text(line, BLOCK // 2).decode().encode("utf-16-le"),
        "hex": text(line, BLOCK // 2).hex().encode(),
    }


def files(directory):
    pathlib.Path(directory).mkdir(parents=True, exist_ok=True)
    for name, block in contents(random.Random(1)).items():
        path = pathlib.Path(directory) / (name.replace(" ", "-") + ".txt")
        if not path.exists():
            with path.open("wb") as file:
                for _ in range(LARGE // len(block)):
                    file.write(block)
        one_core = ["taskset", "-c", "0", *SCAN, str(path)]
        median = compare(name, {"ripgrep": [*RIPGREP, str(path)], "stanch": [*SCAN, str(path)], "stanch, one core": one_core})
        alone = median["stanch, one core"][0]
        speed = path.stat().st_size / alone / 1e9
        print(f"{speed:.2f} GB/s on one core; two are {alone / median['stanch'][0]:.2f} times as fast")


def histories(repositories):
    for repo in repositories:
        objects = ["git", "-C", repo, "cat-file", "--batch-all-objects", "--batch", "--unordered", "--buffer"]
        history = [STANCH, "git", "-q", "--exit-zero", "-f", "jsonl", repo]
        median = compare(repo, {"git cat-file": objects, "stanch": history, "stanch, one core": ["taskset", "-c", "0", *history]})
        print(f"two cores are {median['stanch, one core'][0] / median['stanch'][0]:.2f} times as fast as one")


def main():
    what, arguments = sys.argv[1], sys.argv[2:]
    if what == "files":
        if arguments:
            return files(arguments[0])
        with tempfile.TemporaryDirectory() as directory:
            return files(directory)
    return {"trees": trees, "histories": histories}[what](arguments)


if __name__ == "__main__":
    main()
