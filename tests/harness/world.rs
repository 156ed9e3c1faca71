//! A small world for the API suite: master data, one account per role, and a claim that can be submitted.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::client::Client;
use super::{Backend, Database, Server};

/// Password of every account of the tests.
pub const PASSWORD: &str = "blue tractors sing";
/// A vehicle that was sold a year ago and is covered.
pub const VIN: &str = "LSVAA4187S2184841";

/// Callers of a prepared server, one per role.
pub struct World {
    /// Keeps master data and users.
    pub admin: Client,
    /// Decides claims.
    pub auditor: Client,
    /// Decides claims too, and may grant goodwill.
    pub second_auditor: Client,
    /// Reads the ledger.
    pub finance: Client,
    /// Claims for S-001.
    pub station: Client,
    /// Claims for S-002.
    pub other_station: Client,
    /// Works for S-001.
    pub technician: Client,
    /// Supplies the pump.
    pub supplier: Client,
    /// Appraises.
    pub appraiser: Client,
    /// Appraises for another organisation.
    pub other_appraiser: Client,
    /// Supplies other pumps.
    pub other_supplier: Client,
    /// Has not signed in.
    pub anonymous: Client,
}

/// A database in which the world stands, and the tokens of its people.
pub struct Prepared {
    /// The database; nobody is connected to it.
    pub database: Database,
    /// Access tokens by user name.
    pub tokens: BTreeMap<&'static str, String>,
}

/// The accounts: user name, organisation, role, rights.
const ACCOUNTS: [(&str, &str, &str, &[&str]); 10] = [
    ("auditor", "organizations/OEM", "AUDITOR", &[]),
    ("auditor2", "organizations/OEM", "AUDITOR", &["GOODWILL"]),
    ("finance", "organizations/OEM", "FINANCE", &[]),
    ("s001", "stations/S-001", "STATION", &["MANAGER"]),
    ("s002", "stations/S-002", "STATION", &[]),
    ("tech", "stations/S-001", "TECHNICIAN", &[]),
    ("supplier", "suppliers/SUP-017", "SUPPLIER", &[]),
    ("appraiser", "appraisers/A-01", "APPRAISER", &[]),
    ("appraiser2", "appraisers/A-02", "APPRAISER", &[]),
    ("supplier2", "suppliers/SUP-018", "SUPPLIER", &[]),
];

/// The prepared world of a database: made once per run through the API itself, then copied.
pub async fn prepared(backend: Backend) -> Option<&'static Prepared> {
    static SQLITE: OnceCell<Option<Prepared>> = OnceCell::const_new();
    static POSTGRES: OnceCell<Option<Prepared>> = OnceCell::const_new();
    let cell = match backend {
        Backend::Sqlite => &SQLITE,
        Backend::Postgres => &POSTGRES,
    };
    cell.get_or_init(|| prepare(backend)).await.as_ref()
}

async fn prepare(backend: Backend) -> Option<Prepared> {
    Some(prepare_in(Database::create(backend).await?).await)
}

/// Makes the world in a database.
pub async fn prepare_in(database: Database) -> Prepared {
    let server = Server::over(database, BTreeMap::new()).await;
    server.running.api.add_admin("admin", PASSWORD).await.expect("the first administrator");
    let anonymous = Client::anonymous(&server);
    let admin = anonymous.sign_in("admin", PASSWORD).await;
    load_master_data(&admin).await;
    let mut tokens = BTreeMap::from([("admin", admin.token().expect("signed in").to_owned())]);
    for (name, organization, role, rights) in ACCOUNTS {
        // The second auditor is of a higher level, where a test sets limits.
        let level = if name == "auditor2" { 3 } else { 0 };
        let membership =
            json!({"organization": organization, "roles": [role], "rights": rights, "approvalLevel": level});
        let user = json!({"userName": name, "displayName": name, "memberships": [membership]});
        admin.post("/v1/users", json!({"user": user, "password": PASSWORD})).await.ok();
        let signed_in = anonymous.sign_in(name, PASSWORD).await;
        tokens.insert(name, signed_in.token().expect("signed in").to_owned());
    }
    let Server { database, running, .. } = server;
    let store = running.api.store().clone();
    running.stop().await;
    store.close().await.expect("closed");
    Prepared { database, tokens }
}

impl World {
    /// The callers of a prepared server.
    pub async fn load(server: &Server) -> Self {
        let anonymous = Client::anonymous(server);
        let caller = |name: &str| anonymous.with_token(&server.tokens[name]);
        Self {
            admin: caller("admin"),
            auditor: caller("auditor"),
            second_auditor: caller("auditor2"),
            finance: caller("finance"),
            station: caller("s001"),
            other_station: caller("s002"),
            technician: caller("tech"),
            supplier: caller("supplier"),
            appraiser: caller("appraiser"),
            other_appraiser: caller("appraiser2"),
            other_supplier: caller("supplier2"),
            anonymous: anonymous.clone(),
        }
    }

    /// Lets SUP-017 bear a share of failed pumps: 80 % unless an appraisal says otherwise, labour at half.
    pub async fn agree_on_recovery(&self, supplier: &str, deemed: bool) {
        let contract = json!({
            "validFrom": date("2024-01-01"), "partFactorBp": 10_000, "laborFactorBp": 5_000, "travelFactorBp": 0,
            "otherFactorBp": 0, "answerDays": 15, "deemedClause": deemed,
        });
        let path = format!("/v1/suppliers/{supplier}");
        self.admin.patch(&path, json!({"recoveryContracts": [contract]})).await.ok();
        let agreement = json!({
            "part": "parts/P-1001", "supplier": format!("suppliers/{supplier}"), "validFrom": date("2024-01-01"),
            "shareBp": 8_000,
        });
        self.admin.post(&format!("/v1/shareAgreements?shareAgreementId=SA-{supplier}"), agreement).await.ok();
    }

    /// Submits a claim for a failed pump and takes it into review; answers its name.
    pub async fn in_review(&self, claim: Value) -> String {
        let name = self.submitted(claim).await;
        self.auditor.post(&format!("/v1/{name}:startReview"), json!({})).await.ok();
        name
    }

    /// Approves every line of a claim in review; answers the claim.
    pub async fn approved(&self, name: &str) -> Value {
        let etag = self.auditor.get(&format!("/v1/{name}")).await.ok()["etag"].clone();
        let lines = json!([{"lineNumber": 1, "outcome": "APPROVED"}, {"lineNumber": 2, "outcome": "APPROVED"}]);
        self.auditor.post(&format!("/v1/{name}:adjudicate"), json!({"etag": etag, "lineDecisions": lines})).await.ok()
    }

    /// Creates and submits a claim; answers its name.
    pub async fn submitted(&self, claim: Value) -> String {
        let created = self.station.post("/v1/claims", claim).await.ok();
        let name = created["name"].as_str().expect("a name").to_owned();
        self.station.post(&format!("/v1/{name}:submit"), json!({})).await.ok();
        name
    }
}

/// A date of the contract.
pub fn date(text: &str) -> Value {
    let mut parts = text.split('-').map(|part| part.parse::<i64>().expect("a number"));
    json!({"year": parts.next(), "month": parts.next(), "day": parts.next()})
}

/// An amount in yuan and fen.
pub fn cny(minor: i64) -> Value {
    let (units, nanos) = (minor / 100, minor % 100 * 10_000_000);
    let mut money = json!({"currencyCode": "CNY"});
    if units != 0 {
        money["units"] = json!(units.to_string());
    }
    if nanos != 0 {
        money["nanos"] = json!(nanos);
    }
    money
}

/// A claim for a failed fuel pump: 450.00 for the part, 1.80 hours at 120.00 for the work.
pub fn pump_claim() -> Value {
    json!({
        "kind": "WARRANTY_REPAIR",
        "vin": VIN,
        "complaintDescription": "stalls when hot",
        "causeDescription": "fuel pump seized",
        "correctionDescription": "fuel pump replaced",
        "failureCode": "failureCodes/F-101",
        "locationCode": "REAR",
        "causalPart": "parts/P-1001",
        "dtcs": ["P0230"],
        "odometerIn": {"value": "21000", "unit": "KILOMETER"},
        "complaintDate": date("2026-11-16"),
        "repairStartDate": date("2026-11-16"),
        "repairCompletionDate": date("2026-11-17"),
        "externalRepairOrder": "RO-1",
        "externalJob": "1",
        "lines": [
            {"type": "PART", "part": "parts/P-1001", "quantity": {"value": "1"}, "isCausal": true},
            {"type": "LABOR", "operation": "laborOperations/OP-1001"},
        ],
    })
}

fn dated(rows: &[(&str, Value)]) -> Value {
    rows.iter().map(|(from, price)| json!({"validFrom": date(from), "price": price})).collect()
}

/// Days, windows and rates of the test world, from 2024 on.
pub fn setting() -> Value {
    let from = date("2024-01-01");
    json!({
        "validFrom": from, "timeZone": "Asia/Shanghai",
        "submissionWindowDays": 30, "duplicateWindowDays": 60, "returnAnswerDays": 15, "appealDays": 30,
        "reviewDueDays": 7, "lookBackDays": 365, "paymentDays": 30, "statementObjectionDays": 5, "usedPartShipDays": 10,
        "returnableKinds": ["WARRANTY_REPAIR", "COMPENSATION_APPRAISAL", "MAJOR_ASSEMBLY"],
        "gradeRates": [{"grade": "A", "validFrom": from, "rate": cny(12_000)}, {"grade": "B", "validFrom": from, "rate": cny(9_000)}],
    })
}

async fn load_master_data(admin: &Client) {
    let from = date("2024-01-01");
    admin.post("/v1/settings?settingId=2024", setting()).await.ok();
    for (code, grade) in [("S-001", "A"), ("S-002", "B")] {
        let station = json!({
            "displayName": format!("Station {code}"), "grade": grade, "currency": "CNY", "paymentContract": "CLAIM_PRICE",
            "taxScheme": "GENERAL", "bays": 4, "repairOrderSystem": "EXTERNAL", "region": "EAST",
            "address": {"country": "CN", "province": "Jiangsu", "city": "Nanjing", "lines": ["1 Repair Road"]},
            "contact": {"name": "Desk", "phone": "025-0000"}, "openingHours": "08:00-18:00",
        });
        admin.post(&format!("/v1/stations?stationId={code}"), station).await.ok();
    }
    let supplier = json!({"displayName": "Pumps Ltd", "currency": "CNY"});
    admin.post("/v1/suppliers?supplierId=SUP-017", supplier).await.ok();
    admin.post("/v1/suppliers?supplierId=SUP-018", json!({"displayName": "More Pumps", "currency": "CNY"})).await.ok();
    for (code, name) in [("A-01", "Fair Appraisal"), ("A-02", "Second Look")] {
        let expert = json!({
            "displayName": "Wang", "licenseNumber": format!("EXP-{code}"),
            "validFrom": date("2026-01-01"), "validTo": date("2027-12-31"),
        });
        let appraiser = json!({"displayName": name, "experts": [expert]});
        admin.post(&format!("/v1/appraisers?appraiserId={code}"), appraiser).await.ok();
    }
    let pump = json!({
        "displayName": "Fuel pump", "category": "ENGINE", "unit": "PIECE", "assemblyClass": "ORDINARY",
        "usedPartRule": "RETURN_TO_OEM", "models": ["M1"], "quantityPerVehicle": {"value": "1"},
        "defaultSupplier": "suppliers/SUP-017",
        "retailPrices": dated(&[("2024-01-01", cny(60_000))]),
        "claimPrices": dated(&[("2024-01-01", cny(45_000))]),
        "dealerNetPrices": dated(&[("2024-01-01", cny(40_000))]),
        "recoveryPrices": dated(&[("2024-01-01", cny(38_000))]),
    });
    admin.post("/v1/parts?partId=P-1001", pump).await.ok();
    let engine = json!({
        "displayName": "Engine", "category": "ENGINE", "unit": "PIECE", "assemblyClass": "ASSEMBLY", "system": "ENGINE",
        "serialized": true, "usedPartRule": "RETURN_TO_SUPPLIER", "models": ["M1"], "quantityPerVehicle": {"value": "1"},
        "claimPrices": dated(&[("2024-01-01", cny(1_800_000))]),
        "retailPrices": dated(&[("2024-01-01", cny(2_400_000))]),
    });
    admin.post("/v1/parts?partId=P-1002", engine).await.ok();
    let foreign = json!({
        "displayName": "Traction motor", "category": "MOTOR", "unit": "PIECE", "assemblyClass": "ORDINARY",
        "usedPartRule": "HOLD", "models": ["E1"],
        "claimPrices": dated(&[("2024-01-01", cny(500_000))]),
    });
    admin.post("/v1/parts?partId=P-1003", foreign).await.ok();
    for (code, hours, group) in [("OP-1001", "1.80", "TANK"), ("OP-1002", "0.60", "TANK")] {
        let operation = json!({
            "displayName": format!("Operation {code}"), "partCategory": "ENGINE", "models": ["M1"],
            "defaultHours": {"value": hours}, "overlapGroup": group,
        });
        admin.post(&format!("/v1/laborOperations?laborOperationId={code}"), operation).await.ok();
    }
    let failure = json!({
        "displayName": "Fuel pump seized", "componentGroup": "FUEL", "failureMode": "SEIZED", "problemGroup": "FUEL-SUPPLY",
    });
    admin.post("/v1/failureCodes?failureCodeId=F-101", failure).await.ok();
    let policy = json!({
        "displayName": "Base warranty", "policyFamily": "BASE", "versionNumber": 1, "validFrom": from, "models": ["M1"],
        "terms": [{
            "code": "GENERAL", "kind": "GENERAL", "months": 36, "distance": {"value": "60000", "unit": "KILOMETER"},
            "clause": "4.1", "partCategories": [],
        }],
    });
    admin.post("/v1/warrantyPolicies?warrantyPolicyId=BASE-2024.1", policy).await.ok();
    admin.post("/v1/warrantyPolicies/BASE-2024.1:publish", json!({})).await.ok();
    let vehicle = json!({
        "vin": VIN, "model": "M1", "brand": "RC", "plant": "P1", "buildDate": date("2025-08-01"), "drivetrain": "COMBUSTION",
        "sale": {
            "invoiceNumber": "INV-1", "invoiceDate": date("2025-10-10"), "deliveryDate": date("2025-10-10"),
            "seller": "stations/S-001", "vehicleUse": "FAMILY",
        },
    });
    admin.post(&format!("/v1/vehicles?vehicleId={VIN}"), vehicle).await.ok();
}
