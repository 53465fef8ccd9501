//! An action `drill`.

use freezerd::job::action::Work;
use freezerd::job::{Host, parse};

use crate::support::{errors, host, job, read, with_action};

#[test]
fn a_drill_has_the_snapshots_of_a_backup_its_limits_and_perhaps_a_command() {
    let drill = |more: &str| {
        let keys = "\"action\": \"drill\", \"container\": \"/c\", \"backup_name\": \"b\"";
        with_action(&format!("{{{keys}{more}}}"))
    };
    let work = |text: &str| match job(text).actions.remove(0).action.work {
        Work::Drill(work) => work,
        other => panic!("{other:?}"),
    };
    let plain = work(&drill(""));
    assert!(plain.compare_source);
    assert_eq!((plain.sample_files, plain.sample_bytes), (None, None));
    assert_eq!((plain.scratch, plain.command), (None, None));
    let full = work(&drill(
        ", \"scratch\": \"/srv/scratch\", \"sample_files\": 7, \"sample_bytes\": \"2 GiB\", \"compare_source\": false, \
         \"command\": [\"true\"], \"path_to_backup\": \"/srv\", \"hostname\": \"h\"",
    ));
    assert_eq!(full.scratch.as_deref(), Some("/srv/scratch".as_ref()));
    assert_eq!(
        (full.sample_files, full.sample_bytes),
        (Some(7), Some(2 << 30))
    );
    assert!(!full.compare_source && full.command.is_some());
    assert_eq!(full.lineage.host, "h");
    assert_eq!(full.paths, [std::path::PathBuf::from("/srv")]);
    let refused = |text: &str, host: &Host| -> Vec<String> {
        let parsed = parse(text.as_bytes(), "a.json", host);
        errors(&parsed).iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        refused(&drill(", \"sample_files\": 0"), &host()),
        ["out-of-range"]
    );
    let without_exec = Host {
        disable_exec: true,
        ..host()
    };
    let commanded = drill(", \"command\": \"x\"");
    assert_eq!(refused(&commanded, &without_exec), ["exec-disabled"]);
    assert!(refused(&drill(""), &without_exec).is_empty());
    let other_kind =
        with_action("{\"action\": \"info\", \"container\": \"/c\", \"scratch\": \"/d\"}");
    assert!(!read(&other_kind).diagnostics.is_empty());
}
