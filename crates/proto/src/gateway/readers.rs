//! The gateway's readers by themselves: for those who feed them with whatever there is, without a server.

use std::convert::Infallible;

use axum::body::Body;
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::Method as Verb;
use prost_reflect::MessageDescriptor;
use tonic::Status;

use super::{
    call::{RpcInput, Variables},
    csv,
    json::read_query,
    router::{Found, Router},
};
use crate::{Lang, Method};

/// Bytes before the JSON of a row.
const FRAME: usize = 5;

/// The rows of a file of CSV, each as the JSON of a message. The file comes in pieces, as from a network.
pub async fn csv_rows(pieces: Vec<Bytes>, row: &MessageDescriptor, max_row_bytes: usize) -> Result<Vec<Bytes>, Status> {
    let body = Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, Infallible>)));
    let mut frames = csv::frames(body, row, max_row_bytes, Lang::En).await?.into_data_stream();
    let mut rows = Vec::new();
    while let Some(frame) = frames.next().await {
        rows.push(frame.map_err(status_of)?.split_off(FRAME));
    }
    Ok(rows)
}

/// Why a body broke off, as whoever reads messages out of it is told.
fn status_of(error: axum::Error) -> Status {
    let status = error.into_inner().downcast::<Status>();
    status.map_or_else(|other| Status::unknown(other.to_string()), |status| *status)
}

/// The paths of the contract.
pub struct Paths(Router<Method>);

/// Where verb and path lead.
pub struct Place<'a> {
    /// The rpc.
    pub method: Method,
    /// What the path says of the request.
    pub variables: Variables,
    query: &'a super::query::QueryTable,
}

impl Default for Paths {
    fn default() -> Self {
        Self(Router::new(crate::descriptor_pool()))
    }
}

impl Paths {
    /// The rpc that a request leads to, if any.
    #[must_use]
    pub fn find(&self, verb: &Verb, path: &str) -> Option<Place<'_>> {
        match self.0.find(verb, path) {
            Found::Route(route, variables) => Some(Place { method: route.method, variables, query: &route.query }),
            Found::OtherVerbs(_) | Found::Nothing => None,
        }
    }
}

impl Place<'_> {
    /// The parameters of a query, as a message of the rpc.
    pub fn read<I: RpcInput>(&self, query: &str) -> Result<I, Status> {
        match self.query.bind(query, Lang::En)? {
            Some(object) => read_query(object, Lang::En),
            None => Ok(I::default()),
        }
    }
}
