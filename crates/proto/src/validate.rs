//! What a message must fulfil on the wire before a command begins: REQUIRED and
//! the `limits` of the contract. Fields that only the server sets are ignored.

use std::{collections::BTreeMap, fmt::Write};

mod format;
mod known;
mod rule;

pub use format::TextFormat;
pub use rule::Rule;

/// A message that can be checked against the contract.
pub trait Validate {
    /// Adds a violation for each field that breaks a rule.
    fn validate(&self, check: &mut Check);
}

impl<T: Validate> Validate for Box<T> {
    fn validate(&self, check: &mut Check) {
        (**self).validate(check);
    }
}

/// The violations of a message, none if it is sound.
#[must_use]
pub fn violations<T: Validate>(message: &T) -> Vec<Violation> {
    let mut check = Check::default();
    message.validate(&mut check);
    check.violations
}

/// A field and the rule it breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The path of the field in the contract's words, `claim.lines[2].quantity`.
    pub field: String,
    /// The rule.
    pub rule: Rule,
}

/// More violations than this help nobody; the rest is not collected.
const MOST_VIOLATIONS: usize = 100;

/// Collects violations while it walks a message.
#[derive(Debug, Default)]
pub struct Check {
    violations: Vec<Violation>,
    path: Vec<Step>,
    /// REQUIRED does not count inside a message that is updated in parts.
    partial: bool,
}

/// One step from the request to the field.
#[derive(Debug, Clone)]
enum Step {
    Field(&'static str),
    Index(usize),
    Key(String),
}

/// The rules of one string.
#[derive(Debug, Clone, Copy)]
pub struct TextRule {
    /// Whether it may be empty.
    pub required: bool,
    /// Fewest characters, unless it is empty and may be.
    pub min: usize,
    /// Most characters.
    pub max: usize,
    /// Its form.
    pub format: TextFormat,
}

impl Check {
    /// Adds a violation of a field of the message that is being walked.
    pub fn violate(&mut self, field: &'static str, rule: Rule) {
        if self.violations.len() < MOST_VIOLATIONS {
            let field = self.place(field);
            self.violations.push(Violation { field, rule });
        }
    }

    /// Refuses an absent field.
    pub fn present(&mut self, field: &'static str, is_present: bool) {
        if !is_present && !self.partial {
            self.violate(field, Rule::Required);
        }
    }

    /// Checks a string.
    pub fn text(&mut self, field: &'static str, value: &str, rule: &TextRule) {
        if value.is_empty() {
            self.present(field, !rule.required);
            return;
        }
        // Bytes are never fewer than characters: most strings need no count.
        if value.len() > rule.max || rule.min > 0 {
            let length = value.chars().count();
            if length > rule.max {
                return self.violate(field, Rule::TooLong { max: rule.max });
            }
            if length < rule.min {
                return self.violate(field, Rule::TooShort { min: rule.min });
            }
        }
        if let Err(broken) = rule.format.check(value) {
            self.violate(field, broken);
        }
    }

    /// Checks each string of a list.
    pub fn texts(&mut self, field: &'static str, values: &[String], rule: &TextRule) {
        for (index, value) in values.iter().enumerate() {
            let rule = TextRule { required: true, ..*rule };
            self.element(field, index, |check| check.text("", value, &rule));
        }
    }

    /// Checks each key and value of a map.
    pub fn text_map(&mut self, field: &'static str, values: &BTreeMap<String, String>, rule: &TextRule) {
        for (key, value) in values {
            self.entry(field, key, |check| {
                check.text("", key, &TextRule { required: true, min: 0, max: 200, format: TextFormat::Any });
                check.text("", value, rule);
            });
        }
    }

    /// Checks the size of bytes; 0 leaves it to the limit of the request.
    pub fn bytes(&mut self, field: &'static str, value: &[u8], required: bool, max: usize) {
        self.present(field, !(required && value.is_empty()));
        if max > 0 && value.len() > max {
            self.violate(field, Rule::TooLong { max });
        }
    }

    /// Checks a whole number.
    pub fn integer(&mut self, field: &'static str, value: i64, min: Option<i64>, max: Option<i64>) {
        if min.is_some_and(|min| value < min) || max.is_some_and(|max| value > max) {
            self.violate(field, Rule::OutOfRange { min, max });
        }
    }

    /// Checks a whole number whose zero may also mean that it was not given. In a message that is updated in
    /// parts it then counts as absent; whoever applies the update checks the result.
    pub fn implicit_integer(&mut self, field: &'static str, value: i64, min: Option<i64>, max: Option<i64>) {
        if !(self.partial && value == 0) {
            self.integer(field, value, min, max);
        }
    }

    /// Checks a floating-point number, which must be finite.
    #[expect(clippy::cast_precision_loss, reason = "limits are small numbers")]
    pub fn number(&mut self, field: &'static str, value: f64, min: Option<i64>, max: Option<i64>) {
        let too_small = min.is_some_and(|min| value < min as f64);
        let too_large = max.is_some_and(|max| value > max as f64);
        if !value.is_finite() || too_small || too_large {
            self.violate(field, Rule::OutOfRange { min, max });
        }
    }

    /// Checks an enum; its zero means "not said".
    pub fn enumeration(&mut self, field: &'static str, number: i32, required: bool, is_known: bool) {
        if number == 0 {
            self.present(field, !required);
        } else if !is_known {
            self.violate(field, Rule::UnknownEnum);
        }
    }

    /// Checks each enum of a list.
    pub fn enumerations(&mut self, field: &'static str, numbers: &[i32], is_known: impl Fn(i32) -> bool) {
        for (index, number) in numbers.iter().enumerate() {
            self.element(field, index, |check| check.enumeration("", *number, true, is_known(*number)));
        }
    }

    /// Checks the number of elements.
    pub fn count(&mut self, field: &'static str, count: usize, required: bool, max: usize) {
        self.present(field, !(required && count == 0));
        if count > max {
            self.violate(field, Rule::TooMany { max });
        }
    }

    /// Checks a message. Below a partial one REQUIRED does not count, except in
    /// the elements of lists, because those are replaced whole.
    pub fn message<T: Validate>(&mut self, field: &'static str, value: Option<&T>, required: bool, partial: bool) {
        let Some(value) = value else { return self.present(field, !required) };
        let before = self.partial;
        self.partial = before || partial;
        self.path.push(Step::Field(field));
        value.validate(self);
        self.path.pop();
        self.partial = before;
    }

    /// Checks each message of a list.
    pub fn messages<T: Validate>(&mut self, field: &'static str, values: &[T]) {
        for (index, value) in values.iter().enumerate() {
            self.element(field, index, |check| value.validate(check));
        }
    }

    /// Checks each message of a map.
    pub fn message_map<T: Validate>(&mut self, field: &'static str, values: &BTreeMap<String, T>) {
        for (key, value) in values {
            self.entry(field, key, |check| value.validate(check));
        }
    }

    /// Walks into one element of a list.
    pub fn element(&mut self, field: &'static str, index: usize, walk: impl FnOnce(&mut Self)) {
        self.inside(field, Step::Index(index), walk);
    }

    fn entry(&mut self, field: &'static str, key: &str, walk: impl FnOnce(&mut Self)) {
        self.inside(field, Step::Key(key.chars().take(40).collect()), walk);
    }

    fn inside(&mut self, field: &'static str, step: Step, walk: impl FnOnce(&mut Self)) {
        // A list of a hundred thousand bad elements is refused by its count.
        if self.violations.len() >= MOST_VIOLATIONS {
            return;
        }
        let before = std::mem::take(&mut self.partial);
        self.path.extend([Step::Field(field), step]);
        walk(self);
        self.path.truncate(self.path.len().saturating_sub(2));
        self.partial = before;
    }

    /// The path of a field of the present message; an empty name is the place itself.
    fn place(&self, field: &'static str) -> String {
        let mut text = String::new();
        for step in self.path.iter().chain([&Step::Field(field)]) {
            match step {
                Step::Field("") => {}
                Step::Field(name) if text.is_empty() => text.push_str(name),
                Step::Field(name) => {
                    let _ = write!(text, ".{name}");
                }
                Step::Index(index) => {
                    let _ = write!(text, "[{index}]");
                }
                Step::Key(key) => {
                    let _ = write!(text, "[{key:?}]");
                }
            }
        }
        text
    }
}
