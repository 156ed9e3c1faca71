//! What comes in from outside: bytes that nobody expected, on every door. `just schema` (schema.py) asks the same of
//! the whole API with an outside tool.

mod address;
mod cel;
mod doors;
mod files;
mod fuzz;
mod mutate;
mod targets;
mod wire;
