//! `docs/settings.md`: every setting, every key of a storage and every key of a receiver, from the tables that the program uses.

use freezerd::config::{Form, Setting, packaged};
use freezerd::job::storage::{StorageKind, storage_keys};
use freezerd::tell::keys::receiver_keys;
use freezerd::tell::kind::ReceiverKind;
use freezerd::tell::message::Kind;

use crate::jobs::list;
use crate::markdown::Markdown;
use crate::settings::{
    DESCRIPTION, EXAMPLES, RECEIVERS, STORAGES, default_sentence, literal, sentence,
};

/// The page.
pub fn page() -> String {
    let mut page = Markdown::new("Settings");
    page.paragraph(
        "The settings of freezerd are in `/etc/freezerd/freezerd.toml` for root, and in `~/.config/freezerd/freezerd.toml` \
         for another user.",
    );
    for text in DESCRIPTION {
        page.paragraph(text);
    }
    page.paragraph(
        "A duration is a number and a unit, such as `90 seconds`, `5 minutes` or `1 hour`. In a path, `~` and variables are not \
         expanded, and are refused.",
    );
    page.section(2, "All settings");
    for (setting, default) in packaged() {
        page.section(4, &format!("`{}`", setting.name));
        page.paragraph(&format!(
            "*type: {} · {} · since {}*",
            kind(setting),
            default_sentence(setting, &default)
                .replace("Default: ", "default: ")
                .trim_end_matches('.'),
            setting.since
        ));
        page.paragraph(&format!(
            "{} On the command line `{}`, in the environment `{}`.",
            sentence(setting),
            setting.flag(),
            setting.variable()
        ));
        page.example(
            "toml",
            &format!("{} = {}", setting.name, literal(setting, setting.example)),
        );
    }
    page.section(2, "Storages");
    page.paragraph(STORAGES);
    let named = StorageKind::ALL.len() - 1;
    let rows: Vec<Vec<String>> = storage_keys()
        .map(|key| {
            let kinds = match key.kinds.len() < named {
                true => list(key.kinds.iter().map(|kind| kind.word())),
                false => "all".to_owned(),
            };
            vec![
                format!("`{}`", key.name),
                key.value.to_owned(),
                kinds,
                key.about.to_owned(),
                key.since.to_owned(),
            ]
        })
        .collect();
    page.table(&["key", "type", "kinds", "meaning", "since"], &rows);
    receivers(&mut page);
    page.section(2, "Examples");
    for example in EXAMPLES {
        page.example("toml", example);
    }
    page.render()
}

fn receivers(page: &mut Markdown) {
    page.section(2, "Receivers of notices");
    page.paragraph(RECEIVERS);
    page.paragraph("[notices.md](notices.md) describes what each receiver gets.");
    let rows = |rows: Vec<(&'static str, &'static str)>| -> Vec<Vec<String>> {
        let rows = rows.into_iter();
        rows.map(|(word, about)| vec![format!("`{word}`"), about.to_owned()])
            .collect()
    };
    let types = ReceiverKind::ALL.iter();
    let types = types.map(|kind| (kind.word(), kind.about())).collect();
    page.table(&["type", "what it is"], &rows(types));
    let kinds = Kind::ALL.iter();
    let kinds = kinds.map(|kind| (kind.word(), kind.about())).collect();
    page.table(&["kind of message", "what it tells"], &rows(kinds));
    let keys: Vec<Vec<String>> = receiver_keys()
        .map(|key| {
            let types = match key.kinds.len() < ReceiverKind::ALL.len() {
                true => list(key.kinds.iter().map(|kind| kind.word())),
                false => "all".to_owned(),
            };
            vec![
                format!("`{}`", key.name),
                key.value.to_owned(),
                types,
                key.about.to_owned(),
                key.since.to_owned(),
            ]
        })
        .collect();
    page.table(&["key", "type", "receivers", "meaning", "since"], &keys);
}

fn kind(setting: &Setting) -> &'static str {
    match setting.form {
        Form::Text => "text",
        Form::Word => "word",
        Form::Number => "number",
        Form::List => "list",
        Form::Switch => "true or false",
    }
}
