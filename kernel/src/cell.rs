//! Cell text → [`Cell`]: magics apart, the program where it was.
//!
//! A cell is a bpftrace program; before it may stand one `%%` line and any number of `%` lines.
//!
//! *Invariant:* the program's source is as long as the cell's text, with spaces where magics stood, so that
//! a span found by the compiler is a span of the cell.
//!
//! *Not here:* what a magic does (`magic`), how a program is run (`runs`).

use probebook_lang::environment::Environment;
use probebook_lang::format::{Refusal, format};
use probebook_lang::host::Host;
use probebook_lang::source::{Source, Span};
use probebook_lang::syntax::load;

use crate::magic::{Command, Fault, Trace};

/// A cell taken apart.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The text as written, to show diagnostics in.
    pub written: Source,
    /// The text with magics blanked out, to compile.
    pub program: Source,
    /// The `%` lines, in order.
    pub commands: Vec<Command>,
    /// The `%%trace` line, or the defaults.
    pub trace: Trace,
}

impl Cell {
    /// Takes a cell apart; `name` is what diagnostics call it.
    ///
    /// # Errors
    /// A magic is unknown or cannot be understood.
    pub fn parse(name: &str, text: &str) -> Result<Self, Fault> {
        let mut blanked = String::with_capacity(text.len());
        let mut commands = Vec::new();
        let mut trace = None;
        for (line, span) in magic_lines(text) {
            let within = |fault: Fault| fault.offset(span.start);
            if let Some(rest) = line.strip_prefix("%%") {
                if trace.is_some() || !commands.is_empty() {
                    return Err(
                        Fault::new(span, "a `%%` line stands first, and only once").help("move it up")
                    );
                }
                let command = Trace::parse(rest).map_err(|fault| within(fault.offset(2)))?;
                trace = Some(command);
            } else {
                commands.push(Command::parse(&line[1..]).map_err(|fault| within(fault.offset(1)))?);
            }
            blanked.push_str(&text[blanked.len()..span.start as usize]);
            blanked.extend(line.bytes().map(|_| ' '));
        }
        let rest = &text[blanked.len()..];
        blanked.push_str(rest);
        Ok(Self {
            written: Source::new(name, text),
            program: Source::new(name, blanked),
            commands,
            trace: trace.unwrap_or_default(),
        })
    }

    /// Brings in the files that the program names, and what earlier cells declare.
    pub fn load(&mut self, host: &dyn Host, environment: &Environment) {
        self.program = load(&self.program, host, environment);
        self.written = self.program.with_text(self.written.text());
    }

    /// The cell with its program laid out, without the magic that asks for it.
    ///
    /// # Errors
    /// The program cannot be read.
    pub fn laid_out(&self) -> Result<String, Refusal> {
        let program = format(&self.program)?;
        let magics =
            magic_lines(self.written.text()).map(|(line, _)| line).filter(|line| line.trim() != "%fmt");
        let lines: Vec<&str> = magics.chain([program.trim_end()]).collect();
        Ok(lines.join("\n"))
    }

    /// Whether nothing but magics and blanks stands in it.
    pub fn has_program(&self) -> bool {
        !self.program.text().trim().is_empty()
    }
}

/// The lines before the program that start with `%`, without their line ends, and where they are.
pub fn magic_lines(text: &str) -> impl Iterator<Item = (&str, Span)> {
    let mut offset = 0;
    text.split_inclusive('\n')
        .map(move |line| {
            let start = offset;
            offset += line.len();
            let line = line.trim_end_matches(['\n', '\r']);
            let indent = line.len() - line.trim_start().len();
            (&line[indent..], Span::new((start + indent) as u32, (start + line.len()) as u32))
        })
        .take_while(|(line, _)| line.is_empty() || line.starts_with('%'))
        .filter(|(line, _)| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magics_become_blanks_and_positions_stay() {
        let text = "%%trace 1s\n  %maps\r\n\n@é = 1;\n% not a magic\n";
        let cell = Cell::parse("cell 1", text).unwrap();
        assert_eq!(cell.program.text().len(), text.len());
        assert_eq!(cell.program.text(), "          \n       \r\n\n@é = 1;\n% not a magic\n");
        assert_eq!(cell.commands, [Command::Maps]);
        assert!(cell.has_program());
        let cell = Cell::parse("cell 1", "%args \"ä ö\"\n@a").unwrap();
        assert_eq!(cell.program.text(), "             \n@a");
    }

    #[test]
    fn a_program_without_magics_is_untouched() {
        let cell = Cell::parse("cell 1", "begin { @ = 7\n% 3; }").unwrap();
        assert_eq!(cell.program.text(), cell.written.text());
        assert!(!Cell::parse("cell 1", " \n%maps").unwrap().has_program());
    }

    #[test]
    fn magics_stay_when_the_program_is_laid_out() {
        let cell = Cell::parse("cell 1", "%%trace 1s\n %fmt\n%args 1\n\nbegin{@=1}").unwrap();
        assert_eq!(cell.laid_out().unwrap(), "%%trace 1s\n%args 1\nbegin\n{\n  @ = 1\n}");
        assert!(Cell::parse("cell 1", "%fmt\nbegin {").unwrap().laid_out().is_err());
    }

    #[test]
    fn faults_point_into_the_cell() {
        let fault = Cell::parse("cell 1", "%maps\n %nope x\n@a").unwrap_err();
        assert_eq!((fault.span.start, fault.span.end), (8, 12));
        assert!(Cell::parse("cell 1", "%maps\n%%trace 1s\n@a").is_err());
    }
}
