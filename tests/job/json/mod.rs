//! The reader of JSON: it takes what `serde_json` takes, and says of everything else what is wrong and where.

mod faults;
mod values;
