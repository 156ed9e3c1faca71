// The client of the OpenAPI generator for Kotlin (OkHttp, Gson), called over REST.
import com.google.gson.Gson
import dev.recourse.client.apis.ClaimServiceApi
import dev.recourse.client.apis.SessionServiceApi
import dev.recourse.client.infrastructure.ApiClient
import dev.recourse.client.infrastructure.ClientError
import dev.recourse.client.infrastructure.ClientException
import dev.recourse.client.infrastructure.Serializer
import dev.recourse.client.models.CalendarDate
import dev.recourse.client.models.Claim
import dev.recourse.client.models.ClaimKind
import dev.recourse.client.models.ClaimLine
import dev.recourse.client.models.ClaimLineType
import dev.recourse.client.models.ClaimServiceSubmitClaimBody
import dev.recourse.client.models.CreateSessionRequest
import dev.recourse.client.models.DecimalNumber
import dev.recourse.client.models.FindingCode
import dev.recourse.client.models.FindingSeverity
import dev.recourse.client.models.Problem
import java.util.UUID

fun id(claim: Claim): String = claim.name!!.substringAfter('/')

fun main() {
    val base = System.getenv("RECOURSE_BASE") ?: "http://127.0.0.1:8080"
    val session = SessionServiceApi(base).createSession(
        CreateSessionRequest(userName = "s001", password = "quiet-harbour-2026"),
    )
    ApiClient.accessToken = session.accessToken
    val claims = ClaimServiceApi(base)

    val page = claims.listClaims(filter = "state = \"APPROVED\"", pageSize = 1)
    val claim = claims.getClaim(id(page.claims!!.first()))

    val problem = try {
        claims.withdrawClaim(id(claim), acceptLanguage = "zh-CN")
        error("it was not refused")
    } catch (refusal: ClientException) {
        Serializer.gson.fromJson((refusal.response as ClientError<*>).body as String, Problem::class.java)
    }

    val draft = claims.createClaim(
        claimId = UUID.randomUUID().toString(),
        claim = Claim(
            kind = ClaimKind.WARRANTY_REPAIR,
            vin = "lrca5g15xsn000001",
            complaintDate = CalendarDate(year = 2026, month = 11, day = 16),
            lines = listOf(
                ClaimLine(
                    type = ClaimLineType.PART,
                    part = "parts/P-1001",
                    quantity = DecimalNumber("1"),
                    isCausal = true,
                ),
                ClaimLine(
                    type = ClaimLineType.LABOR,
                    operation = "laborOperations/OP-1001",
                    hours = DecimalNumber("9"),
                ),
            ),
        ),
    )
    val found = claims.submitClaim(
        id(draft),
        claimServiceSubmitClaimBody = ClaimServiceSubmitClaimBody(validateOnly = true),
    )

    val money = claim.totals?.approved
    println(
        Gson().toJson(
            mapOf(
                "read" to listOf(claim.name, claim.state?.value, money?.currencyCode, money?.units),
                "refused" to listOf(problem.status, problem.reason?.value, problem.detail),
                "draft" to listOf(
                    draft.state?.value, draft.vin, draft.complaintDate?.day, draft.lines?.get(1)?.hours?.value,
                ),
                "finding" to found.findings.orEmpty().any {
                    it.code == FindingCode.EXCESSIVE_LABOR_HOURS && it.severity == FindingSeverity.WARNING
                },
            ),
        ),
    )
}
