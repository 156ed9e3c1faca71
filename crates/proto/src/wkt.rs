//! `FieldMask` and `Timestamp` with canonical proto3 JSON, which the types of
//! `pbjson-types` do not have.

use std::borrow::Cow;

use chrono::{DateTime, Datelike, SecondsFormat, Timelike, Utc};

/// 0001-01-01T00:00:00Z.
const FIRST_SECOND: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z.
const LAST_SECOND: i64 = 253_402_300_799;

/// The fields that an update writes, as snake_case paths; `"a,bC.d"` in JSON.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct FieldMask {
    /// The paths.
    #[prost(string, repeated, tag = "1")]
    pub paths: Vec<String>,
}

impl prost::Name for FieldMask {
    const NAME: &'static str = "FieldMask";
    const PACKAGE: &'static str = "google.protobuf";
}

impl serde::Serialize for FieldMask {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let paths: Vec<_> = self.paths.iter().map(|path| camel_case(path)).collect();
        serializer.serialize_str(&paths.join(","))
    }
}

impl<'de> serde::Deserialize<'de> for FieldMask {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let paths = text.split(',').map(str::trim).filter(|path| !path.is_empty()).map(snake_case).collect();
        Ok(Self { paths })
    }
}

/// `odometer_km` as `odometerKm`.
pub(crate) fn camel_case(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    let mut upper = false;
    for letter in path.chars() {
        match letter {
            '_' => upper = true,
            _ if upper => {
                text.extend(letter.to_uppercase());
                upper = false;
            }
            _ => text.push(letter),
        }
    }
    text
}

/// `odometerKm` as `odometer_km`; a snake_case path stays as it is.
pub(crate) fn snake_case(path: &str) -> String {
    let mut text = String::with_capacity(path.len() + 4);
    for letter in path.chars() {
        if letter.is_ascii_uppercase() {
            text.push('_');
            text.push(letter.to_ascii_lowercase());
        } else {
            text.push(letter);
        }
    }
    text
}

/// An instant; `2026-01-31T08:00:00.5Z` in JSON, always in UTC, with 0, 3, 6 or
/// 9 digits of a second.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Message)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds of the second, never negative.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

impl prost::Name for Timestamp {
    const NAME: &'static str = "Timestamp";
    const PACKAGE: &'static str = "google.protobuf";
}

impl Timestamp {
    /// The instant, if it lies in the years 1 to 9999.
    #[must_use]
    pub fn to_datetime(self) -> Option<DateTime<Utc>> {
        if !(FIRST_SECOND..=LAST_SECOND).contains(&self.seconds) || self.nanos > 999_999_999 {
            return None;
        }
        DateTime::from_timestamp(self.seconds, u32::try_from(self.nanos).ok()?)
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(instant: DateTime<Utc>) -> Self {
        // A leap second has up to 1_999_999_999 nanoseconds in chrono, not here.
        let nanos = instant.timestamp_subsec_nanos().min(999_999_999);
        Self { seconds: instant.timestamp(), nanos: i32::try_from(nanos).unwrap_or_default() }
    }
}

impl TryFrom<Timestamp> for DateTime<Utc> {
    type Error = OutOfRange;

    fn try_from(timestamp: Timestamp) -> Result<Self, OutOfRange> {
        timestamp.to_datetime().ok_or(OutOfRange)
    }
}

/// The timestamp is not an instant of the years 1 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfRange;

impl std::fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("timestamp outside of the years 1 to 9999")
    }
}

impl std::error::Error for OutOfRange {}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let instant = self.to_datetime().ok_or_else(|| serde::ser::Error::custom(OutOfRange))?;
        // A page of a list writes hundreds of instants, nearly all of them whole seconds: digit by digit takes a
        // tenth of the time that a general formatter takes.
        if self.nanos != 0 {
            return serializer.serialize_str(&instant.to_rfc3339_opts(SecondsFormat::AutoSi, true));
        }
        let mut text = *b"0000-00-00T00:00:00Z";
        let year = u32::try_from(instant.year()).unwrap_or_default();
        for (at, width, number) in [
            (0, 4, year),
            (5, 2, instant.month()),
            (8, 2, instant.day()),
            (11, 2, instant.hour()),
            (14, 2, instant.minute()),
            (17, 2, instant.second()),
        ] {
            let mut rest = number;
            for digit in text[at..at + width].iter_mut().rev() {
                *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
                rest /= 10;
            }
        }
        serializer.serialize_str(std::str::from_utf8(&text).map_err(serde::ser::Error::custom)?)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let instant = DateTime::parse_from_rfc3339(&text)
            .map_err(|_| serde::de::Error::custom("expected a time such as 2026-01-31T08:00:00Z"))?;
        let timestamp = Self::from(instant.to_utc());
        if timestamp.to_datetime().is_none() {
            return Err(serde::de::Error::custom(OutOfRange));
        }
        Ok(timestamp)
    }
}

#[cfg(test)]
mod tests {
    use super::{FieldMask, Timestamp};

    fn decoded(json: &str) -> Result<Timestamp, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn timestamps_are_written_in_utc_with_0_3_6_or_9_digits() {
        for (given, written) in [
            ("2026-01-31T08:00:00Z", "2026-01-31T08:00:00Z"),
            ("2026-01-31T16:00:00+08:00", "2026-01-31T08:00:00Z"),
            ("2026-01-31T08:00:00.5Z", "2026-01-31T08:00:00.500Z"),
            ("2026-01-31T08:00:00.000001Z", "2026-01-31T08:00:00.000001Z"),
            ("2026-01-31T08:00:00.000000001Z", "2026-01-31T08:00:00.000000001Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"),
        ] {
            let timestamp = decoded(&format!("{given:?}")).unwrap();
            assert_eq!(serde_json::to_string(&timestamp).unwrap(), format!("{written:?}"), "{given}");
        }
    }

    #[test]
    fn timestamps_outside_of_the_years_1_to_9999_are_refused() {
        for given in [
            "\"0000-12-31T23:59:59Z\"",
            "\"9999-12-31T23:59:59-01:00\"",
            "\"2026-02-30T00:00:00Z\"",
            "\"2026-01-31\"",
            "1",
            "\"\"",
        ] {
            assert!(decoded(given).is_err(), "{given}");
        }
        for broken in [
            Timestamp { seconds: i64::MAX, nanos: 0 },
            Timestamp { seconds: 0, nanos: -1 },
            Timestamp { seconds: 0, nanos: 1_000_000_000 },
        ] {
            assert!(serde_json::to_string(&broken).is_err());
            assert_eq!(broken.to_datetime(), None);
        }
    }

    #[test]
    fn field_masks_are_camel_case_in_json_and_snake_case_here() {
        let mask: FieldMask = serde_json::from_str("\"odometerKm, repair_order.labourLines,*\"").unwrap();
        assert_eq!(mask.paths, ["odometer_km", "repair_order.labour_lines", "*"]);
        assert_eq!(serde_json::to_string(&mask).unwrap(), "\"odometerKm,repairOrder.labourLines,*\"");
        assert_eq!(serde_json::from_str::<FieldMask>("\"\"").unwrap().paths, Vec::<String>::new());
    }
}
