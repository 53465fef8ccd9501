//! Schedules: an instant and a schedule, and the next instant.

mod cases;
mod faults;
mod rules;
mod walk;
mod words;
