//! Parts of actions.

use freezerd::job::action::{self, Exec, Lineage, Work};

pub fn lineage() -> Lineage {
    Lineage {
        host: "web-1".to_owned(),
        backup_name: "nightly".to_owned(),
    }
}

pub fn shell(text: &str) -> Work {
    Work::Exec(Exec {
        command: action::Command::Shell(text.to_owned()),
    })
}

pub fn words(words: &[&str]) -> Work {
    Work::Exec(Exec {
        command: action::Command::Words(words.iter().map(|word| (*word).to_owned()).collect()),
    })
}
