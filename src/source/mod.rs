//! What can be backed up: file trees so far. A source finds entries, describes them, and opens them; what becomes of
//! them is not its concern.

pub mod kernel_mounts;
pub mod patterns;
pub mod problem;
pub mod tree;
