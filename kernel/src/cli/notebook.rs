//! Notebook file ↔ cells with outputs, in nbformat 4.5: [`Notebook`].
//!
//! <https://nbformat.readthedocs.io/en/latest/format_description.html>
//!
//! *Invariant:* what we do not understand of a notebook is written back as it was read.

use std::cell::RefCell;
use std::io;
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::outlet::{Bundle, Outlet, Output};

/// A notebook.
pub(super) struct Notebook {
    root: Value,
}

impl Notebook {
    /// Reads a notebook.
    ///
    /// # Errors
    /// The file cannot be read or is no notebook of format 4.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let text = std::fs::read_to_string(path)?;
        Self::parse(&text).map_err(|reason| io::Error::new(io::ErrorKind::InvalidData, reason))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let root: Value = serde_json::from_str(text).map_err(|e| format!("not a notebook: {e}"))?;
        if root["nbformat"] != 4 {
            return Err("not a notebook of format 4".into());
        }
        if !root["cells"].as_array().is_some_and(|cells| cells.iter().all(Value::is_object)) {
            return Err("a notebook without cells".into());
        }
        Ok(Self { root })
    }

    /// The code cells: index and text.
    pub(super) fn code_cells(&self) -> Vec<(usize, String)> {
        let cells = self.root["cells"].as_array().into_iter().flatten().enumerate();
        cells
            .filter(|(_, cell)| cell["cell_type"] == "code")
            .map(|(index, cell)| (index, join(&cell["source"])))
            .collect()
    }

    /// Forgets the outputs of all cells.
    pub(super) fn clear(&mut self) {
        for (index, _) in self.code_cells() {
            self.set_outputs(index, Vec::new(), None);
        }
    }

    /// Sets what a cell shows.
    pub(super) fn set_outputs(&mut self, index: usize, outputs: Vec<Value>, count: Option<u32>) {
        let cell = &mut self.root["cells"][index];
        cell["execution_count"] = count.into();
        cell["outputs"] = outputs.into();
    }

    /// Notes the language, as a frontend does from the reply to `kernel_info_request`.
    pub(super) fn set_language(&mut self, language_info: &Value) {
        if !self.root["metadata"].is_object() {
            self.root["metadata"] = json!({});
        }
        self.root["metadata"]["language_info"] = language_info.clone();
    }

    /// Writes the notebook as Jupyter does: keys sorted, one blank of indentation.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        std::fs::write(path, self.text()?)
    }

    fn text(&self) -> io::Result<Vec<u8>> {
        let mut root = self.root.clone();
        for cell in root["cells"].as_array_mut().into_iter().flatten() {
            if let Some(Value::String(source)) = cell.get("source") {
                cell["source"] = split(source);
            }
        }
        root.sort_all_objects();
        let mut bytes = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(b" ");
        root.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, formatter))?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// The outputs of the cells that ran, while they run.
#[derive(Default)]
pub(super) struct Recorder {
    cells: RefCell<Vec<Recorded>>,
}

/// What one cell has shown.
#[derive(Clone, Default)]
pub(super) struct Recorded {
    /// In nbformat.
    pub(super) outputs: Vec<Value>,
    /// For each output its display id.
    display_ids: Vec<Option<String>>,
}

impl Recorder {
    /// All that follows belongs to the next cell.
    pub(super) fn next_cell(&self) {
        self.cells.borrow_mut().push(Recorded::default());
    }

    /// The outputs of each cell that ran. Later cells may have changed those of earlier ones.
    pub(super) fn into_cells(self) -> Vec<Recorded> {
        self.cells.into_inner()
    }

    /// The text of the last cell's outputs.
    pub(super) fn last_text(&self) -> String {
        let cells = self.cells.borrow();
        let outputs = cells.last().map(|cell| cell.outputs.as_slice()).unwrap_or_default();
        outputs.iter().map(text_of).collect()
    }
}

impl Outlet for Recorder {
    fn put(&self, output: Output) {
        let mut cells = self.cells.borrow_mut();
        if let Output::Update { bundle, display_id } = &output {
            for cell in cells.iter_mut() {
                cell.update(bundle, display_id);
            }
        } else if let Some(cell) = cells.last_mut() {
            cell.put(output);
        }
    }
}

impl Recorded {
    fn put(&mut self, output: Output) {
        match output {
            Output::Input { .. } | Output::Update { .. } => {}
            Output::Stream { name, text } => match self.outputs.last_mut() {
                Some(last) if last["output_type"] == "stream" && last["name"] == name.as_str() => {
                    last["text"] = split(&(join(&last["text"]) + &text));
                }
                _ => {
                    self.push(
                        json!({ "output_type": "stream", "name": name.as_str(), "text": split(&text) }),
                        None,
                    );
                }
            },
            Output::Display { bundle, display_id } => {
                let output = json!({
                    "output_type": "display_data", "data": data(&bundle), "metadata": bundle.metadata,
                });
                self.push(output, Some(display_id));
            }
            Output::Result { bundle, count } => {
                let output = json!({
                    "output_type": "execute_result", "data": data(&bundle), "metadata": bundle.metadata,
                    "execution_count": count,
                });
                self.push(output, None);
            }
            Output::Error(failure) => {
                let mut output = failure.fields();
                output.insert("output_type".into(), "error".into());
                self.push(Value::Object(output), None);
            }
            Output::Clear => *self = Self::default(),
        }
    }

    fn push(&mut self, output: Value, display_id: Option<String>) {
        self.outputs.push(output);
        self.display_ids.push(display_id);
    }

    fn update(&mut self, bundle: &Bundle, wanted: &str) {
        for (output, display_id) in self.outputs.iter_mut().zip(&self.display_ids) {
            if display_id.as_deref() == Some(wanted) {
                output["data"] = data(bundle).into();
                output["metadata"] = bundle.metadata.clone().into();
            }
        }
    }
}

/// Text is kept in lines, JSON as it is.
fn data(bundle: &Bundle) -> Map<String, Value> {
    let by_type = bundle.data.iter().map(|(mime, value)| match value {
        Value::String(text) if mime.starts_with("text/") || mime == "image/svg+xml" => {
            (mime.clone(), split(text))
        }
        value => (mime.clone(), value.clone()),
    });
    by_type.collect()
}

fn text_of(output: &Value) -> String {
    match output["output_type"].as_str() {
        Some("stream") => join(&output["text"]),
        Some("error") => {
            let lines = output["traceback"].as_array().into_iter().flatten().filter_map(Value::as_str);
            lines.map(|line| format!("{line}\n")).collect()
        }
        _ => {
            let mut text = join(&output["data"]["text/plain"]);
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text
        }
    }
}

fn split(text: &str) -> Value {
    text.split_inclusive('\n').collect()
}

fn join(text: &Value) -> String {
    match text {
        Value::String(text) => text.clone(),
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outlet::{Failure, StreamName, plain};

    const NOTEBOOK: &str = r##"{"cells": [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# é"},
        {"cell_type": "code", "id": "b", "metadata": {"tags": ["x"]}, "source": ["@a\n", "@b"],
         "execution_count": 7, "outputs": [{"output_type": "stream", "name": "stdout", "text": "old"}]}
        ], "metadata": {"kernelspec": {"name": "bpftrace"}}, "nbformat": 4, "nbformat_minor": 5}"##;

    fn stream(text: &str) -> Output {
        Output::Stream { name: StreamName::Stdout, text: text.into() }
    }

    #[test]
    fn keeps_what_it_does_not_know() {
        let mut notebook = Notebook::parse(NOTEBOOK).unwrap();
        assert_eq!(notebook.code_cells(), [(1, "@a\n@b".to_owned())]);
        notebook.set_outputs(1, vec![json!({ "output_type": "stream" })], Some(1));
        let text = String::from_utf8(notebook.text().unwrap()).unwrap();
        assert!(text.starts_with("{\n \"cells\": [\n  {\n   \"cell_type\": \"markdown\""), "{text}");
        assert!(text.contains("# é") && text.contains("\"tags\": [\n     \"x\"\n    ]"));
        assert!(!text.contains("old") && text.contains("\"execution_count\": 1"));
        assert!(text.ends_with("}\n"));
        notebook.clear();
        assert!(String::from_utf8(notebook.text().unwrap()).unwrap().contains("\"outputs\": []"));
    }

    #[test]
    fn refuses_what_is_no_notebook() {
        assert!(Notebook::parse("{}").is_err());
        assert!(Notebook::parse("{\"nbformat\": 3}").is_err());
        assert!(Notebook::parse("{\"nbformat\": 4, \"cells\": [1]}").is_err());
    }

    #[test]
    fn merges_text_and_replaces_pictures() {
        let recorder = Recorder::default();
        recorder.next_cell();
        recorder.put(stream("a\nb"));
        recorder.put(stream("c\n"));
        recorder.put(Output::Display { bundle: plain("1"), display_id: "d".into() });
        recorder.next_cell();
        recorder.put(Output::Update { bundle: plain("2\n3"), display_id: "d".into() });
        recorder.put(Output::Error(Failure::plain("Exit", "no")));
        assert!(recorder.last_text().contains("no"));
        let cells = recorder.into_cells();
        assert_eq!(cells[0].outputs[0]["text"], json!(["a\n", "bc\n"]));
        assert_eq!(cells[0].outputs[1]["data"]["text/plain"], json!(["2\n", "3"]));
        assert_eq!(cells[0].outputs.len(), 2);
        assert_eq!(cells[1].outputs[0]["ename"], "Exit");
    }

    #[test]
    fn clearing_takes_all_away() {
        let recorder = Recorder::default();
        recorder.next_cell();
        recorder.put(stream("a"));
        recorder.put(Output::Clear);
        recorder.put(stream("b\n"));
        assert_eq!(recorder.last_text(), "b\n");
    }
}
