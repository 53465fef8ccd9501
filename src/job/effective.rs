//! The values of a job that are in effect, after aliases and defaults, and where each comes from.

use serde::{Deserialize, Serialize};

use super::decode::{self, FieldSource, Fields};
use super::diagnostic::position;
use super::encoding::text;
use super::entry;
use super::json::{self, Value};
use super::keys::{Object, Shape, Support};
use super::kind::WorkKind;
use super::parse::{action_nodes, job_node, object};
use super::secret_text::MASK;
use super::values::ValueReader;
use super::{Host, identity, secret};

/// One value that is in effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EffectiveValue {
    /// The path of the key in the job, for example `job_actions[0].freezer_action.container`.
    pub path: String,
    /// The value as it is in the file or in the default.
    pub value: serde_json::Value,
    /// What the value stands for, where that is not what is written: a relative path in full, the directory of a
    /// container, or the windows of a limit in words.
    pub resolved: Option<String>,
    pub origin: ValueOrigin,
    /// The line of the key in the file, counted from 1.
    pub line: Option<usize>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum ValueOrigin {
    /// The file sets it in this object.
    File {
        /// The key as it is in the file, where that is another name.
        #[serde(skip_serializing_if = "Option::is_none")]
        alias: Option<String>,
    },
    /// The `action_defaults` of the file set it.
    ActionDefaults {
        /// The key as it is in the file, where that is another name.
        #[serde(skip_serializing_if = "Option::is_none")]
        alias: Option<String>,
    },
    /// The name of the file.
    FileName,
    /// A property of the host.
    Host,
    Default,
}

/// The values in effect, in the order of the document. Keys that are absent and have no default are left out. `None`:
/// the file has errors.
pub fn effective_values(bytes: &[u8], file_name: &str, host: &Host) -> Option<Vec<EffectiveValue>> {
    super::parse(bytes, file_name, host).job?;
    let mut values = ValueReader::new(host, file_name);
    let text = text(bytes, &mut values)?;
    let document = json::read(&text);
    let node = job_node(document.root.as_ref()?, &mut values)?;
    let fields = decode::fields(node, Object::Job, None, &mut values.diagnostics);
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
            ValueOrigin::FileName,
            None,
        );
    }
    view.object("", &fields, Object::Job, None);
    let defaults = object(&fields, "action_defaults", Object::Action, &mut values);
    for (index, node) in action_nodes(&fields, &mut values).iter().enumerate() {
        let Some(entry) = entry::entry(node, &defaults, &mut values) else {
            continue;
        };
        let path = format!("job_actions[{index}].");
        view.object(&path, &entry.outer, Object::Entry, None);
        view.object(
            &format!("{path}freezer_action."),
            &entry.action,
            Object::Action,
            entry.kind,
        );
    }
    let schedule = object(&fields, "job_schedule", Object::Schedule, &mut values);
    view.object("job_schedule.", &schedule, Object::Schedule, None);
    Some(view.values)
}

struct View<'a> {
    bytes: &'a [u8],
    host: &'a Host,
    values: Vec<EffectiveValue>,
}

impl View<'_> {
    fn put(
        &mut self,
        path: &str,
        value: serde_json::Value,
        resolved: Option<String>,
        origin: ValueOrigin,
        line: Option<usize>,
    ) {
        self.values.push(EffectiveValue {
            path: path.to_owned(),
            value,
            resolved,
            origin,
            line,
        });
    }

    /// The keys of one object, in the order of the table.
    fn object(&mut self, path: &str, fields: &Fields<'_>, object: Object, kind: Option<WorkKind>) {
        for key in object.keys() {
            if matches!(key.shape, Shape::Object(_) | Shape::Actions)
                || kind.is_some_and(|kind| !key.kinds.has(kind))
            {
                continue;
            }
            let path = format!("{path}{}", key.name);
            let field = fields
                .get(key.name)
                .filter(|field| field.node.value != Value::Null);
            let Some(field) = field else {
                // The default of these two keys, which contradict each other, is shown as `incremental`.
                let opposite = key.name == "incremental" && fields.get("no_incremental").is_some();
                if key.host_by_default && kind.is_none_or(|kind| kind.access().is_some()) {
                    self.put(
                        &path,
                        self.host.host_name.clone().into(),
                        None,
                        ValueOrigin::Host,
                        None,
                    );
                } else if let Some(default) = key.default
                    && !opposite
                    && key.support == Support::Used
                {
                    let value = serde_json::from_str(default).unwrap_or_default();
                    self.put(&path, value, None, ValueOrigin::Default, None);
                }
                continue;
            };
            let alias =
                (field.written.replace('-', "_") != key.name).then(|| field.written.to_owned());
            let origin = match field.source {
                FieldSource::Here => ValueOrigin::File { alias },
                FieldSource::Defaults => ValueOrigin::ActionDefaults { alias },
            };
            let resolved = self.resolved(&field);
            let line = position(self.bytes, field.key_span.start).0;
            let value = match key.shape {
                Shape::SecretText if !field.node.is_unset() => MASK.into(),
                _ => field.node.to_json(),
            };
            self.put(&path, value, resolved, origin, Some(line));
        }
    }

    /// What a path or the name of a container stands for, where it is not written in full; the windows of a limit in words.
    fn resolved(&self, field: &decode::Field<'_>) -> Option<String> {
        let mut values = ValueReader::new(self.host, "");
        if field.key.shape == Shape::Rate {
            let limit = values.rate_limit(Some(*field))?;
            return limit.has_times().then(|| limit.in_words());
        }
        let written = values.text(Some(*field))?;
        let full = match field.key.shape {
            Shape::Path | Shape::Paths => values.absolute(field, &written)?,
            Shape::Secret if secret::credential(&written).is_none() => {
                values.absolute(field, &written)?
            }
            Shape::Container if !written.starts_with('/') => {
                self.host.container_root.join(&written)
            }
            _ => return None,
        };
        let full = full.to_string_lossy().into_owned();
        (full != written).then_some(full)
    }
}
