//! What the file of a new snapshot says beside its tree.

use chrono::DateTime;

use super::source::Sources;
use crate::agent::Context;
use crate::agent::left_out_rules::LeftOutRules;
use crate::agent::level::NextLevel;
use crate::agent::reach::zone;
use crate::agent::snapshot::{PARTIAL_TAG, Snapshot, set_label};
use crate::archive::report::Problems;
use crate::job::action::Backup;
use crate::keep::guard::Alarm;
use crate::os;
use crate::protocol::Request;
use crate::repository::snapshot::Snapshot as File;
use crate::repository::time::Time;

/// The same instant in the offset of the job's zone: what the rules of `keep_daily` call a day is one of this offset.
pub(super) fn in_zone(time: Time, request: &Request) -> Time {
    let instant = DateTime::from_timestamp(time.seconds, time.nanoseconds).unwrap_or_default();
    let offset = zone(request.zone.as_deref()).offset_at(instant);
    Time {
        offset_minutes: (offset.local_minus_utc() / 60) as i16,
        ..time
    }
}

/// The snapshot file, as far as it is known before the backup. One that is not whole has a tag for that.
pub(super) fn describe(
    context: &Context,
    work: &Backup,
    sources: &Sources,
    next: &NextLevel<'_>,
    begun: Time,
    problems: &Problems,
    alarm: Option<Alarm>,
) -> File {
    let request = &context.request;
    let paths = work.paths.iter();
    let paths = paths.map(|path| path.to_string_lossy().into_owned());
    let mut file = File::new(begun, Default::default(), paths.collect());
    file.hostname = work.lineage.host.clone();
    let user = rustix::process::getuid().as_raw();
    file.username = os::user_name(user).unwrap_or_default();
    file.uid = user;
    file.gid = rustix::process::getgid().as_raw();
    file.excludes = sources.exclude().to_vec();
    LeftOutRules::write(&mut file, work);
    file.program_version = format!("freezerd {}", env!("CARGO_PKG_VERSION"));
    file.tags = vec![
        Snapshot::level_tag(next.level),
        request.run_tag.snapshot_tag(request.action_index),
    ];
    if !problems.is_empty() {
        file.tags.push(PARTIAL_TAG.to_owned());
    }
    file.tags.extend(alarm.map(Snapshot::guard_tag));
    set_label(&mut file, &work.lineage.backup_name);
    file
}
