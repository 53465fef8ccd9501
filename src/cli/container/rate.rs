//! The options that limit how fast a command reads a container, or writes to it.
//!
//! They have the names of the settings, so clap gives their values to the settings, too.

use crate::agent::reach::Reach;
use crate::config::Settings;
use crate::job::action::Bandwidth;
use crate::job::rate_limit::RateLimit;

/// The option of a command that only reads.
#[derive(Debug, clap::Args)]
pub struct DownloadLimit {
    /// Read at most this many bytes a second from the container, such as 500K or 10M, or within windows, such as
    /// `mon-fri 08:00-18:00 2M, 20M`; 0 means no limit
    #[arg(long, value_name = "RATE", value_parser = checked, allow_hyphen_values = true)]
    download_limit: Option<String>,
}

/// The options of a command that reads and writes.
#[derive(Debug, clap::Args)]
pub struct TransferLimits {
    #[command(flatten)]
    download: DownloadLimit,
    /// Write at most this many bytes a second to the container, as in --download-limit
    #[arg(long, value_name = "RATE", value_parser = checked, allow_hyphen_values = true)]
    upload_limit: Option<String>,
}

impl DownloadLimit {
    /// The limits of the command itself.
    pub fn bandwidth(&self) -> Bandwidth {
        Bandwidth {
            upload: None,
            download: limit(self.download_limit.as_deref()),
        }
    }

    /// The way to a container within these limits, else those of its storage and of the settings; without a cache.
    pub fn reach(&self, settings: &Settings) -> Reach {
        Reach::within(self.bandwidth(), settings.bandwidth(), settings.zone())
    }
}

impl TransferLimits {
    /// As [`DownloadLimit::reach`].
    pub fn reach(&self, settings: &Settings) -> Reach {
        let own = Bandwidth {
            upload: limit(self.upload_limit.as_deref()),
            ..self.download.bandwidth()
        };
        Reach::within(own, settings.bandwidth(), settings.zone())
    }
}

/// The text of an option, once it is known that it is a limit.
fn checked(text: &str) -> Result<String, String> {
    match RateLimit::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(wrong) => Err(format!("the option {wrong}; {}", wrong.fault.help())),
    }
}

fn limit(checked: Option<&str>) -> Option<RateLimit> {
    RateLimit::parse(checked?).ok()
}
