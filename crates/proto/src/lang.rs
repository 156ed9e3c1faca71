//! The language of texts for people.

/// The languages we speak. Programs decide by reasons, never by texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Lang {
    /// English, also for languages that we don't speak.
    #[default]
    En,
    /// Chinese in simplified characters.
    ZhCn,
}

impl Lang {
    /// The best language of an `Accept-Language` value: the highest weight wins,
    /// the first of equals. Malformed parts are skipped.
    #[must_use]
    pub fn from_accept_language(value: &str) -> Self {
        let mut best: Option<(u16, Self)> = None;
        for part in value.split(',') {
            let mut pieces = part.split(';').map(str::trim);
            let Some(lang) = pieces.next().and_then(Self::from_tag) else { continue };
            let Some(weight) = weight(pieces) else { continue };
            if weight > 0 && best.is_none_or(|(most, _)| weight > most) {
                best = Some((weight, lang));
            }
        }
        best.map_or(Self::En, |(_, lang)| lang)
    }

    /// The language of HTTP headers or gRPC metadata.
    #[must_use]
    pub fn from_headers(headers: &http::HeaderMap) -> Self {
        let value = headers.get(http::header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        value.map_or(Self::En, Self::from_accept_language)
    }

    /// The BCP 47 tag.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::ZhCn => "zh-CN",
        }
    }

    /// Chooses between two texts.
    #[must_use]
    pub fn pick<'a>(self, en: &'a str, zh_cn: &'a str) -> &'a str {
        match self {
            Self::En => en,
            Self::ZhCn => zh_cn,
        }
    }

    fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        if primary == "*" || primary.eq_ignore_ascii_case("en") {
            Some(Self::En)
        } else if primary.eq_ignore_ascii_case("zh") {
            Some(Self::ZhCn)
        } else {
            None
        }
    }
}

/// The weight in thousandths: 1000 without a `q`, `None` if it can't be read.
fn weight<'a>(parameters: impl Iterator<Item = &'a str>) -> Option<u16> {
    let mut weight = 1000;
    for parameter in parameters {
        let (name, value) = parameter.split_once('=')?;
        if name.trim().eq_ignore_ascii_case("q") {
            weight = thousandths(value.trim())?;
        }
    }
    Some(weight)
}

fn thousandths(value: &str) -> Option<u16> {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Lang::{self, En, ZhCn};

    #[test]
    fn the_highest_weight_wins_and_nonsense_is_skipped() {
        for (value, expected) in [
            ("", En),
            ("zh", ZhCn),
            ("zh-CN,en;q=0.8", ZhCn),
            ("en;q=0.5, zh-Hans-CN;q=0.9", ZhCn),
            ("ZH-cn", ZhCn),
            ("de, fr;q=0.9", En),
            ("de, zh;q=0.1", ZhCn),
            ("zh;q=0, en;q=0.1", En),
            ("zh;q=0", En),
            ("en, zh", En),
            ("zh, en", ZhCn),
            ("*, zh;q=0.5", En),
            ("zh;q=2, en;q=0.1", En),
            ("zh;q=0.12345, en;q=0.1", En),
            ("zh;q=, en;q=0.1", En),
            (";;;=,,q=1;zh", En),
            ("zh; level=1 ;q=0.7, en;q=0.6", ZhCn),
            ("\u{1f600};q=\u{1f600}", En),
        ] {
            assert_eq!(Lang::from_accept_language(value), expected, "{value:?}");
        }
    }
}
