"""The client of the OpenAPI generator, called over REST."""

import json
import os
import sys
import uuid

sys.path.insert(0, sys.argv[1])
import recourse_client as api  # noqa: E402

configuration = api.Configuration(host=os.environ["RECOURSE_BASE"])
with api.ApiClient(configuration) as client:
    session = api.SessionServiceApi(client).create_session(
        api.CreateSessionRequest(user_name="s001", password="quiet-harbour-2026")
    )
    configuration.access_token = session.access_token
    claims = api.ClaimServiceApi(client)

    page = claims.list_claims(filter='state = "APPROVED"', page_size=1)
    claim = claims.get_claim(page.claims[0].name.split("/")[1])

    try:
        claims.withdraw_claim(claim.name.split("/")[1], accept_language="zh-CN")
        sys.exit("it was not refused")
    except api.ApiException as error:
        problem = api.Problem.from_json(error.body)

    draft = claims.create_claim(
        api.Claim(
            kind=api.ClaimKind.WARRANTY_REPAIR,
            vin="lrca5g15xsn000001",
            complaint_date=api.CalendarDate(year=2026, month=11, day=16),
            lines=[
                api.ClaimLine(
                    type=api.ClaimLineType.PART,
                    part="parts/P-1001",
                    quantity=api.DecimalNumber(value="1"),
                    is_causal=True,
                ),
                api.ClaimLine(
                    type=api.ClaimLineType.LABOR,
                    operation="laborOperations/OP-1001",
                    hours=api.DecimalNumber(value="9"),
                ),
            ],
        ),
        claim_id=str(uuid.uuid4()),
    )
    found = claims.submit_claim(
        draft.name.split("/")[1],
        claim_service_submit_claim_body=api.ClaimServiceSubmitClaimBody(validate_only=True),
    )
    expected = (api.FindingCode.EXCESSIVE_LABOR_HOURS, api.FindingSeverity.WARNING)

money = claim.totals.approved
print(
    json.dumps(
        {
            "read": [claim.name, claim.state.value, money.currency_code, money.units],
            "refused": [problem.status, problem.reason.value, problem.detail],
            "draft": [draft.state.value, draft.vin, draft.complaint_date.day, draft.lines[1].hours.value],
            "finding": any((finding.code, finding.severity) == expected for finding in found.findings),
        }
    )
)
