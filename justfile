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

# slow clients and overload against the release binary, with the default limits: prints the figures (minutes)
soak:
    cargo build --release --bin recourse
    RECOURSE_TEST_BINARY="$PWD/target/release/recourse" cargo test --package recourse-server --test suite -- --ignored --nocapture --test-threads 1 trust::soak

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
