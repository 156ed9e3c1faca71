//! A condition of a rule: read, checked, and tried on a claim.
//!
//! The language is CEL by the `cel` library. Its own front door reads with a generated parser that wants hundreds
//! of kilobytes of stack for two operators; the library's second parser is written by hand and keeps a limit on
//! nesting, so conditions are read with that one.

use std::panic::{AssertUnwindSafe, catch_unwind};

use cel::common::ast::IdedExpr;
use cel::parser::{ParseErrors, PrattParser};
use cel::{ExecutionError, Value};

use super::check::{self, Fault};
use super::situation::Situation;
use crate::text::Text;

/// Characters of a condition.
pub const MAX_CONDITION: usize = 2000;
/// Nesting that is read at all; the checker allows less.
const DEEPEST_READ: u16 = 40;

/// A condition that can be tried.
#[derive(Debug)]
pub struct Condition {
    expression: IdedExpr,
    steps: u64,
    asks_history: bool,
}

impl Condition {
    /// Reads and checks a condition.
    pub fn compile(source: &str) -> Result<Self, Fault> {
        if source.chars().count() > MAX_CONDITION {
            return Err(fault(
                (1, 1),
                format!("a condition has at most {MAX_CONDITION} characters; make two rules of it"),
                format!("条件最多 {MAX_CONDITION} 个字符；请拆分为两条规则"),
            ));
        }
        // A fault of the library must be a fault of this rule, not of the server.
        let read = catch_unwind(AssertUnwindSafe(|| {
            PrattParser::new()
                .max_recursion_depth(DEEPEST_READ)
                .error_recovery_limit(4)
                .error_reporting_limit(4)
                .parse(source)
        }));
        let expression = match read {
            Ok(Ok(expression)) => expression,
            Ok(Err(errors)) => return Err(syntax(&errors)),
            Err(_) => return Err(fault((1, 1), "the reading of the condition broke off", "条件解析中断")),
        };
        let steps = check::check(source, &expression)?;
        let asks_history = expression.references().has_variable("history");
        Ok(Self { expression, steps, asks_history })
    }

    /// Most steps that a claim can take it.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Whether it asks what was submitted before.
    pub fn asks_history(&self) -> bool {
        self.asks_history
    }

    /// Whether it holds; or why that can't be said.
    pub fn holds(&self, situation: &Situation) -> Result<bool, String> {
        let tried = catch_unwind(AssertUnwindSafe(|| Value::resolve(&self.expression, situation.context())));
        match tried {
            Ok(Ok(Value::Bool(holds))) => Ok(holds),
            Ok(Ok(other)) => Err(format!("the condition is {:?}, neither true nor false", other.type_of())),
            Ok(Err(error)) => Err(told(&error)),
            Err(_) => Err("the condition broke off".to_owned()),
        }
    }
}

/// An error of evaluation in a few words: it is kept with the claim.
fn told(error: &ExecutionError) -> String {
    let text = error.to_string();
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn syntax(errors: &ParseErrors) -> Fault {
    let Some(error) = errors.errors.first() else { return fault((1, 1), "this can't be read", "无法解析") };
    let place = |number: isize| usize::try_from(number).unwrap_or(1).max(1);
    let what = error.msg.strip_prefix("Syntax error: ").unwrap_or(&error.msg);
    fault((place(error.pos.0), place(error.pos.1)), format!("this is no CEL: {what}"), format!("CEL 语法错误：{what}"))
}

fn fault((line, column): (usize, usize), en: impl Into<String>, zh: impl Into<String>) -> Fault {
    Fault { line, column, text: Text::new(en, zh) }
}
