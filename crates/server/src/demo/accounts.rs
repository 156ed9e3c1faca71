//! Who signs in to the demo: one account for each role, and a program that claims for the other stations.

use recourse_proto::v1::api_client_service_server::ApiClientService;
use recourse_proto::v1::membership::Right;
use recourse_proto::v1::role::Code as Role;
use recourse_proto::v1::session_service_server::SessionService;
use recourse_proto::v1::user_service_server::UserService;
use recourse_proto::{Method, v1};
use recourse_service::Api;
use recourse_service::admission::{Caller, Identity};
use recourse_service::identity::oauth::TokenForm;
use tonic::Request;

use super::wire::{Desk, answered};
use crate::StartError;

/// Password of every account.
pub const PASSWORD: &str = "quiet-harbour-2026";
/// The administrator who loads the demo. The account is disabled when everything is there: that it still can
/// sign in says that the loading was interrupted.
pub(super) const LOADER: &str = "demo-loader";

/// An account of the demo.
struct Account {
    user_name: &'static str,
    display_name: &'static str,
    organization: &'static str,
    role: Role,
    right: Option<Right>,
}

const fn account(
    user_name: &'static str,
    display_name: &'static str,
    organization: &'static str,
    role: Role,
    right: Option<Right>,
) -> Account {
    Account { user_name, display_name, organization, role, right }
}

const OEM: &str = "organizations/OEM";
const ACCOUNTS: [Account; 9] = [
    account("admin", "Chen Jing 陈静", OEM, Role::Admin, None),
    account("auditor", "Li Wei 李伟", OEM, Role::Auditor, None),
    account("auditor2", "Zhao Min 赵敏", OEM, Role::Auditor, Some(Right::Goodwill)),
    account("finance", "Sun Yan 孙燕", OEM, Role::Finance, None),
    account("s001", "Wang Fang 王芳", "stations/S-001", Role::Station, Some(Right::Manager)),
    account("s002", "Liu Yang 刘洋", "stations/S-002", Role::Station, None),
    account("tech", "Zhang Qiang 张强", "stations/S-001", Role::Technician, None),
    account("supplier", "Huang Lei 黄磊", "suppliers/SUP-017", Role::Supplier, None),
    account("appraiser", "Wu Xia 吴霞", "appraisers/A-01", Role::Appraiser, None),
];

/// Those who make the history.
pub(super) struct People {
    pub auditor: Identity,
    /// Who may grant goodwill.
    pub second_auditor: Identity,
    pub first_station: Identity,
    pub second_station: Identity,
    pub technician: Identity,
    /// The dealers' own system, which claims for all other stations.
    pub dms: Identity,
}

impl People {
    /// Who claims for a station, by its position.
    pub(super) fn of_station(&self, station: usize) -> &Identity {
        match station {
            0 => &self.first_station,
            1 => &self.second_station,
            _ => &self.dms,
        }
    }
}

/// What the server prints: one line for each account.
pub(super) fn listed() -> String {
    let mut text = format!("demo accounts (password of each: {PASSWORD})\n");
    for Account { user_name, organization, role, right, display_name: _ } in &ACCOUNTS {
        let right = right.map(|right| format!(" + {}", right.as_str_name())).unwrap_or_default();
        let role = format!("{}{right}", role.as_str_name());
        text.push_str(&format!("  {role:<18} {user_name:<10} {PASSWORD}  {organization}\n"));
    }
    text
}

/// Signs somebody in, as the sign-in does.
pub(super) async fn sign_in(api: &Api, user_name: &str) -> Result<Identity, StartError> {
    let mut request = Request::new(v1::CreateSessionRequest {
        user_name: user_name.to_owned(),
        password: PASSWORD.to_owned(),
        device: "demo".to_owned(),
        ..Default::default()
    });
    // Nobody is signed in yet: the method is public.
    request.extensions_mut().insert(Caller { actor: None, scope: None });
    let session = answered("sign-in", api.create_session(request).await)?;
    Ok(api.authenticator().identify(&session.access_token).await)
}

/// Creates the accounts, once their organisations are there, and signs in those who make the history.
pub(super) async fn create(desk: &Desk, loader: &Identity, stations: usize) -> Result<People, StartError> {
    for Account { user_name, display_name, organization, role, right } in &ACCOUNTS {
        let membership = v1::Membership {
            organization: (*organization).to_owned(),
            roles: vec![(*role).into()],
            rights: right.iter().map(|right| (*right).into()).collect(),
            ..Default::default()
        };
        let user = v1::User {
            user_name: (*user_name).to_owned(),
            display_name: (*display_name).to_owned(),
            email: format!("{user_name}@example.com"),
            memberships: vec![membership],
            ..Default::default()
        };
        let message = v1::CreateUserRequest { user: Some(user), password: PASSWORD.to_owned(), ..Default::default() };
        let request = desk.ask(loader, Method::UserServiceCreateUser, message)?;
        answered(user_name, desk.api.create_user(request).await)?;
    }
    Ok(People {
        auditor: sign_in(&desk.api, "auditor").await?,
        second_auditor: sign_in(&desk.api, "auditor2").await?,
        first_station: sign_in(&desk.api, "s001").await?,
        second_station: sign_in(&desk.api, "s002").await?,
        technician: sign_in(&desk.api, "tech").await?,
        dms: dms(desk, loader, stations).await?,
    })
}

/// Creates the client of the dealers' system, to whose acting each other station consents, and lets it sign in.
async fn dms(desk: &Desk, loader: &Identity, stations: usize) -> Result<Identity, StartError> {
    let api_client = v1::ApiClient {
        display_name: "Dealer management system 经销商管理系统".to_owned(),
        membership: Some(v1::Membership {
            organization: "stations/S-003".to_owned(),
            roles: vec![Role::Station.into()],
            ..Default::default()
        }),
        consenting_organizations: (4..=stations).map(|number| format!("stations/S-{number:03}")).collect(),
        ..Default::default()
    };
    let message = v1::CreateApiClientRequest { api_client: Some(api_client), ..Default::default() };
    let request = desk.ask(loader, Method::ApiClientServiceCreateApiClient, message)?;
    let client = answered("API client", desk.api.create_api_client(request).await)?;
    let form = TokenForm {
        grant_type: Some("client_credentials".to_owned()),
        client_id: Some(client.name),
        client_secret: Some(client.secret),
        ..Default::default()
    };
    let reply = desk.api.token(form, None).await.map_err(|fault| StartError::new("demo, API client", fault))?;
    Ok(desk.api.authenticator().identify(&reply.access_token).await)
}

/// Disables the account that loaded the demo: from now on the demo is whole.
pub(super) async fn retire_loader(desk: &Desk, name: String) -> Result<(), StartError> {
    let admin = sign_in(&desk.api, "admin").await?;
    let message = v1::DisableUserRequest { name, ..Default::default() };
    let request = desk.ask(&admin, Method::UserServiceDisableUser, message)?;
    answered("loader", desk.api.disable_user(request).await).map(|_| ())
}
