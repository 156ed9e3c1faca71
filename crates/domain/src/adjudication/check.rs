//! Whether a condition makes sense: every name is a variable, every operator gets what it takes, the result is
//! true or false, and no claim can make it run for long. The expression library finds none of this before it
//! evaluates, and a rule that fails on real claims is found too late.

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators};

use super::position;
use super::schema::{ANY, BOOL, INT, TEXT, Ty, VARIABLES};
use crate::text::Text;

/// Nesting that a condition may have. Evaluation recurses as deep.
const DEEPEST: u32 = 32;
/// Steps that the largest claim may take a condition: some tens of milliseconds.
const MOST_STEPS: u64 = 500_000;

/// What is wrong with a condition, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong, and what would help.
    pub text: Text,
}

/// What is known of an expression.
#[derive(Clone, Copy, Debug)]
struct Known {
    ty: Ty,
    /// Most elements, of a list.
    most: u64,
    /// Most steps to evaluate it.
    steps: u64,
}

impl Known {
    fn of(ty: Ty, steps: u64) -> Self {
        Self { ty, most: 1, steps }
    }
}

/// A fault before its place is known: the tokens by which it is found.
struct Wrong {
    anchor: Vec<String>,
    text: Text,
}

type Checked = Result<Known, Wrong>;

/// Checks a condition; answers the most steps that it can take.
pub(super) fn check(source: &str, expression: &IdedExpr) -> Result<u64, Fault> {
    let mut checker = Checker { bound: Vec::new() };
    let known = checker.known(expression, 0).and_then(|known| {
        if known.ty == Ty::Bool {
            Ok(known)
        } else {
            Err(wrong(
                first(expression),
                format!("a condition is true or false, and this is {}", known.ty.word()),
                format!("条件应为真或假，此处为 {}", known.ty.word()),
            ))
        }
    });
    let known = known.and_then(|known| {
        if known.steps <= MOST_STEPS {
            Ok(known)
        } else {
            Err(wrong(
                first(expression),
                "a claim with many lines would keep this busy for too long; don't look through one list within another",
                "索赔行较多时执行时间过长；请勿在一个列表内遍历另一个列表",
            ))
        }
    });
    known.map(|known| known.steps).map_err(|wrong| {
        let (line, column) = position::of(source, &wrong.anchor);
        Fault { line, column, text: wrong.text }
    })
}

fn wrong(anchor: Vec<String>, en: impl Into<String>, zh: impl Into<String>) -> Wrong {
    Wrong { anchor, text: Text::new(en, zh) }
}

struct Checker {
    /// Names that `exists`, `all` and the others bind, innermost last.
    bound: Vec<(String, Known)>,
}

impl Checker {
    fn known(&mut self, expression: &IdedExpr, depth: u32) -> Checked {
        if depth > DEEPEST {
            return Err(wrong(
                first(expression),
                format!("the condition is nested more than {DEEPEST} deep; make two rules of it"),
                format!("条件嵌套超过 {DEEPEST} 层；请拆分为两条规则"),
            ));
        }
        match &expression.expr {
            Expr::Literal(value) => literal(expression, value),
            Expr::Ident(name) => self.variable(expression, name),
            Expr::Select(select) => {
                let operand = self.known(&select.operand, depth + 1)?;
                let field = field_of(expression, operand.ty, &select.field)?;
                // Steps saturate wherever they are counted: a sum that began anew would make the longest the shortest.
                let steps = operand.steps.saturating_add(1);
                if select.test {
                    return Ok(Known::of(Ty::Bool, steps));
                }
                Ok(Known { most: field.most, ..Known::of(field.ty, steps) })
            }
            Expr::List(list) => self.list(expression, &list.elements, depth),
            Expr::Call(call) => self.call(expression, call, depth),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension, depth),
            Expr::Map(_) => Err(wrong(vec!["{".to_owned()], "maps have no place in a condition", "条件中不能使用映射")),
            Expr::Struct(made) => {
                Err(wrong(vec![made.type_name.clone()], "messages have no place in a condition", "条件中不能构造消息"))
            }
            Expr::Unspecified => Err(wrong(Vec::new(), "an expression is missing", "缺少表达式")),
        }
    }

    fn variable(&self, expression: &IdedExpr, name: &str) -> Checked {
        if let Some((_, known)) = self.bound.iter().rev().find(|(bound, _)| bound == name) {
            return Ok(*known);
        }
        let variable = VARIABLES.field(name.strip_prefix('.').unwrap_or(name)).ok_or_else(|| {
            let names: Vec<&str> = VARIABLES.fields.iter().map(|field| field.name).collect();
            let names = names.join(", ");
            wrong(
                first(expression),
                format!("unknown variable `{name}`; there are {names}"),
                format!("未知变量 `{name}`；可用变量：{names}"),
            )
        })?;
        Ok(Known { most: variable.most, ..Known::of(variable.ty, 1) })
    }

    fn list(&mut self, expression: &IdedExpr, elements: &[IdedExpr], depth: u32) -> Checked {
        let (mut element, mut steps) = (Ty::Any, 1_u64);
        for each in elements {
            let known = self.known(each, depth + 1)?;
            steps = steps.saturating_add(known.steps);
            if element != known.ty {
                let (one, other) = (element.word(), known.ty.word());
                return Err(wrong(
                    first(each),
                    format!("a list holds things of one type, and this one has {one} and {other}"),
                    format!("列表元素类型应一致，此处同时有 {one} 与 {other}"),
                ));
            }
            element = if matches!(element, Ty::Any) { known.ty } else { element };
        }
        let most = elements.len() as u64;
        Ok(Known { most, ..Known::of(Ty::List(kept(expression, element)?), steps) })
    }

    fn comprehension(&mut self, comprehension: &ComprehensionExpr, depth: u32) -> Checked {
        let ComprehensionExpr { iter_range, iter_var, iter_var2, accu_var, accu_init, loop_cond, loop_step, result } =
            comprehension;
        let range = self.known(iter_range, depth + 1)?;
        let Ty::List(element) = range.ty else {
            return Err(wrong(
                last(iter_range),
                format!("only a list can be looked through, and this is {}", range.ty.word()),
                format!("只能遍历列表，此处为 {}", range.ty.word()),
            ));
        };
        if iter_var2.is_some() {
            return Err(wrong(last(iter_range), "one name is bound here, not two", "此处只能绑定一个名称"));
        }
        let init = self.known(accu_init, depth + 1)?;
        self.bound.push((iter_var.clone(), Known::of(*element, 1)));
        self.bound.push((accu_var.clone(), init));
        let condition = self.known(loop_cond, depth + 1);
        let step = self.known(loop_step, depth + 1);
        self.bound.pop();
        let (condition, step) = (condition?, step?);
        if step.ty != init.ty {
            return Err(wrong(
                first(loop_step),
                format!("true or false is needed here, and this is {}", step.ty.word()),
                format!("此处应为真或假，实际为 {}", step.ty.word()),
            ));
        }
        let gathered = Known { most: range.most, ..Known::of(step.ty, 1) };
        self.bound.push((accu_var.clone(), gathered));
        let end = self.known(result, depth + 1);
        self.bound.pop();
        self.bound.pop();
        let end = end?;
        let each = condition.steps.saturating_add(step.steps).saturating_add(2);
        let steps = range
            .steps
            .saturating_add(range.most.saturating_mul(each))
            .saturating_add(end.steps)
            .saturating_add(init.steps);
        Ok(Known { most: range.most, ..Known::of(end.ty, steps) })
    }

    fn call(&mut self, expression: &IdedExpr, call: &CallExpr, depth: u32) -> Checked {
        let mut given = Vec::with_capacity(call.args.len() + 1);
        let operands: Vec<&IdedExpr> = call.target.iter().map(AsRef::as_ref).chain(&call.args).collect();
        for operand in &operands {
            given.push(self.known(operand, depth + 1)?);
        }
        let steps = given.iter().fold(1_u64, |sum, known| sum.saturating_add(known.steps));
        let tys: Vec<Ty> = given.iter().map(|known| known.ty).collect();
        let result = result_of(&call.func_name, call.target.is_some(), &tys);
        let Some(result) = result else { return Err(no_such_call(expression, call, &operands, &tys)) };
        // Containment, equality and joining go through a list.
        let through: u64 = given.iter().filter(|known| matches!(known.ty, Ty::List(_))).map(|known| known.most).sum();
        let most = match call.func_name.as_str() {
            operators::CONDITIONAL => given.iter().map(|known| known.most).max().unwrap_or(1),
            _ => through.max(1),
        };
        let walked = match call.func_name.as_str() {
            operators::IN | operators::EQUALS | operators::NOT_EQUALS => through,
            _ => 0,
        };
        Ok(Known { ty: result, most, steps: steps.saturating_add(walked) })
    }
}

/// What a call answers; none if there is no such call for these types.
fn result_of(name: &str, is_member: bool, given: &[Ty]) -> Option<Ty> {
    match (name, given) {
        (operators::LOGICAL_AND | operators::LOGICAL_OR, [Ty::Bool, Ty::Bool])
        | (operators::LOGICAL_NOT | operators::NOT_STRICTLY_FALSE, [Ty::Bool])
        | (
            operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS,
            [Ty::Int, Ty::Int] | [Ty::Text, Ty::Text],
        ) => Some(BOOL),
        (operators::EQUALS | operators::NOT_EQUALS, [one, other]) => (one == other && !is_record(one)).then_some(BOOL),
        (operators::IN, [one, Ty::List(element)]) => (one == *element && !is_record(one)).then_some(BOOL),
        ("contains" | "startsWith" | "endsWith", [Ty::Text, Ty::Text]) => is_member.then_some(BOOL),
        (
            operators::ADD | operators::SUBSTRACT | operators::MULTIPLY | operators::DIVIDE | operators::MODULO,
            [Ty::Int, Ty::Int],
        )
        | (operators::NEGATE, [Ty::Int])
        | ("size", [Ty::Text | Ty::List(_)]) => Some(INT),
        (operators::ADD, [Ty::Text, Ty::Text]) => Some(TEXT),
        // A list that is gathered begins empty, and is of what is added to it.
        (operators::ADD, [Ty::List(Ty::Any), Ty::List(other)]) => Some(Ty::List(other)),
        (operators::ADD, [Ty::List(one), Ty::List(other)]) if one == other => Some(Ty::List(one)),
        (operators::CONDITIONAL, [Ty::Bool, Ty::List(Ty::Any), other]) if matches!(other, Ty::List(_)) => Some(*other),
        (operators::CONDITIONAL, [Ty::Bool, one, other]) if one == other => Some(*one),
        (operators::INDEX, [Ty::List(element), Ty::Int]) => Some(**element),
        _ => None,
    }
}

fn is_record(ty: &Ty) -> bool {
    matches!(ty, Ty::Record(_))
}

const FUNCTIONS: [&str; 4] = ["size", "contains", "startsWith", "endsWith"];

fn no_such_call(expression: &IdedExpr, call: &CallExpr, operands: &[&IdedExpr], given: &[Ty]) -> Wrong {
    let words: Vec<String> = given.iter().map(|ty| ty.word()).collect();
    let shown = symbol(&call.func_name);
    let Some(symbol) = shown else {
        let name = &call.func_name;
        let given = words.join(", ");
        return if FUNCTIONS.contains(&name.as_str()) {
            wrong(vec![name.clone()], format!("`{name}` does not take ({given})"), format!("`{name}` 不接受 ({given})"))
        } else {
            let functions = FUNCTIONS.join(", ");
            wrong(
                vec![name.clone()],
                format!(
                    "there is no function `{name}`; there are {functions}, and on lists all, exists, exists_one, filter, map"
                ),
                format!("没有函数 `{name}`；可用：{functions}，列表另有 all、exists、exists_one、filter、map"),
            )
        };
    };
    let anchor = match operands {
        // The step of a macro begins with a name that nobody wrote.
        [left, right] if is_hidden(left) => first(right),
        [left, right] => {
            let mut anchor = last(left);
            anchor.push(symbol.to_owned());
            anchor.extend(first(right));
            anchor
        }
        _ => first(expression),
    };
    let given = words.join(if symbol == "?" { ", " } else { " 与 " });
    let listed = words.join(" and ");
    let hint = match symbol {
        "&&" | "||" => ("; both sides are true or false", "；两侧应为真或假"),
        "==" | "!=" | "<" | "<=" | ">" | ">=" => ("; both sides are of one type", "；两侧类型应一致"),
        _ => ("", ""),
    };
    wrong(
        anchor,
        format!("`{symbol}` does not take {listed}{}", hint.0),
        format!("`{symbol}` 不接受 {given}{}", hint.1),
    )
}

/// How an operator is written.
fn symbol(name: &str) -> Option<&'static str> {
    let symbol = match name {
        operators::LOGICAL_AND => "&&",
        operators::LOGICAL_OR => "||",
        operators::LOGICAL_NOT | operators::NOT_STRICTLY_FALSE => "!",
        operators::EQUALS => "==",
        operators::NOT_EQUALS => "!=",
        operators::LESS => "<",
        operators::LESS_EQUALS => "<=",
        operators::GREATER => ">",
        operators::GREATER_EQUALS => ">=",
        operators::ADD => "+",
        operators::SUBSTRACT | operators::NEGATE => "-",
        operators::MULTIPLY => "*",
        operators::DIVIDE => "/",
        operators::MODULO => "%",
        operators::CONDITIONAL => "?",
        operators::IN => "in",
        operators::INDEX => "[",
        _ => return None,
    };
    Some(symbol)
}

fn literal(expression: &IdedExpr, value: &LiteralValue) -> Checked {
    let ty = match value {
        LiteralValue::Boolean(_) => Ty::Bool,
        LiteralValue::Int(_) => Ty::Int,
        LiteralValue::String(_) => Ty::Text,
        LiteralValue::Double(_) | LiteralValue::UInt(_) => {
            return Err(wrong(
                first(expression),
                "numbers are whole: write 100.00 yuan as 10000 and 1.5 hours as 150",
                "数值均为整数：100.00 元写作 10000，1.5 小时写作 150",
            ));
        }
        LiteralValue::Bytes(_) | LiteralValue::Null => {
            return Err(wrong(
                first(expression),
                "there is neither null nor bytes: what is not known is \"\", 0 or false",
                "没有 null 和字节：未知的值为 \"\"、0 或 false",
            ));
        }
    };
    Ok(Known::of(ty, 1))
}

fn field_of(expression: &IdedExpr, ty: Ty, name: &str) -> Result<&'static super::schema::Variable, Wrong> {
    let Ty::Record(shape) = ty else {
        return Err(wrong(
            first(expression),
            format!("{} has no fields, so no `{name}`", ty.word()),
            format!("{} 没有字段 `{name}`", ty.word()),
        ));
    };
    shape.field(name).ok_or_else(|| {
        let names: Vec<&str> = shape.fields.iter().map(|field| field.name).collect();
        let names = names.join(", ");
        wrong(
            first(expression),
            format!("{} has no `{name}`; it has {names}", shape.name),
            format!("{} 没有 `{name}`；可用：{names}", shape.name),
        )
    })
}

/// A type that lives as long as the program, as the element of a list.
fn kept(expression: &IdedExpr, ty: Ty) -> Result<&'static Ty, Wrong> {
    let lines = || VARIABLES.field("lines").map(|field| field.ty);
    let findings = || VARIABLES.field("findings").map(|field| field.ty);
    match ty {
        Ty::Bool => Ok(&BOOL),
        Ty::Int => Ok(&INT),
        Ty::Text => Ok(&TEXT),
        Ty::Any => Ok(&ANY),
        Ty::Record(_) => [lines(), findings()]
            .into_iter()
            .flatten()
            .find_map(|list| match list {
                Ty::List(element) if *element == ty => Some(element),
                Ty::Bool | Ty::Int | Ty::Text | Ty::Any | Ty::Record(_) | Ty::List(_) => None,
            })
            .ok_or_else(|| wrong(first(expression), "a list can't hold this", "列表不能包含该值")),
        Ty::List(_) => {
            Err(wrong(first(expression), "lists of lists have no place in a condition", "条件中不能使用嵌套列表"))
        }
    }
}

/// Whether it is a name that a macro made.
fn is_hidden(expression: &IdedExpr) -> bool {
    matches!(&expression.expr, Expr::Ident(name) if name.starts_with('@'))
}

/// The tokens with which an expression begins.
fn first(expression: &IdedExpr) -> Vec<String> {
    match &expression.expr {
        Expr::Ident(name) => vec![name.clone()],
        Expr::Literal(value) => vec![written(value)],
        Expr::Select(select) => {
            let mut tokens = first(&select.operand);
            tokens.extend([".".to_owned(), select.field.clone()]);
            tokens
        }
        Expr::Call(call) => match (&call.target, call.args.as_slice(), symbol(&call.func_name)) {
            (Some(target), _, _) => first(target),
            (None, [operand], Some(symbol)) => {
                let mut tokens = vec![symbol.to_owned()];
                tokens.extend(first(operand));
                tokens
            }
            (None, [operand, next, ..], Some(_)) if is_hidden(operand) => first(next),
            (None, [operand, ..], Some(_)) => first(operand),
            (None, _, None) | (None, [], Some(_)) => vec![call.func_name.clone()],
        },
        Expr::Comprehension(comprehension) => first(&comprehension.iter_range),
        Expr::List(_) => vec!["[".to_owned()],
        Expr::Map(_) => vec!["{".to_owned()],
        Expr::Struct(made) => vec![made.type_name.clone()],
        Expr::Unspecified => Vec::new(),
    }
}

/// The tokens with which an expression ends, as far as they are known; else those with which it begins.
fn last(expression: &IdedExpr) -> Vec<String> {
    match &expression.expr {
        Expr::Ident(_) | Expr::Literal(_) | Expr::Select(_) => first(expression),
        Expr::Call(call) => match call.args.last() {
            Some(operand) if call.target.is_none() && symbol(&call.func_name).is_some_and(|symbol| symbol != "[") => {
                last(operand)
            }
            Some(_) | None => Vec::new(),
        },
        Expr::List(_) => vec!["]".to_owned()],
        Expr::Comprehension(_) | Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => Vec::new(),
    }
}

fn written(value: &LiteralValue) -> String {
    match value {
        LiteralValue::Boolean(value) => value.inner().to_string(),
        LiteralValue::Int(value) => value.inner().to_string(),
        LiteralValue::String(value) => value.inner().to_owned(),
        LiteralValue::Double(value) => value.inner().to_string(),
        LiteralValue::UInt(value) => format!("{}u", value.inner()),
        LiteralValue::Bytes(_) => "b".to_owned(),
        LiteralValue::Null => "null".to_owned(),
    }
}

#[cfg(test)]
mod tests;
