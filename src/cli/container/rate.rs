//! The options that limit how fast a command reads a container, or writes to it.

use std::num::NonZeroU64;

use crate::agent::reach::Reach;
use crate::job::action::Bandwidth;
use crate::job::rate;

/// A limit in bytes a second; `None`: no limit.
#[derive(Clone, Copy, Debug)]
struct Rate(Option<NonZeroU64>);

/// The option of a command that only reads.
#[derive(Debug, clap::Args)]
pub struct DownloadLimit {
    /// Read at most this many bytes a second from the container, such as 500K or 10M; 0 means no limit
    #[arg(long, value_name = "RATE", value_parser = parse, allow_hyphen_values = true)]
    download_limit: Option<Rate>,
}

/// The options of a command that reads and writes.
#[derive(Debug, clap::Args)]
pub struct TransferLimits {
    #[command(flatten)]
    download: DownloadLimit,
    /// Write at most this many bytes a second to the container, as in --download-limit
    #[arg(long, value_name = "RATE", value_parser = parse, allow_hyphen_values = true)]
    upload_limit: Option<Rate>,
}

impl DownloadLimit {
    /// The limits of the command. Without the option, there are none.
    pub fn bandwidth(&self) -> Bandwidth {
        Bandwidth {
            upload: None,
            download: self.download_limit.and_then(|rate| rate.0),
        }
    }

    /// The way to a container within these limits, without a cache.
    pub fn reach(&self) -> Reach {
        Reach::within(self.bandwidth())
    }
}

impl TransferLimits {
    /// The limits of the command. Without the options, there are none.
    pub fn bandwidth(&self) -> Bandwidth {
        Bandwidth {
            upload: self.upload_limit.and_then(|rate| rate.0),
            ..self.download.bandwidth()
        }
    }

    /// The way to a container within these limits, without a cache.
    pub fn reach(&self) -> Reach {
        Reach::within(self.bandwidth())
    }
}

fn parse(text: &str) -> Result<Rate, String> {
    let limit = rate::parse(text);
    limit
        .map(Rate)
        .map_err(|fault| format!("the option {fault}; {}", fault.help()))
}
