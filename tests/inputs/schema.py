#!/usr/bin/env python3
"""`just schema`: schemathesis against the built binary, in every phase, as each role.

Starts `recourse serve --demo` in a temporary folder, signs in everyone that the demo has an account for, and lets
schemathesis call every operation of openapi/openapi.json with each token. Answers must be documented: no 5xx, no
status, content type, header or body that the document does not describe, no method that it does not offer. The
`default` answer of the document excuses nothing here: each status must be named.

Each role has its time, divided over the phases; a stage that does not end soon after its time is stopped and fails.
A run also fails if an operation was not tried in the phases that enumerate the document (examples, coverage), if a
phase tried nothing, if a role was signed out on the way, or if the server logged an error. `schema_hooks.py` notes
every call; the table of operations and the figures come from these notes.

What is not asked, and why:

- `negative_data_rejection`: a role without a grant, an unknown resource or a closed state is told before the body
  is judged, and proto3 JSON takes more than the schema says (an integer as a string, both names of a field).
- `positive_data_acceptance`: generated claims meet the schema and still break rules of the business (unknown part,
  wrong state); those answers are documented refusals.
- `missing_required_header`: no operation has one.
- `use_after_free`, `ensure_resource_availability`, `object_level_authorization`: they take a create or a delete for
  immediate and visible to all; here a code is retired, not removed, and what one role makes another may not see.
  The role matrix of tests/api/access.rs asks this of every operation.
"""

import argparse
import collections
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
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,unsupported_method,allow_header_conformance,ignored_auth"
)
# Phases that share one run of the tool, and their share of a role's time. Those that enumerate the document come
# first and by themselves, so that what repeats until its time is over can't take theirs.
STAGES = [("examples,coverage", 0.5), ("fuzzing", 0.25), ("stateful", 0.25)]
ENUMERATING = {"examples", "coverage"}
# What a stage may take beside its time: reading the document, the call under way, the reports.
OVERTIME = 60
# An access token lives for fifteen minutes; all of a role's calls are to be made with it.
MOST_SECONDS = 600
VERBS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
PASSWORD = "quiet-harbour-2026"
# One account for each role; the administrator last, who could end the others.
ROLES = ["s001", "tech", "auditor", "finance", "supplier", "appraiser", "admin"]
CONFIGURATION = """
hooks = "schema_hooks.py"

# Few operations have an example in the document: the others are given one that is made up.
[phases.examples]
fill-missing = true
"""

Call = collections.namedtuple("Call", "phase operation kind status milliseconds")


def serve(options, folder):
    settings = {name: value for name, value in os.environ.items() if not name.startswith("RECOURSE_")}
    settings |= {
        "RECOURSE_LOG": "warn",
        "RECOURSE_METRICS_LISTEN": "off",
        "RECOURSE_ACCOUNTS__CALLS_PER_SECOND": "0",
        "RECOURSE_ACCOUNTS__ANONYMOUS_CALLS_PER_SECOND": "0",
        "RECOURSE_LIMITS__DRAIN_DELAY": "0s",
    }
    log = open(folder / "server.log", "w", encoding="utf-8")
    database = options.database or f"sqlite:{folder / 'schema.db'}"
    arguments = [options.binary, "serve", "--demo", "--listen", "127.0.0.1:0", "--database", database]
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
    """The token of a new session, and the session's id."""
    body = json.dumps({"userName": name, "password": PASSWORD}).encode()
    request = urllib.request.Request(f"{base}/v1/sessions", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        session = json.load(answer)
    return session["accessToken"], session["name"].removeprefix("sessions/")


def still_signed_in(base, token):
    request = urllib.request.Request(f"{base}/v1/sessions", headers={"authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=30):
            return True
    except urllib.error.HTTPError:
        return False


def strict_document():
    """The document without its `default` answers, with which any status would be documented."""
    document = json.loads((ROOT / "openapi/openapi.json").read_text(encoding="utf-8"))
    operations = []
    for path, item in document["paths"].items():
        for verb in VERBS & item.keys():
            item[verb]["responses"].pop("default", None)
            operations.append(f"{verb.upper()} {path}")
    return document, sorted(operations, key=lambda label: label.split(" ")[::-1])


def ask(tool, base, role, token, phases, seconds, options, folder):
    """One stage of one role: whether every answer was documented, and it ended in its time."""
    stem = f"{role}-{phases.replace(',', '-')}"
    command = [
        tool, "--config-file", str(folder / "schemathesis.toml"), "run", str(folder / "openapi.json"),
        "--url", base, "--header", f"Authorization: Bearer {token}",
        "--phases", phases, "--checks", options.checks, "--max-examples", str(options.max_examples),
        "--max-time", str(max(1, round(seconds))), "--seed", str(options.seed), "--generation-database", "none",
        "--continue-on-failure", "--request-timeout", "20", "--suppress-health-check", "all", "--warnings", "off", "--no-color",
    ]
    began = time.monotonic()
    report = folder / f"{stem}.txt"
    with open(report, "w", encoding="utf-8") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT)
        try:
            code = process.wait(seconds + OVERTIME)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code = "not ended in its time"
    took = time.monotonic() - began
    print(f"--- {role}, {phases}: {'ok' if code == 0 else f'FAILED ({code})'} in {took:.0f} s", flush=True)
    if code != 0:
        text = report.read_text(encoding="utf-8")
        marks = [at for at in (text.find("= ERRORS"), text.find("= FAILURES")) if at >= 0]
        print(text[min(marks) if marks else -2000:][:options.most_output], flush=True)
    return code == 0


def examine(tool, base, role, options, folder):
    """All stages of a role: its calls, its time, and what is wrong."""
    token, session = sign_in(base, role)
    notes = folder / f"{role}.notes"
    os.environ["SCHEMA_NOTES"], os.environ["SCHEMA_SESSION"] = str(notes), session
    notes.touch()
    began, faults = time.monotonic(), []
    for phases, share in options.stages:
        if not ask(tool, base, role, token, phases, options.seconds * share, options, folder):
            faults.append(f"{role}: {phases}")
    took = time.monotonic() - began
    if not still_signed_in(base, token):
        faults.append(f"{role}: signed out on the way")
    calls = [Call(*line.split("\t")) for line in notes.read_text(encoding="utf-8").splitlines()]
    for phase in ",".join(phases for phases, _ in options.stages).split(","):
        if not any(call.phase == phase for call in calls):
            faults.append(f"{role}: nothing was tried in {phase}")
    return calls, took, faults


def print_table(operations, roles, calls):
    """Operations × roles: calls of the enumerating phases, and of all; answers what was not tried."""
    print("\ncases of each operation: examples and coverage / all phases")
    width = max(map(len, operations))
    print(" ".join([" " * width, *(f"{role:>11}" for role in roles)]))
    missing = []
    for operation in operations:
        cells = []
        for role in roles:
            own = [call for call in calls[role] if call.operation == operation and call.kind == "own"]
            first = sum(call.phase in ENUMERATING for call in own)
            cells.append(f"{first}/{len(own)}")
            if first == 0:
                missing.append(f"{role}: {operation} was not tried")
        print(" ".join([f"{operation:<{width}}", *(f"{cell:>11}" for cell in cells)]))
    return missing


def print_figures(roles, calls, times):
    phases = sorted({call.phase for role in roles for call in calls[role]})
    classes = ["2xx", "3xx", "4xx", "5xx", "none"]
    print(f"\n| role | cases | {' | '.join(phases)} | {' | '.join(classes)} | seconds |")
    print("|---" * (3 + len(phases) + len(classes)) + "|")
    for role in roles:
        by_phase = collections.Counter(call.phase for call in calls[role])
        by_class = collections.Counter(f"{call.status[0]}xx" if call.status != "0" else "none" for call in calls[role])
        numbers = [len(calls[role]), *(by_phase[phase] for phase in phases), *(by_class[name] for name in classes)]
        print(f"| {role} | {' | '.join(f'{number:,}' for number in numbers)} | {times[role]:.0f} |")
    slowest = sorted(((int(call.milliseconds), call.operation, role) for role in roles for call in calls[role]), reverse=True)
    print("\nslowest calls:", "; ".join(f"{operation} {time} ms ({role})" for time, operation, role in slowest[:5]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=str(ROOT / "target/debug/recourse"))
    parser.add_argument("--database", help="an empty database (postgres://…) instead of SQLite")
    parser.add_argument("--roles", default=",".join(ROLES))
    parser.add_argument("--phases", default=",".join(phases for phases, _ in STAGES))
    parser.add_argument("--checks", default=CHECKS)
    parser.add_argument("--max-examples", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=75, help="time for one role, without loading and reports")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most-output", type=int, default=20_000, help="characters of a stage's failures")
    parser.add_argument("--keep", help="folder for the reports, kept")
    options = parser.parse_args()
    if options.seconds > MOST_SECONDS:
        parser.error(f"a role's token does not live longer than {MOST_SECONDS} seconds of calls")
    asked = set(options.phases.split(","))
    options.stages = [(phases, share) for phases, share in STAGES if asked & set(phases.split(","))]
    tool = shutil.which("schemathesis")
    if tool is None:
        print("skipped: schemathesis is not installed (pip install schemathesis)")
        sys.exit(0)
    roles, calls, times, faults = options.roles.split(","), {}, {}, []
    with tempfile.TemporaryDirectory(prefix="recourse-schema-") as scratch:
        folder = pathlib.Path(options.keep or scratch).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        document, operations = strict_document()
        (folder / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
        shutil.copy(ROOT / "tests/inputs/schema_hooks.py", folder)
        (folder / "schemathesis.toml").write_text(CONFIGURATION, encoding="utf-8")
        process, base = serve(options, folder)
        try:
            for role in roles:
                calls[role], times[role], found = examine(tool, base, role, options, folder)
                faults += found
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        log = (folder / "server.log").read_text(encoding="utf-8").splitlines()
    if ENUMERATING & set(",".join(phases for phases, _ in options.stages).split(",")):
        faults += print_table(operations, roles, calls)
    print_figures(roles, calls, times)
    print(f"{len(operations)} operations, {len(roles)} roles, {sum(map(len, calls.values())):,} cases, seed {options.seed}")
    errors = [line for line in log if re.search(r"\bERROR\b|panicked", line)]
    faults += [f"the server logged: {line[:400]}" for line in errors[:10]]
    print("\n".join(["", *(f"FAILED {fault}" for fault in faults)]) if faults else "every answer was documented")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
