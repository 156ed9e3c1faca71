// The types come from the OpenAPI document alone (`api.d.ts`); nothing here is cast.
import { randomUUID } from "node:crypto";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Problem = components["schemas"]["Problem"];
type Claim = components["schemas"]["Claim"];

const baseUrl = process.env["RECOURSE_BASE"] ?? "http://127.0.0.1:8080";
const api = createClient<paths, "application/json" | "application/problem+json">({ baseUrl });

function answered<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

const session = answered(
  await api.POST("/v1/sessions", { body: { userName: "s001", password: "quiet-harbour-2026" } }),
);
api.use({
  onRequest({ request }) {
    request.headers.set("authorization", `Bearer ${session.accessToken}`);
    return request;
  },
});

const page = answered(
  await api.GET("/v1/claims", { params: { query: { filter: 'state = "APPROVED"', pageSize: 1 } } }),
);
const id = (claim: Claim): string => claim.name?.split("/")[1] ?? "";
const first = page.claims?.[0];
if (first === undefined) throw new Error("the demo has no approved claim");
const claim: Claim = answered(await api.GET("/v1/claims/{claim}", { params: { path: { claim: id(first) } } }));

const refused = await api.POST("/v1/claims/{claim}:withdraw", {
  params: { path: { claim: id(claim) }, header: { "Accept-Language": "zh-CN" } },
  body: {},
});
const problem: Problem | undefined = refused.error;

const draft: Claim = answered(
  await api.POST("/v1/claims", {
    params: { query: { claimId: randomUUID() } },
    body: {
      kind: "WARRANTY_REPAIR",
      vin: "lrca5g15xsn000001",
      complaintDate: { year: 2026, month: 11, day: 16 },
      lines: [
        { type: "PART", part: "parts/P-1001", quantity: { value: "1" }, isCausal: true },
        { type: "LABOR", operation: "laborOperations/OP-1001", hours: { value: "9" } },
      ],
    },
  }),
);
const found = answered(
  await api.POST("/v1/claims/{claim}:submit", {
    params: { path: { claim: id(draft) } },
    body: { validateOnly: true },
  }),
);

console.log(
  JSON.stringify({
    read: [claim.name, claim.state, claim.totals?.approved?.currencyCode, claim.totals?.approved?.units],
    refused: [problem?.status, problem?.reason, problem?.detail],
    draft: [draft.state, draft.vin, draft.complaintDate?.day, draft.lines?.[1]?.hours?.value],
    finding: found.findings?.some((finding) => finding.code === "EXCESSIVE_LABOR_HOURS" && finding.severity === "WARNING"),
  }),
);
