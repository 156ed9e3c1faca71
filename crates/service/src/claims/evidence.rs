//! What is known of a claim's evidence: three queries, however much there is.

use std::collections::{BTreeMap, BTreeSet};

use recourse_domain::access::Scope;
use recourse_domain::attachments::Hash;
use recourse_domain::catalog::Part;
use recourse_domain::claims::{Claim, EvidenceFacts};
use recourse_domain::ids::Code;
use recourse_repository::Tx;

use crate::error::Answer;

/// Gathers it with the system's own reach, as all facts for checks.
pub(super) async fn gather(
    tx: &mut Tx<'_>,
    everything: &Scope,
    claim: &Claim,
    parts: &BTreeMap<Code, Part>,
) -> Answer<EvidenceFacts> {
    let attachments = tx.attachment_facts(&claim.evidence_keys()).await?;
    let hashes: BTreeSet<&Hash> = attachments.values().filter_map(|fact| fact.hash.as_ref()).collect();
    let uses = tx.evidence_uses(claim.id, &hashes).await?;
    let on_lines = claim.lines.iter().filter_map(|line| parts.get(line.content.part.as_ref()?));
    let categories: BTreeSet<&Code> = on_lines.map(|part| &part.category).collect();
    let rules = tx.evidence_rules_for(everything, claim, &categories).await?;
    Ok(EvidenceFacts { attachments, uses, rules })
}
