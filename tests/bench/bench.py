#!/usr/bin/env python3
"""How fast the server is, as ratios against raw PostgreSQL in the same run. Standard library only.

  bench.py prepare           starts a private PostgreSQL, loads the yardstick's schema and ours with CLAIMS claims each
  bench.py run               yardstick, our own statements and our server, interleaved; prints the table
  bench.py report            prints the table of the last results again
  bench.py peer-install      installs the FastAPI peer (peer.py) under BENCH_HOME; TARGETS=yardstick,rest,peer then runs it too
  bench.py stop              ends the database

Four jobs: get one claim, list 50, create, approve. Each is run by pgbench on the yardstick's fixed schema (the
`reference` folder), by pgbench with our own statements on our schema (the `own` folder), and by wrk against our
server with everything on: tokens, access, validation, idempotency, change row, ledger. Rounds are interleaved and the
median is told, with CPU per request of server, database and load generator beside it: on two cores that is the
steadier figure. Needs PostgreSQL's programs, wrk and, for gRPC, h2load. Only loopback, and every load ends by itself.

Settings (environment): BENCH_HOME, CLAIMS=1000000, CLIENTS=8, ROUNDS=3, SECS=5, JOBS=get,list,create,approve, BINARY.
"""
import contextlib, glob, json, os, re, resource, shutil, signal, statistics, subprocess, sys, tempfile, time, urllib.request, uuid

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
HOME = os.environ.get("BENCH_HOME", os.path.join(tempfile.gettempdir(), "recourse-bench"))
CLAIMS, CLIENTS = int(os.environ.get("CLAIMS", "1000000")), int(os.environ.get("CLIENTS", "8"))
ROUNDS, SECS = int(os.environ.get("ROUNDS", "3")), int(os.environ.get("SECS", "5"))
JOBS = os.environ.get("JOBS", "get,list,create,approve").split(",")
BINARY = os.environ.get("BINARY", os.path.join(ROOT, "target", "release", "recourse"))
PORT, PG_PORT, USER = int(os.environ.get("BENCH_PORT", "18180")), int(os.environ.get("BENCH_PG_PORT", "54731")), "recourse"
BIN = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1] if glob.glob("/usr/lib/postgresql/*/bin") else os.path.dirname(shutil.which("postgres") or "")
URL, DATABASE_URL = f"http://127.0.0.1:{PORT}", f"postgres://{USER}@127.0.0.1:{PG_PORT}/recourse"
REFERENCE = {"get": "a_get", "list": "b_list", "create": "c_create", "approve": "d_approve"}
PASSWORD, TICK = "quiet-harbour-2026", os.sysconf("SC_CLK_TCK")

# ---------------------------------------------------------------- the database

def as_owner(*command):
    """PostgreSQL refuses to run as root: the package's user lends its name."""
    return ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--", *command] if os.getuid() == 0 else list(command)

def psql(database, *arguments, **kinds):
    env = dict(os.environ, PGHOST="127.0.0.1", PGPORT=str(PG_PORT), PGUSER=USER)
    return subprocess.run([os.path.join(BIN, "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database, *arguments], env=env,
                          check=True, text=True, stdout=subprocess.PIPE, **kinds).stdout.strip()

def start_database():
    data = os.path.join(HOME, "data")
    if not os.path.exists(os.path.join(data, "PG_VERSION")):
        os.makedirs(HOME, exist_ok=True)
        os.chmod(HOME, 0o777)
        subprocess.run(as_owner(os.path.join(BIN, "initdb"), "-A", "trust", "-U", USER, "-E", "UTF8", "--locale=C.UTF-8", "-D", data), check=True, stdout=subprocess.DEVNULL, cwd="/")
        # Durability stays at the defaults: fsync, synchronous_commit, full_page_writes.
        subprocess.run(as_owner("tee", "-a", os.path.join(data, "postgresql.conf")), check=True, text=True, stdout=subprocess.DEVNULL, cwd="/",
                       input=f"listen_addresses='127.0.0.1'\nport={PG_PORT}\nunix_socket_directories=''\nmax_connections=200\nshared_buffers=2GB\n"
                             "effective_cache_size=12GB\nmax_wal_size=8GB\ncheckpoint_timeout=15min\nrandom_page_cost=1.1\nwork_mem=64MB\n")
    if database_pid() is None:
        subprocess.run(as_owner(os.path.join(BIN, "pg_ctl"), "-D", data, "-l", os.path.join(data, "log"), "-w", "start"), check=True, stdout=subprocess.DEVNULL, cwd="/")

def database_pid():
    try:
        pid = int(open(os.path.join(HOME, "data", "postmaster.pid")).readline())
        os.kill(pid, 0)
        return pid
    except (OSError, ValueError):
        return None

def prepare():
    start_database()
    wanted = os.environ.get("TARGETS", "yardstick,own").split(",")
    for name in ("yardstick", "own"):
        if name in wanted:
            database = {"own": "recourse"}.get(name, name)
            psql("postgres", "-c", f"drop database if exists {database}", "-c", f"create database {database}")
    if "yardstick" in wanted:
        began = time.time()
        psql("yardstick", "-v", f"claims={CLAIMS}", "-f", f"{HERE}/reference/schema.sql", "-f", f"{HERE}/reference/load.sql")
        print(f"yardstick: {CLAIMS} claims in {time.time() - began:.0f} s")
    if "own" not in wanted:
        return
    began = time.time()
    subprocess.run([BINARY, "demo", "--database", DATABASE_URL], check=True, stdout=subprocess.DEVNULL)
    auditor = psql("recourse", "-c", "select id from user_account where user_name = 'auditor'")
    psql("recourse", "-v", f"claims={CLAIMS}", "-v", f"auditor={auditor}", "-f", f"{HERE}/own/load.sql")
    print(f"our schema: {CLAIMS} claims in {time.time() - began:.0f} s; {psql('recourse', '-c', 'select pg_size_pretty(pg_database_size(current_database()))')}")
    with Server():
        station_users()
    save("next", 0)

# ---------------------------------------------------------------- our server

class Server:
    """The built server over the bench's database."""
    def __enter__(self):
        log = open(os.path.join(HOME, "server.log"), "ab")
        env = dict(os.environ, RECOURSE_LOG="warn", **SETTINGS)
        self.process = subprocess.Popen([BINARY, "serve", "--demo", "--database", DATABASE_URL, "--listen", f"127.0.0.1:{PORT}"], stdout=log, stderr=log, env=env, cwd=HOME)
        for _ in range(600):
            try:
                urllib.request.urlopen(URL + "/readyz").read()
                return self
            except OSError:
                time.sleep(0.05)
        raise SystemExit(f"the server did not start; see {HOME}/server.log")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(40)

# What a bench asks of the server in a minute no honest caller does: the rate of one caller is not bounded, and the
# metrics' port is left to others. Nothing else is switched off.
SETTINGS = {"RECOURSE_ACCOUNTS__CALLS_PER_SECOND": "0", "RECOURSE_METRICS_LISTEN": "off"}

def call(method, path, body=None, token=None):
    headers = {"content-type": "application/json"}
    if token:
        headers["authorization"] = "Bearer " + token
    request = urllib.request.Request(URL + path, method=method, headers=headers, data=None if body is None else json.dumps(body).encode())
    return json.load(urllib.request.urlopen(request))

def sign_in(user):
    return call("POST", "/v1/sessions", {"userName": user, "password": PASSWORD})["accessToken"]

STATIONS = [f"S-{n:03}" for n in range(1, 21)]

def station_users():
    """Twenty stations whose clerks sign in."""
    admin = sign_in("admin")
    for code in STATIONS[2:]:
        membership = {"organization": f"stations/{code}", "roles": ["STATION"]}
        call("POST", "/v1/users", {"user": {"userName": f"bench-{code.lower()}", "displayName": code, "memberships": [membership]}, "password": PASSWORD}, admin)

def write_tokens():
    auditor = sign_in("auditor")
    stations = [sign_in("s001"), sign_in("s002")] + [sign_in(f"bench-{code.lower()}") for code in STATIONS[2:]]
    for name, tokens in (("auditor", [auditor]), ("stations", stations)):
        with open(os.path.join(HOME, name), "w") as file:
            file.write("\n".join(tokens) + "\n")

CREATION = {"kind": "WARRANTY_REPAIR", "vin": "LRCA5G15XSN000001", "odometerIn": {"value": "21500", "unit": "KILOMETER"},
            "complaintDescription": "customer reports noise from front axle", "causeDescription": "bearing worn", "correctionDescription": "bearing replaced",
            "failureCode": "failureCodes/F-101", "causalPart": "parts/P-1001", "dtcs": ["P0301"],
            "complaintDate": {"year": 2026, "month": 11, "day": 16}, "repairStartDate": {"year": 2026, "month": 11, "day": 16},
            "repairCompletionDate": {"year": 2026, "month": 11, "day": 17},
            "lines": [{"type": "PART", "part": f"parts/P-{1001 + n}", "quantity": {"value": "1"}, "isCausal": n == 0} for n in range(3)]
                   + [{"type": "LABOR", "operation": f"laborOperations/OP-{1001 + n}"} for n in range(2)]}

def save(name, value):
    with open(os.path.join(HOME, name + ".json"), "w") as file:
        json.dump(value, file)

def load(name):
    with open(os.path.join(HOME, name + ".json")) as file:
        return json.load(file)

# ---------------------------------------------------------------- the peer

PEER_PORT = PORT + 1
PEER = f"http://127.0.0.1:{PEER_PORT}"
PEER_CREATION = {"claim_no": "WC-1", "vin": "WVW00000000000001", "odometer_km": 42000, "failure_date": "2025-06-01", "causal_part_id": 5, "fault_code": "P0301",
                 "complaint": "customer reports noise from front axle", "currency": "EUR",
                 "lines": [{"kind": "P", "part_id": 17 + n, "qty_milli": 1000, "unit_minor": 12000} for n in range(3)]
                        + [{"kind": "L", "op_code": f"OP0{n}00", "qty_milli": 1000, "unit_minor": 10000} for n in (1, 2)]}

def peer_install():
    python = os.path.join(HOME, "peer", "bin", "python")
    os.makedirs(HOME, exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", os.path.join(HOME, "peer")], check=True)
    subprocess.run([python, "-m", "pip", "install", "-q", "fastapi", "sqlalchemy[asyncio]", "asyncpg", "uvicorn", "uvloop", "httptools"], check=True)

class Peer:
    """FastAPI over the yardstick's schema, with as many workers as there are processors."""
    def __enter__(self):
        env = dict(os.environ, PEER_DATABASE=f"postgresql+asyncpg://{USER}@127.0.0.1:{PG_PORT}/yardstick")
        command = [os.path.join(HOME, "peer", "bin", "uvicorn"), "peer:app", "--workers", str(os.cpu_count()), "--port", str(PEER_PORT), "--no-access-log", "--log-level", "error"]
        self.process = subprocess.Popen(command, cwd=HERE, env=env)
        for _ in range(600):
            try:
                urllib.request.urlopen(PEER + "/claims/1").read()
                return self
            except OSError:
                time.sleep(0.05)
        raise SystemExit("the peer did not start; bench.py peer-install")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(40)

def run_peer(job, peer):
    env = dict(os.environ, JOB="peer-" + job, TOKENS=os.devnull, CLAIMS=str(CLAIMS), BODY=json.dumps(PEER_CREATION))
    return measured(["wrk", "-t", "2", "-c", str(CLIENTS), "-d", f"{SECS}s", "--timeout", "30s", "--latency", "-s", f"{HERE}/load.lua", PEER], peer, parse_wrk, env)

# ---------------------------------------------------------------- measuring

def tree(pid):
    children = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            text = open(path).read()
        except OSError:
            continue
        fields = text[text.rindex(")") + 2:].split()
        children.setdefault(int(fields[1]), []).append(int(text.split()[0]))
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found

def cpu(pid):
    total = 0
    for process in tree(pid) if pid else []:
        try:
            text = open(f"/proc/{process}/stat").read()
        except OSError:
            continue
        total += sum(int(x) for x in text[text.rindex(")") + 2:].split()[11:15])
    return total / TICK

def pss(pid):
    try:
        return int(re.search(r"^Pss:\s+(\d+)", open(f"/proc/{pid}/smaps_rollup").read(), re.M).group(1)) / 1024
    except (OSError, AttributeError):
        return 0.0

def busy():
    fields = [int(x) for x in open("/proc/stat").readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICK

def measured(command, server, parse, env=None):
    database = database_pid()
    before, began = (cpu(database), cpu(server), busy(), resource.getrusage(resource.RUSAGE_CHILDREN)), time.time()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)
    wall, after = time.time() - began, (cpu(database), cpu(server), busy(), resource.getrusage(resource.RUSAGE_CHILDREN))
    cell = parse(done.stdout)
    generator = sum(getattr(after[3], k) - getattr(before[3], k) for k in ("ru_utime", "ru_stime"))
    others = (after[2] - before[2]) - (after[0] - before[0]) - (after[1] - before[1]) - generator
    count = max(cell["n"], 1)
    cell.update(server_us=1e6 * (after[1] - before[1]) / count, database_us=1e6 * (after[0] - before[0]) / count,
                generator_us=1e6 * generator / count, others=round(max(0.0, others) / wall, 2), pss=pss(server) if server else 0.0)
    return cell

def parse_pgbench(text):
    count, rate = re.search(r"transactions actually processed: (\d+)", text), re.search(r"^tps = ([\d.]+)", text, re.M)
    latency, failed = re.search(r"latency average = ([\d.]+)", text), re.search(r"number of failed transactions: (\d+)", text)
    if not count or not rate:
        raise SystemExit("pgbench failed:\n" + text)
    return {"n": int(count.group(1)), "rate": float(rate.group(1)), "p50": float(latency.group(1)), "p99": 0.0, "errors": int(failed.group(1)) if failed else 0}

UNIT = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}

def parse_wrk(text):
    count, rate = re.search(r"(\d+) requests in", text), re.search(r"Requests/sec:\s+([\d.]+)", text)
    if not count or not rate:
        raise SystemExit("wrk failed:\n" + text)
    at = {key: float(value) * UNIT[unit] for key, value, unit in re.findall(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s|m)\s*$", text, re.M)}
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    if bad:
        print(text, file=sys.stderr)
    return {"n": int(count.group(1)), "rate": float(rate.group(1)), "p50": at.get("50", 0.0), "p99": at.get("99", 0.0), "errors": int(bad.group(1)) if bad else 0}

def run_pgbench(job, folder):
    script, database = (f"{HERE}/reference/{REFERENCE[job]}.sql", "yardstick") if folder == "reference" else (f"{HERE}/own/{job}.sql", "recourse")
    env = dict(os.environ, PGHOST="127.0.0.1", PGPORT=str(PG_PORT), PGUSER=USER)
    command = [os.path.join(BIN, "pgbench"), "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T", str(SECS), "-D", f"claims={CLAIMS}", "-f", script, database]
    return measured(command, None, parse_pgbench, env)

def run_rest(job, server):
    begin = load("next")
    body = json.dumps(CREATION) if job == "create" else json.dumps(load("decision")) if job == "approve" else ""
    env = dict(os.environ, JOB=job, TOKENS=os.path.join(HOME, "auditor" if job in ("get", "approve") else "stations"), CLAIMS=str(CLAIMS),
               START=str(begin), THREADS="2", BODY=body)
    cell = measured(["wrk", "-t", "2", "-c", str(CLIENTS), "-d", f"{SECS}s", "--timeout", "30s", "--latency", "-s", f"{HERE}/load.lua", URL], server, parse_wrk, env)
    if job == "approve":
        # Each thread counts for itself: half as many again is beyond what either has taken.
        save("next", begin + int(cell["n"] * 1.5) + 2 * CLIENTS)
    return cell

def one_in_review():
    return psql("recourse", "-c", "select id, version from claim where number like 'WR-B-%' and state = 'IN_REVIEW' limit 1").split("|")

def decision():
    """Approves every line that a copy in review has: the copies differ, so what they have in common is asked."""
    auditor = open(os.path.join(HOME, "auditor")).readline().strip()
    claim = call("GET", f"/v1/claims/{one_in_review()[0]}", token=auditor)
    save("decision", {"etag": claim["etag"], "lineDecisions": [{"lineNumber": line["number"], "outcome": "APPROVED"} for line in claim["lines"]]})

def run():
    start_database()
    targets = os.environ.get("TARGETS", "yardstick,own,rest").split(",")
    cells = []
    with Server() as server, Peer() if "peer" in targets else contextlib.nullcontext() as peer:
        write_tokens()
        decision()
        for job in JOBS:   # once, unmeasured: plans, caches, pools
            run_rest(job, server.process.pid) if "rest" in targets else None
        for number in range(ROUNDS):
            write_tokens()
            for job in JOBS:
                for target in targets:
                    if target == "own" and not os.path.exists(f"{HERE}/own/{job}.sql"):
                        continue
                    cell = run_rest(job, server.process.pid) if target == "rest" else run_peer(job, peer.process.pid) if target == "peer" else run_pgbench(job, "reference" if target == "yardstick" else "own")
                    cell.update(job=job, target=target, round=number)
                    cells.append(cell)
    save("results", cells)
    report(cells)

def report(cells):
    middle = lambda job, target, key: statistics.median([c[key] for c in cells if c["job"] == job and c["target"] == target] or [float("nan")])
    print(f"{'job':8} {'target':10} {'req/s':>8} {'÷yard':>6} {'÷own':>6} {'p50 ms':>7} {'p99 ms':>7} {'server µs':>9} {'db µs':>7} {'load µs':>7} {'PSS MiB':>7} {'others':>6} {'errors':>6}")
    for job in JOBS:
        for target in ("yardstick", "own", "rest", "peer"):
            rate = middle(job, target, "rate")
            if rate != rate:
                continue
            errors = sum(c["errors"] for c in cells if c["job"] == job and c["target"] == target)
            print(f"{job:8} {target:10} {rate:8.0f} {rate / middle(job, 'yardstick', 'rate'):6.2f} {rate / middle(job, 'own', 'rate'):6.2f} {middle(job, target, 'p50'):7.2f} {middle(job, target, 'p99'):7.2f} "
                  f"{middle(job, target, 'server_us'):9.0f} {middle(job, target, 'database_us'):7.0f} {middle(job, target, 'generator_us'):7.0f} {middle(job, target, 'pss'):7.0f} {middle(job, target, 'others'):6.2f} {errors:6}")

def stop():
    if database_pid():
        subprocess.run(as_owner(os.path.join(BIN, "pg_ctl"), "-D", os.path.join(HOME, "data"), "-m", "fast", "-w", "stop"), check=True, stdout=subprocess.DEVNULL, cwd="/")

if __name__ == "__main__":
    {"prepare": prepare, "peer-install": peer_install, "run": run, "report": lambda: report(load("results")), "stop": stop}[sys.argv[1] if len(sys.argv) > 1 else "run"]()
