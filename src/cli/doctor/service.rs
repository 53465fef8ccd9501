//! The daemon, and the systemd unit that starts it.

use std::path::Path;
use std::process::{Command, Stdio};

use chrono::{DateTime, TimeDelta, Utc};

use super::finding::{Finding, Level};
use crate::control::daemon_lock::Holder;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What systemd reports about the unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit {
    /// The words that `systemctl is-active` and `systemctl is-enabled` print. A word may be empty.
    Known { active: String, enabled: String },
    /// systemd cannot be asked, for this reason.
    Unknown(String),
}

/// Asks systemd for the state of `freezerd.service`.
pub fn inspect_unit() -> Unit {
    let ask = |what: &str| {
        Command::new("systemctl")
            .args([what, "freezerd.service"])
            .stdin(Stdio::null())
            .output()
    };
    let word = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        text.lines().next().unwrap_or_default().trim().to_owned()
    };
    let output = match ask("is-active") {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Unit::Unknown("this host has no systemctl".to_owned());
        }
        Err(error) => {
            return Unit::Unknown(format!(
                "systemctl cannot run: {}",
                crate::os::reason(&error)
            ));
        }
    };
    let active = word(&output.stdout);
    if active.is_empty() {
        return Unit::Unknown(format!("systemctl reports: {}", word(&output.stderr)));
    }
    Unit::Known {
        active,
        enabled: ask("is-enabled").map_or_else(|_| String::new(), |output| word(&output.stdout)),
    }
}

/// Judges whether a daemon runs. `holder` is an error if this user may not read the lock.
pub fn daemon_finding(holder: &Result<Option<Holder>, String>, state: &str) -> Finding {
    let finding = |level, message: String| Finding::new("daemon", level, state, message);
    match holder {
        Err(reason) => finding(
            Level::Warning,
            format!("doctor cannot find out whether a daemon runs: {reason}"),
        )
        .help("run `freezerd doctor` as the daemon's user or as root"),
        Ok(None) => finding(Level::Warning, "no daemon is running".to_owned()).help(
            "start it (`systemctl start freezerd` or `freezerd run`); ignore this warning if cron or a timer starts \
             `freezerd run --once`",
        ),
        Ok(Some(holder)) => {
            let pid = holder.pid.map_or("?".to_owned(), |pid| pid.to_string());
            match holder.version.as_deref() {
                Some(VERSION) => finding(
                    Level::Ok,
                    format!("freezerd {VERSION} is running as process {pid}"),
                ),
                other => finding(
                    Level::Warning,
                    format!(
                        "the daemon (process {pid}) is {}, but this command is freezerd {VERSION}",
                        other.map_or("an earlier version".to_owned(), |version| format!(
                            "freezerd {version}"
                        ))
                    ),
                )
                .help("restart it when no action runs: `systemctl restart freezerd`"),
            }
        }
    }
}

/// Judges whether the daemon uses the current settings. The daemon reads them only when it starts. `changed` is when the
/// configuration file was last written.
pub fn settings_findings(
    holder: Option<&Holder>,
    config: &Path,
    changed: Option<DateTime<Utc>>,
) -> Option<Finding> {
    let since = holder?.since?;
    // The start of the daemon is only known to the second.
    let stale = changed? >= since + TimeDelta::seconds(1);
    stale.then(|| {
        let message = "the file was changed after the start of the daemon, which still uses the old settings";
        Finding::new("config", Level::Warning, config.display(), message.to_owned()).help(
            "`systemctl kill --kill-whom=main --signal=USR1 freezerd` restarts it when no action runs",
        )
    })
}

/// Judges the unit. `packaged` says whether the unit is for this installation, and `daemon` whether a daemon runs.
pub fn unit_finding(unit: &Unit, packaged: bool, daemon: bool) -> Finding {
    let finding = |level, message: String| Finding::new("unit", level, "freezerd.service", message);
    let (active, enabled) = match unit {
        Unit::Unknown(reason) => return finding(Level::Info, reason.clone()),
        Unit::Known { active, enabled } => (active.as_str(), enabled.as_str()),
    };
    let state = format!(
        "{active}, {}",
        if enabled.is_empty() {
            "unknown"
        } else {
            enabled
        }
    );
    let help = match (active, enabled) {
        _ if !packaged => {
            return finding(
                Level::Info,
                format!("{state}; the unit is for another installation"),
            );
        }
        ("active", "enabled" | "enabled-runtime" | "static" | "alias") => {
            return finding(Level::Ok, state);
        }
        ("active" | "activating" | "reloading", "disabled") => {
            return finding(
                Level::Warning,
                format!("{state}; it will not start at boot"),
            )
            .help("`systemctl enable freezerd`");
        }
        ("active" | "activating" | "reloading", "masked" | "masked-runtime") => {
            return finding(
                Level::Warning,
                format!("{state}; if it ends, it cannot start again"),
            )
            .help("`systemctl unmask freezerd`");
        }
        ("active" | "activating" | "reloading" | "deactivating", _) => {
            return finding(Level::Info, state);
        }
        ("failed", _) => {
            return finding(Level::Error, state)
                .help("`systemctl status freezerd` and `journalctl -u freezerd` show why");
        }
        (_, "" | "not-found") => {
            return finding(Level::Info, "the unit does not exist".to_owned());
        }
        (_, "masked" | "masked-runtime") => {
            "`systemctl unmask freezerd`, then `systemctl enable --now freezerd`"
        }
        _ => "`systemctl enable --now freezerd`",
    };
    let level = if daemon { Level::Info } else { Level::Warning };
    let finding = finding(level, state);
    if daemon { finding } else { finding.help(help) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(active: &str, enabled: &str) -> Unit {
        Unit::Known {
            active: active.to_owned(),
            enabled: enabled.to_owned(),
        }
    }

    #[test]
    fn the_unit_is_to_be_active_and_enabled() {
        for (active, enabled, level) in [
            ("active", "enabled", Level::Ok),
            ("active", "disabled", Level::Warning),
            ("active", "masked", Level::Warning),
            ("inactive", "masked", Level::Warning),
            ("inactive", "enabled", Level::Warning),
            ("inactive", "disabled", Level::Warning),
            ("failed", "enabled", Level::Error),
            ("inactive", "", Level::Info),
            ("inactive", "not-found", Level::Info),
            ("activating", "enabled", Level::Info),
        ] {
            let finding = unit_finding(&unit(active, enabled), true, false);
            assert_eq!(finding.level, level, "{active} {enabled}");
            assert_eq!(finding.help.is_some(), level >= Level::Warning);
        }
    }

    #[test]
    fn no_systemd_and_another_installation_are_no_faults() {
        let unknown = Unit::Unknown("there is no systemctl here".to_owned());
        assert_eq!(unit_finding(&unknown, true, false).level, Level::Info);
        let failed = unit("failed", "enabled");
        assert_eq!(unit_finding(&failed, false, false).level, Level::Info);
        let by_hand = unit("inactive", "disabled");
        assert_eq!(unit_finding(&by_hand, true, true).level, Level::Info);
    }

    #[test]
    fn settings_that_are_younger_than_the_daemon_are_not_in_force_yet() {
        let start = DateTime::UNIX_EPOCH;
        let holder = Holder {
            since: Some(start),
            ..Holder::default()
        };
        let level = |holder, written| {
            let written = Some(start + TimeDelta::milliseconds(written));
            settings_findings(holder, Path::new("/f"), written).map(|finding| finding.level)
        };
        assert_eq!(level(Some(&holder), -1), None);
        assert_eq!(level(Some(&holder), 999), None, "may be before it");
        assert_eq!(level(Some(&holder), 1000), Some(Level::Warning));
        assert_eq!(level(None, 1000), None);
        assert_eq!(
            settings_findings(Some(&holder), Path::new("/f"), None),
            None
        );
    }

    #[test]
    fn a_daemon_of_another_version_is_to_be_restarted() {
        let holder = |version: Option<&str>| {
            Ok(Some(Holder {
                pid: Some(7),
                version: version.map(str::to_owned),
                since: None,
            }))
        };
        assert_eq!(
            daemon_finding(&holder(Some(VERSION)), "/s").level,
            Level::Ok
        );
        for other in [holder(Some("0.0.1")), holder(None), Ok(None)] {
            let finding = daemon_finding(&other, "/s");
            assert_eq!(finding.level, Level::Warning);
            assert!(finding.help.is_some());
        }
        let hidden = daemon_finding(&Err("Permission denied".to_owned()), "/s");
        assert!(hidden.message.contains("cannot find out"));
    }
}
