//! restic's repository format, and nothing else.
