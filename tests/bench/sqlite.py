#!/usr/bin/env python3
"""The same four jobs on embedded SQLite, as ratios against raw SQLite (C, prepared statements, WAL, synchronous=FULL).

  sqlite.py prepare    loads the yardstick's file and ours with CLAIMS claims each (default 200,000)
  sqlite.py run        interleaves both and prints the table

Needs gcc, SQLite's header, and wrk. Settings as in bench.py.
"""
import os, re, sqlite3, subprocess, sys, uuid

os.environ.setdefault("CLAIMS", "200000")
import bench

FILES = os.path.join(bench.HOME, "sqlite")
YARDSTICK, OURS, PROGRAM = (os.path.join(FILES, name) for name in ("yardstick.db", "ours.db", "yardstick"))
bench.DATABASE_URL = "sqlite:" + OURS

def prepare():
    os.makedirs(FILES, exist_ok=True)
    for name in os.listdir(FILES):
        os.unlink(os.path.join(FILES, name))
    subprocess.run(["gcc", "-O2", "-o", PROGRAM, f"{bench.HERE}/reference/sqlite_bench.c", "-lsqlite3", "-lpthread"], check=True)
    subprocess.run([sys.executable, f"{bench.HERE}/reference/sqlite_load.py", YARDSTICK, str(bench.CLAIMS)], check=True)
    subprocess.run([bench.BINARY, "demo", "--database", bench.DATABASE_URL], check=True, stdout=subprocess.DEVNULL)
    multiply()
    with bench.Server():
        bench.station_users()
    bench.save("next", 0)

def multiply():
    """Copies of the demo's claims, as own/load.sql makes them."""
    db = sqlite3.connect(OURS)
    db.execute("pragma synchronous=off")
    columns = [row[1] for row in db.execute("pragma table_info(claim)")]
    at = {name: index for index, name in enumerate(columns)}
    auditor = db.execute("select id from user_account where user_name = 'auditor'").fetchone()[0]
    templates = ([], [], [])
    for row in db.execute("select * from claim order by id").fetchall():
        state = row[at["state"]]
        if state == "SUBMITTED":
            templates[0].append(row)
        elif state == "IN_REVIEW" and row[at["auditor"]] == auditor and len(__import__("json").loads(row[at["body"]])["lines"]) == 2:
            templates[1].append(row)
        elif state in ("APPROVED", "REJECTED"):
            templates[2].append(row)
    clerks = db.execute("select id, code from station where code <= 'S-020' order by code").fetchall()
    text = lambda key: str(uuid.UUID(bytes=key))
    def copies():
        for g in range(1, bench.CLAIMS + 1):
            kind, spread = (0 if g % 10 < 3 else 1 if g % 10 < 6 else 2), (g * 2654435761) % 4294967296 // 16
            row = list(templates[kind][spread % len(templates[kind])])
            key = uuid.UUID(f"{0x01900000 + g // 65536:08x}-0000-7000-8000-{g:012x}")
            station, code = clerks[spread // 64 % len(clerks)]
            body = row[at["body"]].replace(text(row[at["id"]]), str(key)).replace(row[at["number"]], f"WR-B-{g}")
            body = body.replace(text(row[at["station_id"]]), text(station)).replace(f'"{row[at["station"]]}"', f'"{code}"')
            body = re.sub(r'"external_(repair_order|ref)":"[^"]*"', rf'"external_\1":"B-{g}"', body)
            time = 1735689600000000 + g * 30000000
            head = row[at["head"]].split("\x1f")   # as crates/repository/src/claim_heads.rs packs it
            head[1:4], head[10:12] = [f"WR-B-{g}", text(station), code], ["", f"B-{g}"]
            for name, value in (("id", key.bytes), ("number", f"WR-B-{g}"), ("body", body), ("station_id", station), ("station", code), ("external_ref", None),
                                ("external_repair_order", f"B-{g}"), ("open_job_key", None), ("head", "\x1f".join(head)), ("create_time", time), ("update_time", time), ("submit_order", time)):
                row[at[name]] = value
            yield row
    db.executemany(f"insert into claim ({', '.join(columns)}) values ({', '.join('?' * len(columns))})", copies())
    db.execute("""insert into change (id, command_id, resource, collection, resource_id, version, verb, paths, snapshot, actor, actor_org, job, time, audience, prev_hash, hash)
                  select id, id, 'claims/' || hex(id), 'claims', id, version, 'load', '[]', '{}', created_by, station_id, null, create_time, '[]', x'', head_hash from claim where number like 'WR-B-%'""")
    db.commit()
    db.execute("analyze")
    db.commit()
    db.close()

def raw(job):
    letter = {"get": "a", "list": "b", "create": "c", "approve": "d"}[job]
    command = [PROGRAM, YARDSTICK, letter, str(bench.CLIENTS), str(bench.SECS), "full", str(bench.CLAIMS)]
    def parse(text):
        found = re.search(r"([\d.]+) req/s p50 ([\d.]+) ms p99 ([\d.]+) ms err (\d+) .*\((\d+) in", text)
        if not found:
            raise SystemExit("the yardstick failed:\n" + text)
        return {"n": int(found.group(5)), "rate": float(found.group(1)), "p50": float(found.group(2)), "p99": float(found.group(3)), "errors": int(found.group(4))}
    return bench.measured(command, None, parse)

def in_review():
    db = sqlite3.connect(OURS)
    key, version = db.execute("select id, version from claim where number like 'WR-B-%' and state = 'IN_REVIEW' limit 1").fetchone()
    return str(uuid.UUID(bytes=key)), version

def run():
    bench.one_in_review = in_review
    cells = []
    with bench.Server() as server:
        bench.write_tokens()
        bench.decision()
        for job in bench.JOBS:
            bench.run_rest(job, server.process.pid)
        for number in range(bench.ROUNDS):
            bench.write_tokens()
            for job in bench.JOBS:
                for target in ("yardstick", "rest"):
                    cell = raw(job) if target == "yardstick" else bench.run_rest(job, server.process.pid)
                    cell.update(job=job, target=target, round=number)
                    cells.append(cell)
    bench.save("results-sqlite", cells)
    bench.report(cells)

if __name__ == "__main__":
    {"prepare": prepare, "run": run}[sys.argv[1] if len(sys.argv) > 1 else "run"]()
