// One client over gRPC-Web, as a browser has it, and one over gRPC: the same port, the same messages.
import { randomUUID } from "node:crypto";
import { createClient, ConnectError, Code, type Interceptor, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { ErrorInfoSchema, LocalizedMessageSchema } from "./gen/google/rpc/error_details_pb.js";
import { Claim_Kind, Claim_State, ClaimService } from "./gen/recourse/v1/claim_pb.js";
import { ClaimLine_Type } from "./gen/recourse/v1/claim_line_pb.js";
import { Finding_Severity, FindingCode_Code } from "./gen/recourse/v1/finding_pb.js";
import { SessionService } from "./gen/recourse/v1/session_pb.js";

const baseUrl = process.env["RECOURSE_BASE"] ?? "http://127.0.0.1:8080";

async function use(transport: (interceptors: Interceptor[]) => Transport): Promise<string> {
  const session = await createClient(SessionService, transport([])).createSession({
    userName: "s001",
    password: "quiet-harbour-2026",
  });
  const signedIn: Interceptor = (next) => (request) => {
    request.header.set("authorization", `Bearer ${session.accessToken}`);
    return next(request);
  };
  const claims = createClient(ClaimService, transport([signedIn]));

  const page = await claims.listClaims({ filter: 'state = "APPROVED"', pageSize: 1 });
  const claim = await claims.getClaim({ name: page.claims[0]?.name ?? "" });

  let refusal: ConnectError | undefined;
  try {
    await claims.withdrawClaim({ name: claim.name }, { headers: { "accept-language": "zh-CN" } });
  } catch (error) {
    refusal = ConnectError.from(error);
  }
  if (refusal?.code !== Code.FailedPrecondition) throw new Error(`not refused: ${refusal}`);

  const draft = await claims.createClaim({
    claimId: randomUUID(),
    claim: {
      kind: Claim_Kind.WARRANTY_REPAIR,
      vin: "lrca5g15xsn000001",
      complaintDate: { year: 2026, month: 11, day: 16 },
      lines: [
        { type: ClaimLine_Type.PART, part: "parts/P-1001", quantity: { value: "1" }, isCausal: true },
        { type: ClaimLine_Type.LABOR, operation: "laborOperations/OP-1001", hours: { value: "9" } },
      ],
    },
  });
  const found = await claims.submitClaim({ name: draft.name, validateOnly: true });

  const money = claim.totals?.approved;
  return JSON.stringify({
    read: [claim.name, Claim_State[claim.state], money?.currencyCode, money?.units.toString()],
    // gRPC has no status of HTTP; 400 is what FAILED_PRECONDITION is there. Its message is always English.
    refused: [
      400,
      refusal.findDetails(ErrorInfoSchema)[0]?.reason,
      refusal.findDetails(LocalizedMessageSchema)[0]?.message,
    ],
    draft: [Claim_State[draft.state], draft.vin, draft.complaintDate?.day, draft.lines[1]?.hours?.value],
    finding: found.findings.some(
      (finding) =>
        finding.code === FindingCode_Code.EXCESSIVE_LABOR_HOURS && finding.severity === Finding_Severity.WARNING,
    ),
  });
}

const web = await use((interceptors) => createGrpcWebTransport({ baseUrl, interceptors }));
const grpc = await use((interceptors) => createGrpcTransport({ baseUrl, interceptors }));
if (web !== grpc) throw new Error(`gRPC-Web and gRPC differ:\n${web}\n${grpc}`);
console.log(web);
