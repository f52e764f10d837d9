//! `complete_request` and `is_complete_request` → what can stand at the cursor, whether a cell is whole.
//!
//! <https://jupyter-client.readthedocs.io/en/stable/messaging.html#completion>

use probebook_lang::query::{self, Completeness};
use probebook_lang::source::Span;
use serde_json::{Map, Value, json};

use super::{Shell, code_points, cursor, text};
use crate::cell::magic_lines;
use crate::magic::MAGICS;

/// Something that can stand at the cursor.
struct Match {
    text: String,
    sort: &'static str,
    detail: String,
}

impl Shell {
    /// Answers a `complete_request`.
    pub(super) fn complete(&mut self, content: &Map<String, Value>) -> Value {
        let code = text(content, "code");
        let offset = cursor(code, content);
        let (span, matches, more) = match magic_at(code, offset) {
            Some(span) => (span, magics(&code[span.range()]), 0),
            None => {
                let blanked = blank_magics(code);
                let found = query::complete(&blanked, offset as u32, &*self.host, self.tracer.environment());
                let items = found.items.into_iter().map(|item| Match {
                    text: item.text,
                    sort: item.kind.name(),
                    detail: item.detail,
                });
                (found.span, items.collect::<Vec<_>>(), found.more)
            }
        };
        let (start, end) = (code_points(code, span.start as usize), code_points(code, span.end as usize));
        let typed: Vec<Value> = matches
            .iter()
            .map(|m| {
                // Of a field its C type says more than that it is a field.
                let sort = if m.sort == "field" && !m.detail.is_empty() { &m.detail } else { m.sort };
                json!({ "start": start, "end": end, "text": m.text, "type": sort, "signature": m.detail })
            })
            .collect();
        let mut metadata = json!({ "_jupyter_types_experimental": typed });
        if more > 0 {
            metadata["more"] = more.into();
        }
        json!({
            "status": "ok",
            "matches": matches.iter().map(|m| m.text.as_str()).collect::<Vec<_>>(),
            "cursor_start": start,
            "cursor_end": end,
            "metadata": metadata,
        })
    }

    /// Answers an `is_complete_request`.
    pub(super) fn is_complete(&self, content: &Map<String, Value>) -> Value {
        let code = text(content, "code");
        let blanked = blank_magics(code);
        if blanked.trim().is_empty() {
            return json!({ "status": "complete" });
        }
        match query::completeness(&blanked) {
            Completeness::Complete => json!({ "status": "complete" }),
            Completeness::Incomplete { indent } => json!({ "status": "incomplete", "indent": indent }),
            Completeness::Invalid => json!({ "status": "invalid" }),
        }
    }
}

/// The name of the magic that the cursor stands in or behind, with its sigil.
fn magic_at(code: &str, offset: usize) -> Option<Span> {
    let (line, span) =
        magic_lines(code).find(|(_, span)| span.range().contains(&offset) || span.end as usize == offset)?;
    let name = line.find(char::is_whitespace).unwrap_or(line.len());
    let span = Span::new(span.start, span.start + name as u32);
    Some(if offset <= span.end as usize { span } else { Span::new(offset as u32, offset as u32) })
}

fn magics(prefix: &str) -> Vec<Match> {
    if prefix.is_empty() {
        return Vec::new();
    }
    let fitting = MAGICS.iter().filter(|(name, _)| name.starts_with(prefix));
    fitting
        .map(|&(name, detail)| Match { text: name.to_owned(), sort: "magic", detail: detail.to_owned() })
        .collect()
}

/// The cell with its magics blanked out, whether they make sense or not.
pub(super) fn blank_magics(code: &str) -> String {
    let mut blanked = code.as_bytes().to_vec();
    for (_, span) in magic_lines(code) {
        blanked[span.range()].fill(b' ');
    }
    String::from_utf8(blanked).expect("spans of lines lie on character boundaries")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magics_complete_by_name() {
        let names = |prefix| magics(prefix).into_iter().map(|m| m.text).collect::<Vec<_>>();
        assert_eq!(names("%m"), ["%maps"]);
        assert_eq!(names("%%"), ["%%trace"]);
        assert!(names("").is_empty());
    }

    #[test]
    fn the_cursor_finds_its_magic() {
        let code = "%maps\n %he\n@a";
        assert_eq!(magic_at(code, 3), Some(Span::new(0, 5)));
        assert_eq!(magic_at(code, 10), Some(Span::new(7, 10)));
        assert_eq!(magic_at(code, 12), None);
        assert_eq!(magic_at("%reset @", 8), Some(Span::new(8, 8)));
        assert_eq!(blank_magics("%é\n@a"), "   \n@a");
    }
}
