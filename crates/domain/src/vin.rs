//! Vehicle identification numbers (GB 16735, ISO 3779, 49 CFR 565).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::half_width;
use crate::spelling::is_invisible;

/// A VIN in canonical form: 17 of A-Z and 0-9 without I, O and Q.
///
/// Form is all that it promises. Check digit and year code are another matter ([`Vin::issues`]): about one
/// real vehicle in 500 fails them, so they can be overridden with a reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Vin(String);

/// Why a text is no VIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VinError {
    /// Not 17 characters.
    #[error("a VIN has 17 characters, this one has {found}")]
    Length {
        /// Characters found.
        found: usize,
    },
    /// A character that no VIN has.
    #[error("character {position} of the VIN is {found:?}; A-Z and 0-9 are allowed, but not I, O and Q")]
    Charset {
        /// Position, counted from 1.
        position: usize,
        /// The character.
        found: char,
    },
}

/// What is doubtful about a VIN whose form is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VinIssue {
    /// Position 9 is not what the other characters require.
    CheckDigit {
        /// What they require.
        expected: char,
        /// What stands there.
        actual: char,
    },
    /// Position 10 is no model year.
    YearCode {
        /// What stands there.
        actual: char,
    },
}

/// How a market takes check digit and year code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VinMarket {
    /// China and North America: both are mandatory, so an issue refuses the VIN unless it is overridden.
    Strict,
    /// Elsewhere they are optional: an issue is only a warning.
    Lenient,
}

/// The part of the world that the first character stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VinRegion {
    /// A to H.
    Africa,
    /// J to R.
    Asia,
    /// S to Z.
    Europe,
    /// 1 to 5.
    NorthAmerica,
    /// 6 and 7.
    Oceania,
    /// 8 and 9.
    SouthAmerica,
    /// 0: not given to anybody.
    Unassigned,
}

/// What a VIN says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VinParts {
    /// Maker, characters 1 to 3.
    pub wmi: String,
    /// Description of the vehicle, characters 4 to 9.
    pub vds: String,
    /// Identification of the vehicle, characters 10 to 17.
    pub vis: String,
    /// The check digit that the other characters require.
    pub check_digit_expected: char,
    /// The character at position 9.
    pub check_digit_actual: char,
    /// Model years that position 10 can mean, the likelier one first; empty if it means none.
    pub model_years: Vec<i32>,
    /// Plant, character 11.
    pub plant: char,
    /// Whether the maker builds few vehicles: then characters 12 to 14 belong to its identifier.
    pub small_maker: bool,
    /// Serial number: the last six characters, of a small maker the last three.
    pub serial: String,
    /// Part of the world of the maker.
    pub region: VinRegion,
    /// Country of the maker (ISO 3166), if the first two characters are known.
    pub country: Option<&'static str>,
}

/// Model year codes in their order; they begin in 1980 and again in 2010.
const YEAR_CODES: &[u8; 30] = b"ABCDEFGHJKLMNPRSTVWXY123456789";
/// Order of second characters in country ranges (ISO 3780): letters, then 1 to 9, then 0.
const COUNTRY_ORDER: &[u8; 33] = b"ABCDEFGHJKLMNPRSTUVWXYZ1234567890";
const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];

/// First character, range of second characters, country.
const COUNTRIES: &[(u8, u8, u8, &str)] = &[
    (b'A', b'A', b'H', "ZA"),
    (b'J', b'A', b'0', "JP"),
    (b'K', b'L', b'R', "KR"),
    (b'L', b'A', b'0', "CN"),
    (b'M', b'A', b'E', "IN"),
    (b'M', b'F', b'K', "ID"),
    (b'M', b'L', b'R', "TH"),
    (b'N', b'L', b'R', "TR"),
    (b'P', b'L', b'R', "MY"),
    (b'S', b'A', b'M', "GB"),
    (b'S', b'N', b'T', "DE"),
    (b'S', b'U', b'Z', "PL"),
    (b'T', b'J', b'P', "CZ"),
    (b'T', b'R', b'V', "HU"),
    (b'V', b'A', b'E', "AT"),
    (b'V', b'F', b'R', "FR"),
    (b'V', b'S', b'W', "ES"),
    (b'W', b'A', b'0', "DE"),
    (b'X', b'L', b'R', "NL"),
    (b'Y', b'S', b'W', "SE"),
    (b'Z', b'A', b'R', "IT"),
    (b'1', b'A', b'0', "US"),
    (b'2', b'A', b'0', "CA"),
    (b'3', b'A', b'7', "MX"),
    (b'4', b'A', b'0', "US"),
    (b'5', b'A', b'0', "US"),
    (b'6', b'A', b'W', "AU"),
    (b'8', b'A', b'E', "AR"),
    (b'9', b'A', b'E', "BR"),
    (b'9', b'3', b'9', "BR"),
];

impl Vin {
    /// Reads a VIN as people write it: blanks and characters that nobody sees are dropped, full-width and
    /// lower-case characters become their plain upper-case form.
    pub fn parse(text: &str) -> Result<Self, VinError> {
        let seen = |c: &char| !(c.is_whitespace() || is_invisible(*c));
        let vin: String = text.chars().filter(seen).map(half_width).map(|c| c.to_ascii_uppercase()).collect();
        let found = vin.chars().count();
        if found != 17 {
            return Err(VinError::Length { found });
        }
        let foreign = vin.chars().enumerate().find(|(_, c)| !is_vin_character(*c));
        match foreign {
            Some((index, found)) => Err(VinError::Charset { position: index + 1, found }),
            None => Ok(Self(vin)),
        }
    }

    /// The canonical form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether position 9 is what the other characters require.
    pub fn check_digit_ok(&self) -> bool {
        self.at(9) == self.expected_check_digit()
    }

    /// Model years that position 10 can mean, the likelier one first. Some European vehicles carry 0 there.
    pub fn model_years(&self) -> Vec<i32> {
        let Some(index) = YEAR_CODES.iter().position(|code| char::from(*code) == self.at(10)) else {
            return Vec::new();
        };
        let offset = i32::try_from(index).unwrap_or(0);
        let (early, late) = (1980 + offset, 2010 + offset);
        // 49 CFR 565: on light vehicles a letter at position 7 means the cycle that began in 2010.
        if self.is_north_american() && !self.at(7).is_ascii_alphabetic() {
            vec![early, late]
        } else {
            vec![late, early]
        }
    }

    /// How the market of the maker takes check digit and year code.
    pub fn market(&self) -> VinMarket {
        if self.at(1) == 'L' || self.is_north_american() { VinMarket::Strict } else { VinMarket::Lenient }
    }

    /// What is doubtful about it. In a strict market each is an error unless overridden, elsewhere a warning.
    pub fn issues(&self) -> Vec<VinIssue> {
        let mut issues = Vec::new();
        if !self.check_digit_ok() {
            issues.push(VinIssue::CheckDigit { expected: self.expected_check_digit(), actual: self.at(9) });
        }
        if self.model_years().is_empty() {
            issues.push(VinIssue::YearCode { actual: self.at(10) });
        }
        issues
    }

    /// What it says.
    pub fn decode(&self) -> VinParts {
        let part = |from: usize, to: usize| self.0.get(from - 1..to).unwrap_or_default().to_owned();
        let small_maker = self.at(3) == '9';
        VinParts {
            wmi: part(1, 3),
            vds: part(4, 9),
            vis: part(10, 17),
            check_digit_expected: self.expected_check_digit(),
            check_digit_actual: self.at(9),
            model_years: self.model_years(),
            plant: self.at(11),
            small_maker,
            serial: if small_maker { part(15, 17) } else { part(12, 17) },
            region: self.region(),
            country: self.country(),
        }
    }

    fn region(&self) -> VinRegion {
        match self.at(1) {
            'A'..='H' => VinRegion::Africa,
            'J'..='R' => VinRegion::Asia,
            'S'..='Z' => VinRegion::Europe,
            '1'..='5' => VinRegion::NorthAmerica,
            '6' | '7' => VinRegion::Oceania,
            '8' | '9' => VinRegion::SouthAmerica,
            _ => VinRegion::Unassigned,
        }
    }

    fn country(&self) -> Option<&'static str> {
        let rank = |byte: u8| COUNTRY_ORDER.iter().position(|other| *other == byte);
        let (first, second) = (self.at(1), rank(u8::try_from(self.at(2)).unwrap_or(0)));
        COUNTRIES
            .iter()
            .find(|(start, low, high, _)| char::from(*start) == first && second >= rank(*low) && second <= rank(*high))
            .map(|(_, _, _, country)| *country)
    }

    fn is_north_american(&self) -> bool {
        matches!(self.at(1), '1'..='5')
    }

    fn expected_check_digit(&self) -> char {
        let sum: u32 = self.0.chars().zip(WEIGHTS).map(|(c, weight)| value(c) * weight).sum();
        match sum % 11 {
            10 => 'X',
            digit => char::from_digit(digit, 10).unwrap_or('0'),
        }
    }

    /// The character at a position counted from 1, as the standards count.
    fn at(&self, position: usize) -> char {
        self.0.as_bytes().get(position - 1).copied().map_or('0', char::from)
    }
}

impl fmt::Display for Vin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Vin {
    type Error = VinError;

    fn try_from(text: String) -> Result<Self, VinError> {
        Self::parse(&text)
    }
}

impl From<Vin> for String {
    fn from(vin: Vin) -> Self {
        vin.0
    }
}

fn is_vin_character(c: char) -> bool {
    c.is_ascii_digit() || (c.is_ascii_uppercase() && !matches!(c, 'I' | 'O' | 'Q'))
}

/// The number that a character counts as in the check sum.
fn value(c: char) -> u32 {
    match c {
        '0'..='9' => u32::from(c) - u32::from('0'),
        'A'..='H' => u32::from(c) - u32::from('A') + 1,
        'J'..='N' => u32::from(c) - u32::from('J') + 1,
        'P' => 7,
        'R' => 9,
        'S'..='Z' => u32::from(c) - u32::from('S') + 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vin(text: &str) -> Vin {
        Vin::parse(text).unwrap()
    }

    #[test]
    fn published_vectors_have_the_right_check_digit() {
        for text in
            ["1G4AH59H45G118341", "1J9RP1A36A1644345", "1M8GDM9AXKP042788", "LJCPCBLCX11000237", "11111111111111111"]
        {
            assert!(vin(text).check_digit_ok(), "{text}");
        }
        let parts = vin("1M8GDM9A0KP042788").decode();
        assert_eq!((parts.check_digit_expected, parts.check_digit_actual), ('X', '0'));
    }

    #[test]
    fn a_vin_is_read_as_people_write_it() {
        let canonical = vin("LJCPCBLCX11000237");
        assert_eq!(vin(" ljcpcblcx11000237\n"), canonical);
        assert_eq!(vin("ＬＪＣＰＣＢＬＣＸ１１０００２３７"), canonical);
        assert_eq!(vin("\u{3000}LJCPCBLCX11000237"), canonical);
        assert_eq!(vin("LJC PCBLCX\u{a0}11000237\u{200b}\u{feff}"), canonical);
    }

    #[test]
    fn length_and_characters_are_form() {
        assert_eq!(Vin::parse("LJCPCBLCX1100023"), Err(VinError::Length { found: 16 }));
        assert_eq!(Vin::parse(""), Err(VinError::Length { found: 0 }));
        assert_eq!(Vin::parse("LJCPCBLCX1100023O"), Err(VinError::Charset { position: 17, found: 'O' }));
        assert_eq!(Vin::parse("车JCPCBLCX11000237"), Err(VinError::Charset { position: 1, found: '车' }));
    }

    #[test]
    fn china_and_north_america_insist_on_check_digit_and_year() {
        for (text, market) in [
            ("LJCPCBLCX11000237", VinMarket::Strict),
            ("1G4AH59H45G118341", VinMarket::Strict),
            ("5G4AH59H45G118341", VinMarket::Strict),
            ("WVWZZZ1JZ3W386752", VinMarket::Lenient),
            ("6G4AH59H45G118341", VinMarket::Lenient),
        ] {
            assert_eq!(vin(text).market(), market, "{text}");
        }
        // The vector's sum is 186; without the 1 × 9 of position 10 it is 177, which leaves 1.
        assert_eq!(
            vin("LJCPCBLC001000237").issues(),
            [VinIssue::CheckDigit { expected: '1', actual: '0' }, VinIssue::YearCode { actual: '0' }]
        );
        assert_eq!(vin("LJCPCBLCX11000237").issues(), []);
    }

    #[test]
    fn a_year_code_means_two_years_the_likelier_first() {
        assert_eq!(vin("LJCPCBLCX11000237").model_years(), [2031, 2001]);
        assert_eq!(vin("1M8GDM9AXKP042788").model_years(), [1989, 2019]);
        assert_eq!(vin("1M8GDMAAXKP042788").model_years(), [2019, 1989]);
        assert_eq!(vin("LJCPCBLCXU1000237").model_years(), [] as [i32; 0]);
    }

    #[test]
    fn a_vin_tells_maker_plant_and_country() {
        let parts = vin("LJCPCBLCX11000237").decode();
        assert_eq!((parts.wmi.as_str(), parts.vds.as_str(), parts.vis.as_str()), ("LJC", "PCBLCX", "11000237"));
        assert_eq!((parts.plant, parts.serial.as_str(), parts.small_maker), ('1', "000237", false));
        assert_eq!((parts.region, parts.country), (VinRegion::Asia, Some("CN")));
        let small = vin("1J9RP1A36A1644345").decode();
        assert_eq!((small.small_maker, small.serial.as_str(), small.country), (true, "345", Some("US")));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,24}") {
            if let Ok(vin) = Vin::parse(&text) {
                let _ = (vin.decode(), vin.issues());
            }
        }

        #[test]
        fn every_well_formed_text_decodes(text in "[A-HJ-NPR-Z0-9]{17}") {
            let vin = Vin::parse(&text).unwrap();
            let parts = vin.decode();
            prop_assert_eq!(format!("{}{}{}", parts.wmi, parts.vds, parts.vis), text);
            prop_assert_eq!(vin.check_digit_ok(), parts.check_digit_expected == parts.check_digit_actual);
        }

        #[test]
        fn one_wrong_digit_is_noticed(position in 0_usize..17, step in 1_u32..9) {
            // Digits only: letters share values, so that a slip between them can stay unseen.
            prop_assume!(position != 8);
            let mut characters: Vec<char> = "11111111111111111".chars().collect();
            characters[position] = char::from_digit(1 + step, 10).unwrap();
            prop_assert!(!vin(&characters.into_iter().collect::<String>()).check_digit_ok());
        }
    }
}
