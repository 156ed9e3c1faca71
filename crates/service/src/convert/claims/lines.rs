//! Lines of a claim.

use recourse_domain::claims::{self as domain, Claim, Line, LineContent, LineInput, LineType, PriceSourceKind};
use recourse_domain::text::Lang;
use recourse_proto::v1;

use super::review::show_decision;
use super::{count, in_kilometers, kilometers, part};
use crate::convert::{Reader, basis_points, date, hours, money, optional_text, quantity, text};

pub(super) fn show_line(claim: &Claim, line: &Line, lang: Lang) -> v1::ClaimLine {
    let LineContent {
        line_type,
        part: part_code,
        operation,
        description,
        quantity: pieces,
        hours: claimed,
        actual_hours,
        additional_hours,
        additional_hours_comment,
        requested_amount,
        original_serial_number,
        replacement_serial_number,
        is_causal,
        outside_part_invoice_number,
        sublet_invoice_number,
        authorization,
        tax_category,
        distance_km,
        by_night,
    } = &line.content;
    let pricing = line.pricing.as_ref();
    let decided = claim.decision_on(line.number);
    v1::ClaimLine {
        number: count(line.number),
        r#type: show_line_type(*line_type).into(),
        part: part_code.as_ref().map(part).unwrap_or_default(),
        operation: operation.as_ref().map(|code| format!("laborOperations/{code}")).unwrap_or_default(),
        description: description.clone(),
        quantity: pieces.and_then(quantity),
        hours: claimed.and_then(hours),
        actual_hours: actual_hours.and_then(hours),
        additional_hours: additional_hours.and_then(hours),
        additional_hours_comment: additional_hours_comment.clone(),
        requested_amount: pricing.map(|pricing| pricing.requested).or(*requested_amount).and_then(money),
        unit_price: pricing.and_then(|pricing| pricing.unit_price).and_then(money),
        price_source: pricing.and_then(|pricing| pricing.source.as_ref()).map(show_source),
        computed_amount: pricing.and_then(|pricing| pricing.computed).and_then(money),
        approved_amount: decided.and_then(|(_, decision)| money(decision.approved)),
        original_serial_number: text(original_serial_number.as_ref()),
        replacement_serial_number: text(replacement_serial_number.as_ref()),
        is_causal: *is_causal,
        outside_part_invoice_number: text(outside_part_invoice_number.as_ref()),
        sublet_invoice_number: text(sublet_invoice_number.as_ref()),
        authorization: text(authorization.as_ref()),
        tax_category: text(tax_category.as_ref()),
        decision: decided.map(|(round, decision)| show_decision(round.number, decision, lang)),
        distance: distance_km.and_then(kilometers),
        by_night: *by_night,
    }
}

pub(super) fn show_source(source: &domain::PriceSource) -> v1::PriceSource {
    use v1::price_source::Kind as Shown;
    let kind = match source.kind {
        PriceSourceKind::ClaimPrice => Shown::ClaimPrice,
        PriceSourceKind::DealerNet => Shown::DealerNet,
        PriceSourceKind::StationRate => Shown::StationRate,
        PriceSourceKind::GradeRate => Shown::GradeRate,
        PriceSourceKind::Invoice => Shown::Invoice,
        PriceSourceKind::Tariff => Shown::Tariff,
        PriceSourceKind::Policy => Shown::Policy,
    };
    v1::PriceSource {
        kind: kind.into(),
        row: text(source.row.as_ref()),
        valid_from: source.valid_from.and_then(date),
        price_date: source.price_date.and_then(date),
        markup_bp: source.markup.map(basis_points).unwrap_or_default(),
        list: text(source.list.as_ref()),
    }
}

pub(super) fn read_line(reader: &mut Reader, at: &str, line: &v1::ClaimLine) -> Option<LineInput> {
    let at = |field: &str| format!("{at}.{field}");
    let line_type = reader.choice(&at("type"), line.r#type, read_line_type);
    let part = reader.named(&at("part"), "parts", &line.part);
    let operation = reader.named(&at("operation"), "laborOperations", &line.operation);
    let pieces = reader.quantity(&at("quantity"), line.quantity.as_ref());
    let claimed = reader.hours(&at("hours"), line.hours.as_ref());
    let actual_hours = reader.hours(&at("actual_hours"), line.actual_hours.as_ref());
    let additional_hours = reader.hours(&at("additional_hours"), line.additional_hours.as_ref());
    let requested_amount = reader.money(&at("requested_amount"), line.requested_amount.as_ref());
    Some(LineInput {
        number: u32::try_from(line.number).unwrap_or_default(),
        content: LineContent {
            line_type: line_type?,
            part,
            operation,
            description: line.description.clone(),
            quantity: pieces,
            hours: claimed,
            actual_hours,
            additional_hours,
            additional_hours_comment: line.additional_hours_comment.clone(),
            requested_amount,
            original_serial_number: optional_text(&line.original_serial_number),
            replacement_serial_number: optional_text(&line.replacement_serial_number),
            is_causal: line.is_causal,
            outside_part_invoice_number: optional_text(&line.outside_part_invoice_number),
            sublet_invoice_number: optional_text(&line.sublet_invoice_number),
            authorization: optional_text(&line.authorization),
            tax_category: optional_text(&line.tax_category),
            distance_km: line.distance.as_ref().map(in_kilometers),
            by_night: line.by_night,
        },
    })
}

pub(crate) fn show_line_type(line_type: LineType) -> v1::claim_line::Type {
    match line_type {
        LineType::Part => v1::claim_line::Type::Part,
        LineType::Labor => v1::claim_line::Type::Labor,
        LineType::Diagnosis => v1::claim_line::Type::Diagnosis,
        LineType::ExternalPart => v1::claim_line::Type::ExternalPart,
        LineType::Sublet => v1::claim_line::Type::Sublet,
        LineType::Travel => v1::claim_line::Type::Travel,
        LineType::Towing => v1::claim_line::Type::Towing,
        LineType::MaintenanceFee => v1::claim_line::Type::MaintenanceFee,
        LineType::CourtesyCar => v1::claim_line::Type::CourtesyCar,
        LineType::Freight => v1::claim_line::Type::Freight,
        LineType::Allowance => v1::claim_line::Type::Allowance,
    }
}

pub(super) fn read_line_type(line_type: v1::claim_line::Type) -> Option<LineType> {
    match line_type {
        v1::claim_line::Type::Unspecified => None,
        v1::claim_line::Type::Part => Some(LineType::Part),
        v1::claim_line::Type::Labor => Some(LineType::Labor),
        v1::claim_line::Type::Diagnosis => Some(LineType::Diagnosis),
        v1::claim_line::Type::ExternalPart => Some(LineType::ExternalPart),
        v1::claim_line::Type::Sublet => Some(LineType::Sublet),
        v1::claim_line::Type::Travel => Some(LineType::Travel),
        v1::claim_line::Type::Towing => Some(LineType::Towing),
        v1::claim_line::Type::MaintenanceFee => Some(LineType::MaintenanceFee),
        v1::claim_line::Type::CourtesyCar => Some(LineType::CourtesyCar),
        v1::claim_line::Type::Freight => Some(LineType::Freight),
        v1::claim_line::Type::Allowance => Some(LineType::Allowance),
    }
}
