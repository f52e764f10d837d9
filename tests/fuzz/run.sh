#!/usr/bin/env bash
# Fuzzes one target with stable Rust and without cargo-fuzz: tests/fuzz/run.sh parse|check|load [libFuzzer options].
# The corpus is kept in target/fuzz/corpus/TARGET and starts from the fixtures.
set -euo pipefail
cd "$(dirname "$0")"
target=$1
shift
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/../../target/fuzz}
host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
cargo build --release --target "$host" --bin "$target"
corpus=$CARGO_TARGET_DIR/corpus/$target
mkdir -p "$corpus"
seeds=()
[ "$target" = load ] || seeds=(../fixtures/{syntax,errors,types,run})
exec "$CARGO_TARGET_DIR/$host/release/$target" -artifact_prefix="$CARGO_TARGET_DIR/" "$@" "$corpus" "${seeds[@]}"
