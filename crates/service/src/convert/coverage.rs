//! What the warranty answers, in the contract's words and the reader's language.

use recourse_domain::coverage::{CoverageAnswer, CoverageCode, CoverageReason};
use recourse_domain::text::Lang;
use recourse_proto::v1;

use super::organizations::name_or_empty;
use super::{date, text};

/// The answer as a message.
pub(crate) fn show(answer: &CoverageAnswer, lang: Lang) -> v1::CheckCoverageResponse {
    let CoverageAnswer { covered, by, warranty_start, campaign, reasons } = answer;
    let mut message = v1::CheckCoverageResponse {
        covered: *covered,
        warranty_start: warranty_start.and_then(date),
        campaign: name_or_empty("campaigns", campaign.as_ref()),
        reasons: reasons.iter().map(|reason| show_reason(reason, lang)).collect(),
        ..v1::CheckCoverageResponse::default()
    };
    if let Some(term) = by {
        message.policy = format!("warrantyPolicies/{}", term.policy);
        message.policy_family = term.policy_family.to_string();
        message.policy_version = term.policy_version;
        message.term = term.term.to_string();
        message.clause.clone_from(&term.clause);
        message.expires_on = date(term.expires_on);
        message.days_left = term.days_left;
        message.km_limit = term.km_limit;
        message.km_left = term.km_left;
    }
    message
}

fn show_reason(reason: &CoverageReason, lang: Lang) -> v1::CoverageReason {
    let CoverageReason { code, policy, term, clause, parameters } = reason;
    v1::CoverageReason {
        code: show_code(*code).into(),
        policy: name_or_empty("warrantyPolicies", policy.as_ref()),
        term: text(term.as_ref()),
        clause: clause.clone(),
        parameters: parameters.clone(),
        message: reason.text().in_lang(lang).to_owned(),
    }
}

fn show_code(code: CoverageCode) -> v1::coverage_reason::Code {
    use v1::coverage_reason::Code;
    match code {
        CoverageCode::Covered => Code::Covered,
        CoverageCode::AlsoCovered => Code::AlsoCovered,
        CoverageCode::NoSaleRecord => Code::NoSaleRecord,
        CoverageCode::BeforeWarrantyStart => Code::BeforeWarrantyStart,
        CoverageCode::ReturnedVehicle => Code::ReturnedVehicle,
        CoverageCode::NoPolicy => Code::NoPolicy,
        CoverageCode::ModelNotInPolicy => Code::ModelNotInPolicy,
        CoverageCode::NotInForceAtStart => Code::NotInForceAtStart,
        CoverageCode::Excluded => Code::Excluded,
        CoverageCode::CategoryNotCovered => Code::CategoryNotCovered,
        CoverageCode::UseNotCovered => Code::UseNotCovered,
        CoverageCode::ExpiredByDate => Code::ExpiredByDate,
        CoverageCode::ExpiredByDistance => Code::ExpiredByDistance,
        CoverageCode::CoveredByCampaign => Code::CoveredByCampaign,
        CoverageCode::NotCoveredByCampaign => Code::NotCoveredByCampaign,
    }
}
