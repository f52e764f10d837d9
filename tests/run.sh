#!/usr/bin/env bash
# Runs all tests, after installing what they need: Debian's Chromium and Python's venv module by apt-get
# (where they are missing), and a private Python environment under target/.
#
# Tests that use BPF need root; without it they are ignored and counted (REQUIRE_LIVE=1 makes that a failure).
set -euo pipefail
cd "$(dirname "$0")/.."

packages=()
command -v chromium >/dev/null || packages+=(chromium fonts-dejavu-core)
python3 -c 'import ensurepip' 2>/dev/null || packages+=(python3-venv)
if [ ${#packages[@]} -gt 0 ]; then
    sudo=$([ "$(id -u)" = 0 ] || echo sudo)
    echo "installing ${packages[*]}"
    $sudo apt-get update -qq
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${packages[@]}" >/dev/null
fi

python=target/python
if ! cmp -s tests/requirements.txt "$python/requirements.txt"; then
    echo "making the Python environment $python"
    rm -rf "$python"
    python3 -m venv "$python"
    "$python/bin/pip" install --quiet --disable-pip-version-check -r tests/requirements.txt
    cp tests/requirements.txt "$python/requirements.txt"
fi

INSTA_UPDATE=no cargo test --workspace --locked
cargo build --release --locked
PROBEBOOK=$PWD/target/release/probebook "$python/bin/python" -m pytest -q -rs tests/jupyter tests/browser
