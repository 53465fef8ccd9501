//! A backup reports what it could not read, and fails where a success would be false.

mod container;
mod creation;
mod selection;
mod several;
mod source;
