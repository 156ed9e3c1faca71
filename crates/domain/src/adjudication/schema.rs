//! What a condition may speak of: the variables, their types and their meaning, in one table.
//!
//! The checker reads the types, the situation is held against the table by a test, and the README prints it.

/// Type of an expression.
#[derive(Clone, Copy, Debug)]
pub enum Ty {
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// A text.
    Text,
    /// A list of things of one type.
    List(&'static Ty),
    /// Named fields.
    Record(&'static Shape),
    /// The element of an empty list: fits anything.
    Any,
}

impl PartialEq for Ty {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Ty::Any, _) | (_, Ty::Any) | (Ty::Bool, Ty::Bool) | (Ty::Int, Ty::Int) | (Ty::Text, Ty::Text) => true,
            (Ty::List(mine), Ty::List(theirs)) => mine == theirs,
            (Ty::Record(mine), Ty::Record(theirs)) => mine.name == theirs.name,
            (Ty::Bool | Ty::Int | Ty::Text | Ty::List(_) | Ty::Record(_), _) => false,
        }
    }
}

impl Ty {
    /// The word for the type in messages.
    pub fn word(self) -> String {
        match self {
            Ty::Bool => "bool".to_owned(),
            Ty::Int => "int".to_owned(),
            Ty::Text => "string".to_owned(),
            Ty::List(element) => format!("list({})", element.word()),
            Ty::Record(shape) => shape.name.to_owned(),
            Ty::Any => "any".to_owned(),
        }
    }
}

/// Named fields of a record.
#[derive(Debug)]
pub struct Shape {
    /// What the record is called in messages.
    pub name: &'static str,
    /// Its fields.
    pub fields: &'static [Variable],
}

impl Shape {
    /// The field of a name.
    pub fn field(&self, name: &str) -> Option<&'static Variable> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// A variable, or a field of one.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub ty: Ty,
    /// Most elements, of a list.
    pub most: u64,
    /// What it holds, and what it holds when that is not known.
    pub doc: &'static str,
}

const fn var(name: &'static str, ty: Ty, doc: &'static str) -> Variable {
    Variable { name, ty, most: 1, doc }
}

const fn list(name: &'static str, element: &'static Ty, most: u64, doc: &'static str) -> Variable {
    Variable { name, ty: Ty::List(element), most, doc }
}

pub(super) const BOOL: Ty = Ty::Bool;
pub(super) const INT: Ty = Ty::Int;
pub(super) const TEXT: Ty = Ty::Text;
pub(super) const ANY: Ty = Ty::Any;
static LINE: Ty = Ty::Record(&LINE_SHAPE);
static FINDING: Ty = Ty::Record(&FINDING_SHAPE);

/// Lines that a condition looks at: as many as a claim can have.
pub(super) const MOST_LINES: usize = 200;
/// Findings that a condition looks at; the first ones.
pub(super) const MOST_FINDINGS: usize = 200;
/// Trouble codes and other short lists.
pub(super) const MOST_CODES: usize = 50;

static LINE_SHAPE: Shape = Shape {
    name: "line",
    fields: &[
        var("number", Ty::Int, "its number"),
        var("type", Ty::Text, "PART, LABOR, DIAGNOSIS, EXTERNAL_PART, SUBLET, TRAVEL, TOWING, …"),
        var("part", Ty::Text, "code of the part; empty: none"),
        var("part_category", Ty::Text, "its category; empty: not known"),
        var("part_system", Ty::Text, "ENGINE, BATTERY, BRAKES, …; empty: none"),
        var("part_safety", Ty::Bool, "a safety part"),
        var("part_restricted", Ty::Text, "TRACTION_BATTERY, AIRBAG, LEAD_ACID; empty: not restricted"),
        var("part_assembly", Ty::Bool, "one of the four assemblies as a whole"),
        var("part_usage_thousandths", Ty::Int, "pieces that a vehicle has, × 1000; 0: not known"),
        var("operation", Ty::Text, "code of the operation; empty: none"),
        var("hours_hundredths", Ty::Int, "hours claimed, × 100"),
        var("standard_hours_hundredths", Ty::Int, "standard hours for the model, × 100; 0: not known"),
        var("quantity_thousandths", Ty::Int, "quantity, × 1000"),
        var("amount_minor", Ty::Int, "requested amount"),
        var("computed_minor", Ty::Int, "computed amount; 0: no price"),
        var("priced", Ty::Bool, "a price was found"),
        var("is_causal", Ty::Bool, "the causal part"),
        var("distance_km", Ty::Int, "kilometres; 0: none"),
        var("by_night", Ty::Bool, "hours by night are claimed"),
        var("authorized", Ty::Bool, "it names a prior authorisation"),
        var("serial_out", Ty::Text, "removed serial number"),
        var("serial_in", Ty::Text, "fitted serial number"),
        list("findings", &TEXT, 20, "codes of the findings on the line"),
    ],
};

static FINDING_SHAPE: Shape = Shape {
    name: "finding",
    fields: &[
        var("code", Ty::Text, "EXPIRED_WARRANTY, PRICE_ABOVE_LIST, …"),
        var("severity", Ty::Text, "ERROR or WARNING"),
        var("field", Ty::Text, "path of the field"),
        var("line", Ty::Int, "number of the line; 0: the whole claim"),
    ],
};

static CLAIM_SHAPE: Shape = Shape {
    name: "claim",
    fields: &[
        var("kind", Ty::Text, "WARRANTY_REPAIR, ROADSIDE_RESCUE, …"),
        var("currency", Ty::Text, "currency of its amounts: CNY"),
        var("amount_minor", Ty::Int, "requested total"),
        var("computed_minor", Ty::Int, "computed total"),
        var("due_minor", Ty::Int, "what an approval in full would pay: per line the smaller of requested and computed"),
        var("parts_minor", Ty::Int, "requested for parts, own and bought elsewhere"),
        var("labor_minor", Ty::Int, "requested for labour and diagnosis"),
        var("sublet_minor", Ty::Int, "requested for work given to others"),
        var("towing_minor", Ty::Int, "requested for towing"),
        var("submission_count", Ty::Int, "this submission included: 1 the first time"),
        var("failure_code", Ty::Text, "its failure code; empty: none"),
        var("location_code", Ty::Text, "place in the vehicle"),
        var("causal_part", Ty::Text, "code of the causal part; empty: none"),
        var("campaign", Ty::Text, "code of the campaign; empty: none"),
        list("dtcs", &TEXT, MOST_CODES as u64, "trouble codes that were read"),
        var("evidence_count", Ty::Int, "attachments that it names"),
        var("authorization_count", Ty::Int, "prior authorisations that it names"),
        var("related_part_count", Ty::Int, "parts damaged in consequence"),
        var("repeat_repair", Ty::Bool, "the station says that the repair was done before"),
        var("supplement", Ty::Bool, "it adds to another claim"),
        var("copied", Ty::Bool, "it was copied from another claim"),
        var("goodwill_requested", Ty::Bool, "the station asks for goodwill"),
        var("complaint", Ty::Text, "the complaint in words"),
        var("cause", Ty::Text, "the cause in words"),
        var("correction", Ty::Text, "the correction in words"),
        var("repair_order", Ty::Text, "repair order in the dealer's system"),
        var("towing_km", Ty::Int, "kilometres towed, of a rescue; 0: none"),
    ],
};

static REPAIR_SHAPE: Shape = Shape {
    name: "repair",
    fields: &[
        var("complaint_date", Ty::Text, "day of the drop-off, 2026-11-16; empty: not given"),
        var("start_date", Ty::Text, "first day of the work"),
        var("completion_date", Ty::Text, "day of completion"),
        var("age_days", Ty::Int, "days from completion to this submission"),
        var("days", Ty::Int, "days from the drop-off to completion"),
        var("weekday", Ty::Int, "weekday of completion: 1 Monday to 7 Sunday; 0: not given"),
        var("on_weekend", Ty::Bool, "completed on a Saturday or Sunday"),
    ],
};

static VEHICLE_SHAPE: Shape = Shape {
    name: "vehicle",
    fields: &[
        var("known", Ty::Bool, "the VIN is on record"),
        var("vin", Ty::Text, "VIN as claimed"),
        var("model", Ty::Text, "model; empty: not known"),
        var("brand", Ty::Text, "brand"),
        var("drivetrain", Ty::Text, "COMBUSTION, HYBRID, PLUG_IN_HYBRID, BATTERY_ELECTRIC, FUEL_CELL"),
        var("sold", Ty::Bool, "a sale is on record"),
        var("use", Ty::Text, "FAMILY or COMMERCIAL at the drop-off; empty: not known"),
        var("age_days", Ty::Int, "days from the warranty start to the drop-off; 0: not sold"),
        var("odometer_km", Ty::Int, "odometer at the drop-off; 0: not given"),
        var("km_per_day", Ty::Int, "odometer by age, rounded down; 0 on the first day or when not known"),
        var("returned", Ty::Bool, "marked as taken back"),
    ],
};

static STATION_SHAPE: Shape = Shape {
    name: "station",
    fields: &[
        var("code", Ty::Text, "its code"),
        var("grade", Ty::Text, "its grade; empty: none"),
        var("region", Ty::Text, "its region"),
        var("has_self_approval_limit", Ty::Bool, "it has a limit for approval without review"),
        var("self_approval_limit_minor", Ty::Int, "that limit; 0: none"),
    ],
};

static COVERAGE_SHAPE: Shape = Shape {
    name: "coverage",
    fields: &[
        var("covered", Ty::Bool, "the warranty covers the causal part"),
        var("policy", Ty::Text, "version of the policy; empty: none"),
        var("term", Ty::Text, "term of it"),
        var("days_left", Ty::Int, "days from the drop-off to the last day; below 0: over; 0 too when not known"),
        var("km_left", Ty::Int, "kilometres left; 9999999: unlimited; 0 when not known"),
    ],
};

static FAILURE_SHAPE: Shape = Shape {
    name: "failure",
    fields: &[
        var("known", Ty::Bool, "the failure code is on record"),
        var("group", Ty::Text, "component group"),
        var("mode", Ty::Text, "failure mode"),
        var("problem_group", Ty::Text, "problem group; empty: none"),
        var("safety", Ty::Bool, "a serious safety failure"),
    ],
};

static HISTORY_SHAPE: Shape = Shape {
    name: "history",
    fields: &[
        var("station_claims", Ty::Int, "other claims that the station submitted before; counted up to 1000"),
        var("station_claims_90d", Ty::Int, "those of the last 90 days"),
        var("station_rejected_90d", Ty::Int, "those of them that are rejected now"),
        var(
            "vehicle_claims_365d",
            Ty::Int,
            "other claims for the vehicle in the last 365 days, taken back ones left out",
        ),
        var("vehicle_part_claims_365d", Ty::Int, "those of them with the same causal part"),
        var(
            "part_claims_365d",
            Ty::Int,
            "the newest claims with the causal part in 365 days, in this currency; counted up to 200",
        ),
        var("part_average_minor", Ty::Int, "their average requested total, rounded down; 0: none"),
    ],
};

/// Every variable.
pub static VARIABLES: Shape = Shape {
    name: "variables",
    fields: &[
        var("claim", Ty::Record(&CLAIM_SHAPE), "the claim as it is submitted"),
        list("lines", &LINE, MOST_LINES as u64, "its lines"),
        list("findings", &FINDING, MOST_FINDINGS as u64, "what the checks found"),
        list("warnings", &TEXT, MOST_FINDINGS as u64, "the codes of the findings"),
        var("repair", Ty::Record(&REPAIR_SHAPE), "when it was repaired"),
        var("vehicle", Ty::Record(&VEHICLE_SHAPE), "the vehicle"),
        var("station", Ty::Record(&STATION_SHAPE), "the station"),
        var("coverage", Ty::Record(&COVERAGE_SHAPE), "what the warranty says"),
        var("failure", Ty::Record(&FAILURE_SHAPE), "the failure code"),
        var("history", Ty::Record(&HISTORY_SHAPE), "what was submitted before"),
    ],
};

/// The table of variables for people, in Markdown: name, type, what it holds.
pub fn table() -> String {
    let mut out = String::from("| variable | type | holds |\n|---|---|---|\n");
    let mut row = |path: String, variable: &Variable| {
        out.push_str(&format!("| `{path}` | {} | {} |\n", variable.ty.word(), variable.doc));
    };
    for variable in VARIABLES.fields {
        let (shape, dot) = match variable.ty {
            Ty::Record(shape) => (Some(shape), "."),
            Ty::List(Ty::Record(shape)) => (Some(*shape), "[]."),
            Ty::Bool | Ty::Int | Ty::Text | Ty::Any | Ty::List(_) => (None, ""),
        };
        match shape {
            Some(shape) => {
                for field in shape.fields {
                    row(format!("{}{dot}{}", variable.name, field.name), field);
                }
            }
            None => row(variable.name.to_owned(), variable),
        }
    }
    out
}
