#!/usr/bin/env python3
"""Do two programs find the same? Plants tokens in every encoding at random places of real files and of a history made of real
blobs, runs both, and compares every finding with its places. Exits with 1 where they differ or a token is missed.

    benches/planted.py OLD NEW [--tokens N] [--seed N] [--tree DIRECTORY]... [--history REPO]...
"""

import argparse
import base64
import binascii
import codecs
import collections
import gzip
import hashlib
import json
import os
import pathlib
import quopri
import random
import subprocess
import sys
import tempfile
import zlib

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
LARGEST = 8 << 20  # bytes of a file that is planted in


def mint(rng):
    """A token whose checksum holds."""
    text = lambda length: "".join(rng.choices(ALPHABET, k=length))
    prefix = rng.choice(["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"])
    if prefix == "github_pat_":
        signed = prefix + "11" + "".join(rng.choices(BASE32, k=7)) + "0" + text(12) + "_" + text(43)
        digest = int.from_bytes(hashlib.sha256(signed.encode()).digest()[:5], "big")
        return signed + "".join(BASE32[digest >> 5 * (7 - n) & 31] for n in range(8)) + text(8)
    body = text(70 if prefix == "ghr_" else 30)
    rest, check = zlib.crc32(body.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        check = ALPHABET[digit] + check
    return prefix + body + check


def b64(data, rng=None, url=False):
    """Base64; with a generator, behind up to five bytes, so that every alignment occurs."""
    before = rng.randbytes(rng.randrange(6)) if rng and rng.random() < 0.3 else b" user:"[: rng.randrange(7)] if rng else b""
    return (base64.urlsafe_b64encode if url else base64.b64encode)(before + data)


def wrapped(data, width, before=b"", end=b"\n", after=b""):
    lines = [data[at : at + width] for at in range(0, len(data), width)]
    return end.join(before + line + after for line in lines)


def words(rng, count):
    return " ".join(rng.choices(["user", "password", "token=", "the", "config:", "\"x\"", "0", "GH_TOKEN", "\n"], k=count))


def pieces(token, rng):
    """The token, cut in up to four behind its prefix."""
    cuts = [0, *sorted(rng.sample(range(11, len(token)), rng.randrange(1, 4))), len(token)]
    return [token[start:end] for start, end in zip(cuts, cuts[1:])]


def dumped(token, rng):
    """The lines that xxd writes, with some text around the token."""
    data = (words(rng, 5) + " " + token + " " + words(rng, 5)).encode()
    rows = [data[at : at + 16] for at in range(0, len(data), 16)]
    show = lambda row: "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
    lines = (f"{16 * n:08x}: {row.hex(' ', -2):<39}  {show(row)}" for n, row in enumerate(rows))
    return ("\n" + "\n".join(lines) + "\n").encode()


def encodings():
    """By name: what makes an encoded text of a token and a generator."""
    each = lambda form: lambda token, rng: "".join(form(ord(c)) for c in token).encode()
    first = lambda form: lambda token, rng: (form(ord(token[0])) + token[1:]).encode()
    text = lambda token, rng: (words(rng, 9) + " " + token + " " + words(rng, 9)).encode()
    utf16 = lambda codec: lambda token, rng: (words(rng, 40) + " " + token + " " + words(rng, 40)).encode(codec)
    in_b64 = lambda inner, **how: lambda token, rng: b64(inner(token, rng), rng, **how)
    plain = lambda token, rng: token.encode()
    cut = lambda gap: lambda token, rng: gap.join(pieces(token, rng)).encode()
    return {
        "plain": plain,
        "percent": each("%{:02X}".format),
        "percent-first": first("%{:02x}".format),
        "percent-underscore": lambda token, rng: token.replace("_", "%5F").encode(),
        "percent-twice": each("%25{:02x}".format),
        "unicode": each("\\u{:04x}".format),
        "unicode-first": first("\\u{:04x}".format),
        "unicode-braces": each("\\u{{{:x}}}".format),
        "hex-escape": each("\\x{:02x}".format),
        "octal": each("\\{:03o}".format),
        "entity": each("&#{};".format),
        "entity-hex": each("&#x{:X};".format),
        "entity-twice": each("&amp;#{};".format),
        "hex": each("{:02x}".format),
        "hex-upper": each("{:02X}".format),
        "hex-colons": lambda token, rng: token.encode().hex(":").encode(),
        "hex-blanks": lambda token, rng: token.encode().hex(" ").encode(),
        "utf-16le": utf16("utf-16-le"),
        "utf-16be": utf16("utf-16-be"),
        "base64": in_b64(text),
        "base64-short": in_b64(plain),
        "base64-url": in_b64(text, url=True),
        "base64-wrapped": lambda token, rng: wrapped(b64(text(token, rng), rng), rng.choice([60, 64, 76])),
        "base64-crlf": lambda token, rng: wrapped(b64(text(token, rng), rng), 64, end=b"\r\n"),
        "base64-indented": lambda token, rng: wrapped(b64(text(token, rng), rng), 64, before=b"    "),
        "base64-quoted": lambda token, rng: wrapped(b64(text(token, rng), rng), 60, b'  "', b" +\n", b'"'),
        "base64-escaped": lambda token, rng: wrapped(b64(text(token, rng), rng), 76, end=b"\\n"),
        "base64-commented": lambda token, rng: wrapped(b64(text(token, rng), rng), 64, before=b"# "),
        "base64-utf16": in_b64(utf16("utf-16-le")),
        "base64-base64": in_b64(in_b64(text)),
        "base64-percent": in_b64(each("%{:02X}".format)),
        "base64-unicode": in_b64(each("\\u{:04x}".format)),
        "base64-hex": in_b64(each("{:02x}".format)),
        "base64-gzip": lambda token, rng: b64(gzip.compress(text(token, rng))),
        "base64-zlib": lambda token, rng: b64(zlib.compress(text(token, rng))),
        "base64-base64-gzip": lambda token, rng: b64(b64(gzip.compress(text(token, rng)))),
        "lines": cut("\n"),
        "lines-quoted": lambda token, rng: ("\n> " + "\n> ".join(pieces(token, rng))).encode(),
        "lines-continued": cut("\\\n    "),
        "concatenated": cut('" + "'),
        "concatenated-lines": cut("' .\n    '"),
        "concatenated-characters": lambda token, rng: str(list(token)).encode(),
        "tags": cut("</span><span class='b'>"),
        "colours": cut("\x1b[m\x1b[K"),
        "zero-width": cut("\u200b"),
        "numbers": lambda token, rng: str(list(token.encode())).encode(),
        "numbers-hex": lambda token, rng: ", ".join(f"0x{byte:02x}" for byte in token.encode()).encode(),
        "numbers-lines": lambda token, rng: json.dumps(list(token.encode()), indent=4).encode(),
        "hex-lines": lambda token, rng: wrapped(token.encode().hex().encode(), 60),
        "hexdump": dumped,
        "reversed": lambda token, rng: token[::-1].encode(),
    }


def base58(data):
    alphabet, number, text = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = alphabet[digit] + text
    return text.encode()


def uuencoded(data):
    return b"begin 644 x\n" + b"".join(binascii.b2a_uu(data[at : at + 45]) for at in range(0, len(data), 45)) + b"`\nend"


def alphabets():
    """Those that are not base64, by name."""
    text = lambda token, rng: (words(rng, rng.randrange(9)) + " " + token + " " + words(rng, 9)).encode()
    shift = lambda letters, by: lambda token, rng: "".join(chr(ord(c) + by) if c in letters else c for c in token).encode()
    lower = "abcdefghijklmnopqrstuvwxyz"
    return {
        "quoted-printable": lambda token, rng: "".join("={:02X}".format(ord(c)) for c in token).encode(),
        "quoted-printable-lines": lambda token, rng: quopri.encodestring((words(rng, 9) + " a=" + token).encode().replace(b"\n", b" ")),
        "utf-32le": lambda token, rng: (words(rng, 40) + " " + token + " ").encode("utf-32-le"),
        "utf-32be": lambda token, rng: (words(rng, 40) + " " + token + " ").encode("utf-32-be"),
        "utf-7": lambda token, rng: token.replace("_", "+AF8-").encode(),
        "full-width": shift(ALPHABET + "_", 0xFEE0),
        "math-bold": shift(lower, 0x1D41A - ord("a")),
        "rot13": lambda token, rng: codecs.encode(token, "rot13").encode(),
        "base32": lambda token, rng: base64.b32encode(text(token, rng)),
        "base32-lower-wrapped": lambda token, rng: wrapped(base64.b32encode(text(token, rng)).lower(), rng.choice([60, 64, 76])),
        "base58": lambda token, rng: base58(token.encode()),
        "ascii85": lambda token, rng: base64.a85encode(text(token, rng), adobe=True, wrapcol=rng.choice([0, 76])),
        "base85": lambda token, rng: base64.b85encode(token.encode()),
        "uuencode": lambda token, rng: b"\n" + uuencoded(text(token, rng)),
        "hex-base64": lambda token, rng: base64.b64encode(text(token, rng)).hex().encode(),
        "hex-gzip": lambda token, rng: gzip.compress(text(token, rng)).hex().encode(),
        "base64-numbered": lambda token, rng: b"\n".join(b"%d: " % (n + 95) + line for n, line in enumerate(wrapped(base64.b64encode(text(token, rng)), 64).split(b"\n"))),
        "base64-four-times": lambda token, rng: b64(b64(b64(b64(text(token, rng), rng)))),
    }


def plant(data, count, rng, forms):
    """`data` with so many tokens in it; and of each, its hash and encoding."""
    planted, parts, last = [], [], 0
    for at in sorted(rng.randrange(len(data) + 1) for _ in range(count)):
        token, name = mint(rng), rng.choice(list(forms))
        around = rng.choice([b"\n", b" ", b'"', b"=", b" "])
        parts += [data[last:at], around, forms[name](token, rng), rng.choice([b"\n", b" ", b'"'])]
        planted.append((hashlib.sha256(token.encode()).hexdigest(), name))
        last = at
    return b"".join(parts) + data[last:], planted


def files_below(tree):
    found = (pathlib.Path(folder) / name for folder, _, names in os.walk(tree) for name in names)
    return sorted(path for path in found if path.is_file() and not path.is_symlink() and 0 < path.stat().st_size <= LARGEST)


def planted_tree(tree, into, count, rng, forms):
    planted = []
    files = files_below(tree)
    chosen = rng.sample(files, min(len(files), max(1, count // 4)))
    for n, path in enumerate(chosen):
        data, more = plant(path.read_bytes(), -(-count // len(chosen)), rng, forms)
        # No name that an ignore list or a container's reader would know.
        (into / f"{n:06}.txt").write_bytes(data)
        planted += more
    return planted


def planted_history(repo, into, count, rng, forms):
    """Commits of real blobs, each followed by one of the same with tokens, packed as git packs them."""
    git = lambda *args, **how: subprocess.run(["git", *args], check=True, capture_output=True, **how).stdout
    listing = git("-C", repo, "cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectname) %(objectsize)")
    blobs = [line.split()[1] for line in listing.splitlines() if line.startswith(b"blob") and 0 < int(line.split()[2]) <= LARGEST]
    planted, stream = [], []
    commit = 0

    def committed(path, data):
        nonlocal commit
        commit += 1
        who = f"committer A <a@example.org> {1_700_000_000 + commit} +0000\n".encode()
        stream.append(b"commit refs/heads/main\n" + who + b"data 1\nx\n")
        stream.append(b"M 100644 inline " + path + b"\ndata %d\n" % len(data) + data + b"\n")

    for n, blob in enumerate(rng.sample(blobs, min(len(blobs), max(1, count // 3)))):
        data = git("-C", repo, "cat-file", "blob", blob.decode())
        path = b"/".join([b"folder%d" % (n % 7)] * (n % 20 + 1)) + b"/%d.txt" % n
        with_tokens, more = plant(data, 3, rng, forms)
        planted += more
        versions = [data, with_tokens, data + b"\n# more\n"]
        for version in versions if n % 2 else versions[1:]:
            committed(path, version)
    git("init", "-q", "--bare", str(into))
    git("-C", str(into), "fast-import", "--quiet", input=b"".join(stream))
    git("-C", str(into), "repack", "-adfq", "--depth=50", "--window=20")
    return planted


def findings(program, what):
    command = [program, *what, "-q", "-f", "jsonl", "--exit-zero", "--no-project-config"]
    run = subprocess.run(command, capture_output=True)
    # 2 says that something could not be read: containers that a token was planted in are damaged.
    if run.returncode not in (0, 2):
        sys.exit(run.stderr.decode())
    lines = run.stdout.splitlines()
    found = collections.defaultdict(set)
    for finding in (json.loads(line) for line in lines):
        for place in finding.get("locations", []):
            place.pop("root")
            found[finding["sha256"]].add(json.dumps([finding["rule"], finding["confidence"], place], sort_keys=True))
    return found


def compare(args, name, what, planted):
    old, new = findings(args.old, what), findings(args.new, what)
    missed = [form for sha256, form in planted if sha256 not in new]
    differ = [sha256 for sha256 in old.keys() | new.keys() if old.get(sha256) != new.get(sha256)]
    print(f"{name}: {len(planted)} planted, {len(planted) - len(missed)} found, {len(new)} findings, {len(differ)} differ")
    for form, count in collections.Counter(missed).most_common():
        before = sum(1 for sha256, other in planted if other == form and sha256 not in old)
        print(f"  missed {count} in {form}; the old one {before}")
    for sha256 in differ[:5]:
        print("  old", sorted(old.get(sha256, [])), "\n  new", sorted(new.get(sha256, [])))
    return not differ


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--tokens", type=int, default=20_000, help="in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tree", action="append", default=[])
    parser.add_argument("--history", action="append", default=[])
    args = parser.parse_args()
    rng, forms = random.Random(args.seed), encodings() | alphabets()
    share = args.tokens // max(1, len(args.tree) + len(args.history))
    same = True
    for tree in args.tree:
        with tempfile.TemporaryDirectory() as into:
            planted = planted_tree(tree, pathlib.Path(into), share, rng, forms)
            same &= compare(args, tree, ["scan", into], planted)
    for repo in args.history:
        with tempfile.TemporaryDirectory() as into:
            planted = planted_history(repo, pathlib.Path(into), share, rng, forms)
            same &= compare(args, repo, ["git", into], planted)
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
