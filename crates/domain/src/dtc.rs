//! Diagnostic trouble codes (SAE J2012, ISO 15031-6): `P0171`, with the failure type byte `P0171-00`.
//!
//! Heavy trucks report SPN and FMI (J1939-73) instead; those are another form and not read here.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::half_width;

/// A trouble code in canonical form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Dtc(String);

/// Why a text is no trouble code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a trouble code is written P0171 or P0171-00: P, C, B or U, a digit 0-3, three hexadecimal digits")]
pub struct BadDtc;

/// The system of the vehicle that reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DtcSystem {
    /// P: engine, transmission, drive.
    Powertrain,
    /// C: brakes, steering, suspension.
    Chassis,
    /// B: body.
    Body,
    /// U: network between control units.
    Network,
}

/// Who says what a code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DtcOrigin {
    /// The standard.
    IsoSae,
    /// The manufacturer.
    Manufacturer,
    /// Nobody yet.
    Reserved,
}

impl Dtc {
    /// Reads a code; case, full-width characters and blanks around it do not count.
    pub fn parse(text: &str) -> Result<Self, BadDtc> {
        let code: String = text.trim().chars().map(half_width).map(|c| c.to_ascii_uppercase()).collect();
        let hex = |bytes: &[u8]| bytes.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
        let fits = match code.as_bytes() {
            [b'P' | b'C' | b'B' | b'U', b'0'..=b'3', rest @ ..] => match rest {
                [_, _, _] => hex(rest),
                [a, b, c, b'-', d, e] => hex(&[*a, *b, *c, *d, *e]),
                _ => false,
            },
            _ => false,
        };
        if fits { Ok(Self(code)) } else { Err(BadDtc) }
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The system of the vehicle that reports.
    pub fn system(&self) -> DtcSystem {
        match self.0.as_bytes().first() {
            Some(b'C') => DtcSystem::Chassis,
            Some(b'B') => DtcSystem::Body,
            Some(b'U') => DtcSystem::Network,
            _ => DtcSystem::Powertrain,
        }
    }

    /// Who says what it means.
    pub fn origin(&self) -> DtcOrigin {
        match self.0.as_bytes() {
            [b'P', b'0' | b'2', ..] | [b'P', b'3', b'4'..=b'9' | b'A'..=b'F', ..] | [b'B' | b'C' | b'U', b'0', ..] => {
                DtcOrigin::IsoSae
            }
            [b'P', b'1', ..] | [b'P', b'3', b'0'..=b'3', ..] | [b'B' | b'C' | b'U', b'1' | b'2', ..] => {
                DtcOrigin::Manufacturer
            }
            _ => DtcOrigin::Reserved,
        }
    }

    /// The failure type byte, if the code carries one.
    pub fn failure_type(&self) -> Option<&str> {
        self.0.split_once('-').map(|(_, failure_type)| failure_type)
    }
}

impl fmt::Display for Dtc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Dtc {
    type Error = BadDtc;

    fn try_from(text: String) -> Result<Self, BadDtc> {
        Self::parse(&text)
    }
}

impl From<Dtc> for String {
    fn from(dtc: Dtc) -> Self {
        dtc.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_code_has_a_form() {
        for (text, canonical) in [("P0171", "P0171"), (" p0171-1a ", "P0171-1A"), ("Ｕ０１００", "U0100")] {
            assert_eq!(Dtc::parse(text).map(|dtc| dtc.to_string()), Ok(canonical.to_owned()));
        }
        for bad in ["", "P017", "P01711", "P0171-0", "P0171-000", "X0171", "P4171", "P01G1", "P0171_00", "P0171-"] {
            assert_eq!(Dtc::parse(bad), Err(BadDtc), "{bad}");
        }
    }

    #[test]
    fn the_first_digits_say_who_defined_it() {
        use DtcOrigin::{IsoSae, Manufacturer, Reserved};
        for (text, origin) in [
            ("P0171", IsoSae),
            ("P2096", IsoSae),
            ("P1171", Manufacturer),
            ("P3000", Manufacturer),
            ("P33FF", Manufacturer),
            ("P3400", IsoSae),
            ("P3FFF", IsoSae),
            ("B0001", IsoSae),
            ("C0040", IsoSae),
            ("U0100", IsoSae),
            ("B1001", Manufacturer),
            ("C2001", Manufacturer),
            ("U1000", Manufacturer),
            ("B3001", Reserved),
            ("U3000-49", Reserved),
        ] {
            assert_eq!(Dtc::parse(text).map(|dtc| dtc.origin()), Ok(origin), "{text}");
        }
    }

    #[test]
    fn the_letter_names_the_system_and_the_tail_the_failure_type() {
        let dtc = Dtc::parse("C0040-11").unwrap();
        assert_eq!((dtc.system(), dtc.failure_type()), (DtcSystem::Chassis, Some("11")));
        assert_eq!(Dtc::parse("U0100").unwrap().failure_type(), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,12}") {
            if let Ok(dtc) = Dtc::parse(&text) {
                let _ = (dtc.system(), dtc.origin());
            }
        }

        #[test]
        fn every_two_bytes_have_a_text(text in "[PCBU][0-3][0-9A-F]{3}(-[0-9A-F]{2})?") {
            prop_assert_eq!(Dtc::parse(&text).unwrap().to_string(), text);
        }
    }
}
