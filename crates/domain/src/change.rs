//! The one change row per changed resource: audit trail, change feed and hash chain in one.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::ids::{CommandId, OrgId, UserId};

/// What happened to a resource.
///
/// The row is append-only. `hash` covers everything that is told to readers and the hash before it, and the
/// newest hash stands on the resource's own row: a flipped byte and a removed last row are both seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Key of the row.
    pub id: Uuid,
    /// The command that changed it, together with whatever else that command changed.
    pub command: CommandId,
    /// Public name of the resource: `claims/0198…`, `parts/P-100`.
    pub resource: String,
    /// Type of the resource: `claims`, `parts`.
    pub collection: String,
    /// Key of the resource's row.
    pub resource_id: Uuid,
    /// Version after the change.
    pub version: i64,
    /// What was done: `create`, `update`, `submit`, `adjudicate`.
    pub verb: String,
    /// Contract paths of the fields that changed; empty for a creation.
    pub paths: Vec<String>,
    /// The resource after the change as canonical JSON, without personal data and without secrets.
    pub snapshot: String,
    /// Who did it.
    pub actor: UserId,
    /// For whom.
    pub actor_org: OrgId,
    /// The job, if the system did it.
    pub job: Option<String>,
    /// When.
    pub time: DateTime<Utc>,
    /// Organisations that may read the resource at this moment.
    pub audience: Vec<OrgId>,
    /// Hash of the resource's row before this one; empty for the first.
    pub prev_hash: Vec<u8>,
    /// Hash over all of the above.
    pub hash: Vec<u8>,
}

/// Who may follow the changes of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The manufacturer only.
    Oem,
    /// Every signed-in organisation (and the manufacturer).
    Everyone,
    /// These organisations (and the manufacturer).
    Organizations(Vec<OrgId>),
}

impl Audience {
    /// The organisations, the manufacturer always among them.
    pub fn orgs(&self) -> Vec<OrgId> {
        match self {
            Audience::Oem => vec![OrgId::OEM],
            Audience::Everyone => vec![OrgId::EVERYONE, OrgId::OEM],
            Audience::Organizations(orgs) => {
                let mut all = orgs.clone();
                all.push(OrgId::OEM);
                all.sort_unstable();
                all.dedup();
                all
            }
        }
    }
}

impl Change {
    /// Computes the hash from everything else. Fields are length-prefixed, so no two rows share a text.
    pub fn seal(mut self) -> Self {
        self.hash = self.digest();
        self
    }

    /// Whether the stored hash fits what the row says.
    pub fn is_intact(&self) -> bool {
        self.hash == self.digest()
    }

    fn digest(&self) -> Vec<u8> {
        let mut hasher = Sha256::new();
        let mut field = |bytes: &[u8]| {
            hasher.update((bytes.len() as u64).to_be_bytes());
            hasher.update(bytes);
        };
        field(&self.prev_hash);
        field(self.id.as_bytes());
        field(self.command.0.as_bytes());
        field(self.resource.as_bytes());
        field(self.resource_id.as_bytes());
        field(&self.version.to_be_bytes());
        field(self.verb.as_bytes());
        field(self.paths.join(",").as_bytes());
        field(self.snapshot.as_bytes());
        field(self.actor.0.as_bytes());
        field(self.actor_org.0.as_bytes());
        field(self.job.as_deref().unwrap_or("").as_bytes());
        field(&self.time.timestamp_micros().to_be_bytes());
        for org in &self.audience {
            field(org.0.as_bytes());
        }
        hasher.finalize().to_vec()
    }
}
