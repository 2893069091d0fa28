#!/usr/bin/env python3
"""Records docs/picture/run.svg: real runs of stanch at a terminal, on files made for the purpose.

    pip install rich
    docs/picture/record.py target/release/stanch

The tokens are made here, with checksums that hold, from a seed: the picture is the same until what stanch prints changes.
Nothing is sent anywhere: the only revocation in it is a dry run.
"""

import base64
import fcntl
import io
import os
import pty
import random
import re
import struct
import subprocess
import sys
import tarfile
import tempfile
import termios
import zlib
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 96
# The second shows only what revoking would do; its report would be the first one again.
COMMANDS = ["stanch scan .", "stanch scan --revoke --dry-run . >/dev/null"]
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
seed = random.Random(1)


def token(prefix):
    """Thirty random letters and six of checksum: CRC-32 in base62."""
    body = "".join(seed.choices(BASE62, k=30))
    crc, end = zlib.crc32(body.encode()), ""
    for _ in range(6):
        crc, digit = divmod(crc, 62)
        end = BASE62[digit] + end
    return prefix + body + end


def plant(tree):
    """A project as one meets them: a forgotten .env, a secret of Kubernetes, a backup, an example that is none."""
    leaked = token("ghp_")
    (tree / "deploy").mkdir()
    (tree / ".env").write_text(f"PORT=8080\nGH_TOKEN={leaked}\n")
    encoded = base64.b64encode(f"token={token('gho_')}".encode()).decode()
    (tree / "deploy/secret.yaml").write_text(f"kind: Secret\ndata:\n  config: {encoded}\n")
    with tarfile.open(tree / "backup.tar.gz", "w:gz") as backup:
        config = f"machine github.com\npassword {leaked}\n".encode()
        entry = tarfile.TarInfo("home/.netrc")
        entry.size = len(config)
        backup.addfile(entry, io.BytesIO(config))
    (tree / "README.md").write_text("export GH_TOKEN=ghp_" + "x" * 36 + "\n")


def run(stanch, command, tree, home):
    """What a command prints at a terminal, standard output and standard error together."""
    reader, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, WIDTH, 0, 0))
    clean = {"HOME": str(home), "TERM": "xterm-256color", "PATH": os.defpath, "LC_ALL": "C.UTF-8"}
    clean["PATH"] = f"{stanch.parent}:{clean['PATH']}"
    streams = {"stdin": terminal, "stdout": terminal, "stderr": terminal}
    child = subprocess.Popen(["sh", "-c", f"{command} --no-progress"], cwd=tree, env=clean, **streams)
    os.close(terminal)
    printed = b""
    try:
        while piece := os.read(reader, 65536):
            printed += piece
    except OSError:
        pass  # Linux says so where the other end is closed.
    if child.wait() not in (0, 1, 3):
        sys.exit(printed.decode())
    return printed.decode().replace("\r\n", "\n")


def main():
    stanch = Path(sys.argv[1]).resolve()
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    with tempfile.TemporaryDirectory() as work:
        tree, home = Path(work, "project"), Path(work, "home")
        tree.mkdir()
        home.mkdir()
        plant(tree)
        for command in COMMANDS:
            console.print(Text(f"$ {command}", style="bold"))
            console.print(Text.from_ansi(run(stanch, command, tree, home)))
    picture = console.export_svg(title="stanch")
    # Fonts of other hosts are not shown in a README, and need not be asked for.
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.S)
    Path(__file__).with_name("run.svg").write_text(picture + "\n")


main()
