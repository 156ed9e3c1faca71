//! The texts of findings and decision reasons, in both languages, made when they are read.
//!
//! A template names values in braces: `{limit_km}`. A value that a finding does not carry leaves nothing
//! behind; the tests hold every check to carrying the values of its template.

mod templates;

use serde::{Deserialize, Serialize};
use templates::template;

use super::finding::{Code, Finding};
use crate::text::Lang;

/// What a reader is told about a finding or a reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingText {
    /// What was found.
    pub message: String,
    /// Which evidence would help; may be empty.
    pub evidence_needed: String,
    /// What would put it right; may be empty.
    pub fix: String,
}

/// The texts of a finding in a language.
pub fn text(finding: &Finding, lang: Lang) -> FindingText {
    let template = template(finding.code);
    let detail = template.detail.pick(lang);
    let message = fill(if detail.is_empty() { template.title.pick(lang) } else { detail }, finding);
    let message = match (finding.line, lang) {
        (None, Lang::En | Lang::ZhCn) => message,
        (Some(line), Lang::En) => format!("line {line}: {message}"),
        (Some(line), Lang::ZhCn) => format!("第 {line} 行：{message}"),
    };
    FindingText {
        message,
        evidence_needed: fill(template.evidence.pick(lang), finding),
        fix: fill(template.fix.pick(lang), finding),
    }
}

/// The texts of a reason that an auditor states, in a language.
pub fn reason_text(code: Code, lang: Lang) -> FindingText {
    let template = template(code);
    FindingText {
        message: template.title.pick(lang).to_owned(),
        evidence_needed: template.evidence.pick(lang).to_owned(),
        fix: template.reason_fix(lang).to_owned(),
    }
}

/// Values that the texts of a finding name and that it does not carry.
#[cfg(test)]
pub(super) fn missing_values(finding: &Finding) -> Vec<String> {
    let template = template(finding.code);
    let texts = [template.title, template.detail, template.evidence, template.fix];
    let named = texts.iter().flat_map(|pair| [pair.0, pair.1]).flat_map(|text| text.split('{').skip(1));
    let keys = named.filter_map(|part| part.split_once('}')).map(|(key, _)| key.to_owned());
    keys.filter(|key| !finding.params.contains_key(key)).collect()
}

fn fill(template: &str, finding: &Finding) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((key, tail)) = after.split_once('}') else {
            rest = after;
            break;
        };
        filled.push_str(finding.params.get(key).map_or("", String::as_str));
        rest = tail;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_title_in_both_languages_that_needs_no_values() {
        for code in Code::ALL {
            for lang in [Lang::En, Lang::ZhCn] {
                let reason = reason_text(*code, lang);
                assert!(!reason.message.is_empty(), "{code:?} {lang:?}");
                for text in [&reason.message, &reason.evidence_needed, &reason.fix] {
                    assert!(!text.contains('{'), "{code:?} {lang:?}: {text}");
                }
            }
        }
    }

    #[test]
    fn both_languages_name_the_same_values() {
        fn keys(text: &str) -> Vec<String> {
            let mut keys: Vec<String> = text
                .split('{')
                .skip(1)
                .filter_map(|part| part.split_once('}'))
                .map(|(key, _)| key.trim_end_matches("_en").trim_end_matches("_zh").to_owned())
                .collect();
            keys.sort();
            keys
        }
        for code in Code::ALL {
            let template = template(*code);
            for pair in [template.title, template.detail, template.evidence, template.fix] {
                assert_eq!(keys(pair.0), keys(pair.1), "{code:?}");
            }
        }
    }

    #[test]
    fn a_text_names_line_and_values() {
        let finding = Finding::warning(Code::ExcessiveLaborHours, "lines[0].hours")
            .on_line(3)
            .with("hours", "2.50")
            .with("operation", "OP-1")
            .with("standard_hours", "1.20");
        assert_eq!(text(&finding, Lang::En).message, "line 3: 2.50 h are claimed; the standard of OP-1 is 1.20 h");
        assert_eq!(text(&finding, Lang::ZhCn).message, "第 3 行：申报 2.50 工时；OP-1 的标准为 1.20 工时");
    }
}
