"""What `schema.py` teaches schemathesis: the formats that it does not know, streams that never end by themselves, and
a note of every call, from which `schema.py` tells what was tried."""

import csv
import io
import itertools
import json
import os
import pathlib
import time
import urllib.parse

import requests
import schemathesis
from hypothesis import strategies
from requests.adapters import HTTPAdapter

# One line a call: phase, operation, whether it was that operation's own verb, status, milliseconds.
NOTES = open(pathlib.Path(os.environ["SCHEMA_NOTES"]), "a", encoding="utf-8", buffering=1)
# The session that asks; who ended it would be told 401 from then on.
OWN_SESSION = os.environ["SCHEMA_SESSION"]
# A stream that follows changes ends when its reader leaves. Nothing comes for 15 seconds, then a heartbeat: a reader
# that waits for the end waits for ever, whatever time it gives to a read.
STREAM_SECONDS = 0.5
# Every so many calls that say nothing of it ask for another of the formats that an answer can have.
FORMATS = itertools.cycle([None, None, "application/x-ndjson", None, "text/csv", None, "text/event-stream"])
# Columns of the files that are imported, some cells of them, and what is none.
COLUMNS = ["name", "vin", "displayName", "buildDate", "sale.price", "sale.price.currencyCode", "models", "safety", "vehicle",
           "claimPrices[0].validFrom", "claimPrices[0].price", "quantityPerVehicle", "createTime", "unknown"]
CELLS = ["", "P-1", "LSVAA4187S2184841", "2026-01-31", "12.50", "CNY", "[\"M1\"]", "true", "=1+1", "-", "x\ny", "陈"]


@strategies.composite
def tables(draw):
    """A file of CSV, mostly of columns that some resource has."""
    header = draw(strategies.lists(strategies.sampled_from(COLUMNS), min_size=1, max_size=5, unique=True))
    cell = strategies.sampled_from(CELLS) | strategies.text(max_size=8)
    rows = draw(strategies.lists(strategies.lists(cell, min_size=1, max_size=6), max_size=3))
    file = io.StringIO()
    csv.writer(file).writerows([header, *rows])
    return file.getvalue().encode("utf-8", "replace")


schemathesis.openapi.media_type("text/csv", tables())
schemathesis.openapi.media_type("application/offset+octet-stream", strategies.binary(max_size=64))


@schemathesis.serializer("application/x-ndjson")
def rows(_context, value):
    """Rows of an import: a list becomes its lines, anything else a line of its own."""
    lines = value if isinstance(value, list) else [value]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


@schemathesis.deserializer("application/x-ndjson")
def results(_context, response):
    """The schema of a stream is the schema of a line; the last one is the sums."""
    lines = response.content.splitlines()
    if not lines:
        raise NotImplementedError("a stream without a line has nothing that could fit")
    return json.loads(lines[-1])


@schemathesis.hook
def before_call(_context, case, _kwargs):
    """Nobody ends the session that asks."""
    if case.operation.label == "DELETE /v1/sessions/{session}" and case.path_parameters:
        if str(case.path_parameters.get("session")) == OWN_SESSION:
            case.path_parameters["session"] = "00000000-0000-7000-8000-000000000000"


def note(case, status, seconds):
    """Writes down that a call was made; the status of one without an answer is 0."""
    phase = case.meta.phase.name.value if case.meta is not None else "unknown"
    kind = "own" if case.method.upper() == case.operation.method.upper() else "other"
    NOTES.write(f"{phase}\t{case.operation.label}\t{kind}\t{status}\t{seconds * 1000:.0f}\n")


@schemathesis.hook
def after_call(_context, case, response):
    note(case, response.status_code, response.elapsed)


@schemathesis.hook
def after_network_error(_context, case, _request):
    note(case, 0, 0)


class Items:
    """What came of a stream, in place of its socket."""

    def __init__(self, raw, items):
        self.items, self.headers, self.version = io.BytesIO(items), raw.headers, raw.version

    def read1(self, size, decode_content=True):
        return self.items.read(size)

    def release_conn(self):
        pass

    def close(self):
        pass


def first_items(response, end):
    """The complete items that a stream shows until its reader leaves."""
    seen, deadline = b"", time.monotonic() + STREAM_SECONDS
    try:
        while time.monotonic() < deadline and (piece := response.raw.read1(65_536, decode_content=True)):
            seen += piece
    except Exception as silence:
        # Only silence ends a stream well; a connection that breaks off is a fault.
        if "timed out" not in str(silence).lower():
            raise requests.exceptions.ChunkedEncodingError(silence) from silence
    response.raw.close()
    return seen[: seen.rfind(end) + len(end)] if end in seen else b""


plain_send = HTTPAdapter.send


def send(adapter, request, **options):
    """Sends a request. A stream is read for a moment and then left, as its readers do."""
    is_watch = urllib.parse.urlsplit(request.url).path.endswith(":watch")
    if is_watch:
        options["timeout"] = (20, STREAM_SECONDS)
    if "Accept" not in request.headers and (accepted := next(FORMATS)):
        request.headers["Accept"] = accepted
    response = plain_send(adapter, request, **options)
    if is_watch and response.status_code == 200:
        is_events = response.headers.get("content-type", "").startswith("text/event-stream")
        items = first_items(response, b"\n\n" if is_events else b"\n")
        response.raw = Items(response.raw, items)
        response._content, response._content_consumed = items, True
    return response


HTTPAdapter.send = send
