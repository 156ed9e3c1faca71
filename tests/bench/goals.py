#!/usr/bin/env python3
"""The speed goals beside the four ratios of bench.py, over its database (prepare that first).

  goals.py grpc       get, list, create over gRPC and over REST by one tool (h2load), in turns; CPU per request of both
  goals.py latency    p99 of reads at half of what the server can do (hey -q)
  goals.py memory     PSS with 32 clients on all four jobs, after a minute of them
  goals.py growth A B how p50 of each job grows from the database of BENCH_HOME A to that of B, ÷ how the SQL's own does;
                      prepare both with CLAIMS of their own, and `TARGETS=yardstick,own,rest bench.py run` in each
  goals.py startup    from exec to the first answer on a migrated database, median of STARTS=9

Needs what bench.py needs; grpc: h2load and Python's grpcio-tools (its protoc encodes the requests); latency: hey.
"""
import json, os, re, statistics, subprocess, sys, time, urllib.parse, urllib.request

import bench

CLAIM = "claims/%08x-0000-7000-8000-%012x" % (0x01900000 + 777_777 // 65536, 777_777)
LIST = "state=\"SUBMITTED\" AND create_time<\"2025-09-15T00:00:00Z\""
SERVICE = "/recourse.v1.ClaimService/"

def tokens(name):
    return open(os.path.join(bench.HOME, name)).read().split()

def encoded(message, text):
    """A gRPC frame with the message that this text form stands for."""
    protos = os.path.join(bench.ROOT, "proto")
    body = subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"-I{protos}", f"--encode=recourse.v1.{message}", "recourse/v1/claim.proto"],
                          input=text.encode(), check=True, stdout=subprocess.PIPE).stdout
    return b"\0" + len(body).to_bytes(4, "big") + body

def text_form(value):
    """The text form of a message, from its JSON form with the enums and wrappers that a claim has."""
    out = []
    for key, item in value.items():
        name = re.sub("[A-Z]", lambda letter: "_" + letter.group().lower(), key)
        for one in item if isinstance(item, list) else [item]:
            if isinstance(one, dict) and "unit" in one:
                out.append(f"{name} {{ value: {one['value']} unit: {one['unit']} }}")
            elif isinstance(one, dict):
                out.append(f"{name} {{ {text_form(one)} }}")
            elif isinstance(one, bool):
                out.append(f"{name}: {str(one).lower()}")
            elif isinstance(one, int) or key in ("kind", "type"):
                out.append(f"{name}: {one}")
            else:
                out.append(f"{name}: {json.dumps(one)}")
    return " ".join(out)

def parse_h2load(text):
    done = re.search(r"requests: (\d+) total, \d+ started, (\d+) done, (\d+) succeeded, (\d+) failed", text)
    rate, slow = re.search(r"finished in [\d.]+m?s, ([\d.]+) req/s", text), re.search(r"time for request:\s+\S+\s+\S+\s+([\d.]+)(us|ms|s)", text)
    codes = re.search(r"status codes: (\d+) 2xx", text)
    if not done or not rate or not codes:
        raise SystemExit("h2load failed:\n" + text)
    return {"n": int(codes.group(1)), "rate": int(codes.group(1)) / bench.SECS, "p50": float(slow.group(1)) * bench.UNIT[slow.group(2)], "p99": 0.0,
            "errors": int(done.group(2)) - int(codes.group(1))}

def h2load(server, surface, path, body, token, more=()):
    file = os.path.join(bench.HOME, "body")
    command = ["h2load", "-c", str(bench.CLIENTS), "-t", "2", "-m", "1", "-D", str(bench.SECS), "-H", f"authorization: Bearer {token}"]
    if surface == "grpc":
        command += ["-H", "content-type: application/grpc", "-H", "te: trailers"]
    else:
        command += ["--h1", "-H", "content-type: application/json"]
    if body:
        with open(file, "wb") as out:
            out.write(body)
        command += ["-d", file]
    return bench.measured([*command, *more, bench.URL + path], server, parse_h2load)

def grpc():
    with bench.Server() as server:
        bench.write_tokens()
        auditor, station = tokens("auditor")[0], tokens("stations")[0]
        query = urllib.parse.urlencode({"pageSize": 50, "orderBy": "create_time desc", "filter": LIST})
        filter_text = json.dumps(LIST)
        jobs = {
            "get": (auditor, (SERVICE + "GetClaim", encoded("GetClaimRequest", f'name: "{CLAIM}"')), ("/v1/" + CLAIM, None)),
            "list": (station, (SERVICE + "ListClaims", encoded("ListClaimsRequest", f'page_size: 50 order_by: "create_time desc" filter: {filter_text}')), ("/v1/claims?" + query, None)),
            "create": (station, (SERVICE + "CreateClaim", encoded("CreateClaimRequest", f"claim {{ {text_form(bench.CREATION)} }}")), ("/v1/claims", json.dumps(bench.CREATION).encode())),
        }
        before = count()
        cells = []
        for number in range(-1, bench.ROUNDS):
            for job, (token, over_grpc, over_rest) in jobs.items():
                for surface, (path, body) in (("rest", over_rest), ("grpc", over_grpc)):
                    cell = h2load(server.process.pid, surface, path, body, token)
                    if number >= 0:
                        cells.append(dict(cell, job=job, target=surface))
        # A refusal over gRPC is a 200 too: the rows tell whether the creations were creations.
        made, answered = count() - before, sum(c["n"] for c in cells if c["job"] == "create")
        print(f"{'job':8} {'surface':8} {'req/s':>8} {'grpc÷rest':>9} {'p50 ms':>7} {'server µs':>9} {'db µs':>7} {'errors':>6}")
        middle = lambda job, target, key: statistics.median(c[key] for c in cells if c["job"] == job and c["target"] == target)
        for job in jobs:
            for surface in ("rest", "grpc"):
                errors = sum(c["errors"] for c in cells if c["job"] == job and c["target"] == surface)
                print(f"{job:8} {surface:8} {middle(job, surface, 'rate'):8.0f} {middle(job, surface, 'rate') / middle(job, 'rest', 'rate'):9.2f} {middle(job, surface, 'p50'):7.2f} "
                      f"{middle(job, surface, 'server_us'):9.0f} {middle(job, surface, 'database_us'):7.0f} {errors:6}")
        print(f"creations answered in the measured rounds: {answered}; rows made in all rounds: {made}")
        if made < answered:
            raise SystemExit("some creations were refused")

def count():
    return int(bench.psql("recourse", "-c", "select count(*) from claim"))

def latency():
    with bench.Server() as server:
        bench.write_tokens()
        auditor, station = tokens("auditor")[0], tokens("stations")[0]
        query = urllib.parse.urlencode({"pageSize": 50, "orderBy": "create_time desc", "filter": LIST})
        for job, path, token in (("get", "/v1/" + CLAIM, auditor), ("list", "/v1/claims?" + query, station)):
            most = h2load(server.process.pid, "rest", path, None, token)["rate"]
            each = max(1, int(most / 2 / bench.CLIENTS))
            done = subprocess.run(["hey", "-z", f"{max(bench.SECS, 10)}s", "-c", str(bench.CLIENTS), "-q", str(each), "-H", f"Authorization: Bearer {token}", bench.URL + path],
                                  check=True, stdout=subprocess.PIPE, text=True).stdout
            at = {key: 1000 * float(value) for key, value in re.findall(r"(\d+)%+ in ([\d.]+) secs", done)}
            rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done).group(1))
            codes = re.findall(r"\[(\d+)\]\s+(\d+) responses", done)
            print(f"{job}: at {rate:.0f} of {most:.0f} req/s p50 {at['50']:.1f} ms, p99 {at['99']:.1f} ms; answers {codes}")

def memory():
    bench.CLIENTS = int(os.environ.get("CLIENTS", "32"))
    with bench.Server() as server:
        bench.write_tokens()
        bench.decision()
        print(f"idle: {bench.pss(server.process.pid):.0f} MiB")
        most = 0.0
        for _ in range(3):
            for job in ("get", "list", "create", "approve"):
                most = max(most, bench.run_rest(job, server.process.pid)["pss"])
        print(f"{bench.CLIENTS} clients, all jobs: {most:.0f} MiB at most (PSS)")

def growth():
    """How each job's p50 grows from the database of one BENCH_HOME to that of another, from the results of `bench.py run` in both."""
    cells = [json.load(open(os.path.join(home, "results.json"))) for home in sys.argv[2:4]]
    def middle(place, job, target):
        return statistics.median(cell["p50"] for cell in cells[place] if (cell["job"], cell["target"]) == (job, target))
    for job in bench.JOBS:
        grown = {}
        for target in ("yardstick", "own", "rest"):
            small, large = middle(0, job, target), middle(1, job, target)
            grown[target] = large / small
            print(f"{job:8} {target:10} {small:7.2f} ms {large:7.2f} ms  x {grown[target]:.2f}")
        print(f"{job:8} server's growth ÷ the SQL's own: {grown['rest'] / grown['own']:.2f} on our schema, {grown['rest'] / grown['yardstick']:.2f} on the yardstick's")

def startup():
    times = []
    for _ in range(int(os.environ.get("STARTS", "9"))):
        began = time.time()
        env = dict(os.environ, RECOURSE_LOG="warn", **bench.SETTINGS)
        process = subprocess.Popen([bench.BINARY, "serve", "--database", bench.DATABASE_URL, "--listen", f"127.0.0.1:{bench.PORT}"], env=env, cwd=bench.HOME,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while True:
            try:
                urllib.request.urlopen(bench.URL + "/readyz").read()
                break
            except OSError:
                if process.poll() is not None:
                    raise SystemExit("the server did not start")
                time.sleep(0.002)
        times.append(1000 * (time.time() - began))
        process.terminate()
        process.wait(40)
    print(f"exec to first answer: median {statistics.median(times):.0f} ms, most {max(times):.0f} ms of {len(times)}")

if __name__ == "__main__":
    if sys.argv[1] != "growth":
        bench.start_database()
    {"grpc": grpc, "latency": latency, "memory": memory, "growth": growth, "startup": startup}[sys.argv[1]]()
