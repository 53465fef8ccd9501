//! Faults of schedules.

use super::codes;

codes! {}
