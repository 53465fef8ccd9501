//! The rules of retention.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use freezerd::job::action::{Admin, Age, Work};
use freezerd::keep::span::Span;
use freezerd::keep::{Count, Period, Rules};

use super::as_backup;
use crate::support::{backup, codes, errors, job, read, with_action};

fn of_admin(more: &str) -> String {
    with_action(&format!(
        "{{\"action\": \"admin\", \"backup_name\": \"a\", \"container\": \"/c\", {more}}}"
    ))
}

fn admin(more: &str) -> Admin {
    match job(&of_admin(more)).actions.remove(0).action.work {
        Work::Admin(admin) => admin,
        other => panic!("{other:?}"),
    }
}

fn most(count: u32) -> Count {
    Count::Most(NonZeroU32::new(count).unwrap())
}

#[test]
fn the_rules_are_read_in_backups_and_admin_actions() {
    let text = "\"keep_last\": 1, \"keep-hourly\": \"2\", \"keep_daily\": -1, \"keep_weekly\": \"all\", \"keep_monthly\": \
                \"Unlimited\", \"keep_quarterly\": 0, \"keep_yearly\": null, \"keep_within\": \"30d\", \
                \"keep_within_monthly\": \"1y6m\", \"keep_tags\": [\"a,b\", \"c\"]";
    let rules = Rules {
        counts: BTreeMap::from([
            (Period::Each, most(1)),
            (Period::Hour, most(2)),
            (Period::Day, Count::All),
            (Period::Week, Count::All),
            (Period::Month, Count::All),
        ]),
        spans: BTreeMap::from([
            (Period::Each, Span::parse("30d").unwrap()),
            (Period::Month, Span::parse("1y6m").unwrap()),
        ]),
        tags: vec![vec!["a".to_owned(), "b".to_owned()], vec!["c".to_owned()]],
    };
    assert_eq!(as_backup(&backup(text)).keep, rules);
    assert_eq!(admin(text).keep, rules);
    assert_eq!(admin(text).remove, None);
    let with_age = admin("\"keep_last\": 1, \"remove_older_than\": 30");
    assert_eq!(with_age.remove, Some(Age::Days(30.0)));
    assert!(!with_age.keep.is_empty());
}

#[test]
fn the_object_keep_means_the_same_and_has_shorter_names() {
    let flat = as_backup(&backup("\"keep_daily\": 7, \"keep_within\": \"2d\"")).keep;
    for object in [
        "{\"daily\": 7, \"within\": \"2d\"}",
        "{\"keep_daily\": 7, \"keep-within\": \"2d\"}",
    ] {
        assert_eq!(
            as_backup(&backup(&format!("\"keep\": {object}"))).keep,
            flat
        );
    }
    assert!(as_backup(&backup("\"keep\": {}")).keep.is_empty());
    let both = "\"keep\": {\"daily\": 7}, \"keep_weekly\": 2";
    assert_eq!(errors(&read(&backup(both))), ["conflicting-keys"]);
    assert_eq!(
        errors(&read(&backup("\"keep\": {\"dayly\": 7}"))),
        ["unknown-key"]
    );
    assert_eq!(errors(&read(&backup("\"keep\": 7"))), ["wrong-type"]);
}

#[test]
fn a_target_has_the_rules_of_the_action_unless_it_has_its_own() {
    let of = |more: &str| {
        let text = backup(&format!(
            "\"keep_daily\": 7, \"remove_older_than\": 30, \"targets\": [{{\"container\": \"/d\"{more}}}]"
        ));
        match job(&text).actions.remove(1).action.work {
            Work::Backup(backup) => (backup.remove_older_than, backup.keep),
            other => panic!("{other:?}"),
        }
    };
    let counts = |count| BTreeMap::from([(Period::Day, most(count))]);
    let (age, keep) = of("");
    assert_eq!((age, keep.counts), (Some(30.0), counts(7)));
    let (age, keep) = of(", \"keep\": {\"daily\": 90}");
    assert_eq!((age, keep.counts), (None, counts(90)));
    let (age, keep) = of(", \"remove_older_than\": 365");
    assert_eq!((age, keep.counts), (Some(365.0), BTreeMap::new()));
}

#[test]
fn the_guards_are_shares_or_off() {
    let guards = |more: &str| {
        let guards = as_backup(&backup(more)).guards;
        (guards.shrink, guards.churn)
    };
    for (text, expected) in [
        ("\"exclude\": []", (Some(50.0), None)),
        ("\"shrink_guard\": null", (Some(50.0), None)),
        ("\"shrink_guard\": false", (None, None)),
        ("\"shrink_guard\": \"Off\"", (None, None)),
        (
            "\"shrink_guard\": \"80%\", \"churn-guard\": \"12.5 %\"",
            (Some(80.0), Some(12.5)),
        ),
    ] {
        assert_eq!(guards(text), expected, "{text}");
    }
    for (value, code) in [
        ("\"101%\"", "out-of-range"),
        ("50", "wrong-type"),
        ("true", "wrong-type"),
        ("\"many\"", "wrong-type"),
        ("\"-1%\"", "wrong-type"),
    ] {
        let text = format!("\"shrink_guard\": {value}");
        assert_eq!(errors(&read(&backup(&text))), [code], "{text}");
    }
}

#[test]
fn a_count_of_0_is_not_a_rule_and_is_warned_of() {
    for (text, warned) in [
        ("\"keep_last\": 0", true),
        ("\"keep_last\": 3, \"keep_daily\": \"0\"", true),
        ("\"keep\": {\"last\": 0}", true),
        (
            "\"targets\": [{\"container\": \"/d\", \"keep\": {\"last\": 0}}]",
            true,
        ),
        ("\"keep_last\": 1", false),
        ("\"keep_last\": false", false),
    ] {
        let parsed = read(&backup(text));
        let mut of_effect = codes(&parsed);
        of_effect.retain(|code| *code == "no-effect");
        let expected = vec!["no-effect"; usize::from(warned)];
        assert_eq!(of_effect, expected, "{text}");
    }
    assert!(as_backup(&backup("\"keep_last\": 0")).keep.is_empty());
}

#[test]
fn a_prune_that_waits_for_a_removal_is_warned_of_where_nothing_is_removed() {
    for (text, warned) in [
        ("\"prune\": \"needed\"", true),
        ("\"prune\": \"never\"", false),
        ("\"prune\": \"always\"", false),
        ("\"prune\": \"needed\", \"keep_daily\": 7", false),
        ("\"prune\": \"needed\", \"remove_older_than\": 7", false),
        (
            "\"prune\": \"needed\", \"targets\": [{\"container\": \"/d\", \"keep\": {\"last\": 3}}]",
            false,
        ),
    ] {
        let parsed = read(&backup(text));
        let mut of_effect = codes(&parsed);
        of_effect.retain(|code| *code == "no-effect");
        let expected = vec!["no-effect"; usize::from(warned)];
        assert_eq!(of_effect, expected, "{text}");
    }
    let always = as_backup(&backup("\"prune\": \"always\""));
    assert!(always.removes() && !always.removes_snapshots());
    assert!(!as_backup(&backup("\"prune\": \"never\"")).removes());
}

#[test]
fn a_wrong_rule_is_refused() {
    for (key, value, code) in [
        ("keep_last", "-2", "out-of-range"),
        ("keep_last", "1.5", "out-of-range"),
        ("keep_last", "10000000", "out-of-range"),
        ("keep_last", "\"many\"", "wrong-type"),
        ("keep_last", "true", "wrong-type"),
        ("keep_last", "[1]", "wrong-type"),
        ("keep_within", "30", "wrong-type"),
        ("keep_within", "\"30\"", "wrong-type"),
        ("keep_within", "\"1w\"", "wrong-type"),
        ("keep_within", "\"0d\"", "wrong-type"),
        ("keep_within", "{}", "wrong-type"),
        ("keep_tags", "\"a,,b\"", "wrong-type"),
        ("keep_tags", "[{}]", "wrong-type"),
        ("keep_tags", "[\"\"]", "wrong-type"),
    ] {
        let text = format!("\"{key}\": {value}");
        assert_eq!(errors(&read(&backup(&text))), [code], "{text}");
        assert_eq!(errors(&read(&of_admin(&text))), [code], "{text}");
    }
    assert_eq!(
        errors(&read(&of_admin("\"keep_last\": 0"))),
        ["missing-key"]
    );
    assert!(errors(&read(&of_admin("\"keep_last\": 1"))).is_empty());
}
