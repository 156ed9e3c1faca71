//! The first administrator, whom nobody can create but the system itself.

use recourse_domain::access::{Act, OrgKind, Role};
use recourse_domain::identity::{Membership, Person, User};
use recourse_domain::ids::{OrgId, UserId};
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::{Method, v1, validate};
use recourse_repository::StoreError;

use super::{COLLECTION, audience};
use crate::api::Api;
use crate::context::Call;
use crate::convert;
use crate::error::{Answer, Refusal};
use crate::identity::accounts;
use crate::identity::passwords::random_secret;

/// Holds a name against the limits of the contract, as `CreateUser` does.
fn check_user_name(user_name: &str) -> Answer<()> {
    let user = v1::User { user_name: user_name.trim().to_owned(), ..Default::default() };
    let named = validate::violations(&user).into_iter().filter(|violation| violation.field == "user_name").collect();
    Refusal::check(convert::violations(named))
}

impl Api {
    /// Creates an administrator and answers its first password; refuses if there are two already. Whoever works on
    /// the machine may do so: the first has nobody before, and one that is left alone has nobody to confirm a second.
    pub async fn create_first_admin(&self, user_name: &str) -> Answer<String> {
        if self.inner.store.administrators().await?.len() > 1 {
            return Err(Refusal::new(
                Reason::ResourceAlreadyExists,
                "there are administrators already; one of them creates more (POST /v1/users)",
                "系统中已有管理员；请由其创建用户（POST /v1/users）",
            ));
        }
        check_user_name(user_name)?;
        let password = random_secret()?;
        self.add_admin(user_name, &password).await?;
        Ok(password)
    }

    /// Creates an administrator in the system's own name: there is nobody else yet.
    pub async fn add_admin(&self, user_name: &str, password: &str) -> Answer<UserId> {
        let hash = self.inner.passwords.hash(password.to_owned()).await?;
        let call = Call::job(&self.inner, "create-admin", Method::UserServiceCreateUser);
        let id = call.new_id();
        let user = User {
            id: UserId(id),
            user_name: user_name.trim().to_lowercase(),
            memberships: vec![Membership {
                org: OrgId::OEM,
                org_name: accounts::OEM_NAME.to_owned(),
                org_kind: OrgKind::Oem,
                roles: vec![Role::Admin],
                rights: Vec::new(),
                duties: Vec::new(),
                approval_level: 0,
            }],
            disabled: false,
            erased: false,
        };
        let permit = call.permit(Act::Bootstrap)?;
        let (call, user, permit, hash) = (&call, &user, &permit, hash.as_str());
        let outcome: Result<(), StoreError> = self
            .inner
            .store
            .run(|tx| {
                Box::pin(async move {
                    let note =
                        call.note("create", format!("{COLLECTION}/{id}"), COLLECTION, Vec::new(), &audience(user));
                    tx.insert_user(permit, user.clone(), &Person::default(), hash, note).await.map(|_| ())
                })
            })
            .await;
        match outcome {
            Err(StoreError::AlreadyExists { .. }) => Err(Refusal::already_exists(&format!("user {}", user.user_name))),
            ended => Ok(ended.map(|()| UserId(id))?),
        }
    }
}
