use super::*;
use crate::claims::sample::{STATION, cny, day, in_state};

fn entitlement(state: EntitlementState) -> ServiceEntitlement {
    ServiceEntitlement {
        id: EntitlementId(Uuid::from_u128(1)),
        card_number: "SC-2611-00000001".to_owned(),
        vin: "LSVAM4186C2184841".to_owned(),
        sequence: 1,
        policy: None,
        from_km: 1_000,
        to_km: 5_000,
        first_day: day("2026-01-31"),
        last_day: day("2026-07-31"),
        fee: cny("180"),
        state,
        reason: String::new(),
        external_ref: String::new(),
    }
}

fn holder(claim: u128) -> Holder {
    Holder { claim: ClaimId(Uuid::from_u128(claim)), station: STATION }
}

fn claim(state: StateWord) -> Claim {
    Claim { id: holder(7).claim, ..in_state(state) }
}

/// The truth table: each state of the claim, over an entitlement that is free, its own, another's, over.
#[test]
fn a_claim_reserves_uses_and_releases() {
    use EntitlementState::{Expired, Issued, Released, Reserved, Used, Void};
    for state in StateWord::ALL {
        let after = |before| entitlement(before).reconciled(&claim(state)).map(|one| one.state);
        let (free, own, other) = match state {
            StateWord::Submitted | StateWord::InReview | StateWord::Returned => {
                (Ok(Reserved(holder(7))), Ok(Reserved(holder(7))), Err(NotPossible))
            }
            StateWord::Approved | StateWord::Settled | StateWord::Closed => {
                (Ok(Used(holder(7))), Ok(Used(holder(7))), Err(NotPossible))
            }
            StateWord::Draft | StateWord::Rejected | StateWord::Withdrawn | StateWord::Lapsed => {
                (Ok(Issued), Ok(Released), Ok(Reserved(holder(8))))
            }
        };
        assert_eq!(after(Issued), free, "{state:?}");
        assert_eq!(after(Reserved(holder(7))), own, "{state:?}");
        assert_eq!(after(Used(holder(7))), own, "{state:?}");
        assert_eq!(after(Reserved(holder(8))), other, "{state:?}");
        if other.is_err() {
            let decided = matches!(state, StateWord::Approved | StateWord::Settled | StateWord::Closed);
            let expired = if decided { Ok(Used(holder(7))) } else { Err(NotPossible) };
            assert_eq!((after(Expired), after(Void)), (expired, Err(NotPossible)), "an appeal comes late: {state:?}");
            assert_eq!(after(Released), free, "{state:?}");
        }
    }
}

#[test]
fn it_expires_when_the_time_to_claim_it_is_over_too() {
    let expire = |state, date: &str| entitlement(state).expire(day(date), 30).map(|one| one.state);
    assert_eq!(expire(EntitlementState::Issued, "2026-08-30"), Err(NotPossible));
    assert_eq!(expire(EntitlementState::Issued, "2026-08-31"), Ok(EntitlementState::Expired));
    assert_eq!(expire(EntitlementState::Released, "2026-08-31"), Ok(EntitlementState::Expired));
    assert_eq!(expire(EntitlementState::Used(holder(7)), "2026-08-31"), Err(NotPossible));
}

#[test]
fn it_is_taken_back_while_no_claim_holds_it_and_makes_room() {
    let void = |state| entitlement(state).void("twice".to_owned()).map(|one| (one.state.word(), one.open_key()));
    assert_eq!(void(EntitlementState::Issued), Ok(("VOID", None)));
    assert_eq!(void(EntitlementState::Reserved(holder(7))), Err(NotPossible));
    assert_eq!(void(EntitlementState::Void), Err(NotPossible));
    assert_eq!(entitlement(EntitlementState::Released).open_key().as_deref(), Some("LSVAM4186C2184841|1|2026-01-31"));
}
