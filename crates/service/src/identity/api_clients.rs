//! API clients: programs that call in their own name. A secret is told once, and never again.

use recourse_domain::catalog::Stored;
use recourse_domain::change::Audience;
use recourse_domain::identity::ApiClient;
use recourse_domain::ids::UserId;
use recourse_domain::query::order::Order;
use recourse_domain::text::Violation;
use recourse_proto::v1::api_client_service_server::ApiClientService;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::{Method, v1};
use recourse_repository::Tx;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::passwords::{fingerprint, random_secret};
use super::users::permit_for;
use super::{accounts, client_keys};
use crate::api::Api;
use crate::context::{Boxed, Call};
use crate::convert::{self, names, timestamp};
use crate::error::{Answer, Refusal};
use crate::lists::{self, ListInput};
use crate::second_person;

const COLLECTION: &str = "apiClients";

#[tonic::async_trait]
impl ApiClientService for Api {
    async fn create_api_client(
        &self,
        request: Request<v1::CreateApiClientRequest>,
    ) -> Result<Response<v1::ApiClient>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::ApiClientServiceCreateApiClient, request, |r| &mut r.request_id)?;
        call.answer(create(&call, request).await)
    }

    async fn get_api_client(
        &self,
        request: Request<v1::GetApiClientRequest>,
    ) -> Result<Response<v1::ApiClient>, Status> {
        let (call, request) = Call::read(&self.inner, Method::ApiClientServiceGetApiClient, request)?;
        call.answer(get(&call, &request.name).await)
    }

    async fn list_api_clients(
        &self,
        request: Request<v1::ListApiClientsRequest>,
    ) -> Result<Response<v1::ListApiClientsResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::ApiClientServiceListApiClients, request)?;
        call.answer(list(&call, request).await)
    }

    async fn rotate_api_client_secret(
        &self,
        request: Request<v1::RotateApiClientSecretRequest>,
    ) -> Result<Response<v1::ApiClient>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::ApiClientServiceRotateApiClientSecret, request, |r| &mut r.request_id)?;
        call.answer(rotate(&call, &request).await)
    }

    async fn delete_api_client(
        &self,
        request: Request<v1::DeleteApiClientRequest>,
    ) -> Result<Response<v1::ApiClient>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::ApiClientServiceDeleteApiClient, request, |r| &mut r.request_id)?;
        call.answer(revoke(&call, &request.name, &request.etag).await)
    }
}

async fn create(call: &Call, mut request: v1::CreateApiClientRequest) -> Answer<v1::ApiClient> {
    let name = choose_name(call, &mut request)?;
    let (request, name) = (&request, name.as_str());
    call.run(
        false,
        |tx| Box::pin(async move { Ok((name.to_owned(), create_in(tx, call, request).await?)) }),
        |name| replay(call, name),
    )
    .await
}

/// The name of the client that a request creates; the server chooses one if the caller did not.
pub(crate) fn choose_name(call: &Call, request: &mut v1::CreateApiClientRequest) -> Answer<String> {
    if request.api_client_id.is_empty() {
        request.api_client_id = call.new_id().to_string();
    }
    Ok(format!("{COLLECTION}/{}", id_of(request)?))
}

fn id_of(request: &v1::CreateApiClientRequest) -> Answer<Uuid> {
    Uuid::parse_str(&request.api_client_id).map_err(|_| {
        Refusal::field("api_client_id", "BAD_FORMAT", "a client id is a UUID", "api_client_id 必须是 UUID")
    })
}

/// Creates a client as a part of another command; the answer has its secret.
pub(crate) async fn create_in(
    tx: &mut Tx<'_>,
    call: &Call,
    request: &v1::CreateApiClientRequest,
) -> Answer<v1::ApiClient> {
    let absent = v1::ApiClient::default();
    let message = request.api_client.as_ref().unwrap_or(&absent);
    let id = id_of(request)?;
    let (name, secret) = (format!("{COLLECTION}/{id}"), random_secret()?);
    if !message.public_keys.is_empty() {
        Refusal::check(client_keys::check("api_client.public_keys", &message.public_keys))?;
    }
    let asked = message.membership.clone().unwrap_or_default();
    let membership = accounts::read(tx, call, "api_client.membership", &asked).await?;
    Refusal::check(accounts::under("api_client", membership.check("membership")))?;
    let mut consenting = Vec::new();
    for (index, other) in message.consenting_organizations.iter().enumerate() {
        let field = format!("api_client.consenting_organizations[{index}]");
        let (org, kind, org_name) = accounts::organization(tx, call, &field, other).await?;
        if kind != membership.org_kind {
            return Err(Refusal::invalid(vec![Violation::new(
                field,
                "ONE_KIND",
                "a client acts for organisations of one kind",
                "同一客户端只能代表同一类型的机构",
            )]));
        }
        // Consent of another organisation is given by its own manager, or by an administrator.
        call.permit(recourse_domain::access::Act::ManageAccounts { org })?;
        consenting.push((org, org_name));
    }
    let permit = permit_for(call, std::iter::once(&membership))?;
    second_person::ask_for_grant(tx, call, true).await?;
    let client = ApiClient {
        id: UserId(id),
        display_name: message.display_name.trim().to_owned(),
        membership,
        consenting,
        revoked: false,
        public_keys: message.public_keys.clone(),
        external_ref: message.external_ref.trim().to_owned(),
    };
    let note = call.note("create", name.clone(), COLLECTION, Vec::new(), &audience(&client));
    let inserted = tx.insert_client(&permit, client, &fingerprint(&secret), note).await;
    let stored = inserted.map_err(|error| Refusal::unless_taken(error, &name))?;
    Ok(told(&stored, &secret))
}

/// A client of a public name as it stands, with the version.
pub(crate) async fn as_it_stands(tx: &mut Tx<'_>, call: &Call, name: &str) -> Answer<Option<(i64, v1::ApiClient)>> {
    let stored = tx.client(call.scope()?, names::uuid_in(name, COLLECTION)?).await?;
    Ok(stored.map(|stored| (stored.version, show(&stored))))
}

async fn get(call: &Call, name: &str) -> Answer<v1::ApiClient> {
    let id = names::uuid_in(name, COLLECTION)?;
    let scope = call.scope_of(Method::ApiClientServiceGetApiClient)?;
    let stored = call.inner.store.client(&scope, id).await?.ok_or_else(|| Refusal::not_found(name))?;
    Ok(show(&stored))
}

async fn list(call: &Call, request: v1::ListApiClientsRequest) -> Answer<v1::ListApiClientsResponse> {
    let input = ListInput { page_size: request.page_size, page_token: request.page_token, ..ListInput::default() };
    let query = lists::query(call, &input, &[], Order::newest_first())?;
    let page = call.inner.store.clients(call.scope()?, &query).await?;
    let api_clients = page.items.iter().map(show).collect();
    Ok(v1::ListApiClientsResponse { api_clients, next_page_token: lists::next_token(call, &input, page.next)? })
}

/// Gives the client a new secret, or takes new public keys of it; what was before stops working with the same
/// commit.
async fn rotate(call: &Call, request: &v1::RotateApiClientSecretRequest) -> Answer<v1::ApiClient> {
    let (name, etag, keys) = (request.name.as_str(), request.etag.as_str(), request.public_keys.as_str());
    if !keys.is_empty() {
        Refusal::check(client_keys::check("public_keys", keys))?;
    }
    let secret = random_secret()?;
    let secret = secret.as_str();
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found(tx, call, name, etag).await?;
                let permit = permit_for(call, std::iter::once(&stored.value.membership))?;
                let has_keys = !stored.value.public_keys.is_empty();
                if has_keys == keys.is_empty() {
                    return Err(Refusal::field(
                        "public_keys",
                        "KEYS_OR_SECRET",
                        "a client with public keys gets new keys, a client with a secret gets a new secret; \
                         make another client to change from one to the other",
                        "使用公钥的客户端须提交新公钥，使用密钥的客户端由系统生成新密钥；如需更换方式请新建客户端",
                    ));
                }
                let client = ApiClient { public_keys: keys.to_owned(), ..stored.value.clone() };
                let changed = vec![if has_keys { "public_keys" } else { "secret" }.to_owned()];
                let note = call.note("rotateSecret", name.to_owned(), COLLECTION, changed, &audience(&client));
                let hash = fingerprint(secret);
                let stored = tx
                    .update_client(&permit, &stored, client, Some(&hash), note)
                    .await
                    .map_err(|error| Refusal::unless_stale(error, name))?;
                Ok((name.to_owned(), told(&stored, secret)))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// Revokes a client for good: its tokens stop working within a second, everywhere.
async fn revoke(call: &Call, name: &str, etag: &str) -> Answer<v1::ApiClient> {
    let answer = call
        .run(
            false,
            |tx| {
                Box::pin(async move {
                    let stored = found(tx, call, name, etag).await?;
                    let permit = permit_for(call, std::iter::once(&stored.value.membership))?;
                    let client = ApiClient { revoked: true, ..stored.value.clone() };
                    let changed = vec!["revoked".to_owned()];
                    let note = call.note("revoke", name.to_owned(), COLLECTION, changed, &audience(&client));
                    tx.revoke(stored.id, call.inner.wall.now(), call.new_id()).await?;
                    let stored = tx
                        .update_client(&permit, &stored, client, None, note)
                        .await
                        .map_err(|error| Refusal::unless_stale(error, name))?;
                    Ok((name.to_owned(), show(&stored)))
                })
            },
            |name| replay(call, name),
        )
        .await?;
    if let Ok(id) = names::uuid_in(name, COLLECTION) {
        call.inner.authenticator.forget(id);
    }
    Ok(answer)
}

/// The client with its secret, which is told once; a client with keys has none.
fn told(stored: &Stored<ApiClient>, secret: &str) -> v1::ApiClient {
    let secret = if stored.value.public_keys.is_empty() { secret.to_owned() } else { String::new() };
    v1::ApiClient { secret, ..show(stored) }
}

async fn found(tx: &mut Tx<'_>, call: &Call, name: &str, etag: &str) -> Answer<Stored<ApiClient>> {
    let id = names::uuid_in(name, COLLECTION)?;
    let stored = tx.client(call.scope()?, id).await?.ok_or_else(|| Refusal::not_found(name))?;
    convert::check_etag(etag, stored.version, name)?;
    if stored.value.revoked {
        return Err(Refusal::new(
            Reason::ResourceRetired,
            "the client is revoked for good; create a new one",
            "该客户端已被永久吊销；请新建",
        ));
    }
    Ok(stored)
}

fn audience(client: &ApiClient) -> Audience {
    Audience::Organizations(vec![client.membership.org])
}

fn show(stored: &Stored<ApiClient>) -> v1::ApiClient {
    let ApiClient { id, display_name, membership, consenting, revoked, public_keys, external_ref } = &stored.value;
    v1::ApiClient {
        name: format!("{COLLECTION}/{id}"),
        etag: convert::etag(stored.version),
        display_name: display_name.clone(),
        membership: Some(accounts::show(membership)),
        consenting_organizations: consenting.iter().map(|(_, name)| name.clone()).collect(),
        secret: String::new(),
        revoked: *revoked,
        public_keys: public_keys.clone(),
        external_ref: external_ref.clone(),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
    }
}

fn replay<'a>(call: &'a Call, name: String) -> Boxed<'a, Answer<v1::ApiClient>> {
    Box::pin(async move { get(call, &name).await })
}
