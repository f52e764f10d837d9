//! [`Output`] → iopub messages, with the request they belong to as their parent: [`Frontend`].

use serde_json::{Map, Value, json};

use crate::outlet::{Bundle, Outlet, Output};
use crate::wire::{Kind, Parent, Publisher};

/// The frontends, listening to what follows from one request.
pub(super) struct Frontend<'a> {
    publisher: &'a Publisher,
    parent: &'a Parent,
}

impl<'a> Frontend<'a> {
    pub(super) fn new(publisher: &'a Publisher, parent: &'a Parent) -> Self {
        Self { publisher, parent }
    }

    /// Tells whether the kernel is `busy` or `idle`.
    pub(super) fn status(&self, state: &str) {
        self.needed("status", &json!({ "execution_state": state }));
    }

    /// Sends a message that must be delivered.
    pub(super) fn needed(&self, message_type: &str, content: &Value) {
        self.publisher.send(Kind::Needed, message_type, self.parent, content);
    }
}

impl Outlet for Frontend<'_> {
    fn put(&self, output: Output) {
        match output {
            Output::Input { code, count } => {
                self.needed("execute_input", &json!({ "code": code, "execution_count": count }));
            }
            Output::Stream { name, text } => {
                let lines = text.matches('\n').count() as u64;
                let content = json!({ "name": name.as_str(), "text": text });
                self.publisher.send(
                    Kind::Stream { name: name.as_str(), lines },
                    "stream",
                    self.parent,
                    &content,
                );
            }
            Output::Display { bundle, display_id } => {
                self.needed("display_data", &picture(bundle, &display_id));
            }
            Output::Update { bundle, display_id } => {
                let content = picture(bundle, &display_id);
                self.publisher.send(Kind::Update(display_id), "update_display_data", self.parent, &content);
            }
            Output::Result { bundle, count } => {
                let content =
                    json!({ "data": bundle.data, "metadata": bundle.metadata, "execution_count": count });
                self.needed("execute_result", &content);
            }
            Output::Error(failure) => self.needed("error", &Value::Object(failure.fields())),
            Output::Clear => self.needed("clear_output", &json!({ "wait": false })),
        }
    }
}

fn picture(bundle: Bundle, display_id: &str) -> Value {
    let transient = Map::from_iter([("display_id".to_owned(), Value::from(display_id))]);
    json!({ "data": bundle.data, "metadata": bundle.metadata, "transient": transient })
}
