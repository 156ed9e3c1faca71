# `just check` is what CI runs. A part whose tool is missing is skipped with a line, and fails with CI=true.

set shell := ["bash", "-euo", "pipefail", "-c"]

default:
    @just --list

# everything that must be green before a commit
check: fmt clippy doc test gen-clean contract openapi-valid deny

# format
fmt:
    cargo fmt --all --check

# lints
clippy:
    cargo clippy --workspace --all-targets --quiet -- -D warnings

# the documentation builds without a warning
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

# the README's test command
test:
    cargo test

# how fast 100,000 vehicles are imported and exported, and in what memory, on each database (release build)
import-bench:
    cargo build --release --quiet --bin recourse
    RECOURSE_TEST_SERVER="$PWD/target/release/recourse" cargo test --quiet --test suite import_bench -- --ignored --nocapture --test-threads=1

# writes what is generated from the contract into the tree
gen:
    cargo run --quiet -- openapi > openapi/openapi.json.new
    mv openapi/openapi.json.new openapi/openapi.json

# `gen` leaves the tree clean
gen-clean: gen
    git diff --exit-code -- openapi

# the contract keeps its style and breaks no client
contract:
    .ci/tool buf -- buf lint
    .ci/tool buf -- .ci/breaking

# independent validators accept the OpenAPI document
openapi-valid:
    .ci/tool openapi-spec-validator -- openapi-spec-validator openapi/openapi.json
    .ci/tool npx -- npx --yes @redocly/cli@2 lint --config .redocly.yaml openapi/openapi.json

# licences, bans and sources, where the tool is
deny:
    @if command -v cargo-deny >/dev/null; then cargo deny check licenses bans sources; else echo "skipped: cargo-deny is not installed (it is part of the release recipe)"; fi
