//! Public names of resources: `stations/S-001`, `claims/0198…`, `claims/0198…/revisions/2`.

use recourse_domain::access::Author;
use uuid::Uuid;

use crate::error::{Answer, Refusal};

/// The public name of whoever made something: `users/0198…`, `apiClients/0198…`.
pub(crate) fn author(author: Author) -> String {
    let Author { id, is_client } = author;
    if is_client { format!("apiClients/{id}") } else { format!("users/{id}") }
}

/// The id in `collection/id`.
pub(crate) fn id_in<'n>(name: &'n str, collection: &str) -> Answer<&'n str> {
    name.strip_prefix(collection)
        .and_then(|rest| rest.strip_prefix('/'))
        .filter(|id| !id.is_empty() && !id.contains('/'))
        .ok_or_else(|| {
            Refusal::field(
                "name",
                "BAD_NAME",
                format!("a name here is {collection}/{{id}}"),
                format!("名称格式应为 {collection}/{{id}}"),
            )
        })
}

/// The UUID in `collection/uuid`. A name that can't be one is simply not there.
pub(crate) fn uuid_in(name: &str, collection: &str) -> Answer<Uuid> {
    let id = id_in(name, collection)?;
    Uuid::parse_str(id).map_err(|_| Refusal::not_found(name))
}

/// The parts of `collection/id/children/child`.
pub(crate) fn child_in<'n>(name: &'n str, collection: &str, children: &str) -> Answer<(&'n str, &'n str)> {
    let bad = || {
        Refusal::field(
            "name",
            "BAD_NAME",
            format!("a name here is {collection}/{{id}}/{children}/{{id}}"),
            format!("名称格式应为 {collection}/{{id}}/{children}/{{id}}"),
        )
    };
    let mut parts = name.split('/');
    let found = (parts.next(), parts.next(), parts.next(), parts.next(), parts.next());
    match found {
        (Some(first), Some(id), Some(second), Some(child), None)
            if first == collection && second == children && !id.is_empty() && !child.is_empty() =>
        {
            Ok((id, child))
        }
        _ => Err(bad()),
    }
}
