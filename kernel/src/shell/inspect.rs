//! `inspect_request` → what the name under the cursor means.
//!
//! <https://jupyter-client.readthedocs.io/en/stable/messaging.html#introspection>

use probebook_lang::query;
use serde_json::{Map, Value, json};

use super::complete::blank_magics;
use super::{Shell, cursor, text};
use crate::cell::magic_lines;
use crate::magic::{describe, help};
use crate::outlet::{Bundle, Failure};

impl Shell {
    /// Answers an `inspect_request`.
    pub(super) fn inspect(&mut self, content: &Map<String, Value>) -> Value {
        let code = text(content, "code");
        let found = self.look_up(code, cursor(code, content));
        let is_found = found.is_some();
        let data = found.map(|bundle| bundle.data).unwrap_or_default();
        json!({ "status": "ok", "found": is_found, "data": data, "metadata": {} })
    }

    /// What a name means, as a page.
    pub(super) fn describe(&mut self, name: &str) -> Result<Bundle, Failure> {
        self.look_up(name, name.len())
            .ok_or_else(|| Failure::plain("NameError", format!("nothing is known about `{name}`")))
    }

    fn look_up(&mut self, code: &str, offset: usize) -> Option<Bundle> {
        let magic =
            magic_lines(code).find(|(_, span)| (span.start as usize..=span.end as usize).contains(&offset));
        if let Some((line, _)) = magic {
            let name = line.split_whitespace().next()?;
            describe(name)?;
            let page = help(Some(name))?;
            return Some(page_of(page.clone(), format!("```text\n{page}```\n")));
        }
        let found =
            query::inspect(&blank_magics(code), offset as u32, &*self.host, self.tracer.environment())?;
        Some(page_of(found.plain(), found.markdown()))
    }
}

fn page_of(plain: String, markdown: String) -> Bundle {
    let data = [("text/plain".to_owned(), plain.into()), ("text/markdown".to_owned(), markdown.into())];
    Bundle { data: Map::from_iter(data), metadata: Map::new() }
}
