//! `%` lines → what they do to the notebook.

use std::fmt::Write;

use probebook_lang::environment::Parameters;

use super::Shell;
use probebook_lang::config::VARIABLES;
use probebook_lang::environment::Watch;

use crate::magic::{Bound, Command, Setting, help};
use crate::outlet::{Bundle, Failure, Outlet, Output, StreamName, plain};

impl Shell {
    /// Does what one line asks for.
    pub(super) fn command(
        &mut self,
        command: &Command,
        outlet: &dyn Outlet,
        pages: &mut Vec<Bundle>,
    ) -> Result<(), Failure> {
        let mut text = String::new();
        match command {
            Command::Reset(names) if names.is_empty() => self.tracer.reset(None),
            Command::Reset(names) => {
                for name in names {
                    if !self.tracer.environment().maps.contains_key(name) {
                        return Err(Failure::plain("NameError", format!("there is no map @{name}")));
                    }
                    self.tracer.reset(Some(name));
                }
            }
            Command::Maps => text = self.maps(),
            Command::Args(arguments) => {
                self.tracer.environment_mut().parameters = Parameters::from_words(arguments.iter().cloned());
            }
            Command::Help(topic) => match help(topic.as_deref()) {
                Some(page) => pages.push(plain(page)),
                None => {
                    let topic = topic.as_deref().unwrap_or_default();
                    return Err(Failure::plain(
                        "MagicError",
                        format!("no magic is called `{topic}`\n`%help` lists them"),
                    ));
                }
            },
            Command::Set(Some(Setting::Bound(bound))) => self.settings.bound = *bound,
            Command::Set(Some(Setting::Unsafe(allowed))) => {
                self.tracer.environment_mut().unsafe_allowed = *allowed
            }
            Command::Set(Some(Setting::Warnings(watch))) => self.tracer.environment_mut().watch = *watch,
            Command::Set(Some(Setting::Config(name, value))) => {
                // Understanding the line has tried it.
                drop(self.tracer.environment_mut().settings.set(name, value));
            }
            Command::Set(None) => text = self.list_settings(),
            Command::Clear => outlet.put(Output::Clear),
            // Such a cell is laid out instead of run.
            Command::Format => {}
        }
        if !text.is_empty() {
            outlet.put(Output::Stream { name: StreamName::Stdout, text });
        }
        Ok(())
    }

    fn maps(&self) -> String {
        let maps = &self.tracer.environment().maps;
        if maps.is_empty() {
            return "no maps yet\n".into();
        }
        let rows: Vec<[String; 4]> = maps
            .iter()
            .map(|(name, map)| {
                let key = map.ty.key_type().map(|key| format!("[{key}]")).unwrap_or_default();
                let entries = match self.tracer.snapshot(name) {
                    Ok(Some(snapshot)) => snapshot.entries.len().to_string(),
                    Ok(None) | Err(_) => "?".into(),
                };
                [format!("@{name}{key}"), map.ty.value.name(), entries, map.users.join(", ")]
            })
            .collect();
        table(&["map", "value", "entries", "used by"], &rows)
    }

    fn list_settings(&self) -> String {
        let bound = match self.settings.bound {
            Bound::After(time) => format!("{}s", time.as_secs_f64()),
            Bound::Forever => "forever".into(),
        };
        let allowed = if self.tracer.environment().unsafe_allowed { "on" } else { "off" };
        let environment = self.tracer.environment();
        let warnings = match environment.watch {
            Watch::Nothing => "off",
            Watch::Updates => "on",
            Watch::Everything => "all",
        };
        let own = [("bound", bound), ("unsafe", allowed.to_owned()), ("warnings", warnings.to_owned())];
        let mut rows: Vec<_> = own.map(|(name, value)| [name.to_owned(), value, String::new()]).into();
        let config = &environment.settings.config;
        rows.extend(VARIABLES.iter().filter_map(|(name, about)| {
            let value = config.get(name)?;
            Some([(*name).to_owned(), value.to_string(), (*about).to_owned()])
        }));
        table(&["setting", "value", ""], &rows)
    }
}

/// Columns two blanks apart.
fn table<const N: usize>(head: &[&str; N], rows: &[[String; N]]) -> String {
    let mut widths = head.map(|title| title.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    let mut line = |cells: &[&str]| {
        let mut text = String::new();
        for (cell, width) in cells.iter().zip(widths) {
            // Writing to a string does not fail.
            let _ = write!(text, "{cell:<width$}  ");
        }
        out.push_str(text.trim_end());
        out.push('\n');
    };
    line(head);
    for row in rows {
        line(&row.each_ref().map(String::as_str));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_align() {
        let rows = [["@longer".to_owned(), "1".to_owned()], ["@a".to_owned(), String::new()]];
        assert_eq!(table(&["map", "n"], &rows), "map      n\n@longer  1\n@a\n");
    }
}
