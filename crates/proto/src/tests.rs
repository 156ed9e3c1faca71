//! What the options of fields become, shown on the sample contract.

mod masks;
mod validation;
mod visibility;
