//! The contract of Recourse as Rust: messages, services, their rules and the
//! REST gateway, all generated from `proto/recourse/v1/*.proto`.
//!
//! - [`v1`]: messages and tonic services, with proto3 JSON.
//! - [`Method`]: every rpc with its routes and access rule.
//! - [`Validate`](validate::Validate), [`Redact`](redact::Redact),
//!   [`Merge`](merge::Merge): what the options of fields say.
//! - [`gateway`]: REST over the same service traits, in process.
//! - [`openapi`]: the OpenAPI 3.1 document.

use std::sync::LazyLock;

use prost_reflect::DescriptorPool;

mod codec;
pub mod gateway;
#[expect(
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes,
    reason = "written by prost-build, tonic-build, pbjson-build and build/: nobody reads or edits it"
)]
mod generated;
pub mod lang;
pub mod merge;
pub mod method;
pub mod openapi;
pub mod redact;
pub mod status;
pub mod validate;
pub mod wkt;

#[cfg(test)]
#[expect(
    unreachable_pub,
    dead_code,
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes,
    reason = "generated as if for other crates, used by tests only"
)]
mod sample;
#[cfg(test)]
mod tests;

pub use generated::{
    google,
    method::Method,
    recourse,
    recourse::v1,
    redactions::REDACTIONS,
    services::{Api, dispatch, grpc_routes},
};
pub use lang::Lang;

/// The encoded `FileDescriptorSet` of the contract, options and comments
/// included; also what server reflection answers.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.bin"));

/// The same set without the comments, which are the larger part of it.
const BARE_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/bare.bin"));

/// The descriptors of the contract, without comments. `None` only if the embedded set were
/// damaged; the build script has decoded the same bytes.
#[must_use]
pub fn descriptor_pool() -> Option<&'static DescriptorPool> {
    static POOL: LazyLock<Option<DescriptorPool>> = LazyLock::new(|| decoded(BARE_SET));
    POOL.as_ref()
}

/// The descriptors with their comments: for who writes documentation of them and then drops them. A server that
/// kept them would hold megabytes that it never reads again.
#[must_use]
pub fn documented_pool() -> Option<DescriptorPool> {
    decoded(DESCRIPTOR_SET)
}

fn decoded(set: &[u8]) -> Option<DescriptorPool> {
    DescriptorPool::decode(set)
        .inspect_err(|error| tracing::error!(%error, "the embedded descriptors can't be decoded"))
        .ok()
}
