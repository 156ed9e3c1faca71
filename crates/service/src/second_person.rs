//! Refuses what one person of the manufacturer may not do alone. What that is stands in the domain's table, by the
//! name of the method; here it is asked with what the command changes, before anything is written.

use recourse_domain::access::{Act, Permit};
use recourse_domain::change_proposals::{Difference, differences};
use recourse_domain::second_person::{Guarded, Kind, Step, WayOut, guards};
use recourse_proto::Method;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_repository::Tx;
use serde::Serialize;
use serde_json::Value;

use crate::context::Call;
use crate::error::{Answer, Refusal};

/// The row of a method in the table.
pub(crate) fn row_of(method: Method) -> Option<&'static Guarded> {
    Guarded::of(&operation(method))
}

/// The name of a method as the table has it.
pub(crate) fn operation(method: Method) -> String {
    let spec = method.spec();
    format!("{}.{}", spec.service, spec.name)
}

/// The method of an operation as the table has it.
pub(crate) fn method_of(operation: &str) -> Option<Method> {
    let (service, name) = operation.split_once('.')?;
    Method::ALL.iter().copied().find(|method| (method.spec().service, method.spec().name) == (service, name))
}

/// The row of the call's method, if it is to be looked at: where one person may do everything, nothing is. Of what a
/// second person stands behind it is noted what it is.
fn row_for(call: &Call) -> Answer<Option<&'static Guarded>> {
    let is_guarded = call.is_agreed() || (call.inner.second_person && guards(call.actor()?));
    Ok(if is_guarded { row_of(call.method) } else { None })
}

/// Refuses a change of a resource that needs a second person; `shown` is the resource before and afterwards, as the
/// contract shows it. A house with one user has no second person: that one sets it up.
pub(crate) async fn ask<M: Serialize + Send>(
    tx: &mut Tx<'_>,
    call: &Call,
    shown: impl FnOnce() -> (Option<M>, Option<M>) + Send,
) -> Answer<()> {
    let Some(row) = row_for(call)? else { return Ok(()) };
    let (before, after) = shown();
    let document = |message: Option<M>| message.as_ref().map(document).transpose();
    refuse(tx, call, row, &step(document(before)?.as_ref(), document(after)?.as_ref())).await
}

/// The guard of many changes that one call makes.
pub(crate) struct Asking {
    row: &'static Guarded,
    method: Method,
}

/// The guard of the call's method, if it has one and there could be a second person.
pub(crate) async fn asking(tx: &mut Tx<'_>, call: &Call) -> Answer<Option<Asking>> {
    match row_for(call)? {
        Some(row) if !tx.has_one_user().await? => Ok(Some(Asking { row, method: call.method })),
        Some(_) | None => Ok(None),
    }
}

impl Asking {
    /// What kind of guarded change one of them is, if it is one, and what becomes different by it in guarded fields.
    pub(crate) fn guarded<M: Serialize>(
        &self,
        before: Option<&M>,
        after: Option<&M>,
    ) -> Answer<Option<(Kind, Vec<Difference>)>> {
        let (before, after) = (before.map(document).transpose()?, after.map(document).transpose()?);
        let whole = step(before.as_ref(), after.as_ref());
        let Some(kind) = self.row.kind(&whole) else { return Ok(None) };
        let mut changes = differences(before.as_ref(), after.as_ref());
        changes
            .retain(|change| self.row.kind(&Step { changed: vec![change.field.clone()], ..whole.clone() }).is_some());
        Ok(Some((kind, changes)))
    }

    /// Why such a change is refused.
    pub(crate) fn refusal(&self, kind: Kind) -> Refusal {
        needed(self.method, self.row.way_out, kind)
    }
}

/// Refuses a change of what somebody may do, if it allows more than before.
pub(crate) async fn ask_for_grant(tx: &mut Tx<'_>, call: &Call, grants_more: bool) -> Answer<()> {
    let Some(row) = row_for(call)? else { return Ok(()) };
    refuse(tx, call, row, &Step { grants_more, ..Step::default() }).await
}

/// Refuses the second user of a house that is no administrator: from then on two are needed, and there would be one.
pub(crate) async fn ask_for_second_admin(tx: &mut Tx<'_>, call: &Call, is_admin: bool) -> Answer<()> {
    if is_admin || row_for(call)?.is_none() || !tx.has_one_user().await? {
        return Ok(());
    }
    Err(Refusal::new(
        Reason::SecondPersonNeeded,
        "the second user of a house is another administrator (organizations/OEM, ADMIN), for from then on it needs two; \
         create that one first, when the master data that you load alone is there",
        "系统的第二个用户须为另一名管理员（organizations/OEM，ADMIN），此后敏感变更均需两人；请在独自导入主数据后先创建该管理员",
    )
    .with("kind", Kind::RoleGrants.word()))
}

/// Whether the caller signs in with a password that nobody else chose, as far as a second person is asked for at all.
pub(crate) async fn has_own_password(tx: &mut Tx<'_>, call: &Call) -> Answer<bool> {
    Ok(!call.inner.second_person || tx.chose_own_password(call.actor()?.user).await?)
}

/// Leave to propose something, as far as it does not depend on the store.
pub(crate) fn may_propose(call: &Call, own_password: bool) -> Answer<Permit> {
    let is_program = call.actor()?.session.is_none();
    call.permit(Act::ProposeChange { own_password }).map_err(|refusal| {
        if !is_program {
            return refusal;
        }
        Refusal::new(
            Reason::NotPermitted,
            "a program proposes nothing, for it says what somebody has written into it; a person signs in and proposes this",
            "程序不能提交变更申请；请由人员登录后提交",
        )
    })
}

/// Leave to propose something.
pub(crate) async fn permit_to_propose(tx: &mut Tx<'_>, call: &Call) -> Answer<Permit> {
    may_propose(call, has_own_password(tx, call).await?)
}

/// Refuses to link a sign-in at an outside issuer to somebody of the manufacturer: whoever can sign in as a colleague is
/// their own second person. A proposal can't hold it, for it tells of a person; so it comes before the roles.
pub(crate) async fn ask_for_link(tx: &mut Tx<'_>, call: &Call) -> Answer<()> {
    if row_for(call)?.is_none() || tx.has_one_user().await? {
        return Ok(());
    }
    Err(Refusal::new(
        Reason::SecondPersonNeeded,
        "a sign-in at an outside issuer is linked to somebody of the manufacturer before the memberships are granted; \
         take the memberships away, link it, and propose them again (POST /v1/changeProposals, `updateUser`)",
        "厂家人员的外部登录须在授予成员关系之前绑定；请先移除成员关系，完成绑定后再提交变更申请\
         （POST /v1/changeProposals，`updateUser`）",
    )
    .with("kind", Kind::RoleGrants.word()))
}

async fn refuse(tx: &mut Tx<'_>, call: &Call, row: &Guarded, step: &Step) -> Answer<()> {
    let Some(kind) = row.kind(step) else { return Ok(()) };
    if call.is_agreed() {
        call.note_guarded(kind);
        return Ok(());
    }
    if tx.has_one_user().await? { Ok(()) } else { Err(needed(call.method, row.way_out, kind)) }
}

fn step(before: Option<&Value>, after: Option<&Value>) -> Step {
    let changed = differences(before, after).into_iter().map(|Difference { field, .. }| field).collect();
    let was_draft = before.and_then(|before| before.get("state")).and_then(Value::as_str) == Some("DRAFT");
    Step { changed, was_there: before.is_some(), was_draft, grants_more: false }
}

/// A message as JSON.
pub(crate) fn document<M: Serialize>(message: &M) -> Answer<Value> {
    serde_json::to_value(message).map_err(|error| Refusal::fault(format!("a message has no JSON: {error}")))
}

/// The refusal of a command that was given alone, with the way out.
fn needed(method: Method, way_out: WayOut, kind: Kind) -> Refusal {
    let (what, what_zh) = match kind {
        Kind::Prices => ("prices, rates and hours", "价格、费率与工时"),
        Kind::Policies => ("policies, rules, campaigns, settings and budgets", "政策、规则、活动、设置与预算"),
        Kind::RoleGrants => ("grants of roles and rights", "角色与权限授予"),
        Kind::BankAccounts => ("bank accounts", "银行账户"),
    };
    let field = command_field(method);
    let (out, out_zh) = match way_out {
        WayOut::Propose => (
            format!("propose it (POST /v1/changeProposals, `{field}`) and let a colleague confirm it"),
            format!("请提交变更申请（POST /v1/changeProposals，`{field}`），由同事确认"),
        ),
        WayOut::ProposeRows => (
            "send the import again with `proposalReason`: such rows then wait in one proposal (GET \
             /v1/changeProposals) that a colleague confirms, and are written when it is sent once more"
                .to_owned(),
            "请填写 proposalReason 后再次发送导入：此类行将合并为一项变更申请（GET \
             /v1/changeProposals），由同事确认，确认后再次发送即可写入"
                .to_owned(),
        ),
        WayOut::Apart(field) => (
            format!(
                "leave out `{field}`, propose it afterwards (POST /v1/changeProposals) and let a colleague confirm it"
            ),
            format!("请先不填 `{field}`，随后提交变更申请（POST /v1/changeProposals），由同事确认"),
        ),
    };
    Refusal::new(
        Reason::SecondPersonNeeded,
        format!("{what} are not changed by one person; {out}"),
        format!("{what_zh}不得由一人变更；{out_zh}"),
    )
    .with("kind", kind.word())
}

/// The field of a proposal's command that a method's request goes into: `updatePart`.
fn command_field(method: Method) -> String {
    let name = method.spec().name;
    let (first, rest) = name.split_at_checked(1).unwrap_or_default();
    format!("{}{rest}", first.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use recourse_domain::second_person::{GUARDED, NEEDS_NONE, When};
    use recourse_proto::descriptor_pool;
    use recourse_proto::v1;
    use serde_json::json;

    use super::*;

    fn method(guarded: &Guarded) -> Method {
        let found = method_of(guarded.operation).filter(|method| operation(*method) == guarded.operation);
        found.unwrap_or_else(|| panic!("there is no {}", guarded.operation))
    }

    #[test]
    fn every_row_of_the_table_names_a_method_and_fields_of_its_resource() {
        let pool = descriptor_pool().expect("descriptors");
        for guarded in GUARDED {
            let spec = method(guarded).spec();
            // An import answers with results; its rows are of the resource that the last word names.
            let resource = if spec.client_streaming { "recourse.v1.Part" } else { spec.output };
            let message = pool.get_message_by_name(resource).expect("a message");
            for (when, _) in guarded.when {
                let fields: &[&str] = match when {
                    When::Changes(fields)
                    | When::ChangesMoreThan(fields)
                    | When::ChangesExisting(fields)
                    | When::ChangesInForce(fields) => fields,
                    When::Always | When::InForce | When::GrantsMore => &[],
                };
                let known = |field: &&&str| message.get_field_by_name(field).is_some();
                match when {
                    // Names are left out wherever they occur.
                    When::ChangesMoreThan(_) => assert!(fields.iter().any(|field| known(&field)), "{guarded:?}"),
                    When::Always
                    | When::Changes(_)
                    | When::ChangesExisting(_)
                    | When::ChangesInForce(_)
                    | When::InForce
                    | When::GrantsMore => {
                        assert!(fields.iter().all(|field| known(&field)), "{guarded:?}");
                    }
                }
            }
        }
    }

    /// Deny by default: an rpc that changes something, or whose route does not say that it only reads, is guarded or has
    /// its reason why it is not.
    #[test]
    fn no_command_of_the_contract_is_forgotten() {
        let free: Vec<&str> = NEEDS_NONE.iter().flat_map(|free| free.operations).copied().collect();
        let reads = |method: &Method| {
            let http = method.spec().http;
            !http.is_empty() && http.iter().all(|rule| rule.verb == http::Method::GET)
        };
        let commands: Vec<String> =
            Method::ALL.iter().filter(|method| !reads(method)).map(|method| operation(*method)).collect();
        let known = |name: &str| free.contains(&name) || Guarded::of(name).is_some();
        let forgotten: Vec<&String> = commands.iter().filter(|name| !known(name)).collect();
        assert_eq!(forgotten, Vec::<&String>::new(), "guard them, or say in NEEDS_NONE why one person may give them");
        let listed = GUARDED.iter().map(|guarded| guarded.operation).chain(free);
        let gone: Vec<&str> = listed.filter(|name| !commands.iter().any(|command| command == name)).collect();
        assert_eq!(gone, Vec::<&str>::new(), "the contract has no such command");
    }

    #[test]
    fn what_is_guarded_can_be_proposed_under_the_name_that_the_refusal_tells() {
        let command =
            descriptor_pool().and_then(|pool| pool.get_message_by_name("recourse.v1.GuardedCommand")).unwrap();
        let mut fields: Vec<String> = command.fields().map(|field| field.json_name().to_owned()).collect();
        for guarded in GUARDED.iter().filter(|guarded| !matches!(guarded.way_out, WayOut::Apart(_))) {
            let field = command_field(method(guarded));
            let refusal = needed(method(guarded), guarded.way_out, Kind::Prices);
            let told = if guarded.way_out == WayOut::Propose { field.as_str() } else { "proposalReason" };
            assert!(refusal.text.en.contains(told) && refusal.text.zh_cn.contains(told), "{field}");
            assert!(refusal.text.en.contains("/v1/changeProposals"), "{field}");
            assert!(fields.contains(&field), "{field}");
            fields.retain(|name| *name != field);
        }
        assert_eq!(fields, Vec::<String>::new(), "what can be proposed is guarded");
    }

    #[test]
    fn what_a_change_is_follows_from_what_the_contract_shows() {
        let part = |name: &str, price: i64| {
            let price = recourse_proto::google::r#type::Money { currency_code: "CNY".into(), units: price, nanos: 0 };
            let prices = vec![v1::PartPrice { price: Some(price), ..v1::PartPrice::default() }];
            let part = v1::Part { display_name: name.into(), claim_prices: prices, ..v1::Part::default() };
            Some(document(&part).unwrap())
        };
        let kind = |before: Option<&Value>, after: Option<&Value>| {
            row_of(Method::PartServiceUpdatePart).unwrap().kind(&step(before, after))
        };
        assert_eq!(kind(part("Pump", 1).as_ref(), part("Fuel pump", 1).as_ref()), None);
        assert_eq!(kind(part("Pump", 1).as_ref(), part("Pump", 2).as_ref()), Some(Kind::Prices));
        let (draft, published) = (json!({"state": "DRAFT"}), json!({"state": "PUBLISHED"}));
        let delete = row_of(Method::WarrantyPolicyServiceDeleteWarrantyPolicy).unwrap();
        let end = |before: &Value| delete.kind(&step(Some(before), None));
        assert_eq!((end(&draft), end(&published)), (None, Some(Kind::Policies)));
    }
}
