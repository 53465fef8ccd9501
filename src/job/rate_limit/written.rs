//! A limit in requests: a list of texts. Older programs wrote a number of bytes a second.

use serde::{Deserialize, Serialize};

use super::{LimitFault, RateLimit, Window};

/// What stands for a limit in JSON.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Written {
    Rate(u64),
    Windows(Vec<String>),
}

impl From<RateLimit> for Written {
    fn from(limit: RateLimit) -> Written {
        let windows = limit.windows.iter().map(ToString::to_string);
        Written::Windows(windows.collect())
    }
}

impl TryFrom<Written> for RateLimit {
    type Error = LimitFault;

    fn try_from(written: Written) -> Result<RateLimit, LimitFault> {
        match written {
            Written::Windows(texts) => RateLimit::of_texts(texts.iter().map(String::as_str)),
            Written::Rate(bytes) => RateLimit::of(vec![Window::of_number(Some(bytes))?]),
        }
    }
}
