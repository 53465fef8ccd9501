//! Text from the world that wants to command a terminal, to begin a line of its own or to turn text around: from each
//! source, through each command, into each output. No output obeys it, and JSON has it exactly.

#[path = "../harness/mod.rs"]
mod harness;
mod jobs;
mod judge;
mod repository;
mod servers;
mod words;
