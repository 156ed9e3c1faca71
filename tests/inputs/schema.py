#!/usr/bin/env python3
"""`just schema`: schemathesis against the built binary, in every phase, as each role.

Starts `recourse serve --demo` over SQLite in a temporary folder, signs in everyone that the demo printed, and lets
schemathesis call every operation of openapi/openapi.json with each token. Answers must be documented: no 5xx, no
status, content type, header or body that the document does not describe, no method that it does not offer.

What is not asked, and why:

- `negative_data_rejection`: a role without a grant, an unknown resource or a closed state is told before the body
  is judged, and proto3 JSON takes more than the schema says (an integer as a string, both names of a field).
- `positive_data_acceptance`: generated claims meet the schema and still break rules of the business (unknown part,
  wrong state); those answers are documented refusals.
- `missing_required_header`: no operation has one.
- `use_after_free`, `ensure_resource_availability`, `object_level_authorization`: they take a create or a delete for
  immediate and visible to all; here a code is retired, not removed, and what one role makes another may not see.
  The role matrix of tests/api/access.rs asks this of every operation.
- `DELETE /v1/sessions/{session}`: schemathesis finds its own session in the list and ends it, and the rest of the
  run would be 401. `events:watch`: a stream that ends when its reader leaves. tests/api has both.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,unsupported_method,allow_header_conformance,ignored_auth"
)
PHASES = "examples,coverage,fuzzing,stateful"
PASSWORD = "quiet-harbour-2026"
# One account for each role; the administrator last, who could end the others.
ROLES = ["s001", "tech", "auditor", "finance", "supplier", "appraiser", "admin"]
# See above.
EXCLUDED = r"^/v1/(events:watch|sessions/\{session\})$"
# Rows of an import: a list becomes its lines, anything else a line of its own.
HOOKS = """
import json
import schemathesis

@schemathesis.serializer("application/x-ndjson")
def rows(ctx, value):
    lines = value if isinstance(value, list) else [value]
    return "".join(json.dumps(line) + "\\n" for line in lines).encode()

@schemathesis.deserializer("application/x-ndjson")
def results(ctx, response):
    # The schema of a stream is the schema of a line; the last one is the sums.
    return json.loads(response.content.splitlines()[-1])
"""


def serve(binary, folder):
    settings = {name: value for name, value in os.environ.items() if not name.startswith("RECOURSE_")}
    settings |= {
        "RECOURSE_LOG": "warn",
        "RECOURSE_METRICS_LISTEN": "off",
        "RECOURSE_ACCOUNTS__CALLS_PER_SECOND": "0",
        "RECOURSE_ACCOUNTS__ANONYMOUS_CALLS_PER_SECOND": "0",
        "RECOURSE_LIMITS__DRAIN_DELAY": "0s",
    }
    log = open(folder / "server.log", "w", encoding="utf-8")
    arguments = [binary, "serve", "--demo", "--listen", "127.0.0.1:0", "--database", "sqlite:schema.db"]
    process = subprocess.Popen(arguments, cwd=folder, env=settings, stdout=log, stderr=log)
    for _ in range(1200):
        found = re.search(r"http://127\.0\.0\.1:\d+", (folder / "server.log").read_text(encoding="utf-8"))
        if found:
            return process, found.group(0)
        if process.poll() is not None:
            break
        time.sleep(0.25)
    process.kill()
    sys.exit(f"the server did not start: {(folder / 'server.log').read_text(encoding='utf-8')}")


def sign_in(base, name):
    body = json.dumps({"userName": name, "password": PASSWORD}).encode()
    request = urllib.request.Request(f"{base}/v1/sessions", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["accessToken"]


def ask(tool, base, role, token, options, folder):
    """One run as one role; true if every answer was documented."""
    command = [
        tool, "--config-file", str(folder / "schemathesis.toml"), "run", str(ROOT / "openapi/openapi.json"),
        "--url", base, "--header", f"Authorization: Bearer {token}",
        "--phases", options.phases, "--checks", CHECKS, "--max-examples", str(options.max_examples),
        "--max-time", str(options.seconds), "--seed", str(options.seed), "--generation-database", "none",
        "--continue-on-failure", "--request-timeout", "20", "--suppress-health-check", "all", "--warnings", "off",
        "--report", "junit", "--report-junit-path", str(folder / f"{role}.xml"), "--no-color",
        "--exclude-path-regex", EXCLUDED,
    ]
    began = time.monotonic()
    report = folder / f"{role}.txt"
    with open(report, "w", encoding="utf-8") as out:
        code = subprocess.run(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT, check=False).returncode
    text = report.read_text(encoding="utf-8")
    tail = text[text.find("= SUMMARY"):] if "= SUMMARY" in text else text[-2000:]
    print(f"--- {role}: {'ok' if code == 0 else 'FAILED'} in {time.monotonic() - began:.0f} s\n{tail}", flush=True)
    if code != 0:
        print(text[text.find("= FAILURES"):][:options.most_output], flush=True)
    return code == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=str(ROOT / "target/debug/recourse"))
    parser.add_argument("--roles", default=",".join(ROLES))
    parser.add_argument("--phases", default=PHASES)
    parser.add_argument("--max-examples", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=75, help="most time for one role")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most-output", type=int, default=20_000, help="characters of a role's failures")
    parser.add_argument("--keep", help="folder for the reports, kept")
    options = parser.parse_args()
    tool = shutil.which("schemathesis")
    if tool is None:
        print("skipped: schemathesis is not installed (pip install schemathesis)")
        sys.exit(0)
    with tempfile.TemporaryDirectory(prefix="recourse-schema-") as scratch:
        folder = pathlib.Path(options.keep or scratch).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hooks.py").write_text(HOOKS, encoding="utf-8")
        (folder / "schemathesis.toml").write_text('hooks = "hooks.py"\n', encoding="utf-8")
        process, base = serve(options.binary, folder)
        try:
            roles = options.roles.split(",")
            tokens = {role: sign_in(base, role) for role in roles}
            passed = [ask(tool, base, role, tokens[role], options, folder) for role in roles]
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
    sys.exit(0 if all(passed) else 1)


if __name__ == "__main__":
    main()
