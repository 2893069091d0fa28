#!/usr/bin/env bash
# Prints the Homebrew formula of a release that is built from its sources.
#   packaging/formula.sh HOMEPAGE SOURCE_URL SOURCE_TARBALL
# SOURCE_TARBALL is what SOURCE_URL serves: `git archive --prefix=stanch-0.1.0/ -o stanch-0.1.0.tar.gz v0.1.0`.
set -euo pipefail

if [ $# -ne 3 ]; then
    sed -n '2,4s/^# //p' "$0" >&2
    exit 2
fi
project=$(cd "$(dirname "$0")/.." && pwd)
field() { sed -n "s/^$1 = \"\(.*\)\"\$/\1/p" "$project/Cargo.toml" | head -n 1; }
sum=$(sha256sum "$3")

cat <<RUBY
class Stanch < Formula
  desc "Find leaked GitHub tokens, prove them offline, and revoke them"
  homepage "$1"
  url "$2"
  version "$(field version)"
  sha256 "${sum%% *}"
  license any_of: ["MIT", "Apache-2.0"]

  depends_on "rust" => :build

  def install
    system "cargo", "install", *std_cargo_args
    generate_completions_from_executable(bin/"stanch", "completions")
    system bin/"stanch", "man", "--dir", buildpath/"man"
    man1.install Dir["man/*.1"]
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/stanch --version")
    (testpath/"clean").write "nothing\n"
    system bin/"stanch", "scan", "clean"
  end
end
RUBY
