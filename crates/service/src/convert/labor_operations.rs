//! Labour operations: the message of the contract ⇄ the record of the domain.

use recourse_domain::catalog::{LaborOperation, ModelHours, Skill, Stored};
use recourse_domain::text::Violation;
use recourse_proto::v1;

use super::organizations::{codes, names, same_words};
use super::{Reader, etag, hours, text, timestamp};

same_words! {
    show_skill, read_skill: Skill = v1::labor_operation::Skill { Mechanical, Electrical, Process }
}

/// The operation as its reader sees it.
pub(crate) fn show(stored: &Stored<LaborOperation>) -> v1::LaborOperation {
    let LaborOperation {
        code,
        display_code,
        display_name,
        description,
        part_category,
        models,
        default_hours,
        model_hours,
        skill,
        skill_level,
        actual_hours_allowed,
        actual_hours_cap,
        includes,
        overlap_group,
        external_ref,
    } = &stored.value;
    let model_hours =
        model_hours.iter().map(|row| v1::ModelHours { model: row.model.to_string(), hours: hours(row.hours) });
    v1::LaborOperation {
        name: format!("laborOperations/{code}"),
        etag: etag(stored.version),
        display_code: display_code.clone(),
        display_name: display_name.clone(),
        description: description.clone(),
        part_category: text(part_category.as_ref()),
        models: codes(models),
        default_hours: default_hours.and_then(hours),
        model_hours: model_hours.collect(),
        skill: skill.map(show_skill).unwrap_or_default().into(),
        skill_level: *skill_level,
        actual_hours_allowed: *actual_hours_allowed,
        actual_hours_cap: actual_hours_cap.and_then(hours),
        includes: names("laborOperations", includes),
        overlap_group: text(overlap_group.as_ref()),
        external_ref: external_ref.clone(),
        active: stored.retire_time.is_none(),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
        retire_time: stored.retire_time.and_then(timestamp),
    }
}

/// The record under a code.
pub(crate) fn read(message: v1::LaborOperation, code: &str) -> Result<LaborOperation, Vec<Violation>> {
    let v1::LaborOperation {
        name: _,
        etag: _,
        display_code,
        display_name,
        description,
        part_category,
        models,
        default_hours,
        model_hours,
        skill,
        skill_level,
        actual_hours_allowed,
        actual_hours_cap,
        includes,
        overlap_group,
        external_ref,
        active: _,
        create_time: _,
        update_time: _,
        retire_time: _,
    } = message;
    let mut reader = Reader::default();
    let code = reader.code("name", code);
    let part_category = reader.optional_code("part_category", &part_category);
    let models = reader.plain_codes("models", &models);
    let default_hours = reader.hours("default_hours", default_hours.as_ref());
    let mut rows = Vec::with_capacity(model_hours.len());
    for (index, row) in model_hours.iter().enumerate() {
        rows.extend(read_model_hours(&mut reader, &format!("model_hours[{index}]"), row));
    }
    let skill = reader.optional_choice("skill", skill, read_skill);
    let actual_hours_cap = reader.hours("actual_hours_cap", actual_hours_cap.as_ref());
    let includes = reader.codes("includes", "laborOperations", &includes);
    let overlap_group = reader.optional_code("overlap_group", &overlap_group);
    reader.whole(|| {
        Some(LaborOperation {
            code: code?,
            display_code,
            display_name,
            description,
            part_category,
            models,
            default_hours,
            model_hours: rows,
            skill,
            skill_level,
            actual_hours_allowed,
            actual_hours_cap,
            includes,
            overlap_group,
            external_ref,
        })
    })
}

fn read_model_hours(reader: &mut Reader, at: &str, row: &v1::ModelHours) -> Option<ModelHours> {
    let model = reader.code(&format!("{at}.model"), &row.model);
    let hours = reader.needed_hours(&format!("{at}.hours"), row.hours.as_ref());
    Some(ModelHours { model: model?, hours: hours? })
}
