//! Field by field: what each reader sees of one case in which as much as possible is filled, over REST and over gRPC.
//! `tests/field-sight.txt` is the answer that was agreed on; a difference is a decision, not an accident.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use bytes::Bytes;
use prost_reflect::{DynamicMessage, MessageDescriptor, ReflectMessage, Value as Field};
use recourse_proto::{Method, descriptor_pool};
use serde_json::{Value, json};
use tonic::Code;

use super::attachments::{png, sent};
use crate::harness::client::Client;
use crate::harness::grpc::Grpc;
use crate::harness::world::{VIN, World, cny, date, pump_claim};
use crate::harness::{Backend, Server};

/// The readers, by the columns of the table.
const READERS: [(&str, &str); 11] = [
    ("AUDITOR", "auditor"),
    ("FINANCE", "finance"),
    ("ADMIN", "admin"),
    ("STATION", "s001"),
    ("TECHNICIAN", "tech"),
    ("other STATION", "s002"),
    ("SUPPLIER", "supplier"),
    ("other SUPPLIER", "supplier2"),
    ("APPRAISER", "appraiser"),
    ("other APPRAISER", "appraiser2"),
    ("nobody", ""),
];

/// A reader at both doors.
struct Reader {
    rest: Client,
    grpc: Grpc,
}

/// What was seen: the paths of a kind of resource, and who saw each.
#[derive(Default)]
struct Sight {
    seen: BTreeMap<(&'static str, String), BTreeSet<usize>>,
    refused: BTreeMap<(&'static str, usize), BTreeSet<u16>>,
}

/// The paths of a value's leaves; an empty object is a leaf.
fn json_paths(value: &Value, at: &str, paths: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                let deeper = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                json_paths(member, &deeper, paths);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| json_paths(item, &format!("{at}[]"), paths)),
        Value::Object(_) | Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {
            paths.insert(at.to_owned());
        }
    }
}

/// The same of a message, in the names of JSON.
fn message_paths(message: &DynamicMessage, at: &str, paths: &mut BTreeSet<String>) {
    let well_known = message.descriptor().full_name().starts_with("google.protobuf.");
    if well_known || message.fields().next().is_none() {
        paths.insert(at.to_owned());
        return;
    }
    for (field, value) in message.fields() {
        let deeper = if at.is_empty() { field.json_name().to_owned() } else { format!("{at}.{}", field.json_name()) };
        field_paths(value, &deeper, paths);
    }
}

fn field_paths(value: &Field, at: &str, paths: &mut BTreeSet<String>) {
    match value {
        Field::Message(message) => message_paths(message, at, paths),
        Field::List(items) => items.iter().for_each(|item| field_paths(item, &format!("{at}[]"), paths)),
        _ => {
            paths.insert(at.to_owned());
        }
    }
}

fn described(name: &str) -> MessageDescriptor {
    descriptor_pool().and_then(|pool| pool.get_message_by_name(name)).expect("a message of the contract")
}

impl Sight {
    /// Lets every reader look at a resource: what REST shows is what gRPC shows.
    async fn look(
        &mut self,
        readers: &[Reader],
        kind: &'static str,
        path: &str,
        method: Method,
        fields: &[(&str, Field)],
    ) {
        let spec = method.spec();
        let mut request = DynamicMessage::new(described(spec.input));
        for (name, value) in fields {
            request.set_field_by_name(name, value.clone());
        }
        for (column, reader) in readers.iter().enumerate() {
            let answer = reader.rest.get(path).await;
            let reply = reader.grpc.call(spec.grpc_path, &request).await;
            if answer.status != 200 {
                assert_ne!(reply.status.code(), Code::Ok, "{kind}: {} is refused over REST only", READERS[column].0);
                self.refused.entry((kind, column)).or_default().insert(answer.status);
                continue;
            }
            let (mut seen, mut over_grpc) = (BTreeSet::new(), BTreeSet::new());
            json_paths(&answer.body, "", &mut seen);
            let bytes: &Bytes = reply.messages.first().unwrap_or_else(|| panic!("{kind}: {:?}", reply.status));
            let message = DynamicMessage::decode(described(spec.output), bytes.clone()).expect("the reply");
            message_paths(&message, "", &mut over_grpc);
            assert_eq!(seen, over_grpc, "{kind}: {} sees other fields over gRPC", READERS[column].0);
            for told in told_by_name(&answer.body) {
                seen.insert(told);
            }
            for path in seen {
                self.seen.entry((kind, path)).or_default().insert(column);
            }
        }
    }

    /// What lists and exports show of a resource is what reading it shows, or less.
    async fn exported(&self, server: &Server, readers: &[Reader], kind: &'static str, path: &str, items: &str) {
        for (column, reader) in readers.iter().enumerate() {
            let seen: Vec<&String> = self
                .seen
                .iter()
                .filter(|((of, _), readers)| *of == kind && readers.contains(&column))
                .map(|((_, path), _)| path)
                .collect();
            // A column holds a whole money or date, of which reading shows the parts.
            let within = |path: &str, column: &str| {
                path.strip_prefix(column).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            };
            let own = |column: &str| seen.iter().any(|path| within(path, column));
            let page = reader.rest.get(path).await;
            for accept in ["application/x-ndjson", "text/csv"] {
                let url = format!("{}{path}", server.base);
                let request = reqwest::Client::new().get(url).header("accept", accept);
                let response = request.bearer_auth(reader.rest.token().unwrap_or_default()).send().await.unwrap();
                assert_eq!(response.status().as_u16(), page.status, "{kind}: {}", READERS[column].0);
                if page.status != 200 {
                    continue;
                }
                let text = response.text().await.unwrap();
                let shown = if accept == "text/csv" { csv_paths(&text) } else { ndjson_paths(&text) };
                let more: Vec<&String> = shown.iter().filter(|path| !own(path)).collect();
                assert!(more.is_empty(), "{kind}, {accept}: {} sees {more:?}", READERS[column].0);
                let listed = page.body[items].as_array().map_or(0, Vec::len);
                assert_eq!(shown.is_empty(), listed == 0, "{kind}, {accept}: {}", READERS[column].0);
            }
        }
    }

    /// The table: a line per path, a column per reader.
    fn table(&self) -> String {
        let mut table = format!("{:<76}", "field");
        READERS.iter().for_each(|(name, _)| write!(table, "{name:<16}").unwrap());
        table.truncate(table.trim_end().len());
        table.push('\n');
        let kinds: BTreeSet<&str> =
            self.seen.keys().map(|(kind, _)| *kind).chain(self.refused.keys().map(|(kind, _)| *kind)).collect();
        for kind in kinds {
            let mut line = format!("\n{kind:<76}");
            for column in 0..READERS.len() {
                let statuses = self.refused.get(&(kind, column)).cloned().unwrap_or_default();
                let text = statuses.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
                write!(line, "{text:<16}").unwrap();
            }
            writeln!(table, "{}", line.trim_end_matches(' ')).unwrap();
            for ((_, path), seen) in self.seen.iter().filter(|((of, _), _)| *of == kind) {
                let mut line = format!("  {path:<74}");
                for column in 0..READERS.len() {
                    write!(line, "{:<16}", if seen.contains(&column) { "x" } else { "-" }).unwrap();
                }
                writeln!(table, "{}", line.trim_end()).unwrap();
            }
        }
        table
    }
}

/// Values that name fields, as paths of their own: what changed, and what differs.
fn told_by_name(body: &Value) -> BTreeSet<String> {
    let rows =
        ["events", "changes", "differences"].into_iter().flat_map(|list| body[list].as_array().into_iter().flatten());
    let named = rows.flat_map(|row| {
        let kind = row["type"].as_str().map(|kind| format!("{kind} ")).unwrap_or_default();
        let paths = row["changedPaths"].as_array().into_iter().flatten().chain(row.get("path"));
        paths.filter_map(Value::as_str).map(move |path| format!("= {kind}{path}")).collect::<Vec<_>>()
    });
    named.collect()
}

fn ndjson_paths(text: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for line in text.lines() {
        json_paths(&serde_json::from_str(line).expect("a line of JSON"), "", &mut paths);
    }
    paths
}

/// The columns of a table in which something stands. Lists stand in their column as JSON.
fn csv_paths(text: &str) -> BTreeSet<String> {
    let mut rows = csv_rows(text).into_iter();
    let header = rows.next().unwrap_or_default();
    let mut paths = BTreeSet::new();
    for row in rows {
        for (column, cell) in header.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
            match serde_json::from_str(&cell) {
                Ok(value @ Value::Array(_)) => json_paths(&value, column, &mut paths),
                // What is not set stands as its default.
                Ok(Value::Bool(false)) => {}
                Ok(Value::Number(number)) if number.as_f64() == Some(0.0) => {}
                Ok(_) | Err(_) => {
                    paths.insert(column.clone());
                }
            }
        }
    }
    paths
}

fn csv_rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => cell.push(letters.next().unwrap()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            '\r' if !quoted => {}
            other => cell.push(other),
        }
    }
    rows
}

/// A claim in which a station and a technician say as much as they can.
fn full_claim(other: &str, photo: &str) -> Value {
    let mut claim = pump_claim();
    let more = json!({
        "complaintCode": "C-1", "causeCode": "K-1", "relatedParts": ["parts/P-1002"], "externalRef": "DMS-77",
        "odometerOut": {"value": "21010", "unit": "KILOMETER"}, "relatedClaims": [other], "evidence": [photo],
        "repeatRepairIndicator": true, "campaign": "",
        "warrantyRepair": {
            "immobilized": true, "towedIn": true, "goodwillRequest": "a loyal customer", "failureDate": date("2026-11-15"),
            "partInstalledDate": date("2025-10-10"), "partInstalledOdometer": {"value": "10", "unit": "KILOMETER"},
        },
        "lines": [
            {
                "number": 1, "type": "PART", "part": "parts/P-1001", "quantity": {"value": "1"}, "isCausal": true, "description": "pump",
                "originalSerialNumber": "OLD-1", "replacementSerialNumber": "NEW-1", "requestedAmount": cny(45_000),
                "taxCategory": "GOODS",
            },
            {
                "number": 2, "type": "LABOR", "operation": "laborOperations/OP-1001", "hours": {"value": "1.8"}, "actualHours": {"value": "2"},
                "additionalHours": {"value": "0.2"}, "additionalHoursComment": "rusted bolts",
            },
            {
                "type": "SUBLET", "description": "welding", "requestedAmount": cny(5_000), "subletInvoiceNumber": "SUB-1",
            },
        ],
    });
    for (name, value) in more.as_object().unwrap() {
        claim[name] = value.clone();
    }
    claim.as_object_mut().unwrap().remove("campaign");
    claim
}

async fn readers(server: &Server) -> Vec<Reader> {
    let (anonymous, grpc) = (Client::anonymous(server), Grpc::connect(server).await);
    let reader = |name: &str| match server.tokens.get(name) {
        Some(token) => Reader { rest: anonymous.with_token(token), grpc: grpc.with_token(token) },
        None => Reader { rest: anonymous.clone(), grpc: grpc.clone() },
    };
    READERS.iter().map(|(_, name)| reader(name)).collect()
}

fn text(value: &str) -> Field {
    Field::String(value.to_owned())
}

fn named(answer: &Value) -> String {
    answer["name"].as_str().expect("a name").to_owned()
}

/// What is looked at again and again while the case goes on.
async fn look_at_claim(sight: &mut Sight, readers: &[Reader], claim: &str) {
    let name = [("name", text(claim))];
    sight.look(readers, "claim", &format!("/v1/{claim}"), Method::ClaimServiceGetClaim, &name).await;
}

/// The case from the draft to the recovery; answers the names of claim, photo, appraisal and recovery.
async fn case(server: &Server, world: &World, sight: &mut Sight, readers: &[Reader]) -> [String; 4] {
    world.agree_on_recovery("SUP-017", true).await;
    let mut other = pump_claim();
    other["externalJob"] = json!("9");
    let other = named(&world.station.post("/v1/claims", other).await.ok());
    let photo = json!({
        "category": "PHOTO", "fileName": "Wang.png", "takenTime": "2026-11-16T08:30:00Z", "declaredContentType": "image/png",
        "place": {"latitude": 32.06, "longitude": 118.79},
    });
    let photo = sent(&world.station, &server.base, photo, &png(64, 48, 1, 900)).await;
    // The technician's draft, which the clerk completes.
    let claim = named(&world.technician.post("/v1/claims", pump_claim()).await.ok());
    let path = format!("/v1/{claim}");
    world.station.patch(&path, full_claim(&other, &photo)).await.ok();
    world.station.post(&format!("{path}:submit"), json!({})).await.ok();
    look_at_claim(sight, readers, &claim).await;
    let etag = world.auditor.post(&format!("{path}:startReview"), json!({})).await.ok()["etag"].clone();
    let reason = json!({
        "code": "EVIDENCE_MISSING", "clause": "4.1", "fix": "a clearer photo", "field": "evidence", "evidenceNeeded": "a photo",
    });
    let back = json!({"etag": etag, "reasons": [reason], "note": "please", "internalNote": "not the first time"});
    world.auditor.post(&format!("{path}:return"), back).await.ok();
    look_at_claim(sight, readers, &claim).await;
    let mut lines = full_claim(&other, &photo)["lines"].clone();
    (lines[0]["requestedAmount"], lines[2]["number"]) = (cny(44_000), json!(3));
    world.station.patch(&path, json!({"causeDescription": "fuel pump seized by rust", "lines": lines})).await.ok();
    world.station.post(&format!("{path}:submit"), json!({})).await.ok();
    world.auditor.post(&format!("{path}:startReview"), json!({})).await.ok();
    let appraisal = appraised(world, &claim).await;
    look_at_claim(sight, readers, &claim).await;
    world.second_auditor.post(&format!("{path}:startReview"), json!({})).await.ok();
    let etag = world.second_auditor.get(&path).await.ok()["etag"].clone();
    let decide = json!({"etag": etag, "note": "as seen", "internalNote": "watch them", "lineDecisions": [
        {"lineNumber": 1, "outcome": "APPROVED", "approvedAmount": cny(44_000), "goodwillAmount": cny(10_000),
         "note": "this once", "internalNote": "a good customer"},
        {"lineNumber": 2, "outcome": "REDUCED", "approvedAmount": cny(10_000),
         "reasons": [{"code": "EXCESSIVE_LABOR_HOURS", "clause": "5.2", "fix": "the standard time", "field": "hours"}]},
        {"lineNumber": 3, "outcome": "REJECTED", "reasons": [{"code": "EXCESSIVE_SUBLET"}]},
    ]});
    world.second_auditor.post(&format!("{path}:adjudicate"), decide).await.ok();
    world.station.post(&format!("{path}/appeals"), json!({"lineNumbers": [2], "grounds": "rusted"})).await.ok();
    let all = world.auditor.get(&format!("/v1/recoveryClaims?filter=claim%3D%22{claim}%22")).await.ok();
    let recovery = named(&all["recoveryClaims"][0]);
    recovered(world, &recovery).await;
    look_at_claim(sight, readers, &claim).await;
    [claim, photo, appraisal, recovery]
}

/// A proposal that was rejected: what its readers see of where money goes.
async fn proposal(world: &World) -> String {
    let account = json!({"bankName": "ICBC", "bankCode": "102", "holder": "Station 2", "number": "6222"});
    let station = json!({"name": "stations/S-002", "bankAccount": account});
    let proposed =
        json!({"commands": [{"updateStation": {"station": station}}], "reason": "moved", "externalRef": "C-1"});
    let proposed = world.auditor.post("/v1/changeProposals", proposed).await.ok();
    let reject = json!({"etag": proposed["etag"], "note": "ask them by telephone first"});
    world.admin.post(&format!("/v1/{}:reject", named(&proposed)), reject).await.ok();
    named(&proposed)
}

/// An appraisal in which every party says something.
async fn appraised(world: &World, claim: &str) -> String {
    let order = json!({
        "claim": claim, "appraiser": "appraisers/A-01", "questions": ["why did it seize?"], "externalRef": "LAB-9",
        "dueTime": "2026-12-10T00:00:00Z", "suppliers": ["suppliers/SUP-017"],
    });
    let appraisal = named(&world.auditor.post("/v1/appraisals", order).await.ok());
    let path = format!("/v1/{appraisal}");
    let expert = world.admin.get("/v1/appraisers/A-01").await.ok()["experts"][0]["id"].clone();
    world.appraiser.post(&format!("{path}:accept"), json!({"expert": expert})).await.ok();
    world.appraiser.post(&format!("{path}:start"), json!({})).await.ok();
    world.appraiser.post(&format!("{path}:requestInformation"), json!({"text": "which lot?"})).await.ok();
    world.station.post(&format!("{path}:provideInformation"), json!({"text": "L-7"})).await.ok();
    let findings = json!({
        "coverage": "COVERED", "summary": "porous casting", "rootCause": "wrong alloy", "evidence": ["attachments/x"],
        "causeContributions": [{"cause": "MATERIAL", "shareBp": 10_000, "description": "pores"}], "answers": ["pores"],
    });
    world.appraiser.post(&format!("{path}:shareDraft"), json!({"draft": findings})).await.ok();
    world.supplier.post(&format!("{path}:comment"), json!({"text": "the alloy was yours"})).await.ok();
    world.station.post(&format!("{path}:object"), json!({"text": "they bid for us"})).await.ok();
    world.appraiser.post(&format!("{path}:conclude"), json!({"findings": findings, "fee": cny(120_000)})).await.ok();
    let etag = world.auditor.get(&path).await.ok()["etag"].clone();
    let shares = json!([
        {"party": "SUPPLIER", "supplier": "suppliers/SUP-017", "shareBp": 7_000, "reason": "casting"},
        {"party": "OEM", "shareBp": 3_000, "reason": "specification"},
    ]);
    let decide = json!({"etag": etag, "shares": shares, "note": "as the expert says"});
    world.auditor.post(&format!("{path}:decideLiability"), decide).await.ok();
    world.auditor.post(&format!("{path}:finalize"), json!({})).await.ok();
    appraisal
}

/// A recovery that is answered in every way, decided, and asked to be given up.
async fn recovered(world: &World, recovery: &str) {
    let path = format!("/v1/{recovery}");
    let issue = json!({"deliveryProof": "EMS 1", "waitsFor": ["PART"]});
    world.auditor.post(&format!("{path}:issue"), issue).await.ok();
    world.auditor.post(&format!("{path}:resume"), json!({"missing": "PART"})).await.ok();
    let answer = json!({"lines": [
        {"lineNumber": 1, "answer": "CONFIRM"},
        {"lineNumber": 2, "answer": "COUNTER", "shareBp": 1_000, "reason": "too many hours"},
    ]});
    world.supplier.post(&format!("{path}:answer"), answer).await.ok();
    let record =
        json!({"lines": [{"lineNumber": 2, "answer": "DISPUTE", "reason": "their letter"}], "letter": "letter 5"});
    world.finance.post(&format!("{path}:answer"), record).await.ok();
    let etag = world.finance.get(&path).await.ok()["etag"].clone();
    world.finance.post(&format!("{path}:waive"), json!({"etag": etag, "reason": "insolvent"})).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_reader_sees_the_fields_that_were_agreed_on() {
    let Some(server) = Server::start(Backend::Sqlite).await else { return };
    let (world, readers, mut sight) = (World::load(&server).await, readers(&server).await, Sight::default());
    let proposal = proposal(&world).await;
    let [claim, photo, appraisal, recovery] = case(&server, &world, &mut sight, &readers).await;
    let one = |name: &str| [("name", text(name))];
    for (kind, name, method) in [
        ("revision", format!("{claim}/revisions/2"), Method::ClaimServiceGetClaimRevision),
        ("appeal", format!("{claim}/appeals/1"), Method::AppealServiceGetAppeal),
        ("appraisal", appraisal.clone(), Method::AppraisalServiceGetAppraisal),
        ("evidence pack", format!("{appraisal}/evidencePack"), Method::AppraisalServiceGetEvidencePack),
        ("recovery claim", recovery.clone(), Method::RecoveryServiceGetRecoveryClaim),
        ("attachment", photo.clone(), Method::AttachmentServiceGetAttachment),
        ("part", "parts/P-1001".to_owned(), Method::PartServiceGetPart),
        ("station", "stations/S-001".to_owned(), Method::StationServiceGetStation),
        ("supplier", "suppliers/SUP-017".to_owned(), Method::SupplierServiceGetSupplier),
        ("appraiser", "appraisers/A-01".to_owned(), Method::AppraiserServiceGetAppraiser),
        ("vehicle", format!("vehicles/{VIN}"), Method::VehicleServiceGetVehicle),
        ("change proposal", proposal, Method::ChangeProposalServiceGetChangeProposal),
    ] {
        sight.look(&readers, kind, &format!("/v1/{name}"), method, &one(&name)).await;
    }
    let verify = format!("/v1/{appraisal}:verify");
    sight.look(&readers, "verification", &verify, Method::AppraisalServiceVerifyAppraisal, &one(&appraisal)).await;
    let diff = format!("/v1/{claim}:diffRevisions?fromRevision=1&toRevision=2");
    let between = [("name", text(&claim)), ("from_revision", Field::I32(1)), ("to_revision", Field::I32(2))];
    sight.look(&readers, "difference", &diff, Method::ClaimServiceDiffClaimRevisions, &between).await;
    let history = [("parent", text(&format!("vehicles/{VIN}")))];
    let path = format!("/v1/vehicles/{VIN}/history");
    sight.look(&readers, "vehicle history", &path, Method::VehicleServiceListVehicleHistory, &history).await;
    for (kind, name) in
        [("events of claim", &claim), ("events of appraisal", &appraisal), ("events of recovery", &recovery)]
    {
        let path = format!("/v1/events?resource={name}&pageSize=100");
        let of = [("resource", text(name)), ("page_size", Field::I32(100))];
        sight.look(&readers, kind, &path, Method::EventServiceListEvents, &of).await;
    }
    // The numbers of the feed are given a moment later.
    numbered(&world.auditor, &recovery).await;
    let feed = [("page_size", Field::I32(1000))];
    sight.look(&readers, "feed", "/v1/events:changes?pageSize=1000", Method::EventServiceListChanges, &feed).await;
    watched(&readers).await;
    for (kind, path, items) in [
        ("claim", format!("/v1/claims?filter=number%3D{}", number_of(&world, &claim).await), "claims"),
        ("appraisal", "/v1/appraisals".to_owned(), "appraisals"),
        ("recovery claim", "/v1/recoveryClaims".to_owned(), "recoveryClaims"),
        ("attachment", "/v1/attachments".to_owned(), "attachments"),
    ] {
        sight.exported(&server, &readers, kind, &path, items).await;
    }
    compare(&sight.table());
}

async fn number_of(world: &World, claim: &str) -> String {
    format!("%22{}%22", world.auditor.get(&format!("/v1/{claim}")).await.ok()["number"].as_str().unwrap())
}

async fn numbered(reader: &Client, newest: &str) {
    for _ in 0..100 {
        let page = reader.get("/v1/events:changes?pageSize=1000").await.ok();
        let mut items = page["changes"].as_array().into_iter().flatten();
        if items.any(|item| item["resource"] == json!(newest) && item["verb"] == "waive") {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the feed never came to the newest change");
}

/// Whoever watches is told what whoever asks is told.
async fn watched(readers: &[Reader]) {
    for (column, reader) in readers.iter().enumerate() {
        let page = reader.rest.get("/v1/events:changes?pageSize=1000").await;
        let expected = page.body["changes"].as_array().cloned().unwrap_or_default();
        if page.status != 200 || expected.is_empty() {
            continue;
        }
        let mut stream = reader.rest.watch("/v1/events:watch").await;
        let mut told = Vec::new();
        let mut text = String::new();
        while told.len() < expected.len() {
            let chunk =
                tokio::time::timeout(std::time::Duration::from_secs(10), stream.chunk()).await.expect("in time");
            text.push_str(std::str::from_utf8(&chunk.unwrap().expect("more")).unwrap());
            while let Some((line, rest)) = text.split_once('\n') {
                told.push(serde_json::from_str::<Value>(line).unwrap());
                text = rest.to_owned();
            }
        }
        assert_eq!(told, expected, "{}", READERS[column].0);
    }
}

fn compare(table: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/field-sight.txt");
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    if committed != table {
        std::fs::write(path.with_extension("txt.new"), table).unwrap();
        panic!("what readers see changed; compare tests/field-sight.txt.new and commit it as field-sight.txt");
    }
}
