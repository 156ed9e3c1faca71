//! What holds under load, faults and attack. The quick part runs with every test; the recipes of the justfile
//! (`just crash`, `just soak`, `just fuzz`) run the same code for longer.

mod crash;
mod faults;
mod load;
mod races;
