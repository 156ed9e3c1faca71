//! Settings of the deployment, as far as other use cases need them.

use chrono::NaiveDate;
use recourse_domain::access::{self, Actor, Scope};
use recourse_domain::catalog::Setting;
use recourse_domain::clock::Zone;
use recourse_repository::{Store, Tx};

use crate::error::{Answer, Refusal};

/// The time zone of dates: that of the newest setting. One deployment has one, so no date asks for another.
pub(crate) async fn zone(store: &Store) -> Answer<Zone> {
    let scope = access::job_scope(&Actor::job("startup"))?;
    let scope = &scope;
    let settings: Answer<Vec<Setting>> = store
        .read(|tx| {
            Box::pin(async move {
                Ok::<_, Refusal>(
                    tx.every_record::<Setting>(scope).await?.into_iter().map(|stored| stored.value).collect(),
                )
            })
        })
        .await;
    let newest = settings?.into_iter().max_by_key(|setting| setting.valid_from);
    Ok(newest.unwrap_or_default().zone())
}

/// The setting in force on a day, read by itself.
pub(crate) async fn now(store: &Store, today: NaiveDate) -> Answer<Setting> {
    store.read(move |tx| Box::pin(in_force(tx, today))).await
}

/// The setting in force on a day; what the trade uses where a deployment says nothing.
pub(crate) async fn in_force(tx: &mut Tx<'_>, today: NaiveDate) -> Answer<Setting> {
    let scope = lookup_scope()?;
    let settings: Vec<Setting> =
        tx.every_record::<Setting>(&scope).await?.into_iter().map(|stored| stored.value).collect();
    Ok(of(&settings, today))
}

/// Whose eyes look up master data that a command depends on, whoever gives it.
pub(crate) fn lookup_scope() -> Answer<Scope> {
    Ok(access::job_scope(&Actor::job("lookup"))?)
}

/// Of all settings, the one in force on a day.
pub(crate) fn of(settings: &[Setting], today: NaiveDate) -> Setting {
    Setting::on(settings, today).cloned().unwrap_or_default()
}
