use super::*;
use crate::claims::Kind;
use crate::claims::sample::{AUDITOR, STATION, cny, day, now};

fn posting(account: Account, amount: &str) -> Posting {
    Posting { account, sub_account: Some(STATION), amount: cny(amount), claim: None, line: Some(1) }
}

fn parts(postings: Vec<Posting>) -> EntryParts {
    EntryParts {
        id: Uuid::from_u128(7),
        cause: "claims/1/decisions/1".to_owned(),
        event: "claim_decided".to_owned(),
        effective_date: day("2026-11-23"),
        posted_time: now(),
        actor: AUDITOR,
        actor_org: OrgId::OEM,
        job: None,
        claim: None,
        reverses: None,
        postings,
    }
}

fn pair(amount: &str) -> Vec<Posting> {
    let credit = cny(amount).try_neg().unwrap();
    let debit = posting(Account::GoodwillExpense, amount);
    vec![debit.clone(), Posting { account: Account::StationAccrued, amount: credit, ..debit }]
}

#[test]
fn every_account_has_a_code_that_leads_back_and_a_title() {
    let accounts = Account::all();
    assert_eq!(accounts.len(), 20);
    for account in accounts {
        assert_eq!(Account::parse(account.code()), Ok(account));
        assert!(!account.title().en.is_empty() && !account.title().zh_cn.is_empty());
    }
    assert!(Account::parse("expense:other").is_err());
}

#[test]
fn expenses_and_assets_grow_on_the_debit_side() {
    for account in Account::all() {
        let debit = account.code().starts_with("expense:")
            || account.code().starts_with("asset:")
            || account.code() == "tax:input";
        assert_eq!(account.normal_side() == Side::Debit, debit, "{account}");
    }
}

#[test]
fn an_entry_is_balanced_or_does_not_exist() {
    assert!(Entry::balanced(parts(pair("12.34"))).is_ok());
    assert_eq!(Entry::balanced(parts(Vec::new())), Err(EntryError::TooFewPostings));
    assert_eq!(Entry::balanced(parts(pair("0"))), Err(EntryError::ZeroPosting(Account::GoodwillExpense)));
    let mut lopsided = pair("10");
    lopsided[0].amount = cny("10.01");
    let expected = EntryError::Unbalanced { cause: "claims/1/decisions/1".to_owned(), sum: cny("0.01") };
    assert_eq!(Entry::balanced(parts(lopsided)), Err(expected));
}

#[test]
fn balance_is_kept_per_currency() {
    let mut mixed = pair("10");
    mixed[1].amount = Money::new(Currency::parse("USD").unwrap(), -1_000);
    assert!(matches!(Entry::balanced(parts(mixed)), Err(EntryError::Unbalanced { .. })));
}

#[test]
fn a_posting_has_the_sub_account_that_its_account_has() {
    let mut orphan = pair("10");
    orphan[0].sub_account = None;
    assert_eq!(Entry::balanced(parts(orphan)), Err(EntryError::SubAccount(Account::GoodwillExpense)));
    let mut cash = pair("10");
    cash[1].account = Account::CashClearing;
    assert_eq!(Entry::balanced(parts(cash)), Err(EntryError::SubAccount(Account::CashClearing)));
}

#[test]
fn a_reversal_takes_everything_back() {
    let entry = Entry::balanced(parts(pair("12.34"))).unwrap();
    let back = entry.reversal(Uuid::from_u128(8), day("2026-12-01"), now(), AUDITOR, OrgId::OEM).unwrap();
    assert_eq!(back.parts().reverses, Some(entry.id()));
    assert_eq!(back.cause(), "claims/1/decisions/1/reversal");
    let both: Vec<Posting> = entry.postings().iter().chain(back.postings()).cloned().collect();
    for account in [Account::GoodwillExpense, Account::StationAccrued] {
        let of_account: Vec<Posting> = both.iter().filter(|posting| posting.account == account).cloned().collect();
        assert!(sums(&of_account).unwrap().values().all(|sum| sum.is_zero()));
    }
}

fn proposal(postings: Vec<Posting>) -> Proposal {
    Proposal {
        cause: "claims/1/decisions/1".to_owned(),
        event: "claim_decided",
        effective_date: day("2026-11-23"),
        claim: None,
        postings,
    }
}

fn found(cause: &str, postings: Vec<Posting>) -> FoundEntry {
    FoundEntry { cause: cause.to_owned(), postings }
}

fn kinds(expected: &[Proposal], found: &[FoundEntry]) -> Vec<DifferenceKind> {
    compare(expected, found).unwrap().into_iter().map(|difference| difference.kind).collect()
}

#[test]
fn verification_finds_nothing_where_nothing_differs() {
    let mut reordered = pair("10");
    reordered.reverse();
    assert_eq!(kinds(&[proposal(pair("10"))], &[found("claims/1/decisions/1", reordered)]), []);
    assert_eq!(kinds(&[], &[]), []);
}

#[test]
fn verification_finds_what_is_missing_too_much_or_different() {
    let cause = "claims/1/decisions/1";
    assert_eq!(kinds(&[proposal(pair("10"))], &[]), [DifferenceKind::Missing]);
    assert_eq!(kinds(&[], &[found(cause, pair("10"))]), [DifferenceKind::Unexpected]);
    assert_eq!(
        kinds(&[proposal(pair("10"))], &[found(cause, pair("10")), found(cause, pair("10"))]),
        [DifferenceKind::Unexpected]
    );
    assert_eq!(
        kinds(&[proposal(pair("10"))], &[found(cause, pair("9"))]),
        [DifferenceKind::Amount, DifferenceKind::Amount]
    );
    let mut lopsided = pair("10");
    lopsided[0].amount = cny("11");
    let differences = compare(&[proposal(pair("10"))], &[found(cause, lopsided)]).unwrap();
    assert_eq!(differences[0].kind, DifferenceKind::Unbalanced);
    assert_eq!(
        (differences[1].account, differences[1].expected, differences[1].found),
        (Some(Account::GoodwillExpense), Some(cny("10")), Some(cny("11")))
    );
}

#[test]
fn verification_sees_the_wrong_account_line_or_party() {
    let cause = "claims/1/decisions/1";
    let changes: [fn(&mut Posting); 3] = [
        |posting| posting.account = Account::WarrantyExpense(Kind::WarrantyRepair),
        |posting| posting.line = Some(2),
        |posting| posting.sub_account = Some(OrgId(Uuid::from_u128(1))),
    ];
    for change in changes {
        let mut moved = pair("10");
        change(&mut moved[0]);
        assert_eq!(
            kinds(&[proposal(pair("10"))], &[found(cause, moved)]),
            [DifferenceKind::Amount, DifferenceKind::Amount]
        );
    }
}

#[test]
fn an_account_is_told_and_stored_as_its_code() {
    for account in Account::all() {
        assert_eq!(
            (account.to_string(), String::from(account)),
            (account.code().to_owned(), account.code().to_owned())
        );
        let text = serde_json::to_string(&account).unwrap();
        assert_eq!(text, format!("\"{}\"", account.code()));
        assert_eq!(serde_json::from_str::<Account>(&text).unwrap(), account);
    }
    assert!(serde_json::from_str::<Account>("\"expense:other\"").is_err());
    assert_eq!(Account::parse(""), Err(UnknownAccount(String::new())));
}

#[test]
fn an_account_has_the_sub_accounts_of_the_party_that_it_is_about() {
    let of = |wanted: SubAccounts| {
        let accounts = Account::all().into_iter().filter(|account| account.sub_accounts() == wanted);
        accounts.map(Account::code).filter(|code| !code.starts_with("expense:warranty:")).collect::<Vec<_>>()
    };
    assert_eq!(
        of(SubAccounts::Station),
        [
            "expense:goodwill",
            "liability:station-accrued",
            "liability:station-payable",
            "asset:station-receivable",
            "income:used-parts"
        ]
    );
    assert_eq!(
        of(SubAccounts::Supplier),
        ["expense:recovery-waived", "asset:supplier-recoverable", "asset:supplier-receivable", "income:recovery"]
    );
    assert_eq!(of(SubAccounts::Appraiser), ["expense:appraisal", "liability:appraiser-accrued"]);
    assert_eq!(of(SubAccounts::None), ["tax:input", "tax:output", "asset:cash-clearing"]);
    // What warranty costs is known by station, for every kind of claim.
    for kind in Kind::ALL {
        assert_eq!(Account::WarrantyExpense(kind).sub_accounts(), SubAccounts::Station, "{kind:?}");
    }
}

#[test]
fn a_posting_stands_on_the_side_of_its_sign() {
    let postings = pair("12.34");
    assert_eq!((postings[0].side(), postings[1].side()), (Side::Debit, Side::Credit));
}

#[test]
fn one_posting_is_no_entry_and_two_currencies_balance_apart() {
    assert_eq!(Entry::balanced(parts(pair("10")[..1].to_vec())), Err(EntryError::TooFewPostings));
    let dollars = pair("3").into_iter().map(|posting| Posting {
        amount: Money::new(Currency::parse("USD").unwrap(), posting.amount.minor),
        ..posting
    });
    let both: Vec<Posting> = pair("10").into_iter().chain(dollars).collect();
    assert_eq!(sums(&both).unwrap().len(), 2);
    assert!(Entry::balanced(parts(both)).is_ok());
    assert_eq!(sums(&pair("10")[..1]).unwrap(), BTreeMap::from([(Currency::CNY, cny("10"))]));
}

#[test]
fn an_entry_keeps_what_it_was_made_of() {
    let made = EntryParts {
        job: Some("claim-deadlines".to_owned()),
        claim: Some(ClaimId(Uuid::from_u128(5))),
        reverses: Some(Uuid::from_u128(6)),
        ..parts(pair("10"))
    };
    let entry = Entry::balanced(made.clone()).unwrap();
    assert_eq!(entry.parts(), made);
    assert_eq!((entry.id(), entry.cause(), entry.postings()), (made.id, made.cause.as_str(), &made.postings[..]));
    let proposed = Proposal { claim: made.claim, ..proposal(pair("10")) };
    let written = Entry::of(proposed, Uuid::from_u128(7), now(), AUDITOR, OrgId::OEM).unwrap();
    assert_eq!(written.parts(), EntryParts { claim: made.claim, ..parts(pair("10")) });
}

#[test]
fn a_reversal_is_the_same_entry_with_the_other_sign_on_its_own_day() {
    let claim = Some(ClaimId(Uuid::from_u128(5)));
    let entry = Entry::balanced(EntryParts { claim, ..parts(pair("12.34")) }).unwrap();
    let back = entry.reversal(Uuid::from_u128(8), day("2026-12-01"), now(), AUDITOR, OrgId::OEM).unwrap();
    let negated = |posting: &Posting| Posting { amount: posting.amount.try_neg().unwrap(), ..posting.clone() };
    let expected = EntryParts {
        id: Uuid::from_u128(8),
        cause: "claims/1/decisions/1/reversal".to_owned(),
        event: "reversal".to_owned(),
        effective_date: day("2026-12-01"),
        claim,
        reverses: Some(Uuid::from_u128(7)),
        ..parts(entry.postings().iter().map(negated).collect())
    };
    assert_eq!(back.parts(), expected);
}

#[test]
fn a_difference_says_where_and_how_much() {
    let cause = "claims/1/decisions/1";
    let mut lopsided = pair("10");
    lopsided[1].amount = cny("-9");
    let differences = compare(&[proposal(pair("10"))], &[found(cause, lopsided)]).unwrap();
    let whole =
        |kind| Difference { cause: cause.to_owned(), kind, account: None, line: None, expected: None, found: None };
    let expected = [
        Difference { found: Some(cny("1")), ..whole(DifferenceKind::Unbalanced) },
        Difference {
            account: Some(Account::StationAccrued),
            line: Some(1),
            expected: Some(cny("-10")),
            found: Some(cny("-9")),
            ..whole(DifferenceKind::Amount)
        },
    ];
    assert_eq!(differences, expected);
    assert_eq!(compare(&[proposal(pair("10"))], &[]).unwrap(), [whole(DifferenceKind::Missing)]);
    // What belongs to another cause is found beside what is right.
    let other = found("claims/1/decisions/2", pair("10"));
    let unexpected = compare(&[proposal(pair("10"))], &[other.clone(), found(cause, pair("10"))]).unwrap();
    assert_eq!(unexpected, [Difference { cause: other.cause, ..whole(DifferenceKind::Unexpected) }]);
}

#[test]
fn postings_of_one_place_are_summed_before_they_are_compared() {
    let halves: Vec<Posting> = pair("5").into_iter().chain(pair("5")).collect();
    assert_eq!(kinds(&[proposal(pair("10"))], &[found("claims/1/decisions/1", halves)]), []);
}
