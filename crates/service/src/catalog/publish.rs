//! Publishing a policy: from a draft to a promise that never changes.

use recourse_domain::access::Act;
use recourse_domain::catalog::WarrantyPolicy;
use recourse_proto::v1;
use recourse_repository::Tx;

use super::resources::WarrantyPolicyResource as Resource;
use super::{Verb, step, step_in};
use crate::context::Call;
use crate::error::{Answer, Refusal};

/// Publishes a version. What it names was checked when it was written.
pub(super) async fn publish(call: &Call, request: v1::PublishWarrantyPolicyRequest) -> Answer<v1::WarrantyPolicy> {
    let name = request.name.as_str();
    step::<Resource>(call, name, &request.etag, verb(), published(call, name)).await
}

/// Publishes a version as a part of another command.
pub(crate) async fn publish_in(
    tx: &mut Tx<'_>,
    call: &Call,
    request: &v1::PublishWarrantyPolicyRequest,
) -> Answer<v1::WarrantyPolicy> {
    let name = request.name.as_str();
    step_in::<Resource>(tx, call, name, &request.etag, &verb(), published(call, name)).await
}

fn verb() -> Verb {
    Verb { word: "publish", paths: &["state", "publish_time"], act: Act::WriteMasterData, references: Vec::new() }
}

fn published(call: &Call, name: &str) -> impl Fn(WarrantyPolicy) -> Answer<WarrantyPolicy> + Send + Sync + use<> {
    let (now, name) = (call.now, name.to_owned());
    move |policy| {
        let state = policy.state;
        policy.publish(now).map_err(|violation| {
            let mut refusal = Refusal::state_conflict(&name, state.word(), "publish");
            refusal.text = Box::new(violation.text);
            refusal
        })
    }
}
