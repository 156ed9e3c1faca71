//! Which fields of a resource a reader may hear of at all. A field that is hidden is not named either: that it changed
//! would tell something.

use std::collections::HashMap;
use std::sync::LazyLock;

use recourse_proto::redact::{Redaction, RoleSet, Viewer};
use recourse_proto::{REDACTIONS, descriptor_pool};

/// The fields that some do not see, by message and field.
static HIDDEN: LazyLock<HashMap<(&str, &str), &Redaction>> =
    LazyLock::new(|| REDACTIONS.iter().map(|hidden| ((hidden.message, hidden.field), hidden)).collect());

/// Whether a path of a message, such as `lines[2].unit_price`, is hidden from a reader. A path that the contract does
/// not know is told to the manufacturer only.
pub(crate) fn hides(viewer: &Viewer, message: &str, path: &str) -> bool {
    let mut at = descriptor_pool().and_then(|pool| pool.get_message_by_name(message));
    for segment in path.split('.') {
        let name = segment.split('[').next().unwrap_or_default();
        let Some(field) = at.as_ref().and_then(|at| at.get_field_by_name(name)) else { return !is_oem(viewer) };
        let parent = field.parent_message().full_name();
        if hides_field(viewer, parent, name) {
            return true;
        }
        at = field.kind().as_message().cloned();
    }
    false
}

/// Whether a field that the contract knows is hidden from a reader.
pub(crate) fn hides_field(viewer: &Viewer, message: &str, field: &str) -> bool {
    HIDDEN.get(&(message, field)).is_some_and(|hidden| viewer.hides(hidden.roles, hidden.own))
}

/// The paths of which a reader may hear.
pub(crate) fn told(viewer: &Viewer, message: &str, paths: &[String]) -> Vec<String> {
    paths.iter().filter(|path| !hides(viewer, message, path)).cloned().collect()
}

fn is_oem(viewer: &Viewer) -> bool {
    use recourse_proto::v1::role::Code;
    let oem: RoleSet = [Code::Auditor, Code::Finance, Code::Admin].into_iter().collect();
    !viewer.hides(oem, RoleSet::default())
}

#[cfg(test)]
mod tests {
    use recourse_proto::v1::role::Code;

    use super::*;

    #[test]
    fn what_is_hidden_is_not_named() {
        let viewer = |role: Code, own: bool| Viewer { roles: [role].into_iter().collect(), own };
        let hidden = |role, own, path: &str| hides(&viewer(role, own), "recourse.v1.Claim", path);
        for (path, station, technician, supplier) in [
            ("state", false, false, false),
            ("cause_description", false, false, false),
            ("totals", false, true, true),
            ("lines", false, false, false),
            ("lines[2].unit_price", false, true, true),
            ("lines[2].part", false, false, false),
            ("decisions", false, false, true),
            ("queue", true, true, true),
            ("no_such_field", true, true, true),
        ] {
            assert!(!hidden(Code::Auditor, false, path), "{path}");
            assert_eq!(hidden(Code::Station, true, path), station, "{path}");
            assert_eq!(hidden(Code::Technician, true, path), technician, "{path}");
            assert_eq!(hidden(Code::Supplier, false, path), supplier, "{path}");
        }
        let paths = ["state", "waiver", "postings.x"].map(str::to_owned);
        assert_eq!(told(&viewer(Code::Supplier, true), "recourse.v1.RecoveryClaim", &paths), ["state"]);
    }
}
