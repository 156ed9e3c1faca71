//! Path templates: `/v1/{claim.name=claims/*}:submit` is
//! `/v1/claims/{claim}:submit`, named by the collection, so that all verbs of
//! one path share their parameters.

/// A path as OpenAPI writes it.
pub(super) struct Path {
    pub(super) text: String,
    pub(super) parameters: Vec<Parameter>,
    /// The fields of the request that the path sets.
    pub(super) fields: Vec<String>,
}

/// A parameter of the path.
pub(super) struct Parameter {
    pub(super) name: String,
    /// What it is the id of, `claims/{claim}`; the field for a whole name.
    pub(super) within: String,
    /// Whether it is one segment of a name, not a whole one.
    pub(super) is_id: bool,
}

impl Path {
    pub(super) fn of(template: &str) -> Self {
        let mut path = Self { text: String::new(), parameters: Vec::new(), fields: Vec::new() };
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            path.text.push_str(before);
            let (inner, after) = after.split_once('}').unwrap_or((after, ""));
            match inner.split_once('=') {
                Some((field, pattern)) if pattern != "*" => path.name(field, pattern),
                _ => path.whole(inner.split('=').next().unwrap_or(inner)),
            }
            rest = after;
        }
        path.text.push_str(rest);
        path
    }

    fn whole(&mut self, field: &str) {
        let name = self.unused(crate::wkt::camel_case(field.rsplit('.').next().unwrap_or(field)));
        self.text.push_str(&format!("{{{name}}}"));
        self.fields.push(field.to_owned());
        self.parameters.push(Parameter { name, within: field.to_owned(), is_id: false });
    }

    fn name(&mut self, field: &str, pattern: &str) {
        self.fields.push(field.to_owned());
        let start = self.text.len();
        let mut collection = "";
        for (index, segment) in pattern.split('/').enumerate() {
            if index > 0 {
                self.text.push('/');
            }
            if segment == "*" {
                let name = self.unused(singular(collection));
                self.text.push_str(&format!("{{{name}}}"));
                self.parameters.push(Parameter { name, within: self.text[start..].to_owned(), is_id: true });
            } else {
                self.text.push_str(segment);
            }
            collection = segment;
        }
    }

    fn unused(&self, name: String) -> String {
        let taken = self.parameters.iter().filter(|parameter| parameter.name == name).count();
        if taken == 0 { name } else { format!("{name}{}", taken + 1) }
    }
}

/// `warrantyPolicies` as `warrantyPolicy`, `dispatches` as `dispatch`.
fn singular(collection: &str) -> String {
    if let Some(stem) = collection.strip_suffix("ies") {
        return format!("{stem}y");
    }
    let sibilant = ["ches", "shes", "sses", "xes"].iter().any(|end| collection.ends_with(end));
    collection.strip_suffix(if sibilant { "es" } else { "s" }).unwrap_or(collection).to_owned()
}

#[cfg(test)]
mod tests {
    use super::Path;

    #[test]
    fn parameters_are_named_by_their_collection() {
        for (template, text, fields) in [
            ("/v1/{claim.name=claims/*}:submit", "/v1/claims/{claim}:submit", "claim.name"),
            ("/v1/{parent=stations/*/bays/*}/jobs", "/v1/stations/{station}/bays/{bay}/jobs", "parent"),
            ("/v1/{name=warrantyPolicies/*}", "/v1/warrantyPolicies/{warrantyPolicy}", "name"),
            ("/v1/{name=dispatches/*}", "/v1/dispatches/{dispatch}", "name"),
            ("/v1/{name=cases/*}", "/v1/cases/{case}", "name"),
            ("/v1/legacy/{job_name}", "/v1/legacy/{jobName}", "job_name"),
            ("/v1/claims:watch", "/v1/claims:watch", ""),
        ] {
            let path = Path::of(template);
            assert_eq!((path.text.as_str(), path.fields.join(",").as_str()), (text, fields));
        }
    }
}
