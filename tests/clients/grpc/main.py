"""Stubs of grpcio-tools, called over gRPC."""

import json
import os
import sys
import uuid

import grpc

sys.path.insert(0, sys.argv[1])
from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from recourse.v1 import claim_line_pb2, claim_pb2, claim_pb2_grpc, finding_pb2, session_pb2, session_pb2_grpc  # noqa: E402

channel = grpc.insecure_channel(os.environ["RECOURSE_BASE"].removeprefix("http://"))
session = session_pb2_grpc.SessionServiceStub(channel).CreateSession(
    session_pb2.CreateSessionRequest(user_name="s001", password="quiet-harbour-2026")
)
signed_in = [("authorization", f"Bearer {session.access_token}")]
claims = claim_pb2_grpc.ClaimServiceStub(channel)

page = claims.ListClaims(claim_pb2.ListClaimsRequest(filter='state = "APPROVED"', page_size=1), metadata=signed_in)
claim = claims.GetClaim(claim_pb2.GetClaimRequest(name=page.claims[0].name), metadata=signed_in)

try:
    in_chinese = [*signed_in, ("accept-language", "zh-CN")]
    claims.WithdrawClaim(claim_pb2.WithdrawClaimRequest(name=claim.name), metadata=in_chinese)
    sys.exit("it was not refused")
except grpc.RpcError as error:
    refusal = error
assert refusal.code() is grpc.StatusCode.FAILED_PRECONDITION, refusal
trailers = dict(refusal.trailing_metadata())
status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
reason, text = error_details_pb2.ErrorInfo(), error_details_pb2.LocalizedMessage()
for wanted in (reason, text):
    assert any(detail.Unpack(wanted) for detail in status.details), status

Claim, Line = claim_pb2.Claim, claim_line_pb2.ClaimLine
draft = claims.CreateClaim(
    claim_pb2.CreateClaimRequest(
        claim_id=str(uuid.uuid4()),
        claim=Claim(
            kind=Claim.WARRANTY_REPAIR,
            vin="lrca5g15xsn000001",
            complaint_date={"year": 2026, "month": 11, "day": 16},
            lines=[
                Line(type=Line.PART, part="parts/P-1001", quantity={"value": "1"}, is_causal=True),
                Line(type=Line.LABOR, operation="laborOperations/OP-1001", hours={"value": "9"}),
            ],
        ),
    ),
    metadata=signed_in,
)
found = claims.SubmitClaim(claim_pb2.SubmitClaimRequest(name=draft.name, validate_only=True), metadata=signed_in)
expected = (finding_pb2.FindingCode.EXCESSIVE_LABOR_HOURS, finding_pb2.Finding.WARNING)

money = claim.totals.approved
print(
    json.dumps(
        {
            "read": [claim.name, Claim.State.Name(claim.state), money.currency_code, str(money.units)],
            # gRPC has no status of HTTP; 400 is what FAILED_PRECONDITION is there. Its message is always English.
            "refused": [400, reason.reason, text.message],
            "draft": [Claim.State.Name(draft.state), draft.vin, draft.complaint_date.day, draft.lines[1].hours.value],
            "finding": any((finding.code, finding.severity) == expected for finding in found.findings),
        }
    )
)
