//! The forms of strings. They are lexical: whether a station exists, or a time
//! zone is one, is for the business to say.

use super::{Rule, known};

/// The form of a string, `Limits.Format` in the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFormat {
    /// One line of text.
    Any,
    /// A code; either case, the business upper-cases it.
    Code,
    /// A UUID in canonical form.
    Uuid,
    /// A day, `2026-01-31`.
    Date,
    /// A diagnostic trouble code.
    Dtc,
    /// A resource name.
    ResourceName,
    /// A currency code.
    Currency,
    /// A time zone.
    TimeZone,
    /// Text with line feeds and tabs.
    Multiline,
}

impl TextFormat {
    /// The form of a `Limits.Format` number; an unknown one is free text.
    pub(crate) fn of_number(number: i32) -> Self {
        match number {
            1 => Self::Code,
            2 => Self::Uuid,
            3 => Self::Date,
            4 => Self::Dtc,
            5 => Self::ResourceName,
            6 => Self::Currency,
            7 => Self::TimeZone,
            8 => Self::Multiline,
            _ => Self::Any,
        }
    }

    /// The form as a person would write it down; `None` for free text.
    #[must_use]
    pub fn example(self) -> Option<&'static str> {
        match self {
            Self::Any | Self::Multiline => None,
            Self::Code => Some("S-001"),
            Self::Uuid => Some("01980f3e-9c4b-7d21-8a55-3f0e6b7c9d10"),
            Self::Date => Some("2026-01-31"),
            Self::Dtc => Some("P0171-00"),
            Self::ResourceName => Some("stations/S-001"),
            Self::Currency => Some("CNY"),
            Self::TimeZone => Some("Asia/Shanghai"),
        }
    }

    /// The form as a regular expression, for the OpenAPI document.
    #[must_use]
    pub fn pattern(self) -> Option<&'static str> {
        match self {
            Self::Any | Self::Multiline => None,
            Self::Code => Some("^([A-Za-z0-9][A-Za-z0-9._-]{0,39})?$"),
            Self::Uuid => Some("^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})?$"),
            Self::Date => Some("^([0-9]{4}-[0-9]{2}-[0-9]{2})?$"),
            Self::Dtc => Some("^([PCBUpcbu][0-3][0-9A-Fa-f]{3}(-[0-9A-Fa-f]{2})?)?$"),
            Self::ResourceName => Some("^([A-Za-z][A-Za-z0-9]*/[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*)?$"),
            Self::Currency => Some("^([A-Z]{3})?$"),
            Self::TimeZone => Some("^([A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*)?$"),
        }
    }

    /// Checks a string that is not empty.
    pub(super) fn check(self, value: &str) -> Result<(), Rule> {
        let multiline = self == Self::Multiline;
        if value.chars().any(|c| c.is_control() && !(multiline && matches!(c, '\n' | '\t'))) {
            return Err(Rule::ControlCharacter);
        }
        let fits = match self {
            Self::Any | Self::Multiline => true,
            Self::Code => is_code(value),
            Self::Uuid => is_uuid(value),
            Self::Date => is_date(value),
            Self::Dtc => is_dtc(value),
            Self::ResourceName => is_resource_name(value),
            Self::Currency => known::is_currency(value),
            Self::TimeZone => is_time_zone(value),
        };
        match self.example() {
            Some(format) if !fits => Err(Rule::BadFormat { format }),
            _ => Ok(()),
        }
    }
}

fn is_code(value: &str) -> bool {
    value.len() <= 40
        && value.starts_with(|c: char| c.is_ascii_alphanumeric())
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

fn is_uuid(value: &str) -> bool {
    value.len() == 36
        && value
            .bytes()
            .enumerate()
            .all(|(at, b)| if matches!(at, 8 | 13 | 18 | 23) { b == b'-' } else { b.is_ascii_hexdigit() })
}

fn is_date(value: &str) -> bool {
    value.len() == 10
        && value.bytes().all(|b| b.is_ascii_digit() || b == b'-')
        && value.parse::<chrono::NaiveDate>().is_ok()
}

fn is_dtc(value: &str) -> bool {
    let (code, kind) = value.split_at_checked(5).unwrap_or((value, ""));
    let mut letters = code.bytes();
    let system = letters.next().is_some_and(|b| b"PCBU".contains(&b.to_ascii_uppercase()));
    let origin = letters.next().is_some_and(|b| (b'0'..=b'3').contains(&b));
    let failure = kind.is_empty()
        || kind.strip_prefix('-').is_some_and(|rest| rest.len() == 2 && rest.bytes().all(|b| b.is_ascii_hexdigit()));
    system && origin && code.len() == 5 && letters.all(|b| b.is_ascii_hexdigit()) && failure
}

fn is_resource_name(value: &str) -> bool {
    let mut segments = value.split('/');
    let collection = segments.next().is_some_and(|s| {
        s.starts_with(|c: char| c.is_ascii_alphabetic()) && s.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    let mut ids = segments.peekable();
    collection
        && ids.peek().is_some()
        && ids.all(|s| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"._~-".contains(&b)))
}

fn is_time_zone(value: &str) -> bool {
    value.starts_with(|c: char| c.is_ascii_alphabetic())
        && value
            .split('/')
            .all(|s| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+-".contains(&b)))
}

#[cfg(test)]
mod tests {
    use super::TextFormat;

    #[test]
    fn each_form_takes_its_own_and_refuses_the_rest() {
        for (format, good, bad) in [
            (TextFormat::Code, vec!["S-001", "a", "9.x_Y"], vec!["-S", "ä", "a b", "a/b"]),
            (
                TextFormat::Uuid,
                vec!["01980f3e-9c4b-7d21-8a55-3f0e6b7c9d10"],
                vec!["01980f3e9c4b7d218a553f0e6b7c9d10", "x"],
            ),
            (TextFormat::Date, vec!["2024-02-29"], vec!["2026-02-29", "2026-1-3", "+2026-01-0", "26-01-031"]),
            (
                TextFormat::Dtc,
                vec!["P0171", "U0100-0A", "p0171"],
                vec!["P4171", "P017", "P0171-", "X0171", "P0171-000", "P01é1"],
            ),
            (
                TextFormat::ResourceName,
                vec!["stations/S-001", "claims/1/appeals/2"],
                vec!["stations", "stations/", "/S", "a//b", "1/b"],
            ),
            (TextFormat::Currency, vec!["CNY"], vec!["cny", "EURO", "€"]),
            (TextFormat::TimeZone, vec!["Asia/Shanghai", "UTC", "Etc/GMT+8"], vec!["/x", "a b", "8"]),
            (TextFormat::Multiline, vec!["a\n\tb"], vec!["a\rb", "a\0"]),
            (TextFormat::Any, vec!["刹车异响 🚗"], vec!["a\nb", "a\u{7f}"]),
        ] {
            for value in good {
                assert_eq!(format.check(value), Ok(()), "{format:?} {value:?}");
            }
            for value in bad {
                assert!(format.check(value).is_err(), "{format:?} {value:?}");
            }
        }
    }
}
