#!/usr/bin/env python3
"""`just clients`: clients in other languages, generated from our files as they are, built, and used.

Each client is generated from `openapi/openapi.json` or `proto/` into a temporary folder with the generator's own
templates, is compiled, and then asks a demo server for the same things: it signs in, lists and reads a claim, is
refused with a problem document in Chinese, creates a draft and asks what its submission would say. All of them must
print what the server answers to plain HTTP.

The tools are pinned in `package-lock.json` and `requirements.txt` and are installed into
`$RECOURSE_CLIENT_TOOLS` (else the user's cache folder), once for each set of pins. What the machine lacks, Node.js,
Java or Swift, is not installed; the clients that need it are skipped with a line.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import venv

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PINS = ("package.json", "package-lock.json", "requirements.txt")
# Where Debian and its kin keep Java's Gson; the rest of Kotlin's class path comes with npm.
GSON = pathlib.Path("/usr/share/java/gson.jar")


class Skipped(Exception):
    """Something the machine lacks."""


def run(command, folder, environment=None, quiet=True):
    """Runs a command to its end; its output, or a failure with it."""
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE if quiet else None, text=True, check=False,
    )
    if done.returncode != 0:
        tail = f"{done.stdout}\n{done.stderr or ''}"[-6000:]
        raise RuntimeError(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{tail}")
    return done.stdout


def version(program, arguments, pattern):
    """The first number of a program's version; 0 without the program."""
    if shutil.which(program) is None:
        return 0
    done = subprocess.run([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    found = re.search(pattern, done.stdout)
    return int(found.group(1)) if done.returncode == 0 and found else 0


def needs_node():
    if version("node", ["--version"], r"v(\d+)") < 20 or shutil.which("npm") is None:
        raise Skipped("Node.js 20 with npm is not installed")


def needs_java():
    if version("java", ["-version"], r'version "(\d+)') < 11:
        raise Skipped("Java 11 is not installed")


class Tools:
    """What the pins name, installed once."""

    def __init__(self):
        pins = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in PINS)).hexdigest()[:16]
        cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
        base = pathlib.Path(os.environ.get("RECOURSE_CLIENT_TOOLS") or cache / "recourse-clients")
        self.folder = base / pins
        self.folder.mkdir(parents=True, exist_ok=True)
        self.lock = threading.Lock()

    def once(self, name, install):
        """Installs it unless it was installed to the end before."""
        folder, done = self.folder / name, self.folder / f"{name}.done"
        with self.lock:
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                try:
                    install(folder)
                except Exception as error:
                    # Without a network, or with a registry that is down, there is nothing to check.
                    raise Skipped(f"its tools can't be installed here ({str(error).strip().splitlines()[-1][:200]})") from error
                done.touch()
        return folder

    def python(self):
        def install(folder):
            venv.create(folder, with_pip=True)
            pip = [folder / "bin/pip", "install", "--quiet", "--disable-pip-version-check"]
            run([*pip, "--requirement", HERE / "requirements.txt"], folder)

        return self.once("python", install) / "bin"

    def node(self):
        needs_node()

        def install(folder):
            for name in PINS[:2]:
                shutil.copy(HERE / name, folder)
            run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)

        return self.once("node", install) / "node_modules"

    def generator(self):
        """The OpenAPI generator: a jar that comes as a Python package."""
        needs_java()
        found = list(self.python().parent.glob("lib/python*/site-packages/openapi_generator_cli/openapi-generator.jar"))
        return ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar", found[0]]


def generate(tools, folder, generator, properties, *more):
    """A client of the OpenAPI generator, from the document as it is."""
    command = [
        *tools.generator(), "generate", "--generator-name", generator, "--input-spec", ROOT / "openapi/openapi.json",
        "--output", folder, "--additional-properties", properties,
        # `ClaimServiceApi.getClaim`, not `ClaimServiceApi.claimServiceGetClaim`.
        "--remove-operation-id-prefix",
        "--global-property", "apiDocs=false,modelDocs=false,apiTests=false,modelTests=false", *more,
    ]
    run(command, folder)


def program(tools, name, folder):
    """The folder of one of our programs, copied to where its client is generated."""
    shutil.copytree(HERE / name, folder, dirs_exist_ok=True)
    (folder / "node_modules").symlink_to(tools.node())
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")


def typescript(tools, folder):
    program(tools, "typescript", folder)
    tool = folder / "node_modules/.bin"
    run([tool / "openapi-typescript", ROOT / "openapi/openapi.json", "--output", "api.d.ts"], folder)
    run([tool / "tsc"], folder)
    return ["node", "out/main.js"]


def protobuf_es(tools, folder):
    program(tools, "protobuf-es", folder)
    tool = folder / "node_modules/.bin"
    path = f"{tool}{os.pathsep}{os.environ['PATH']}"
    run([tools.python() / "buf", "generate", ROOT / "proto", "--template", "buf.gen.yaml"], folder, {"PATH": path})
    run([tool / "tsc"], folder)
    return ["node", "out/main.js"]


def python_grpc(tools, folder):
    python = tools.python() / "python"
    files = sorted((ROOT / "proto").rglob("*.proto"))
    outputs = [f"--{kind}_out={folder}" for kind in ("python", "grpc_python", "pyi")]
    run([python, "-m", "grpc_tools.protoc", f"-I{ROOT / 'proto'}", *outputs, *files], folder)
    return [python, HERE / "grpc/main.py", folder]


def python_openapi(tools, folder):
    generate(tools, folder, "python", "packageName=recourse_client")
    python = tools.python() / "python"
    run([python, "-W", "error", "-m", "compileall", "-q", "-j", "0", folder / "recourse_client"], folder)
    return [python, HERE / "python/main.py", folder]


def kotlin(tools, folder):
    generate(tools, folder, "kotlin", "packageName=dev.recourse.client,serializationLibrary=gson")
    modules = tools.node()
    if not GSON.exists():
        raise Skipped("generated, not built: Gson is not installed (libgoogle-gson-java)")
    # OkHttp and Okio come with the npm package of a program that uses them.
    jars = [GSON, *sorted((modules / "allure-commandline/dist/plugins/jira-plugin/lib").glob("ok*.jar"))]
    classes = ":".join(map(str, jars))
    sources = [*sorted((folder / "src/main/kotlin").rglob("*.kt")), HERE / "kotlin/Main.kt"]
    (folder / "sources").write_text("\n".join(map(str, sources)), encoding="utf-8")
    compiler = modules / "kotlin-compiler"
    memory = {"JAVA_OPTS": "-Xmx2g -XX:+UseSerialGC"}
    run(["bash", compiler / "bin/kotlinc", "-nowarn", "-no-reflect", "-cp", classes, "-d", "out", "@sources"], folder, memory)
    runtime = f"out:{classes}:{compiler / 'lib/kotlin-stdlib.jar'}:{compiler / 'lib/kotlin-reflect.jar'}"
    return ["java", "-cp", runtime, "MainKt"]


def swift(tools, folder):
    generate(tools, folder, "swift6", "projectName=RecourseClient")
    if shutil.which("swift") is not None:
        run(["swift", "build"], folder)
        return None
    check = """
import pathlib, sys, tree_sitter, tree_sitter_swift
parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_swift.language()))
# What comes from our document; the grammar does not know all that the generator's own files use.
files = sorted(path for path in pathlib.Path("Sources").rglob("*.swift") if path.parent.name in ("APIs", "Models"))
bad = [str(path) for path in files if parser.parse(path.read_bytes()).root_node.has_error]
sys.exit("does not parse: " + ", ".join(bad) if bad else 0 if files else "nothing was generated")
"""
    run([tools.python() / "python", "-c", check], folder)
    raise Skipped("generated and parsed, not built: Swift is not installed")


# The slowest first.
CLIENTS = {
    "kotlin": kotlin,
    "typescript": typescript,
    "protobuf-es": protobuf_es,
    "python": python_openapi,
    "python-grpc": python_grpc,
    "swift": swift,
}


def expected(base):
    """What every client must print, asked for by plain HTTP."""
    token = ""

    def call(verb, path, body=None):
        headers = {"content-type": "application/json", "accept-language": "zh-CN"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{base}{path}", data, headers, method=verb)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)

    token = call("POST", "/v1/sessions", {"userName": "s001", "password": "quiet-harbour-2026"})["accessToken"]
    page = call("GET", "/v1/claims?filter=state%3D%22APPROVED%22&pageSize=1")
    claim = call("GET", f"/v1/{page['claims'][0]['name']}")
    problem = call("POST", f"/v1/{claim['name']}:withdraw", {})
    money = claim["totals"]["approved"]
    assert "\u4e00" <= problem["detail"][-1] <= "\u9fff" or re.search("[\u4e00-\u9fff]", problem["detail"]), problem
    return {
        "read": [claim["name"], "APPROVED", money["currencyCode"], money["units"]],
        "refused": [400, "STATE_CONFLICT", problem["detail"]],
        "draft": ["DRAFT", "LRCA5G15XSN000001", 16, "9.00"],
        "finding": True,
    }


def serve(binary, folder):
    """A demo server: its process, and a function that waits for its address."""
    settings = {name: value for name, value in os.environ.items() if not name.startswith("RECOURSE_")}
    settings |= {"RECOURSE_LOG": "warn", "RECOURSE_METRICS_LISTEN": "off", "RECOURSE_LIMITS__DRAIN_DELAY": "0s"}
    log = folder / "server.log"
    arguments = [binary, "serve", "--demo", "--listen", "127.0.0.1:0", "--database", "sqlite:clients.db"]
    with open(log, "w", encoding="utf-8") as output:
        process = subprocess.Popen(arguments, cwd=folder, env=settings, stdout=output, stderr=output)

    def address():
        for _ in range(1200):
            found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text(encoding="utf-8"))
            if found:
                return found.group(0)
            if process.poll() is not None:
                break
            time.sleep(0.25)
        raise RuntimeError(f"the server did not start: {log.read_text(encoding='utf-8')}")

    return process, address


def check(name, build, tools, scratch, base):
    """Builds one client and uses it; the line to print, and whether it is a failure."""
    began = time.monotonic()
    folder = scratch / name
    folder.mkdir()
    try:
        command = build(tools, folder)
        built = time.monotonic() - began
        if command is None:
            return f"{name}: built in {built:.0f} s", False
        printed = json.loads(run(command, folder, {"RECOURSE_BASE": base()}))
        for key, value in wanted(base()).items():
            if printed[key] != value:
                return f"{name}: FAILED: {key} is {printed[key]}, not {value}", True
        return f"{name}: built in {built:.0f} s, and works", False
    except Skipped as reason:
        return f"{name}: skipped: {reason}", False
    except Exception as error:  # one client's failure must not hide the others'
        return f"{name}: FAILED: {error}", True


WANTED = {}
WANTED_LOCK = threading.Lock()


def wanted(base):
    """`expected`, asked for once."""
    with WANTED_LOCK:
        if not WANTED:
            WANTED.update(expected(base))
        return WANTED


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=str(ROOT / "target/debug/recourse"))
    parser.add_argument("--only", default=",".join(CLIENTS), help="some of the clients")
    parser.add_argument("--keep", help="folder for what is generated, kept")
    options = parser.parse_args()
    tools, began = Tools(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="recourse-clients-") as temporary:
        scratch = pathlib.Path(options.keep or temporary).resolve()
        scratch.mkdir(parents=True, exist_ok=True)
        process, address = serve(options.binary, scratch)
        try:
            with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
                chosen = [(name, build) for name, build in CLIENTS.items() if name in options.only.split(",")]
                tasks = [pool.submit(check, name, build, tools, scratch, address) for name, build in chosen]
                failed = False
                for task in concurrent.futures.as_completed(tasks):
                    line, is_failure = task.result()
                    print(line, flush=True)
                    failed |= is_failure
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
    print(f"{len(tasks)} clients in {time.monotonic() - began:.0f} s")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
