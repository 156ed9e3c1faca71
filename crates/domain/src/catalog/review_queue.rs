//! Queues of claims that wait for an auditor.

use serde::{Deserialize, Serialize};

use super::common::{Checks, text, text_value, title, title_value};
use super::record::{ColumnValue, Field, Record};
use crate::change::Audience;
use crate::claims::Kind;
use crate::ids::Code;
use crate::text::Violation;

/// A queue of claims that wait for an auditor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewQueue {
    /// Its code.
    pub code: Code,
    /// Name in English.
    pub display_name: String,
    /// Name in Chinese.
    pub display_name_zh: String,
    /// Kinds of claim that come here by themselves; empty means all.
    pub kinds: Vec<Kind>,
    /// Regions of stations whose claims come here by themselves; empty means all.
    pub regions: Vec<String>,
    /// Its key in the system of whoever created it.
    pub external_ref: String,
}

impl ReviewQueue {
    /// Whether a claim comes here that no rule sends elsewhere. A queue without kinds and regions is filled by
    /// rules and people only.
    pub fn serves(&self, kind: Kind, region: &str) -> bool {
        let chooses = !self.kinds.is_empty() || !self.regions.is_empty();
        let kind = self.kinds.is_empty() || self.kinds.contains(&kind);
        let region = self.regions.is_empty() || self.regions.iter().any(|served| served == region);
        chooses && kind && region
    }
}

impl Record for ReviewQueue {
    const COLLECTION: &'static str = "reviewQueues";
    const TABLE: &'static str = "review_queue";
    const FIELDS: &'static [Field] = &[title("display_name"), text("external_ref")];

    fn code(&self) -> &str {
        self.code.as_str()
    }

    fn columns(&self) -> Vec<ColumnValue> {
        vec![title_value(&self.display_name), text_value(&self.external_ref)]
    }

    fn check(&self) -> Vec<Violation> {
        let mut checks = Checks::default();
        checks.filled(&self.display_name, "display_name");
        checks.distinct(&self.kinds, "kinds");
        checks.distinct(&self.regions, "regions");
        checks.found()
    }

    fn audience(&self, _id: uuid::Uuid) -> Audience {
        Audience::Oem
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_serves_its_kinds_and_regions_and_nothing_unless_it_names_some() {
        let queue = |kinds: &[Kind], regions: &[&str]| ReviewQueue {
            code: Code::parse("EAST").unwrap(),
            display_name: "East".to_owned(),
            display_name_zh: String::new(),
            kinds: kinds.to_vec(),
            regions: regions.iter().map(|region| (*region).to_owned()).collect(),
            external_ref: String::new(),
        };
        for (kinds, regions, serves) in [
            (&[][..], &[][..], false),
            (&[Kind::WarrantyRepair][..], &[][..], true),
            (&[Kind::RoadsideRescue][..], &[][..], false),
            (&[][..], &["EAST"][..], true),
            (&[][..], &["WEST"][..], false),
            (&[Kind::WarrantyRepair][..], &["WEST"][..], false),
            (&[Kind::WarrantyRepair][..], &["WEST", "EAST"][..], true),
        ] {
            assert_eq!(queue(kinds, regions).serves(Kind::WarrantyRepair, "EAST"), serves, "{kinds:?} {regions:?}");
        }
        assert_eq!(queue(&[], &[]).columns().len(), ReviewQueue::FIELDS.len());
        let twice = queue(&[], &["EAST", "EAST"]);
        assert_eq!(twice.check()[0].field, "regions[1]");
    }
}
