//! The evidence pack: what an appraiser is given of a claim, frozen, item by item with hashes.
//!
//! It is made of what the failure was, never of who the customer is, who works where, or what anything cost.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::canonical::{canonical_json, sha256_hex};
use crate::claims::{Claim, Line, LineContent};

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ItemKind {
    /// The report of the repair.
    Revision,
    /// A line of the claim.
    Line,
    /// What the system found at submission.
    Finding,
    /// A photo, reading or document that is kept elsewhere.
    Attachment,
}

/// One item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What it is.
    pub kind: ItemKind,
    /// Its name.
    pub name: String,
    /// SHA-256 of its content; of a file that is kept elsewhere the one that the submission froze, if its bytes were
    /// there.
    pub hash: String,
    /// Its content as canonical JSON; empty for a file that is kept elsewhere.
    pub content: String,
}

/// Something that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// What.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// A frozen evidence pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidencePack {
    /// The revision that it was made from.
    pub revision: u32,
    /// When it was frozen.
    pub freeze_time: DateTime<Utc>,
    /// Hash over its manifest.
    pub hash: String,
    /// Its items.
    pub items: Vec<Item>,
    /// What was left out.
    pub withheld: Vec<Withheld>,
}

/// What every pack leaves out, and why.
const WITHHELD: [(&str, &str); 6] = [
    ("customer", "who owns the vehicle does not bear on why it failed"),
    ("names of users", "who wrote what is known to the manufacturer and stays with it"),
    ("prices and amounts", "what the repair cost does not bear on why it failed"),
    ("labour rates of the station", "terms between the manufacturer and the station"),
    ("internal notes and decisions", "the conclusion must not be led"),
    ("numbers of the station's own system", "they lead to the customer"),
];

impl EvidencePack {
    /// Freezes what is known of a claim.
    pub fn freeze(claim: &Claim, now: DateTime<Utc>) -> Self {
        let mut items = vec![item(ItemKind::Revision, format!("revisions/{}", claim.revision()), &report(claim))];
        items
            .extend(claim.lines.iter().map(|line| item(ItemKind::Line, format!("lines/{}", line.number), &work(line))));
        for (number, finding) in (1..).zip(&claim.findings) {
            let content = json!({"code": finding.code.word(), "severity": finding.severity, "field": finding.field});
            items.push(item(ItemKind::Finding, format!("findings/{number}"), &content));
        }
        items.extend(claim.header.evidence.iter().map(|name| Item {
            kind: ItemKind::Attachment,
            name: name.clone(),
            hash: attachment_hash(claim, name),
            content: String::new(),
        }));
        let withheld =
            WITHHELD.iter().map(|(what, reason)| Withheld { what: (*what).into(), reason: (*reason).into() });
        let mut pack = Self {
            revision: claim.revision(),
            freeze_time: now,
            hash: String::new(),
            items,
            withheld: withheld.collect(),
        };
        pack.hash = pack.digest();
        pack
    }

    /// Items whose content does not have its hash, and the pack itself if its manifest does not.
    pub fn faults(&self) -> Vec<String> {
        let altered = |item: &&Item| !item.content.is_empty() && sha256_hex(&item.content) != item.hash;
        let mut faults: Vec<String> = self.items.iter().filter(altered).map(|item| item.name.clone()).collect();
        if self.digest() != self.hash {
            faults.push("manifest".to_owned());
        }
        faults
    }

    fn digest(&self) -> String {
        let items: Vec<Value> =
            self.items.iter().map(|item| json!({"kind": item.kind, "name": item.name, "hash": item.hash})).collect();
        let withheld: Vec<&str> = self.withheld.iter().map(|left_out| left_out.what.as_str()).collect();
        sha256_hex(&canonical_json(&json!({"revision": self.revision, "items": items, "withheld": withheld})))
    }
}

/// The hash of a file that the submission froze; empty for one whose bytes were not there.
fn attachment_hash(claim: &Claim, name: &str) -> String {
    let key = name.strip_prefix("attachments/").and_then(|key| Uuid::parse_str(key).ok());
    let frozen = claim.submission.as_ref().zip(key).and_then(|(submission, key)| submission.evidence.get(&key));
    frozen.map(ToString::to_string).unwrap_or_default()
}

fn item(kind: ItemKind, name: String, content: &Value) -> Item {
    let content = canonical_json(content);
    Item { kind, name, hash: sha256_hex(&content), content }
}

/// The report of the repair: every field is named, so that a new one is left out until somebody decides.
fn report(claim: &Claim) -> Value {
    let header = &claim.header;
    json!({
        "kind": claim.kind.word(),
        "vin": header.vin,
        "complaintCode": header.complaint_code,
        "complaintDescription": header.complaint_description,
        "causeCode": header.cause_code,
        "causeDescription": header.cause_description,
        "correctionDescription": header.correction_description,
        "failureCode": header.failure_code,
        "locationCode": header.location_code,
        "causalPart": header.causal_part,
        "relatedParts": header.related_parts,
        "dtcs": header.dtcs.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "odometerInKm": header.odometer_in_km,
        "odometerOutKm": header.odometer_out_km,
        "complaintDate": header.complaint_date,
        "repairStartDate": header.repair_start_date,
        "repairCompletionDate": header.repair_completion_date,
        "campaign": header.campaign,
        "repeatRepair": header.repeat_repair_indicator,
    })
}

fn work(line: &Line) -> Value {
    let LineContent {
        line_type,
        part,
        operation,
        description,
        quantity,
        hours,
        actual_hours,
        additional_hours,
        additional_hours_comment,
        original_serial_number,
        replacement_serial_number,
        is_causal,
        ..
    } = &line.content;
    json!({
        "number": line.number,
        "type": line_type.word(),
        "part": part,
        "operation": operation,
        "description": description,
        "quantity": quantity.map(|quantity| quantity.to_string()),
        "hours": hours.map(|hours| hours.to_string()),
        "actualHours": actual_hours.map(|hours| hours.to_string()),
        "additionalHours": additional_hours.map(|hours| hours.to_string()),
        "additionalHoursComment": additional_hours_comment,
        "originalSerialNumber": original_serial_number,
        "replacementSerialNumber": replacement_serial_number,
        "isCausal": is_causal,
    })
}
