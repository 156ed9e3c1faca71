//! What a station wrote, brought into its one spelling before anything is checked; the answer says what was
//! changed. A field that is added to a claim is given its spelling here, or said to have none.

use recourse_domain::spelling::{Normalization, Respelling, Spelling};
use recourse_domain::text::Lang;
use recourse_proto::google::r#type::Decimal;
use recourse_proto::v1;

/// Brings a claim into its one spelling; answers what was changed.
pub(crate) fn normalize(claim: &mut v1::Claim) -> Vec<Normalization> {
    let mut said = Said::default();
    let v1::Claim {
        station,
        external_ref,
        vin,
        complaint_code,
        cause_code,
        failure_code,
        location_code,
        causal_part,
        related_parts,
        dtcs,
        external_repair_order,
        external_job,
        campaign,
        authorizations,
        supplement_of,
        copied_from,
        related_claims,
        evidence,
        details,
        lines,
        // Its name is a key, texts are written as they are meant, and dates and numbers have no spelling.
        name: _,
        etag: _,
        kind: _,
        complaint_description: _,
        cause_description: _,
        correction_description: _,
        odometer_in: _,
        odometer_out: _,
        complaint_date: _,
        repair_start_date: _,
        repair_completion_date: _,
        repeat_repair_indicator: _,
        // Only the server writes these.
        number: _,
        state: _,
        currency: _,
        totals: _,
        coverage: _,
        revision: _,
        submission_count: _,
        first_submit_time: _,
        submit_time: _,
        created_by: _,
        auditor: _,
        findings: _,
        decisions: _,
        last_return: _,
        withdraw_reason: _,
        waits_for: _,
        review_due_time: _,
        answer_due_time: _,
        appeal_due_time: _,
        open_appeal: _,
        awaiting_appraisal: _,
        hold: _,
        promised_pay_date: _,
        age_days: _,
        proposed_decision: _,
        create_time: _,
        update_time: _,
        queue: _,
        routing: _,
        review_hold: _,
        pauses: _,
        escalation: _,
        normalizations: _,
    } = claim;
    said.one("station", Spelling::Named("stations"), station);
    said.one("external_ref", Spelling::Number, external_ref);
    said.one("vin", Spelling::Vin, vin);
    said.one("complaint_code", Spelling::Code, complaint_code);
    said.one("cause_code", Spelling::Code, cause_code);
    said.one("failure_code", Spelling::Named("failureCodes"), failure_code);
    said.one("location_code", Spelling::Code, location_code);
    said.one("causal_part", Spelling::Named("parts"), causal_part);
    said.each("related_parts", Spelling::Named("parts"), related_parts);
    said.each("dtcs", Spelling::Code, dtcs);
    said.one("external_repair_order", Spelling::Number, external_repair_order);
    said.one("external_job", Spelling::Number, external_job);
    said.one("campaign", Spelling::Named("campaigns"), campaign);
    said.each("authorizations", Spelling::Number, authorizations);
    said.one("supplement_of", Spelling::Number, supplement_of);
    said.one("copied_from", Spelling::Number, copied_from);
    said.each("related_claims", Spelling::Number, related_claims);
    said.each("evidence", Spelling::Number, evidence);
    if let Some(details) = details {
        said.details(details);
    }
    for (index, line) in lines.iter_mut().enumerate() {
        said.line(index, line);
    }
    said.0
}

/// What was changed, for the answer.
pub(crate) fn show_normalizations(said: &[Normalization], lang: Lang) -> Vec<v1::Normalization> {
    said.iter()
        .map(|said| v1::Normalization {
            field: said.field.clone(),
            given: said.given.clone(),
            taken: said.taken.clone(),
            rules: said.rules.iter().map(|rule| show_rule(*rule).into()).collect(),
            text: said.text().in_lang(lang).to_owned(),
        })
        .collect()
}

fn show_rule(rule: Respelling) -> v1::normalization::Rule {
    match rule {
        Respelling::FullWidth => v1::normalization::Rule::FullWidth,
        Respelling::UpperCase => v1::normalization::Rule::UpperCase,
        Respelling::Blanks => v1::normalization::Rule::Blanks,
        Respelling::Invisible => v1::normalization::Rule::Invisible,
        Respelling::Dash => v1::normalization::Rule::Dash,
    }
}

#[derive(Default)]
struct Said(Vec<Normalization>);

impl Said {
    fn one(&mut self, field: &str, spelling: Spelling, value: &mut String) {
        self.at(|| field.to_owned(), spelling, value);
    }

    /// The path is made only where there is something to say.
    fn at(&mut self, field: impl FnOnce() -> String, spelling: Spelling, value: &mut String) {
        if let Some((taken, rules)) = spelling.respell(value) {
            let given = std::mem::replace(value, taken.clone());
            self.0.push(Normalization { field: field(), given, taken, rules });
        }
    }

    fn each(&mut self, field: &str, spelling: Spelling, values: &mut [String]) {
        for (index, value) in values.iter_mut().enumerate() {
            self.at(|| format!("{field}[{index}]"), spelling, value);
        }
    }

    fn decimal(&mut self, field: impl FnOnce() -> String, value: &mut Option<Decimal>) {
        if let Some(decimal) = value {
            self.at(field, Spelling::Decimal, &mut decimal.value);
        }
    }

    fn line(&mut self, index: usize, line: &mut v1::ClaimLine) {
        let v1::ClaimLine {
            part,
            operation,
            quantity,
            hours,
            actual_hours,
            additional_hours,
            original_serial_number,
            replacement_serial_number,
            outside_part_invoice_number,
            sublet_invoice_number,
            authorization,
            tax_category,
            number: _,
            r#type: _,
            description: _,
            additional_hours_comment: _,
            requested_amount: _,
            is_causal: _,
            distance: _,
            by_night: _,
            unit_price: _,
            price_source: _,
            computed_amount: _,
            approved_amount: _,
            decision: _,
        } = line;
        let path = |field: &'static str| move || format!("lines[{index}].{field}");
        self.at(path("part"), Spelling::Named("parts"), part);
        self.at(path("operation"), Spelling::Named("laborOperations"), operation);
        self.decimal(path("quantity"), quantity);
        self.decimal(path("hours"), hours);
        self.decimal(path("actual_hours"), actual_hours);
        self.decimal(path("additional_hours"), additional_hours);
        self.at(path("original_serial_number"), Spelling::Number, original_serial_number);
        self.at(path("replacement_serial_number"), Spelling::Number, replacement_serial_number);
        self.at(path("outside_part_invoice_number"), Spelling::Number, outside_part_invoice_number);
        self.at(path("sublet_invoice_number"), Spelling::Number, sublet_invoice_number);
        self.at(path("authorization"), Spelling::Number, authorization);
        self.at(path("tax_category"), Spelling::Code, tax_category);
    }

    fn details(&mut self, details: &mut v1::claim::Details) {
        match details {
            // Nothing but texts, dates and distances.
            v1::claim::Details::WarrantyRepair(_) | v1::claim::Details::CompensationAppraisal(_) => {}
            v1::claim::Details::RunningIn(d) => {
                self.one("running_in.entitlement", Spelling::Number, &mut d.entitlement);
                self.one("running_in.card_number", Spelling::Number, &mut d.card_number);
                self.each("running_in.checks", Spelling::Code, &mut d.checks);
            }
            v1::claim::Details::RoadsideRescue(d) => {
                for (index, trip) in d.trips.iter_mut().enumerate() {
                    let path = |field: &'static str| move || format!("roadside_rescue.trips[{index}].{field}");
                    self.at(path("shared_with"), Spelling::Number, &mut trip.shared_with);
                    self.at(path("track"), Spelling::Number, &mut trip.track);
                }
            }
            v1::claim::Details::ExternalPurchase(d) => {
                self.decimal(|| "external_purchase.limit_quantity".to_owned(), &mut d.limit_quantity);
                self.one("external_purchase.quotation", Spelling::Number, &mut d.quotation);
                self.one("external_purchase.stock_out_proof", Spelling::Number, &mut d.stock_out_proof);
            }
            v1::claim::Details::MajorAssembly(d) => {
                self.one("major_assembly.assembly", Spelling::Named("parts"), &mut d.assembly);
                let serial = &mut d.assembly_serial_number;
                self.one("major_assembly.assembly_serial_number", Spelling::Number, serial);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(part: &str, quantity: &str) -> v1::ClaimLine {
        v1::ClaimLine {
            part: part.to_owned(),
            quantity: Some(Decimal { value: quantity.to_owned() }),
            ..Default::default()
        }
    }

    #[test]
    fn a_claim_is_taken_in_one_spelling_and_says_where_it_had_another() {
        let mut claim = v1::Claim {
            vin: "ｌｓｖａａ4187s 2184841".to_owned(),
            station: "stations/S-001".to_owned(),
            external_ref: " dms–1 ".to_owned(),
            causal_part: "p-1001".to_owned(),
            dtcs: vec!["P0230".to_owned(), "p0231\u{200b}".to_owned()],
            complaint_description: " stays　as it is ".to_owned(),
            lines: vec![line("parts/P-1001", "1"), line("parts/p 1001", "１．５")],
            details: Some(v1::claim::Details::RunningIn(v1::RunningInDetails {
                card_number: "\u{3000}Ｋ１".to_owned(),
                ..Default::default()
            })),
            ..Default::default()
        };
        let said = normalize(&mut claim);
        let told: Vec<(&str, &str)> = said.iter().map(|said| (said.field.as_str(), said.taken.as_str())).collect();
        assert_eq!(
            told,
            [
                ("external_ref", "dms–1"),
                ("vin", "LSVAA4187S2184841"),
                ("causal_part", "P-1001"),
                ("dtcs[1]", "P0231"),
                ("running_in.card_number", "K1"),
                ("lines[1].part", "parts/P1001"),
                ("lines[1].quantity", "1.5"),
            ]
        );
        assert_eq!((claim.vin.as_str(), claim.lines[1].part.as_str()), ("LSVAA4187S2184841", "parts/P1001"));
        assert_eq!(claim.complaint_description, " stays　as it is ");
        assert_eq!(said[1].given, "ｌｓｖａａ4187s 2184841");
        assert_eq!(normalize(&mut claim), [], "what was taken has its one spelling");
        let shown = show_normalizations(&said, Lang::ZhCn);
        assert_eq!(shown[6].rules, [v1::normalization::Rule::FullWidth as i32]);
        assert_eq!(shown[6].text, "按 1.5 处理：全角字符转为半角");
    }
}
