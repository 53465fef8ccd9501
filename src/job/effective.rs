//! A job as it is in effect: every value, after aliases and defaults, and where it came from.

use serde::{Deserialize, Serialize};

use super::actions;
use super::decode::{self, Fields, Source};
use super::diagnostic::position;
use super::json::{self, Value};
use super::keys::{Place, Shape, Standing, Works};
use super::parse::{action_nodes, job_node, object, text};
use super::values::Judge;
use super::{Host, identity, secret};

/// One value that is in effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effective {
    /// Where it stands in the job, as `job_actions[0].freezer_action.container`.
    pub path: String,
    /// The value as the file, or the default, has it.
    pub value: serde_json::Value,
    /// What the value comes to, where that is more than what is written: a relative path in full, a container's
    /// directory.
    pub resolved: Option<String>,
    /// Where the value comes from.
    pub origin: Origin,
    /// The line of the file that it comes from, from 1.
    pub line: Option<usize>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Origin {
    /// The file has it at this place.
    File {
        /// The key as the file has it, where that is another name.
        #[serde(skip_serializing_if = "Option::is_none")]
        alias: Option<String>,
    },
    /// The file's `action_defaults` has it.
    ActionDefaults {
        /// The key as the file has it, where that is another name.
        #[serde(skip_serializing_if = "Option::is_none")]
        alias: Option<String>,
    },
    /// The name of the file.
    FileName,
    /// The host's particulars.
    Host,
    /// Nothing says otherwise.
    Default,
}

/// The values in effect in a file's job, in the order of the document; keys that are neither given nor have a
/// default are left out. `None` where the file has errors.
pub fn effective(bytes: &[u8], file_name: &str, host: &Host) -> Option<Vec<Effective>> {
    super::parse(bytes, file_name, host).job?;
    let mut judge = Judge {
        host,
        diagnostics: Vec::new(),
    };
    let text = text(bytes, &mut judge)?;
    let document = json::read(&text);
    let node = job_node(document.root.as_ref()?, &mut judge)?;
    let fields = decode::fields(node, Place::Job, Works::ALL, &mut judge.diagnostics);
    let mut view = View {
        bytes,
        host,
        values: Vec::new(),
    };

    if fields.set("job_id").is_none() {
        view.put(
            "job_id",
            identity::derived(file_name).into(),
            None,
            Origin::FileName,
            None,
        );
    }
    view.object("", &fields, Place::Job, Works::ALL);
    let defaults = object(&fields, "action_defaults", Place::Action, &mut judge);
    for (index, node) in action_nodes(&fields, &mut judge).iter().enumerate() {
        let Some(entry) = actions::entry(node, &defaults, &mut judge) else {
            continue;
        };
        let path = format!("job_actions[{index}].");
        view.object(&path, &entry.outer, Place::Entry, Works::ALL);
        let works = entry.works.unwrap_or(Works::BACKUP);
        view.object(
            &format!("{path}freezer_action."),
            &entry.action,
            Place::Action,
            works,
        );
    }
    let schedule = object(&fields, "job_schedule", Place::Schedule, &mut judge);
    view.object("job_schedule.", &schedule, Place::Schedule, Works::ALL);
    Some(view.values)
}

struct View<'a> {
    bytes: &'a [u8],
    host: &'a Host,
    values: Vec<Effective>,
}

impl View<'_> {
    fn put(
        &mut self,
        path: &str,
        value: serde_json::Value,
        resolved: Option<String>,
        origin: Origin,
        line: Option<usize>,
    ) {
        self.values.push(Effective {
            path: path.to_owned(),
            value,
            resolved,
            origin,
            line,
        });
    }

    /// The keys of one object, in the order of the table.
    fn object(&mut self, path: &str, fields: &Fields<'_>, place: Place, works: Works) {
        for key in place.keys() {
            if matches!(key.shape, Shape::Object(_) | Shape::Actions) || !key.works.meets(works) {
                continue;
            }
            let path = format!("{path}{}", key.name);
            let field = fields
                .get(key.name)
                .filter(|field| field.node.value != Value::Null);
            let Some(field) = field else {
                // `incremental` is the default's name for both of the two keys.
                let opposite = key.name == "incremental" && fields.get("no_incremental").is_some();
                if key.name == "hostname" && place == Place::Action && works != Works::EXEC {
                    self.put(
                        &path,
                        self.host.host_name.clone().into(),
                        None,
                        Origin::Host,
                        None,
                    );
                } else if let Some(default) = key.default
                    && !opposite
                    && key.standing == Standing::Used
                {
                    let value = serde_json::from_str(default).unwrap_or_default();
                    self.put(&path, value, None, Origin::Default, None);
                }
                continue;
            };
            let alias =
                (field.written.replace('-', "_") != key.name).then(|| field.written.to_owned());
            let origin = match field.source {
                Source::Here => Origin::File { alias },
                Source::Defaults => Origin::ActionDefaults { alias },
            };
            let resolved = self.resolved(key.name, key.shape, &field);
            let line = position(self.bytes, field.key_span.start).0;
            self.put(&path, field.node.to_json(), resolved, origin, Some(line));
        }
    }

    /// What a path or a container's name comes to, where it is not written in full.
    fn resolved(&self, name: &str, shape: Shape, field: &decode::Field<'_>) -> Option<String> {
        let mut judge = Judge {
            host: self.host,
            diagnostics: Vec::new(),
        };
        let written = judge.text(Some(*field))?;
        let full = match shape {
            Shape::Path => judge.absolute(field, &written)?,
            Shape::Secret if secret::credential(&written).is_none() => {
                judge.absolute(field, &written)?
            }
            _ if name == "container" && !written.starts_with('/') => {
                self.host.container_root.join(&written)
            }
            _ => return None,
        };
        let full = full.to_string_lossy().into_owned();
        (full != written).then_some(full)
    }
}
