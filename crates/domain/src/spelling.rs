//! The one form of what people and other systems spell in many: full-width letters of an input method, blanks
//! that a form or a spreadsheet adds, the dashes of a word processor, characters that nobody sees.
//!
//! Only spelling is changed, and what is changed is told ([`Normalization`]). What a text might have meant is
//! nobody's guess here: an O in a VIN stays an O, and the checks of a submission say what is wrong with it.

use std::collections::BTreeSet;

use crate::ids::half_width;
use crate::text::Text;
use crate::vin::Vin;

/// The blank that is as wide as a Chinese character.
const IDEOGRAPHIC_BLANK: char = '\u{3000}';

/// What may be changed of a text, by what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// A VIN: capitals, no blanks. What is none even then is left as it was written.
    Vin,
    /// A code of the trade: capitals, no blanks, hyphens for every dash.
    Code,
    /// The public name of something that has a code, such as `parts/P-100`, or the bare code. The word is the
    /// collection.
    Named(&'static str),
    /// A number of another system: its case, its dashes and the blanks inside of it are its own.
    Number,
    /// A decimal in plain digits.
    Decimal,
}

/// What was changed of a spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Respelling {
    /// Full-width characters became half-width ones.
    FullWidth,
    /// Small letters became capitals.
    UpperCase,
    /// Blanks were dropped.
    Blanks,
    /// Characters that nobody sees were dropped.
    Invisible,
    /// A dash became a hyphen.
    Dash,
}

/// A spelling that was taken in its one form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Normalization {
    /// Path of the field.
    pub field: String,
    /// As it was sent.
    pub given: String,
    /// As it was taken.
    pub taken: String,
    /// What was changed.
    pub rules: BTreeSet<Respelling>,
}

impl Spelling {
    /// The one form of a text and what was changed for it; nothing if it has that form already.
    pub fn respell(self, given: &str) -> Option<(String, BTreeSet<Respelling>)> {
        if self.is_plain(given) {
            return None;
        }
        let (mut taken, mut rules) = self.characters(given);
        match self {
            Spelling::Vin => {
                capitals(&mut taken, &mut rules);
                Vin::parse(&taken).ok()?;
            }
            Spelling::Code => capitals(&mut taken, &mut rules),
            Spelling::Named(collection) => match taken.split_once('/') {
                Some((head, code)) if head.eq_ignore_ascii_case(collection) => {
                    let mut code = code.to_owned();
                    capitals(&mut code, &mut rules);
                    if head != collection {
                        rules.insert(Respelling::UpperCase);
                    }
                    taken = format!("{collection}/{code}");
                }
                // Another collection's name: whoever reads it says what is wrong with it.
                Some(_) => return None,
                None => capitals(&mut taken, &mut rules),
            },
            Spelling::Number => {
                let trimmed = taken.trim();
                if trimmed.len() < taken.len() {
                    rules.insert(Respelling::Blanks);
                }
                if trimmed.contains(IDEOGRAPHIC_BLANK) {
                    rules.insert(Respelling::FullWidth);
                }
                taken = trimmed.replace(IDEOGRAPHIC_BLANK, " ");
            }
            Spelling::Decimal => {}
        }
        (taken != given).then_some((taken, rules))
    }

    /// Whether a look at the bytes shows that there is nothing to do: so it is with almost every text.
    fn is_plain(self, given: &str) -> bool {
        let bytes = given.as_bytes();
        match self {
            Spelling::Number => {
                let at_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_whitespace);
                given.is_ascii() && !at_end(bytes.first()) && !at_end(bytes.last())
            }
            Spelling::Vin | Spelling::Code => {
                bytes.iter().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_lowercase())
            }
            Spelling::Decimal => bytes.iter().all(u8::is_ascii_graphic),
            Spelling::Named(collection) => {
                let code = given.strip_prefix(collection).and_then(|rest| rest.strip_prefix('/')).unwrap_or(given);
                Spelling::Code.is_plain(code)
            }
        }
    }

    /// What is true of single characters, wherever they stand.
    fn characters(self, given: &str) -> (String, BTreeSet<Respelling>) {
        let mut rules = BTreeSet::new();
        let mut taken = String::with_capacity(given.len());
        for c in given.chars() {
            if is_invisible(c) {
                rules.insert(Respelling::Invisible);
            } else if c.is_whitespace() {
                // A number of another system may have blanks inside of it: those at its ends are dropped later.
                if self == Spelling::Number {
                    taken.push(c);
                } else {
                    rules.insert(Respelling::Blanks);
                }
            } else if is_dash(c) && matches!(self, Spelling::Code | Spelling::Named(_)) {
                rules.insert(Respelling::Dash);
                taken.push('-');
            } else {
                let plain = half_width(c);
                if plain != c {
                    rules.insert(Respelling::FullWidth);
                }
                taken.push(plain);
            }
        }
        (taken, rules)
    }
}

impl Normalization {
    /// What was done, for people.
    pub fn text(&self) -> Text {
        let done = |word: fn(Respelling) -> &'static str| self.rules.iter().map(|rule| word(*rule)).collect::<Vec<_>>();
        let english = done(|rule| match rule {
            Respelling::FullWidth => "full-width characters became half-width",
            Respelling::UpperCase => "letters took their usual case",
            Respelling::Blanks => "blanks were dropped",
            Respelling::Invisible => "invisible characters were dropped",
            Respelling::Dash => "a dash became a hyphen",
        });
        let chinese = done(|rule| match rule {
            Respelling::FullWidth => "全角字符转为半角",
            Respelling::UpperCase => "字母大小写已规范",
            Respelling::Blanks => "去除空格",
            Respelling::Invisible => "去除不可见字符",
            Respelling::Dash => "破折号改为连字符",
        });
        let read_as = |empty: &str, some: String| if self.taken.is_empty() { empty.to_owned() } else { some };
        Text::new(
            format!("{}: {}", read_as("taken as empty", format!("taken as {}", self.taken)), english.join(", ")),
            format!("{}：{}", read_as("按空值处理", format!("按 {} 处理", self.taken)), chinese.join("，")),
        )
    }
}

fn capitals(text: &mut str, rules: &mut BTreeSet<Respelling>) {
    if text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        rules.insert(Respelling::UpperCase);
        text.make_ascii_uppercase();
    }
}

/// Whether nobody sees a character: zero-width ones, marks of direction, byte order marks, soft hyphens.
pub fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

/// Whether a character is a dash or a minus sign that a program put in a hyphen's place.
fn is_dash(c: char) -> bool {
    matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Respelling::{Blanks, Dash, FullWidth, Invisible, UpperCase};
    use super::*;

    #[test]
    fn each_kind_of_text_has_its_one_form() {
        let part = Spelling::Named("parts");
        let table: &[(Spelling, &str, &str, &[Respelling])] = &[
            (Spelling::Vin, "lsvaa4187s2184841", "LSVAA4187S2184841", &[UpperCase]),
            (Spelling::Vin, "ＬＳＶＡＡ４１８７Ｓ２１８４８４１", "LSVAA4187S2184841", &[FullWidth]),
            (Spelling::Vin, " LSV AA4187 S2184841\u{3000}", "LSVAA4187S2184841", &[Blanks]),
            (Spelling::Vin, "LSVAA4187S\u{200b}2184841\u{feff}", "LSVAA4187S2184841", &[Invisible]),
            (Spelling::Vin, "ｌｓｖ\u{3000}aa4187s2184841", "LSVAA4187S2184841", &[FullWidth, UpperCase, Blanks]),
            (Spelling::Code, "rear left", "REARLEFT", &[UpperCase, Blanks]),
            (Spelling::Code, "front_left", "FRONT_LEFT", &[UpperCase]),
            (Spelling::Code, "S–001", "S-001", &[Dash]),
            (Spelling::Code, "Ｓ－００１", "S-001", &[FullWidth]),
            (part, "parts/p-1001", "parts/P-1001", &[UpperCase]),
            (part, "Parts/P-1001", "parts/P-1001", &[UpperCase]),
            (part, "ｐａｒｔｓ／Ｐ−１００１", "parts/P-1001", &[FullWidth, Dash]),
            (part, " 06a 905 161 b ", "06A905161B", &[UpperCase, Blanks]),
            (Spelling::Number, " ＲＯ－１ａ\u{3000}", "RO-1a", &[FullWidth, Blanks]),
            (Spelling::Number, "RO 1 \u{200d}", "RO 1", &[Blanks, Invisible]),
            (Spelling::Number, "RO\u{3000}1", "RO 1", &[FullWidth]),
            (Spelling::Number, "\u{3000}", "", &[Blanks]),
            (Spelling::Decimal, "１．５", "1.5", &[FullWidth]),
            (Spelling::Decimal, " 1 000 ", "1000", &[Blanks]),
        ];
        for (spelling, given, taken, rules) in table {
            let rules: BTreeSet<Respelling> = rules.iter().copied().collect();
            assert_eq!(spelling.respell(given), Some(((*taken).to_owned(), rules)), "{spelling:?} {given:?}");
            assert_eq!(spelling.respell(taken), None, "{taken:?} is its own form");
        }
    }

    #[test]
    fn what_is_in_form_or_beyond_it_is_left_alone() {
        for (spelling, text) in [
            (Spelling::Vin, "LSVAA4187S2184841"),
            // Letters and digits that are mixed up are a finding, never a guess.
            (Spelling::Vin, "LSVAA4187S218484O"),
            (Spelling::Vin, "lsvaa4187s218484o"),
            (Spelling::Vin, "LSVAA4187S21848"),
            (Spelling::Vin, "lsv 12"),
            (Spelling::Code, "P-1001"),
            (Spelling::Code, ""),
            (Spelling::Named("parts"), "parts/P-1001"),
            (Spelling::Named("parts"), "stations/p-1001"),
            (Spelling::Number, "ro 1–a"),
            (Spelling::Number, "整车-1"),
            (Spelling::Decimal, "1.50"),
            (Spelling::Decimal, "1,5"),
        ] {
            assert_eq!(spelling.respell(text), None, "{spelling:?} {text:?}");
        }
    }

    #[test]
    fn what_was_done_has_words_in_both_languages() {
        let rules = BTreeSet::from([FullWidth, Blanks]);
        let taken = "LSVAA4187S2184841".to_owned();
        let said = Normalization { field: "vin".to_owned(), given: " Ｌ…".to_owned(), taken, rules };
        assert_eq!(
            said.text().en,
            "taken as LSVAA4187S2184841: full-width characters became half-width, blanks were dropped"
        );
        assert_eq!(said.text().zh_cn, "按 LSVAA4187S2184841 处理：全角字符转为半角，去除空格");
        let empty = Normalization { taken: String::new(), rules: BTreeSet::from([Invisible]), ..said };
        assert_eq!(empty.text().en, "taken as empty: invisible characters were dropped");
    }

    proptest! {
        #[test]
        fn a_form_is_final_and_tells_what_was_changed(text in "\\PC{0,24}") {
            for spelling in
                [Spelling::Vin, Spelling::Code, Spelling::Named("parts"), Spelling::Number, Spelling::Decimal]
            {
                if let Some((taken, rules)) = spelling.respell(&text) {
                    prop_assert!(!rules.is_empty(), "{spelling:?} {text:?} {taken:?}");
                    prop_assert_eq!(spelling.respell(&taken), None);
                }
            }
        }

        #[test]
        fn nothing_but_spelling_changes(text in "[A-Z0-9]{1,20}") {
            let wide: String = text.chars().filter_map(|c| char::from_u32(u32::from(c) + 0xfee0)).collect();
            let spelled = format!(" {} ", wide.to_lowercase());
            let respelled = Spelling::Code.respell(&spelled).map(|(taken, _)| taken);
            prop_assert_eq!(respelled, Some(text));
        }
    }
}
