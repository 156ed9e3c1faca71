use proptest::prelude::*;

use super::*;

fn cny(minor: i64) -> Money {
    Money::new(Currency::CNY, minor)
}

fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

#[test]
fn the_minor_unit_follows_the_currency() {
    for (code, exponent) in [("CNY", 2), ("jpy", 0), (" EUR ", 2), ("KWD", 3), ("CLF", 4)] {
        assert_eq!(Currency::parse(code).map(Currency::exponent), Ok(exponent), "{code}");
    }
    assert_eq!(Currency::CNY, currency("CNY"));
    for bad in ["", "CN", "CNYY", "XAU", "ZZZ", "人民币"] {
        assert_eq!(Currency::parse(bad), Err(MoneyError::UnknownCurrency), "{bad}");
    }
}

#[test]
fn a_currency_is_stored_as_its_code() {
    let text = serde_json::to_string(&cny(1234)).unwrap();
    assert_eq!(text, r#"{"currency":"CNY","minor":1234}"#);
    assert_eq!(serde_json::from_str::<Money>(&text).unwrap(), cny(1234));
    assert!(serde_json::from_str::<Currency>("\"ZZZ\"").is_err());
}

#[test]
fn one_rounding_half_away_from_zero() {
    for (minor, quantity, product) in [
        (333, "0.500", 167),
        (-333, "0.500", -167),
        (1, "0.499", 0),
        (1, "0.500", 1),
        (-1, "0.500", -1),
        (1, "1.499", 1),
        (100, "2.345", 235),
        (100, "-2.345", -235),
    ] {
        assert_eq!(
            cny(minor).times_quantity(Quantity::parse(quantity).unwrap()),
            Ok(cny(product)),
            "{minor} × {quantity}"
        );
    }
    assert_eq!(cny(12_000).times_hours(Hours::parse("1.25").unwrap()), Ok(cny(15_000)));
    assert_eq!(cny(105).times_bp(BasisPoints(5_000)), Ok(cny(53)));
}

#[test]
fn several_factors_round_only_at_the_end() {
    // 0.05 × 1.10 × 3 = 0.165 → 0.17; rounding in between would give 0.18 (0.055 → 0.06).
    let markup = BasisPoints(1_000).on_top().unwrap();
    let pieces = Quantity::whole(3).unwrap();
    assert_eq!(cny(5).times(&[Factor::Bp(markup), Factor::Quantity(pieces)]), Ok(cny(17)));
}

#[test]
fn amounts_of_two_currencies_are_never_added() {
    let euro = Money::new(currency("EUR"), 1);
    assert_eq!(cny(1).try_add(euro), Err(MoneyError::CurrencyMismatch(Currency::CNY, euro.currency)));
    assert!(cny(1).try_sub(euro).is_err() && cny(1).try_min(euro).is_err() && cny(1).try_cmp(euro).is_err());
}

#[test]
fn too_large_is_an_error() {
    let most = cny(i64::MAX);
    assert_eq!(most.try_add(cny(1)), Err(MoneyError::Overflow));
    assert_eq!(cny(i64::MIN).try_neg(), Err(MoneyError::Overflow));
    assert_eq!(most.times_quantity(Quantity::whole(2).unwrap()), Err(MoneyError::Overflow));
    assert_eq!(most.times_quantity(Quantity::whole(1).unwrap()), Ok(most));
    let large = Factor::Quantity(Quantity(i64::MAX));
    assert_eq!(most.times(&[large, large]), Err(MoneyError::Overflow));
}

#[test]
fn texts_are_plain_digits() {
    assert_eq!(Money::parse(Currency::CNY, "12.34"), Ok(cny(1234)));
    assert_eq!(Money::parse(Currency::CNY, "-0.05"), Ok(cny(-5)));
    assert_eq!(Money::parse(Currency::CNY, "7"), Ok(cny(700)));
    assert_eq!(Money::parse(Currency::CNY, "12.3400"), Ok(cny(1234)));
    assert_eq!(Money::parse(Currency::CNY, "12.345"), Err(MoneyError::TooManyDecimals(2)));
    assert_eq!(Money::parse(currency("JPY"), "1.5"), Err(MoneyError::TooManyDecimals(0)));
    assert_eq!(Money::parse(Currency::CNY, "92233720368547758.08"), Err(MoneyError::Overflow));
    for bad in ["", "-", ".5", "1.", "+1", "1e3", "1,000", " 1", "１", "--1", "1.2.3", "NaN"] {
        assert_eq!(Money::parse(Currency::CNY, bad), Err(MoneyError::BadNumber), "{bad}");
    }
    assert_eq!(cny(-5).to_string(), "-0.05 CNY");
    assert_eq!(Money::new(currency("JPY"), 1500).amount(), "1500");
    assert_eq!((Hours(150).to_string(), Quantity(4_500).to_string()), ("1.50".to_owned(), "4.500".to_owned()));
}

#[test]
fn the_wire_carries_no_more_decimals_than_the_currency_has() {
    assert_eq!(Money::from_units_nanos(Currency::CNY, 12, 340_000_000), Ok(cny(1234)));
    assert_eq!(Money::from_units_nanos(Currency::CNY, 0, -50_000_000), Ok(cny(-5)));
    assert_eq!(Money::from_units_nanos(Currency::CNY, 12, 345_000_000), Err(MoneyError::TooManyDecimals(2)));
    assert_eq!(Money::from_units_nanos(Currency::CNY, 1, -10_000_000), Err(MoneyError::BadNumber));
    assert_eq!(Money::from_units_nanos(Currency::CNY, 0, 1_000_000_000), Err(MoneyError::BadNumber));
    assert_eq!(Money::from_units_nanos(Currency::CNY, i64::MAX, 0), Err(MoneyError::Overflow));
    assert_eq!(cny(-1234).to_units_nanos(), (-12, -340_000_000));
}

#[test]
fn a_split_gives_remaining_units_by_largest_remainder() {
    let split = |minor, shares: &[i64]| {
        let shares: Vec<BasisPoints> = shares.iter().copied().map(BasisPoints).collect();
        let split = cny(minor).split_by_shares(&shares)?;
        Ok((split.parts.into_iter().map(|part| part.minor).collect::<Vec<_>>(), split.rest.minor))
    };
    assert_eq!(split(100, &[3_333, 3_333, 3_334]), Ok((vec![33, 33, 34], 0)));
    // A tie goes to the first in the list.
    assert_eq!(split(1, &[5_000, 5_000]), Ok((vec![1, 0], 0)));
    assert_eq!(split(-1, &[5_000, 5_000]), Ok((vec![-1, 0], 0)));
    // What nobody bears stays with the manufacturer.
    assert_eq!(split(1_000, &[7_000]), Ok((vec![700], 300)));
    assert_eq!(split(1_000, &[]), Ok((vec![], 1_000)));
    assert_eq!(split(1, &[5_000]), Ok((vec![1], 0)));
    assert_eq!(split(1, &[6_000, 5_000]), Err(MoneyError::BadShares));
    assert_eq!(split(1, &[-1]), Err(MoneyError::BadShares));
}

proptest! {
    #[test]
    fn rounding_is_off_by_at_most_half(minor in -1_000_000_000_i64..1_000_000_000, steps in -1_000_000_i64..1_000_000) {
        let product = cny(minor).times_quantity(Quantity(steps)).unwrap();
        let exact = i128::from(minor) * i128::from(steps);
        let error = (i128::from(product.minor) * 1_000 - exact).abs();
        prop_assert!(error <= 500);
        // Exactly half goes away from zero.
        if error == 500 {
            prop_assert!((i128::from(product.minor) * 1_000).abs() > exact.abs());
        }
    }

    #[test]
    fn a_product_keeps_its_size_when_the_sign_turns(minor in -1_000_000_i64..1_000_000, bp in -20_000_i64..20_000) {
        let product = cny(minor).times_bp(BasisPoints(bp)).unwrap();
        prop_assert_eq!(cny(-minor).times_bp(BasisPoints(bp)).unwrap(), product.try_neg().unwrap());
    }

    #[test]
    fn parts_sum_to_the_whole(minor in any::<i64>(), weights in prop::collection::vec(0_i64..=10_000, 0..8)) {
        let total: i64 = weights.iter().sum::<i64>().max(10_000);
        let shares: Vec<BasisPoints> = weights.iter().map(|weight| BasisPoints(weight * 10_000 / total)).collect();
        let split = cny(minor).split_by_shares(&shares).unwrap();
        let sum = split.parts.iter().chain([&split.rest]).map(|part| i128::from(part.minor)).sum::<i128>();
        prop_assert_eq!(sum, i128::from(minor));
        for (part, share) in split.parts.iter().zip(&shares) {
            let exact = i128::from(minor) * i128::from(share.0);
            prop_assert!((i128::from(part.minor) * 10_000 - exact).abs() < 10_000);
            prop_assert!(share.0 > 0 || part.is_zero());
        }
    }

    #[test]
    fn adding_and_taking_away_again_changes_nothing(a in any::<i64>(), b in any::<i64>()) {
        if let Ok(sum) = cny(a).try_add(cny(b)) {
            prop_assert_eq!(sum.try_sub(cny(b)), Ok(cny(a)));
        } else {
            prop_assert!(a.checked_add(b).is_none());
        }
    }

    #[test]
    fn what_is_printed_is_read_back(minor in any::<i64>(), code in prop::sample::select(vec!["CNY", "JPY", "KWD", "CLF"])) {
        let money = Money::new(currency(code), minor);
        prop_assert_eq!(Money::parse(money.currency, &money.amount()), Ok(money));
        prop_assert_eq!(Hours::parse(&Hours(minor).to_string()), Ok(Hours(minor)));
        prop_assert_eq!(Quantity::parse(&Quantity(minor).to_string()), Ok(Quantity(minor)));
        let (units, nanos) = money.to_units_nanos();
        prop_assert_eq!(Money::from_units_nanos(money.currency, units, nanos), Ok(money));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC*") {
        let _ = Money::parse(Currency::CNY, &text);
        let _ = Currency::parse(&text);
    }
}

#[test]
fn an_exchange_minds_the_decimals_of_both_currencies_and_rounds_once() {
    let of = |code: &str, minor: i64| Money::new(Currency::parse(code).unwrap(), minor);
    for (from, factor, units, to, expected) in [
        // 304.00 CNY at 0.12845 are 39.0488 EUR.
        (of("CNY", 30_400), "0.12845", 1, "EUR", 3_905),
        (of("CNY", -30_400), "0.12845", 1, "EUR", -3_905),
        // 1.00 CNY at 21.5 are 21.5 JPY, which has no decimals.
        (of("CNY", 100), "21.5", 1, "JPY", 22),
        (of("JPY", 22), "0.0465", 1, "CNY", 102),
        // Three decimals.
        (of("CNY", 100), "0.0423", 1, "KWD", 42),
        // Banks quote small units by the hundred or more.
        (of("KRW", 1_000_000), "0.6493", 1_000, "EUR", 64_930),
        (of("CNY", 0), "7", 1, "EUR", 0),
    ] {
        let factor = ExchangeFactor::parse(factor).unwrap();
        assert_eq!(
            from.exchanged(factor, units, Currency::parse(to).unwrap()).unwrap(),
            of(to, expected),
            "{from:?} {to}"
        );
    }
    let most = of("CNY", i64::MAX).exchanged(ExchangeFactor(i64::MAX), 1, Currency::parse("KWD").unwrap());
    assert_eq!(most, Err(MoneyError::Overflow));
    assert!(of("CNY", 1).exchanged(ExchangeFactor(1), 0, Currency::CNY).is_err());
}

#[test]
fn a_sign_is_told_and_turned() {
    for (minor, zero, negative) in [(-1, false, true), (0, true, false), (1, false, false)] {
        assert_eq!((cny(minor).is_zero(), cny(minor).is_negative()), (zero, negative), "{minor}");
        assert_eq!((Hours(minor).is_negative(), Quantity(minor).is_negative()), (negative, negative), "{minor}");
        assert_eq!(cny(minor).try_neg(), Ok(cny(-minor)));
    }
    assert_eq!(Money::zero(Currency::CNY), cny(0));
}

#[test]
fn of_two_amounts_the_smaller_and_which() {
    use std::cmp::Ordering::{Equal, Greater, Less};
    for (one, other, smaller, order) in [(-2, 1, -2, Less), (3, 1, 1, Greater), (5, 5, 5, Equal)] {
        assert_eq!(cny(one).try_min(cny(other)), Ok(cny(smaller)), "{one} {other}");
        assert_eq!(cny(one).try_cmp(cny(other)), Ok(order), "{one} {other}");
    }
    assert!(cny(1).try_min(Money::new(currency("EUR"), 1)).is_err());
    assert_eq!(Money::sum(Currency::CNY, [cny(5), cny(-7), cny(1)]), Ok(cny(-1)));
    assert_eq!(Money::sum(Currency::CNY, []), Ok(cny(0)));
    assert!(Money::sum(Currency::CNY, [Money::new(currency("EUR"), 0)]).is_err(), "nothing has a currency too");
}

#[test]
fn a_ratio_has_a_denominator_above_zero_and_is_rounded_once() {
    for (minor, numerator, denominator, expected) in [
        (100, 1, 3, 33),
        (100, 2, 3, 67),
        (-100, 2, 3, -67),
        (5, 1, 2, 3),
        (-5, 1, 2, -3),
        (7, -3, 1, -21),
        (4, 0, 9, 0),
    ] {
        assert_eq!(
            cny(minor).times_ratio(numerator, denominator),
            Ok(cny(expected)),
            "{minor} {numerator}/{denominator}"
        );
        let product = i128::from(minor) * i128::from(numerator);
        assert_eq!(Money::of_ratio(Currency::CNY, product, i128::from(denominator)), Ok(cny(expected)));
    }
    for denominator in [0, -1, -10] {
        assert_eq!(cny(10).times_ratio(1, denominator), Err(MoneyError::BadNumber));
        assert_eq!(Money::of_ratio(Currency::CNY, 10, i128::from(denominator)), Err(MoneyError::BadNumber));
    }
    assert_eq!(cny(i64::MAX).times_ratio(2, 1), Err(MoneyError::Overflow));
    assert_eq!(cny(i64::MAX).times_ratio(2, 2), Ok(cny(i64::MAX)), "the product has 128 bits");
    assert_eq!(Money::of_ratio(Currency::CNY, i128::MAX, 1), Err(MoneyError::Overflow));
}

#[test]
fn a_share_lies_between_nothing_and_the_whole() {
    for (bp, is_share) in [(-1, false), (0, true), (1, true), (10_000, true), (10_001, false)] {
        assert_eq!(BasisPoints(bp).is_share(), is_share, "{bp}");
    }
    assert_eq!(BasisPoints(1_250).on_top(), Ok(BasisPoints(11_250)));
    assert_eq!(BasisPoints(i64::MAX).on_top(), Err(MoneyError::Overflow));
    assert_eq!(BasisPoints(1_250).to_string(), "12.50 %");
}

#[test]
fn units_and_billionths_have_one_sign_and_fit_the_currency() {
    let read =
        |code: &str, units, nanos| Money::from_units_nanos(currency(code), units, nanos).map(|money| money.minor);
    for (code, units, nanos, expected) in [
        ("CNY", 0, 0, Ok(0)),
        ("CNY", 0, 50_000_000, Ok(5)),
        ("CNY", 0, -50_000_000, Ok(-5)),
        ("CNY", 1, 0, Ok(100)),
        ("CNY", -1, 0, Ok(-100)),
        ("CNY", -1, -10_000_000, Ok(-101)),
        ("CNY", -1, 10_000_000, Err(MoneyError::BadNumber)),
        ("CNY", 1, -10_000_000, Err(MoneyError::BadNumber)),
        ("CNY", 0, 999_999_999, Err(MoneyError::TooManyDecimals(2))),
        ("CNY", 0, -1_000_000_000, Err(MoneyError::BadNumber)),
        ("CNY", 0, i32::MIN, Err(MoneyError::BadNumber)),
        ("JPY", 3, 0, Ok(3)),
        ("JPY", 3, 500_000_000, Err(MoneyError::TooManyDecimals(0))),
        ("KWD", 1, 234_000_000, Ok(1_234)),
        ("KWD", 1, 234_500_000, Err(MoneyError::TooManyDecimals(3))),
        ("CNY", i64::MAX / 100, 70_000_000, Ok(i64::MAX)),
        ("CNY", i64::MAX / 100, 80_000_000, Err(MoneyError::Overflow)),
    ] {
        assert_eq!(read(code, units, nanos), expected, "{code} {units} {nanos}");
    }
    assert_eq!(
        (cny(0).to_units_nanos(), cny(100).to_units_nanos(), cny(-5).to_units_nanos()),
        ((0, 0), (1, 0), (0, -50_000_000))
    );
    assert_eq!(Money::new(currency("JPY"), -7).to_units_nanos(), (-7, 0));
}

#[test]
fn amounts_are_printed_with_all_their_decimals() {
    for (minor, text) in [(0, "0.00"), (-1, "-0.01"), (1, "0.01"), (-100, "-1.00"), (i64::MIN, "-92233720368547758.08")]
    {
        assert_eq!(cny(minor).amount(), text);
    }
    let yen = |minor| Money::new(currency("JPY"), minor).amount();
    assert_eq!((yen(0), yen(-5)), ("0".to_owned(), "-5".to_owned()));
    assert_eq!((format!("{:?}", cny(5)), format!("{:?}", Currency::CNY)), ("0.05 CNY".to_owned(), "CNY".to_owned()));
    assert_eq!((Currency::CNY.code(), String::from(Currency::CNY)), ("CNY", "CNY".to_owned()));
    let mismatch = MoneyError::CurrencyMismatch(Currency::CNY, currency("EUR")).to_string();
    assert!(mismatch.starts_with("CNY and EUR can't be added"), "{mismatch}");
}

#[test]
fn hours_and_pieces_add_up_or_are_too_many() {
    assert_eq!(Hours::whole(2), Ok(Hours(200)));
    assert_eq!(Quantity::whole(-2), Ok(Quantity(-2_000)));
    assert_eq!(Quantity::whole(i64::MAX), Err(MoneyError::Overflow));
    assert_eq!((Hours(150).try_add(Hours(75)), Hours(150).try_sub(Hours(175))), (Ok(Hours(225)), Ok(Hours(-25))));
    assert_eq!(Hours(i64::MAX).try_add(Hours(1)), Err(MoneyError::Overflow));
    assert_eq!(Hours(i64::MIN).try_sub(Hours(1)), Err(MoneyError::Overflow));
    // One and a half hours at 20 per cent more, of a rate of 80: 144.
    let longer = [Factor::Hours(Hours(150)), Factor::Bp(BasisPoints(12_000))];
    assert_eq!(cny(8_000).times(&longer), Ok(cny(14_400)));
    assert_eq!(cny(8_000).times(&[]), Ok(cny(8_000)));
}

#[test]
fn what_is_exchanged_has_units_above_zero() {
    let euro = currency("EUR");
    for units in [0, -1] {
        assert_eq!(cny(1).exchanged(ExchangeFactor::ZERO, units, euro), Err(MoneyError::BadNumber), "{units}");
    }
    assert_eq!(cny(1_234).exchanged(ExchangeFactor(ExchangeFactor::ONE), 1, Currency::CNY), Ok(cny(1_234)));
}
