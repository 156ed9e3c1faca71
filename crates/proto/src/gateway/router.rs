//! From verb and path to an rpc and its path variables.
//!
//! A tree over path segments: a literal is tried before a variable. A colon in
//! the last segment begins a custom verb (`:submit`); in an id it must be
//! percent-encoded.

use std::{borrow::Cow, collections::HashMap};

use http::Method as Verb;
use percent_encoding::percent_decode_str;
use prost_reflect::{DescriptorPool, Kind, MessageDescriptor};

use super::{call::Variables, export::ListShape, query::QueryTable};
use crate::method::{HttpRule, Rpc};

/// One binding of an rpc.
pub(crate) struct Route<M> {
    pub(crate) method: M,
    pub(crate) rule: &'static HttpRule,
    pub(crate) query: QueryTable,
    /// The message that a row of a streamed body is.
    pub(crate) row: Option<MessageDescriptor>,
    /// How its pages are exported, if it answers a list.
    pub(crate) list: Option<ListShape>,
    variables: Vec<Variable>,
}

/// A path variable and the segments that it spans.
struct Variable {
    field: &'static str,
    from: usize,
    to: usize,
}

/// What a path leads to.
pub(crate) enum Found<'a, M> {
    Route(&'a Route<M>, Variables),
    /// The path exists under the verbs that are named.
    OtherVerbs(String),
    Nothing,
}

pub(crate) struct Router<M> {
    routes: Vec<Route<M>>,
    root: Node,
}

#[derive(Default)]
struct Node {
    literals: HashMap<&'static str, Node>,
    variable: Option<Box<Node>>,
    /// The routes that end here, by custom verb (empty for none).
    ends: HashMap<&'static str, Vec<(Verb, usize)>>,
}

/// A piece of a template: a literal, or `None` for a segment of a variable.
type Piece = Option<&'static str>;

impl<M: Rpc> Router<M> {
    pub(crate) fn new(pool: Option<&DescriptorPool>) -> Self {
        let mut router = Self { routes: Vec::new(), root: Node::default() };
        for method in M::ALL {
            let message = |name| pool.and_then(|pool| pool.get_message_by_name(name));
            let (input, output) = (message(method.spec().input), message(method.spec().output));
            for rule in method.spec().http {
                router.add(*method, rule, input.as_ref(), output.as_ref());
            }
        }
        router
    }

    fn add(
        &mut self,
        method: M,
        rule: &'static HttpRule,
        input: Option<&MessageDescriptor>,
        output: Option<&MessageDescriptor>,
    ) {
        let (pieces, variables, custom) = parse(rule.template);
        let mut node = &mut self.root;
        for piece in pieces {
            node = match piece {
                Some(literal) => node.literals.entry(literal).or_default(),
                None => node.variable.get_or_insert_default(),
            };
        }
        node.ends.entry(custom).or_default().push((rule.verb.clone(), self.routes.len()));
        let bound: Vec<_> = variables.iter().map(|variable| variable.field).collect();
        let query = input.map(|input| QueryTable::of(input, rule.body, &bound)).unwrap_or_default();
        let row = input.and_then(|input| match input.get_field_by_name(rule.body)?.kind() {
            Kind::Message(row) if method.spec().client_streaming => Some(row),
            _ => None,
        });
        let list = input.zip(output).and_then(|(input, output)| ListShape::of(method.spec(), rule, input, output));
        self.routes.push(Route { method, rule, query, row, list, variables });
    }

    pub(crate) fn find(&self, verb: &Verb, path: &str) -> Found<'_, M> {
        let Some(path) = path.strip_prefix('/') else { return Found::Nothing };
        let last = path.rfind('/').map_or(0, |at| at + 1);
        let (path, custom) = match path[last..].rfind(':') {
            Some(at) => (&path[..last + at], &path[last + at + 1..]),
            None => (path, ""),
        };
        let Some(segments) = path.split('/').map(decoded).collect::<Option<Vec<_>>>() else { return Found::Nothing };
        let mut allowed = Vec::new();
        match walk(&self.root, &segments, custom, verb, &mut allowed).and_then(|index| self.routes.get(index)) {
            Some(route) => match route.variables.iter().map(|variable| variable.value(&segments)).collect() {
                Some(variables) => Found::Route(route, variables),
                None => Found::Nothing,
            },
            None if allowed.is_empty() => Found::Nothing,
            None => Found::OtherVerbs(allow(allowed)),
        }
    }
}

impl Variable {
    /// The variable's value, rebuilt: `claims/0198`. A slash inside of one
    /// segment would make another name of it.
    fn value(&self, segments: &[Cow<'_, str>]) -> Option<(&'static str, String)> {
        let span = segments.get(self.from..self.to)?;
        if span.len() > 1 && span.iter().any(|segment| segment.contains('/')) {
            return None;
        }
        Some((self.field, span.join("/")))
    }
}

/// The first route of the tree that fits verb and path; collects the verbs of
/// those that fit the path only.
fn walk(node: &Node, segments: &[Cow<'_, str>], custom: &str, verb: &Verb, allowed: &mut Vec<Verb>) -> Option<usize> {
    let Some((segment, rest)) = segments.split_first() else {
        let ends = node.ends.get(custom)?;
        allowed.extend(ends.iter().map(|(verb, _)| verb.clone()));
        return ends.iter().find(|(candidate, _)| candidate == verb).map(|(_, index)| *index);
    };
    let literal = node.literals.get(segment.as_ref()).and_then(|next| walk(next, rest, custom, verb, allowed));
    if literal.is_some() || segment.is_empty() {
        return literal;
    }
    node.variable.as_ref().and_then(|next| walk(next, rest, custom, verb, allowed))
}

fn decoded(segment: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(segment).decode_utf8().ok()
}

/// The value of the `Allow` header; GET includes HEAD.
fn allow(mut verbs: Vec<Verb>) -> String {
    if verbs.contains(&Verb::GET) {
        verbs.push(Verb::HEAD);
    }
    let mut names: Vec<_> = verbs.iter().map(Verb::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

/// Splits a template into segments, variables and custom verb.
fn parse(template: &'static str) -> (Vec<Piece>, Vec<Variable>, &'static str) {
    let template = template.strip_prefix('/').unwrap_or(template);
    let after_variables = template.rfind(['}', '/']).map_or(0, |at| at + 1);
    let (template, custom) = match template[after_variables..].rfind(':') {
        Some(at) => (&template[..after_variables + at], &template[after_variables + at + 1..]),
        None => (template, ""),
    };
    let (mut pieces, mut variables) = (Vec::new(), Vec::new());
    let mut rest = template;
    while !rest.is_empty() {
        if let Some((inner, after)) = rest.strip_prefix('{').and_then(|inside| inside.split_once('}')) {
            let (field, pattern) = inner.split_once('=').unwrap_or((inner, "*"));
            let from = pieces.len();
            pieces.extend(pattern.split('/').map(|segment| (segment != "*").then_some(segment)));
            variables.push(Variable { field, from, to: pieces.len() });
            rest = after.strip_prefix('/').unwrap_or(after);
        } else {
            let (literal, after) = rest.split_once('/').unwrap_or((rest, ""));
            pieces.push((literal != "*").then_some(literal));
            rest = after;
        }
    }
    (pieces, variables, custom)
}
