//! The OAuth endpoints, the few that stand outside the contract's descriptors because RFCs give them a form
//! encoding: `/oauth2/token`, `/oauth2/revoke`, the key set and the metadata.

use axum::extract::rejection::FormRejection;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Form, Json};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use recourse_proto::gateway::{ProblemContext, problem};
use recourse_service::admission::Origin;
use recourse_service::identity::oauth::{JWT_BEARER, OAuthFault, RevokeForm, TokenForm};
use recourse_service::{Api, language};
use serde_json::{Value, json};

/// `POST /oauth2/token` (RFC 6749): `client_credentials` and `refresh_token`.
pub(crate) async fn token(
    State(api): State<Api>,
    origin: Option<Extension<Origin>>,
    headers: HeaderMap,
    form: Result<Form<TokenForm>, FormRejection>,
) -> Response {
    let mut form = match form {
        Ok(Form(form)) => form,
        Err(unreadable) => return no_form(&unreadable),
    };
    if let Some((client_id, client_secret)) = basic(&headers) {
        form.client_id = Some(client_id);
        form.client_secret = Some(client_secret);
    }
    match api.token(form, origin.map(|Extension(origin)| origin.address)).await {
        Ok(reply) => uncached(Json(reply).into_response()),
        Err(fault) => refused(&fault),
    }
}

/// `POST /oauth2/revoke` (RFC 7009): ends the session that a refresh token belongs to. The answer does not
/// tell whether there was one.
pub(crate) async fn revoke(State(api): State<Api>, form: Result<Form<RevokeForm>, FormRejection>) -> Response {
    let form = match form {
        Ok(Form(form)) => form,
        Err(unreadable) => return no_form(&unreadable),
    };
    match api.revoke_token(form).await {
        Ok(()) => uncached(StatusCode::OK.into_response()),
        Err(fault) => refused(&fault),
    }
}

/// `GET /.well-known/jwks.json`: the public keys of access tokens.
pub(crate) async fn jwks(State(api): State<Api>) -> Json<Value> {
    Json(api.jwks())
}

/// `GET /.well-known/conclusion-keys.json`: the public keys of signed conclusions.
pub(crate) async fn conclusion_keys(State(api): State<Api>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    match api.conclusion_keys().await {
        Ok(keys) => Json(keys).into_response(),
        Err(refusal) => problem(&refusal.status(language(&parts.headers)), &ProblemContext::of(&parts)),
    }
}

/// `GET /.well-known/oauth-authorization-server` (RFC 8414).
pub(crate) async fn metadata(State(api): State<Api>) -> Json<Value> {
    let issuer = api.issuer();
    Json(json!({
        "issuer": issuer,
        "token_endpoint": format!("{issuer}/oauth2/token"),
        "revocation_endpoint": format!("{issuer}/oauth2/revoke"),
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "grant_types_supported": ["client_credentials", "refresh_token", JWT_BEARER],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256", "ES384", "EdDSA", "PS256", "RS256"],
        "response_types_supported": [],
    }))
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// The answer to a body that is no form: a JSON error as RFC 6749 (5.2) has it, for clients read nothing else.
fn no_form(unreadable: &FormRejection) -> Response {
    let described = format!("the body is application/x-www-form-urlencoded: {}", unreadable.body_text());
    let body = json!({"error": "invalid_request", "error_description": described});
    uncached((StatusCode::BAD_REQUEST, Json(body)).into_response())
}

/// The answer of a refused request for a token.
pub(crate) fn refused(fault: &OAuthFault) -> Response {
    let status = match fault {
        OAuthFault::InvalidClient => StatusCode::UNAUTHORIZED,
        OAuthFault::InvalidRequest(_)
        | OAuthFault::InvalidGrant
        | OAuthFault::InvalidAssertion
        | OAuthFault::InvalidScope
        | OAuthFault::UnsupportedGrantType => StatusCode::BAD_REQUEST,
        OAuthFault::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
        OAuthFault::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    };
    let wait = match fault {
        OAuthFault::TooMany(seconds) => Some(*seconds),
        OAuthFault::Unavailable => Some(1),
        OAuthFault::InvalidClient
        | OAuthFault::InvalidRequest(_)
        | OAuthFault::InvalidGrant
        | OAuthFault::InvalidAssertion
        | OAuthFault::InvalidScope
        | OAuthFault::UnsupportedGrantType => None,
    };
    let body = json!({"error": fault.code(), "error_description": fault.to_string()});
    let mut response = uncached((status, Json(body)).into_response());
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"recourse\""));
    }
    if let Some(seconds) = wait {
        response.headers_mut().insert(http::header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Answers with tokens must not stay in caches (RFC 6749, 5.1).
fn uncached(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
