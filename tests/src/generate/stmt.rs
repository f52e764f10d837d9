//! Random statements.

use super::scope::{Kind, MapKind, Variable};
use super::{Feature, Loop, Writer};

/// Blocks are not nested deeper.
const MAX_DEPTH: u32 = 4;

impl Writer<'_> {
    /// Statements until the fuel or the block ends.
    pub(super) fn statements(&mut self, depth: u32) {
        let mark = self.scope.enter();
        for _ in 0..1 + self.roll(if depth == 0 { 12 } else { 4 }) {
            if self.fuel == 0 {
                break;
            }
            self.fuel -= 1;
            self.statement(depth);
        }
        self.scope.leave(mark);
    }

    fn block(&mut self, head: &str, depth: u32) {
        self.line(&format!("{head} {{"));
        self.indent += 1;
        self.statements(depth + 1);
        self.indent -= 1;
        self.line("}");
    }

    fn statement(&mut self, depth: u32) {
        let nests = depth < MAX_DEPTH;
        match self.roll(20) {
            0..=3 => self.declaration(),
            4..=6 => self.assignment(),
            7..=9 => {
                let maps = self.maps.clone();
                let (name, map) = self.pick(&maps);
                self.write_map(&name, &map);
            }
            10 | 11 if self.has(Feature::Printing) => self.printf(),
            12 if self.has(Feature::Printing) => {
                let kind = self.kind(2);
                let value = self.expr(&kind, 2);
                self.line(&format!("print({value});"));
            }
            13 if nests => {
                let condition = self.flag(2);
                self.block(&format!("if ({condition})"), depth);
                if self.roll(2) == 0 {
                    self.block("else", depth);
                }
            }
            14 if nests && self.has(Feature::Loops) => self.range_loop(depth),
            15 if nests && self.has(Feature::Loops) => self.plain_loop(depth),
            16 if nests && self.has(Feature::MapLoops) => self.map_loop(depth),
            17 => self.map_call(),
            18 if !self.loops.is_empty() => {
                let word = self.pick(&["break", "continue"]);
                let condition = self.flag(1);
                self.line(&format!("if ({condition}) {{ {word}; }}"));
            }
            18 if self.rarely(4) => {
                let condition = self.flag(1);
                self.line(&format!("if ({condition}) {{ return; }}"));
            }
            19 if self.has(Feature::Macros) => {
                let ints = self.scope.writable().into_iter().filter(|v| v.kind == Kind::Int);
                let names: Vec<String> = ints.map(|variable| variable.name).collect();
                if !names.is_empty() {
                    let name = self.pick(&names);
                    self.line(&format!("bump({name});"));
                }
            }
            _ => self.assignment(),
        }
    }

    fn declaration(&mut self) {
        let kind = self.kind(2);
        let value = self.expr(&kind, 3);
        let name = self.declare(kind, false);
        let head = if self.roll(2) == 0 { "let " } else { "" };
        self.line(&format!("{head}{name} = {value};"));
    }

    fn assignment(&mut self) {
        let variables = self.scope.writable();
        if variables.is_empty() {
            return self.declaration();
        }
        let Variable { name, kind, .. } = self.pick(&variables);
        if kind == Kind::Int && self.roll(3) == 0 {
            let step = match self.roll(3) {
                0 => format!("{name}{};", self.pick(&["++", "--"])),
                1 => format!("{}{name};", self.pick(&["++", "--"])),
                _ => {
                    let op = self.pick(&["+=", "-=", "*=", "&=", "|=", "^="]);
                    format!("{name} {op} {};", self.int(1))
                }
            };
            return self.line(&step);
        }
        let value = self.expr(&kind, 3);
        self.line(&format!("{name} = {value};"));
    }

    /// An assignment to a map or an element of one.
    pub(super) fn write_map(&mut self, name: &str, map: &MapKind) {
        let place = self.place(name, map, 1);
        let value = match map.call.as_deref() {
            None => self.expr(&map.value, 2),
            Some("count()") => "count()".to_owned(),
            Some(call) => {
                let (function, arguments) = call.split_once(':').unwrap_or((call, ""));
                let separator = if arguments.is_empty() { "" } else { ", " };
                format!("{function}({}{separator}{arguments})", self.runtime_int())
            }
        };
        self.line(&format!("{place} = {value};"));
    }

    fn printf(&mut self) {
        let mut format = String::new();
        let mut arguments = String::new();
        for _ in 0..self.roll(5) {
            let kind = self.small_kind();
            let conversions: &[&str] = match kind {
                Kind::Int => &["%d", "%u", "%x", "%lld", "%llu", "%5d", "%-8ld", "%08lx", "%c"],
                Kind::Text => &["%s", "%10s", "%-20s", "%.3s"],
                _ => &["%d", "%s"],
            };
            format.push_str(self.pick(conversions));
            format.push(' ');
            arguments.push_str(&format!(", {}", self.expr(&kind, 2)));
        }
        self.line(&format!("printf(\"{format}\\n\"{arguments});"));
    }

    fn range_loop(&mut self, depth: u32) {
        let (from, to) = (self.roll(5), self.roll(12));
        let to = if self.roll(3) == 0 { format!("({} & 15)", self.runtime_int()) } else { to.to_string() };
        let mark = self.scope.enter();
        let name = self.declare(Kind::Int, true);
        self.loops.push(Loop::Callback);
        self.block(&format!("for ({name} : {from}..{to})"), depth);
        self.loops.pop();
        self.scope.leave(mark);
    }

    fn plain_loop(&mut self, depth: u32) {
        let mark = self.scope.enter();
        if self.roll(2) == 0 {
            let times = 1 + self.roll(4);
            // A `break` may not leave it.
            let loops = std::mem::take(&mut self.loops);
            self.block(&format!("unroll ({times})"), depth);
            self.loops = loops;
        } else {
            let name = self.declare(Kind::Int, true);
            self.line(&format!("let {name} = 0;"));
            let times = 1 + self.roll(8);
            self.line(&format!("while ({name} < {times}) {{"));
            self.indent += 1;
            self.line(&format!("{name}++;"));
            self.loops.push(Loop::Plain);
            self.statements(depth + 1);
            self.loops.pop();
            self.indent -= 1;
            self.line("}");
        }
        self.scope.leave(mark);
    }

    fn map_loop(&mut self, depth: u32) {
        let maps: Vec<(String, MapKind)> =
            self.maps.iter().filter(|(_, map)| !map.keys.is_empty() && map.is_readable()).cloned().collect();
        if maps.is_empty() {
            return;
        }
        let (map, kind) = self.pick(&maps);
        let key = match &kind.keys[..] {
            [only] => only.clone(),
            keys => Kind::Tuple(keys.to_vec()),
        };
        let mark = self.scope.enter();
        let name = self.declare(Kind::Tuple(vec![key, kind.value]), true);
        self.loops.push(Loop::Callback);
        self.block(&format!("for ({name} : {map})"), depth);
        self.loops.pop();
        self.scope.leave(mark);
    }

    /// A call that does something to a map.
    fn map_call(&mut self) {
        let maps = self.maps.clone();
        let (name, map) = self.pick(&maps);
        let key = self.key(&map, 1);
        let key = if map.keys.len() == 1 { key } else { format!("({key})") };
        let call = match self.roll(5) {
            0 if map.keys.is_empty() => format!("delete({name})"),
            0 | 1 if !map.keys.is_empty() => format!("delete({name}, {key})"),
            2 if self.has(Feature::Async) => format!("clear({name})"),
            3 if self.has(Feature::Async) => format!("zero({name})"),
            _ if self.has(Feature::Async) => format!("print({name})"),
            _ => return,
        };
        self.line(&format!("{call};"));
    }
}
