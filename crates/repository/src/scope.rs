//! A caller's scope as a condition of a query. There is one mapping per table, and no query without one.

use recourse_domain::access::Scope;
use recourse_domain::ids::OrgId;
use std::collections::BTreeSet;

use crate::sql::Sql;

/// A condition on organisations: the SQL before, between and after the places where their keys are listed.
type Reach = Option<&'static [&'static str]>;

/// Which rows of a table the dimensions of a scope reach. A dimension without a condition reaches none.
pub(crate) struct Dimensions {
    /// Rows of stations.
    station: Reach,
    /// Rows that concern suppliers.
    supplier: Reach,
    /// Rows of appraisers' cases.
    appraiser: Reach,
    /// Rows of organisations, whatever their kind.
    organization: Reach,
    /// The column of the person whose row it is, or who created it.
    person: Option<&'static str>,
}

const OWN_KEY: Reach = Some(&["id IN ", ""]);
const NOTHING: Dimensions =
    Dimensions { station: None, supplier: None, appraiser: None, organization: None, person: None };

/// Claims. Suppliers and appraisers reach those that they were given sight of.
pub(crate) const CLAIM: Dimensions = Dimensions {
    station: Some(&["station_id IN ", ""]),
    supplier: CLAIM_SIGHT,
    appraiser: CLAIM_SIGHT,
    organization: Some(&["station_id IN ", ""]),
    person: Some("created_by"),
};

/// Notes on claims: the station reads those that are meant for it.
pub(crate) const CLAIM_NOTE: Dimensions =
    Dimensions { station: Some(&["(visibility = 'EXTERNAL' AND station_id IN ", ")"]), ..NOTHING };

const ATTACHMENT_STATION: Reach = Some(&["attachment.station_id IN ", ""]);

/// Of the claims that an organisation has sight of, what shows the failure and is shared as it is or as a copy
/// without metadata; `sharing` of the domain says what that is, and a test holds the two together.
const ATTACHMENT_SIGHT: Reach = Some(&[
    "(attachment.station_id IN ",
    " OR (attachment.category IN ('PHOTO', 'FAULT_MEMORY', 'REPORT') AND attachment.content_type IN \
     ('image/jpeg', 'image/png', 'image/webp', 'text/plain', 'text/csv', 'application/json') AND EXISTS \
     (SELECT 1 FROM attachment_use e JOIN claim_sight s ON s.claim_id = e.claim_id \
     WHERE e.attachment_id = attachment.id AND s.org_id IN ",
    ")))",
]);

/// Attachments of a station, or made by a person of it. Suppliers and appraisers reach their own too, and what is
/// shared with them.
pub(crate) const ATTACHMENT: Dimensions = Dimensions {
    station: ATTACHMENT_STATION,
    supplier: ATTACHMENT_SIGHT,
    appraiser: ATTACHMENT_SIGHT,
    organization: ATTACHMENT_STATION,
    person: Some("attachment.created_by"),
};

/// Attachments of a person's own claims, whoever made them.
pub(crate) const ATTACHMENT_OF_CLAIM: Dimensions = Dimensions {
    station: ATTACHMENT_STATION,
    person: Some("(SELECT c.created_by FROM claim c WHERE c.id = attachment.claim_id)"),
    ..NOTHING
};

const CLAIM_SIGHT: Reach =
    Some(&["EXISTS (SELECT 1 FROM claim_sight s WHERE s.claim_id = claim.id AND s.org_id IN ", ")"]);

/// Prior authorisations, of the station that may use them.
pub(crate) const AUTHORIZATION: Dimensions =
    Dimensions { station: Some(&["station_id IN ", ""]), organization: Some(&["station_id IN ", ""]), ..NOTHING };

/// Entitlements of vehicles: whoever may ask for a vehicle may see all of its own.
pub(crate) const ENTITLEMENT: Dimensions = NOTHING;
/// Appraisals: the appraiser while it has sight of the claim, the station that claims, and suppliers that were
/// given sight of the claim as parties of the case.
pub(crate) const APPRAISAL: Dimensions = Dimensions {
    station: Some(&["station_id IN ", ""]),
    supplier: Some(&[
        "EXISTS (SELECT 1 FROM claim_sight s JOIN appraisal_party p ON p.org_id = s.org_id \
         WHERE s.claim_id = appraisal.claim_id AND p.appraisal_id = appraisal.id AND s.org_id IN ",
        ")",
    ]),
    appraiser: Some(&[
        "EXISTS (SELECT 1 FROM claim_sight s WHERE s.claim_id = appraisal.claim_id \
         AND s.org_id = appraisal.appraiser_id AND s.org_id IN ",
        ")",
    ]),
    ..NOTHING
};

/// Recovery claims: their supplier, once they are issued.
pub(crate) const RECOVERY_CLAIM: Dimensions =
    Dimensions { supplier: Some(&["(issue_time IS NOT NULL AND supplier_id IN ", ")"]), ..NOTHING };

/// Corrections, of the station that asks.
pub(crate) const CORRECTION: Dimensions =
    Dimensions { station: Some(&["station_id IN ", ""]), organization: Some(&["station_id IN ", ""]), ..NOTHING };

/// Proposals of changes: the manufacturer's own affair.
pub(crate) const CHANGE_PROPOSAL: Dimensions = NOTHING;

/// The ledger: read by those who read all of it.
pub(crate) const LEDGER: Dimensions = NOTHING;

/// Users: the organisations they act for stand in `account_org`.
pub(crate) const USER: Dimensions = Dimensions {
    organization: Some(&[
        "EXISTS (SELECT 1 FROM account_org o WHERE o.account_id = user_account.id AND o.org_id IN ",
        ")",
    ]),
    person: Some("user_account.id"),
    ..NOTHING
};

/// API clients.
pub(crate) const API_CLIENT: Dimensions = Dimensions {
    organization: Some(&[
        "EXISTS (SELECT 1 FROM account_org o WHERE o.account_id = api_client.id AND o.org_id IN ",
        ")",
    ]),
    person: Some("api_client.id"),
    ..NOTHING
};

/// The mapping of a table of master data. Organisations are rows of their own key; of parts, suppliers reach
/// those that they supply, of vehicles appraisers those of their cases; the rest is read by those who read all of it.
pub(crate) fn record(table: &str) -> Dimensions {
    match table {
        "station" => Dimensions { station: OWN_KEY, organization: OWN_KEY, ..NOTHING },
        "supplier" => Dimensions { supplier: OWN_KEY, organization: OWN_KEY, ..NOTHING },
        "appraiser" => Dimensions { appraiser: OWN_KEY, organization: OWN_KEY, ..NOTHING },
        // One vehicle at a time, of cases that the appraiser has sight of.
        "vehicle" => Dimensions {
            appraiser: Some(&[
                "EXISTS (SELECT 1 FROM claim c JOIN claim_sight s ON s.claim_id = c.id \
                 WHERE c.vin = vehicle.code AND s.org_id IN ",
                ")",
            ]),
            ..NOTHING
        },
        "part" => Dimensions {
            supplier: Some(&[
                "(default_supplier IN (SELECT code FROM supplier WHERE id IN ",
                ") OR code IN (SELECT part FROM part_supply WHERE supplier IN (SELECT code FROM supplier WHERE id IN ",
                ")))",
            ]),
            ..NOTHING
        },
        _ => NOTHING,
    }
}

/// The rows of a table that a scope reaches. Nothing fits: no row.
pub(crate) fn condition(scope: &Scope, table: &Dimensions) -> Sql {
    if scope.is_any() {
        return Sql::new("1 = 1");
    }
    let mut any_of: Vec<Sql> = Vec::new();
    let dimensions = [
        (table.station, scope.stations()),
        (table.supplier, scope.suppliers()),
        (table.appraiser, scope.appraisers()),
        (table.organization, scope.organizations()),
    ];
    any_of.extend(dimensions.into_iter().filter_map(|(reach, orgs)| reached(reach, orgs)));
    if let (Some(person), Some((user, orgs))) = (table.person, scope.assigned())
        && let Some(within) = reached(table.station, orgs)
    {
        let mut own = Sql::new("(");
        own.push(person).push(" = ? AND ").add(user.0).append(within).push(")");
        any_of.push(own);
    }
    if let (Some(column), Some(user)) = (table.person, scope.person()) {
        let mut own = Sql::new(column);
        own.push(" = ?").add(user.0);
        any_of.push(own);
    }
    let mut sql = Sql::new("(");
    if any_of.is_empty() {
        sql.push("1 = 0");
    }
    for (index, part) in any_of.into_iter().enumerate() {
        sql.push(if index > 0 { " OR " } else { "" }).append(part);
    }
    sql.push(")");
    sql
}

fn reached(reach: Reach, orgs: &BTreeSet<OrgId>) -> Option<Sql> {
    let pieces = reach.filter(|_| !orgs.is_empty())?;
    let mut sql = Sql::new("");
    for (index, piece) in pieces.iter().enumerate() {
        if index > 0 {
            sql.push_list(orgs.iter().map(|org| org.0));
        }
        sql.push(piece);
    }
    Some(sql)
}

#[cfg(test)]
mod tests {
    use recourse_domain::attachments::{Category, ContentType, Sharing};

    use super::*;

    #[test]
    fn what_is_shared_of_attachments_is_what_the_domain_says() {
        let sql = ATTACHMENT_SIGHT.unwrap().concat();
        for category in Category::ALL {
            assert_eq!(sql.contains(&format!("'{}'", category.word())), category.is_shared(), "{}", category.word());
        }
        for content_type in ContentType::ALL {
            let shared = content_type.sharing() != Sharing::Withheld;
            let media_type = content_type.media_type();
            assert_eq!(sql.contains(&format!("'{media_type}'")), shared, "{media_type}");
        }
    }
}
