//! Publishing a policy: from a draft to a promise that never changes.

use recourse_domain::access::Act;
use recourse_proto::v1;

use super::resources::WarrantyPolicyResource;
use super::{Verb, step};
use crate::context::Call;
use crate::error::{Answer, Refusal};

/// Publishes a version. What it names was checked when it was written.
pub(super) async fn publish(call: &Call, request: v1::PublishWarrantyPolicyRequest) -> Answer<v1::WarrantyPolicy> {
    let name = request.name.as_str();
    let verb =
        Verb { word: "publish", paths: &["state", "publish_time"], act: Act::WriteMasterData, references: Vec::new() };
    step::<WarrantyPolicyResource>(call, name, &request.etag, verb, |policy| {
        let state = policy.state;
        policy.publish(call.now).map_err(|violation| {
            let mut refusal = Refusal::state_conflict(name, state.word(), "publish");
            refusal.text = Box::new(violation.text);
            refusal
        })
    })
    .await
}
