//! Users: accounts, and the personal data that stands apart from them.

use std::collections::BTreeMap;

use recourse_domain::access::{Permit, Scope};
use recourse_domain::catalog::{Field, FieldKind, Stored};
use recourse_domain::identity::{OutsideIdentity, Person, User};
use recourse_domain::ids::{OrgId, UserId};
use recourse_domain::query::page::{ListQuery, Page};
use uuid::Uuid;

use crate::changes::{ChangeNote, Version, Writing, json};
use crate::error::StoreError;
use crate::lists;
use crate::scope;
use crate::sql::{Row, Runs, Sql};
use crate::store::{Store, Tx};

const USER_COLUMNS: &str = "id, user_name, disabled, erased, memberships, version, create_time, update_time, head_hash";

const fn field(name: &'static str, kind: FieldKind, sortable: bool) -> Field {
    Field { name, column: name, kind, sortable, prefix: false }
}

/// What lists of users may be filtered and ordered by.
pub const USER_FIELDS: &[Field] = &[
    Field { name: "user_name", column: "user_name", kind: FieldKind::SmallLetters, sortable: true, prefix: true },
    field("disabled", FieldKind::Bool, false),
    field("external_ref", FieldKind::Text, false),
    field("create_time", FieldKind::Time, true),
];

impl Store {
    /// What a sign-in needs of a user: the user and the password's hash.
    pub async fn sign_in_user(&self, user_name: &str) -> Result<Option<(User, String)>, StoreError> {
        let row = Sql::new(&format!("SELECT password_hash, {USER_COLUMNS} FROM user_account WHERE user_name = ?"))
            .bind(user_name)
            .one(&self.reader)
            .await?;
        row.map(|row| Ok((user(&row)?.value, row.get("password_hash")?))).transpose()
    }

    /// A user, whoever asks: for the resolution of tokens.
    pub async fn user_of_token(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let row = Sql::new(&format!("SELECT {USER_COLUMNS} FROM user_account WHERE id = ?"))
            .bind(id.0)
            .one(&self.reader)
            .await?;
        row.map(|row| Ok(user(&row)?.value)).transpose()
    }

    /// A user within reach, with the personal data.
    pub async fn user(&self, scope: &Scope, id: Uuid) -> Result<Option<(Stored<User>, Person)>, StoreError> {
        user_by_id(&self.reader, scope, id).await
    }

    /// A page of users with their personal data.
    pub async fn users(&self, scope: &Scope, query: &ListQuery) -> Result<Page<(Stored<User>, Person)>, StoreError> {
        let mut sql = Sql::new(&format!(
            "SELECT {USER_COLUMNS}, display_name, email, phone, external_ref FROM user_account LEFT JOIN person ON user_id = id WHERE "
        ));
        sql.append(scope::condition(scope, &scope::USER));
        lists::page(&mut sql, query, "id");
        let rows = sql.all(&self.reader).await?;
        let mut page = lists::cut(&rows, query, "id", |row| Ok((user(row)?, person(row)?)))?;
        let mut outside = outside_of(&self.reader, page.items.iter().map(|(stored, _)| stored.id)).await?;
        for (stored, person) in &mut page.items {
            person.outside = outside.remove(&stored.id).unwrap_or_default();
        }
        Ok(page)
    }

    /// The user whom an outside issuer means by a subject.
    pub async fn user_of_outside(&self, identity: &OutsideIdentity) -> Result<Option<User>, StoreError> {
        let row = Sql::new(&format!(
            "SELECT {USER_COLUMNS} FROM user_account WHERE id = \
             (SELECT user_id FROM outside_identity WHERE issuer = ? AND subject = ?)"
        ))
        .bind(&identity.issuer)
        .bind(&identity.subject)
        .one(&self.reader)
        .await?;
        row.map(|row| Ok(user(&row)?.value)).transpose()
    }

    /// Administrators of the deployment who can sign in.
    pub async fn administrators(&self) -> Result<Vec<User>, StoreError> {
        let rows = Sql::new(&format!(
            "SELECT {USER_COLUMNS} FROM user_account WHERE disabled = ? AND EXISTS \
             (SELECT 1 FROM account_org o WHERE o.account_id = user_account.id AND o.org_id = ?)"
        ))
        .bind(false)
        .bind(OrgId::OEM.0)
        .all(&self.reader)
        .await?;
        let users = rows.iter().map(|row| Ok(user(row)?.value)).collect::<Result<Vec<User>, StoreError>>()?;
        Ok(users.into_iter().filter(User::is_admin).collect())
    }

    /// Whether there is any user.
    pub async fn has_users(&self) -> Result<bool, StoreError> {
        Ok(Sql::new("SELECT id FROM user_account LIMIT 1").one(&self.reader).await?.is_some())
    }
}

impl Tx<'_> {
    /// A user within reach, with the personal data.
    pub async fn user(&mut self, scope: &Scope, id: Uuid) -> Result<Option<(Stored<User>, Person)>, StoreError> {
        user_by_id(&self.db, scope, id).await
    }

    /// Whether there never was more than one user: the row of a user stays, whatever becomes of the user.
    pub async fn has_one_user(&mut self) -> Result<bool, StoreError> {
        Ok(Sql::new("SELECT id FROM user_account LIMIT 2").all(&self.db).await?.len() < 2)
    }

    /// Whether a user has ever chosen their own password; until then they sign in with that of who made the account.
    pub async fn chose_own_password(&mut self, user: UserId) -> Result<bool, StoreError> {
        let chosen = Sql::new("SELECT id FROM change WHERE resource_id = ? AND verb = 'changePassword' LIMIT 1");
        Ok(chosen.bind(user.0).one(&self.db).await?.is_some())
    }

    /// The password's hash of a user.
    pub async fn password_hash(&mut self, _permit: &Permit, user: UserId) -> Result<Option<String>, StoreError> {
        let row = Sql::new("SELECT password_hash FROM user_account WHERE id = ?").bind(user.0).one(&self.db).await?;
        row.map(|row| row.get("password_hash")).transpose()
    }

    /// Writes a new user, the personal data, and the change row without it.
    pub async fn insert_user(
        &mut self,
        permit: &Permit,
        user: User,
        person: &Person,
        password_hash: &str,
        note: ChangeNote,
    ) -> Result<Stored<User>, StoreError> {
        let id = user.id.0;
        let version = Version::after(permit, &note, id, (0, &[]), snapshot(&user)?);
        let row = Sql::new(
            "INSERT INTO user_account (id, user_name, password_hash, disabled, erased, memberships, version, create_time, \
             update_time, head_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(id)
        .bind(&user.user_name)
        .bind(password_hash)
        .bind(user.disabled)
        .bind(user.erased)
        .bind(json(&user.memberships)?)
        .bind(version.number())
        .bind(version.time())
        .bind(version.time())
        .bind(version.hash());
        self.write_version(&version, "user_account", row, Writing::New).await?;
        self.write_person(id, person).await?;
        self.write_orgs(id, user.memberships.iter().map(|membership| membership.org)).await?;
        Ok(version.stored(id, None, None, user))
    }

    /// Writes a changed user, the personal data, and the change row without it.
    pub async fn update_user(
        &mut self,
        permit: &Permit,
        before: &Stored<User>,
        user: User,
        person: &Person,
        password_hash: Option<&str>,
        note: ChangeNote,
    ) -> Result<Stored<User>, StoreError> {
        let version = Version::after(permit, &note, before.id, (before.version, &before.head_hash), snapshot(&user)?);
        let mut sql = Sql::new(
            "UPDATE user_account SET user_name = ?, disabled = ?, erased = ?, memberships = ?, version = ?, update_time = ?, head_hash = ?",
        );
        sql.add(&user.user_name).add(user.disabled).add(user.erased).add(json(&user.memberships)?);
        sql.add(version.number()).add(version.time()).add(version.hash());
        if let Some(hash) = password_hash {
            sql.push(", password_hash = ?").add(hash);
        }
        sql.push(" WHERE id = ? AND version = ?").add(before.id).add(before.version);
        self.write_version(&version, "user_account", sql, Writing::Changed).await?;
        self.write_person(before.id, person).await?;
        self.write_orgs(before.id, user.memberships.iter().map(|membership| membership.org)).await?;
        Ok(version.stored(before.id, Some(before.create_time), None, user))
    }

    async fn write_person(&mut self, user: Uuid, person: &Person) -> Result<(), StoreError> {
        Sql::new(
            "INSERT INTO person (user_id, display_name, email, phone, external_ref) VALUES (?, ?, ?, ?, ?) \
             ON CONFLICT (user_id) DO UPDATE SET display_name = excluded.display_name, email = excluded.email, \
             phone = excluded.phone, external_ref = excluded.external_ref",
        )
        .bind(user)
        .bind(&person.display_name)
        .bind(&person.email)
        .bind(&person.phone)
        .bind(Some(&person.external_ref).filter(|text| !text.is_empty()).cloned())
        .execute(&self.db)
        .await?;
        Sql::new("DELETE FROM outside_identity WHERE user_id = ?").bind(user).execute(&self.db).await?;
        for identity in &person.outside {
            Sql::new("INSERT INTO outside_identity (issuer, subject, user_id) VALUES (?, ?, ?)")
                .bind(&identity.issuer)
                .bind(&identity.subject)
                .bind(user)
                .execute(&self.db)
                .await?;
        }
        Ok(())
    }

    /// Replaces a password's hash by one of the same password, made at another cost, unless the password was
    /// changed meanwhile. Nothing that anyone could read changes, so there is no change row.
    pub async fn renew_password_hash(&mut self, user: UserId, before: &str, after: &str) -> Result<(), StoreError> {
        Sql::new("UPDATE user_account SET password_hash = ? WHERE id = ? AND password_hash = ?")
            .bind(after)
            .bind(user.0)
            .bind(before)
            .execute(&self.db)
            .await
            .map(|_| ())
    }

    /// Writes for which organisations an account acts.
    pub(crate) async fn write_orgs(
        &mut self,
        account: Uuid,
        orgs: impl Iterator<Item = OrgId>,
    ) -> Result<(), StoreError> {
        Sql::new("DELETE FROM account_org WHERE account_id = ?").bind(account).execute(&self.db).await?;
        let mut sql = Sql::new("INSERT INTO account_org (org_id, account_id) VALUES ");
        let mut any = false;
        for org in orgs {
            sql.push(if any { ", (?, ?)" } else { "(?, ?)" }).add(org.0).add(account);
            any = true;
        }
        if any { sql.execute(&self.db).await.map(|_| ()) } else { Ok(()) }
    }
}

async fn user_by_id(on: &impl Runs, scope: &Scope, id: Uuid) -> Result<Option<(Stored<User>, Person)>, StoreError> {
    let mut sql = Sql::new(&format!(
        "SELECT {USER_COLUMNS}, display_name, email, phone, external_ref FROM user_account LEFT JOIN person ON user_id = id WHERE id = ? AND "
    ))
    .bind(id);
    sql.append(scope::condition(scope, &scope::USER));
    let Some(row) = sql.one(on).await? else { return Ok(None) };
    let mut person = person(&row)?;
    person.outside = outside_of(on, std::iter::once(id)).await?.remove(&id).unwrap_or_default();
    Ok(Some((user(&row)?, person)))
}

/// Who some users are at outside issuers.
async fn outside_of(
    on: &impl Runs,
    users: impl Iterator<Item = Uuid>,
) -> Result<BTreeMap<Uuid, Vec<OutsideIdentity>>, StoreError> {
    let users: Vec<Uuid> = users.collect();
    let mut found: BTreeMap<Uuid, Vec<OutsideIdentity>> = BTreeMap::new();
    if users.is_empty() {
        return Ok(found);
    }
    let mut sql = Sql::new("SELECT user_id, issuer, subject FROM outside_identity WHERE user_id IN ");
    sql.push_list(users).push(" ORDER BY issuer, subject");
    for row in sql.all(on).await? {
        let identity = OutsideIdentity { issuer: row.get("issuer")?, subject: row.get("subject")? };
        found.entry(row.get("user_id")?).or_default().push(identity);
    }
    Ok(found)
}

fn user(row: &Row) -> Result<Stored<User>, StoreError> {
    let id: Uuid = row.get("id")?;
    Ok(Stored {
        id,
        version: row.get("version")?,
        create_time: row.instant("create_time")?,
        update_time: row.instant("update_time")?,
        retire_time: None,
        head_hash: row.get("head_hash")?,
        value: User {
            id: UserId(id),
            user_name: row.get("user_name")?,
            memberships: row.document("memberships")?,
            disabled: row.get("disabled")?,
            erased: row.get("erased")?,
        },
    })
}

/// The user as history keeps it: without the name, which a person may ask to be erased.
fn snapshot(user: &User) -> Result<String, StoreError> {
    json(&User { user_name: String::new(), ..user.clone() })
}

fn person(row: &Row) -> Result<Person, StoreError> {
    let text = |column| row.get::<Option<String>>(column).map(Option::unwrap_or_default);
    Ok(Person {
        display_name: text("display_name")?,
        email: text("email")?,
        phone: text("phone")?,
        external_ref: text("external_ref")?,
        outside: Vec::new(),
    })
}
