//! What a repository contains, for people: lists, searches, comparisons, single files, figures.
//!
//! Every function here only reads. A directory that is damaged is named, and the rest is shown. Names come from the
//! repository and can be any bytes: [`crate::escape::shown`] makes them harmless.

pub mod backups;
pub mod choice;
pub mod diff;
pub mod dump;
pub mod find;
pub mod list;
pub mod mode;
pub mod path;
pub mod stats;
