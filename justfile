# `just check` is what CI runs. A part whose tool is missing is skipped with a line, and fails with CI=true.

set shell := ["bash", "-euo", "pipefail", "-c"]

default:
    @just --list

# everything that must be green before a commit
check: fmt clippy doc test gen-clean contract openapi-valid deny unused deployment

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

# licences, bans and sources by deny.toml
deny:
    .ci/tool cargo-deny -- cargo deny check licenses bans sources

# dependencies that nothing uses
unused:
    .ci/tool cargo-shear -- cargo shear

# the container image, the compose file and the systemd unit, as far as that goes without a daemon
deployment:
    .ci/tool hadolint -- hadolint deploy/Dockerfile
    .ci/tool check-jsonschema -- check-jsonschema --builtin-schema vendor.compose-spec deploy/compose.yaml
    .ci/tool systemd-analyze -- .ci/unit deploy/recourse.service

# one mistake at a time in money, ledger, access and adjudication: do the domain's unit tests notice? `--shard 0/8`
# tries an eighth (tests/trust)
mutants *options:
    # Some mistakes make a loop that gathers for ever; it shall not take the machine with it.
    ulimit -v 6000000; cargo mutants --package recourse-domain --jobs 1 {{options}}

# kills the server under load two hundred times, on both databases, and checks every acknowledged write
crash rounds="200":
    RECOURSE_TEST_CRASH_ROUNDS={{rounds}} cargo test -p recourse-server --test suite -- trust::crash --nocapture

# stops commands and imports before, between and after their writes, in each way there is, and repeats them
failpoints:
    cargo test -p recourse-server --test suite -- trust::failpoints --nocapture

# restarts, kills, freezes and starves the database under load
faults:
    cargo test -p recourse-server --test suite -- trust::faults --nocapture

# mutated inputs for each reader of outside input, a million unless told; with the overflow checks of the debug build
fuzz inputs="1000000":
    RECOURSE_FUZZ_INPUTS={{inputs}} cargo test -p recourse-server --test suite -- inputs:: --nocapture --test-threads 1

# schemathesis, all phases, as each role, against the built binary; skipped where it is not installed
schema seconds="75" *options:
    cargo build --quiet --package recourse-server
    python3 tests/inputs/schema.py --seconds {{seconds}} {{options}}

# generates clients in other languages from our files, builds them and lets them call a demo (tests/clients)
clients *options:
    cargo build --quiet --package recourse-server
    python3 tests/clients/build.py {{options}}

# how fast the server is, against raw PostgreSQL in the same run (see tests/bench/README.md)
bench:
    cargo build --release -p recourse-server
    python3 tests/bench/bench.py prepare
    python3 tests/bench/bench.py run
    python3 tests/bench/bench.py stop

# writes the example configuration from the fields' own comments
reference:
    cargo run --quiet -- config --reference > deploy/recourse.toml.new
    mv deploy/recourse.toml.new deploy/recourse.toml

# what is handed out: everything checked, the binary, completions, a bill of materials, checksums, in dist/
release:
    @for tool in cargo-deny cargo-shear cargo-cyclonedx; do command -v $tool >/dev/null || { echo "missing: $tool (cargo install $tool --locked)" >&2; exit 1; }; done
    CI=true just check
    cargo build --release --locked
    rm -rf dist && mkdir -p dist/completions
    ! grep -qa FAILPOINTS_FOLDER target/release/recourse
    cp target/release/recourse deploy/recourse.toml deploy/recourse.service dist/
    for shell in bash zsh fish; do dist/recourse completions $shell > dist/completions/recourse.$shell; done
    cargo cyclonedx --manifest-path crates/server/Cargo.toml --format json --override-filename recourse.cdx
    mv crates/server/recourse.cdx.json dist/ && find crates migrations -name 'recourse.cdx.json' -delete
    cd dist && find . -type f ! -name SHA256SUMS | sort | xargs sha256sum > SHA256SUMS
