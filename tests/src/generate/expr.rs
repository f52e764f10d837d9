//! Random expressions of a wanted type.

use super::scope::{Kind, MapKind};
use super::{Context, Feature, Loop, Writer};

impl Writer<'_> {
    /// An expression of the kind, at most so deep.
    pub(super) fn expr(&mut self, kind: &Kind, depth: u32) -> String {
        match kind {
            Kind::Int => self.int(depth),
            Kind::Text => self.text(depth),
            Kind::Flag => self.flag(depth),
            Kind::Tuple(parts) => {
                let parts: Vec<String> =
                    parts.iter().map(|part| self.expr(part, depth.saturating_sub(1))).collect();
                format!("({})", parts.join(", "))
            }
            Kind::Record(parts) => {
                let parts = parts.iter().enumerate();
                let parts: Vec<String> = parts
                    .map(|(i, part)| format!("f{i}={}", self.expr(part, depth.saturating_sub(1))))
                    .collect();
                format!("({})", parts.join(", "))
            }
        }
    }

    /// Something of this kind that is there already.
    fn named(&mut self, kind: &Kind) -> Option<String> {
        let mut names = self.scope.of(kind);
        names.extend(self.scope.parts(kind));
        (!names.is_empty()).then(|| self.pick(&names))
    }

    /// An element of a map whose values are of this kind.
    fn element(&mut self, kind: &Kind, depth: u32) -> Option<String> {
        let maps: Vec<(String, MapKind)> =
            self.maps.iter().filter(|(_, map)| map.value == *kind && map.is_readable()).cloned().collect();
        if maps.is_empty() || !self.reads_maps {
            return None;
        }
        let (name, map) = self.pick(&maps);
        let element = self.place(&name, &map, depth);
        Some(if map.is_aggregate() { format!("(int64){element}") } else { element })
    }

    /// `@m` or `@m[key]`.
    pub(super) fn place(&mut self, name: &str, map: &MapKind, depth: u32) -> String {
        if map.keys.is_empty() {
            return name.to_owned();
        }
        format!("{name}[{}]", self.key(map, depth))
    }

    /// The parts of a key.
    pub(super) fn key(&mut self, map: &MapKind, depth: u32) -> String {
        let keys: Vec<String> = map.keys.iter().map(|key| self.expr(key, depth.min(1))).collect();
        keys.join(", ")
    }

    pub(super) fn int(&mut self, depth: u32) -> String {
        if depth == 0 {
            return self.small_int();
        }
        let depth = depth - 1;
        match self.roll(16) {
            0..=3 => {
                let op = self.pick(&["+", "-", "*", "&", "|", "^"]);
                let (left, right) = (self.int(depth), self.int(depth));
                format!("({left} {op} {right})")
            }
            4 => {
                let op = self.pick(&["/", "%"]);
                let left = self.int(depth);
                if self.roll(2) == 0 {
                    format!("({left} {op} {})", 1 + self.roll(1000))
                } else {
                    format!("({left} {op} {})", self.runtime_int())
                }
            }
            5 => {
                let op = self.pick(&["<<", ">>"]);
                format!("({} {op} {})", self.runtime_int(), self.roll(64))
            }
            6 => format!("{}{}", self.pick(&["-", "~"]), self.runtime_int()),
            7 => {
                let (condition, a, b) = (self.flag(depth), self.int(depth), self.int(depth));
                format!("({condition} ? {a} : {b})")
            }
            8 | 9 if self.has(Feature::Casts) => {
                let ty =
                    self.pick(&["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]);
                format!("({ty}){}", self.runtime_int())
            }
            10 if self.has(Feature::Strings) => match self.roll(4) {
                0 => format!("strlen({})", self.text(depth)),
                1 => format!("strncmp({}, {}, {})", self.text(0), self.text(0), 1 + self.roll(16)),
                2 => format!("strstr({}, \"{}\")", self.text(0), self.pick(&["a", "e", "rus", ""])),
                _ => format!("sizeof({})", self.pick(&["int32", "uint64", "comm", "(1, 2)", "\"abc\""])),
            },
            11 => {
                let keyed: Vec<String> = self
                    .maps
                    .iter()
                    .filter(|(_, map)| !map.keys.is_empty())
                    .map(|(name, _)| name.clone())
                    .collect();
                if keyed.is_empty() { self.small_int() } else { format!("len({})", self.pick(&keyed)) }
            }
            12 if self.has(Feature::Functions) => format!("twice({})", self.int(depth)),
            13 if self.has(Feature::Macros) => {
                let (a, b) = (self.int(depth), self.int(depth));
                format!("larger({a}, {b})")
            }
            14 => self.element(&Kind::Int, depth).unwrap_or_else(|| self.small_int()),
            15 if self.has(Feature::Values) => match self.roll(2) {
                0 => {
                    let (condition, a, b) = (self.flag(depth), self.int(depth), self.int(depth));
                    format!("(if ({condition}) {{ {a} }} else {{ {b} }})")
                }
                _ => {
                    let name = self.fresh("$");
                    let (value, rest) = (self.runtime_int(), self.int(0));
                    format!("{{ let {name} = {value}; {name} + {rest} }}")
                }
            },
            _ => self.small_int(),
        }
    }

    fn small_int(&mut self) -> String {
        match self.roll(4) {
            0 => {
                let literals = [
                    "0",
                    "1",
                    "7",
                    "255",
                    "256",
                    "65535",
                    "0x7fffffff",
                    "4294967296",
                    "1_000_000",
                    "2e3",
                    "5ms",
                    "0777",
                ];
                self.pick(&literals).to_owned()
            }
            1 => self.element(&Kind::Int, 0).unwrap_or_else(|| self.runtime_int()),
            _ => self.runtime_int(),
        }
    }

    /// A number that the compiler does not know.
    pub(super) fn runtime_int(&mut self) -> String {
        if self.roll(2) == 0
            && let Some(name) = self.named(&Kind::Int)
        {
            return name;
        }
        let fields: &[&str] = match self.context {
            _ if self.loops.contains(&Loop::Callback) => &[],
            Context::None => &[],
            Context::Read => &["args.fd", "args.count"],
            Context::Switch => &["args.prev_pid", "args.next_prio", "args.prev_state"],
            Context::Uprobe => &["arg0", "arg1"],
        };
        if !fields.is_empty() && self.roll(3) == 0 {
            return self.pick(fields).to_owned();
        }
        let values = ["nsecs", "pid", "tid", "uid", "gid", "cpu", "rand", "elapsed", "ncpus", "cgroup"];
        self.pick(&values).to_owned()
    }

    pub(super) fn text(&mut self, depth: u32) -> String {
        let literals = [
            "\"\"",
            "\"a\"",
            "\"probe\"",
            "\"a somewhat longer text, of more than 32 bytes\"",
            "\"\\x41\\n\"",
        ];
        if depth > 0 && self.has(Feature::Strings) {
            match self.roll(8) {
                0 => return format!("str_concat({}, {})", self.text(depth - 1), self.text(0)),
                1 => return format!("str({}, {})", self.text(0), 1 + self.roll(64)),
                2 => return format!("strerror({})", self.int(0)),
                3 => return format!("signal_name({})", self.int(0)),
                _ => {}
            }
        }
        match self.roll(6) {
            0 => "comm".to_owned(),
            1 | 2 => self.named(&Kind::Text).unwrap_or_else(|| "comm".to_owned()),
            3 => self.element(&Kind::Text, depth).unwrap_or_else(|| "probe".to_owned()),
            4 if depth > 0 => {
                let (condition, a, b) = (self.flag(depth - 1), self.text(0), self.text(0));
                format!("({condition} ? {a} : {b})")
            }
            4 if self.context == Context::Switch && !self.loops.contains(&Loop::Callback) => {
                "args.next_comm".to_owned()
            }
            _ => self.pick(&literals).to_owned(),
        }
    }

    pub(super) fn flag(&mut self, depth: u32) -> String {
        if depth == 0 {
            return match self.named(&Kind::Flag) {
                Some(name) if self.roll(2) == 0 => name,
                _ => {
                    let op = self.pick(&["==", "!=", "<", "<=", ">", ">="]);
                    format!("({} {op} {})", self.runtime_int(), self.roll(100))
                }
            };
        }
        let depth = depth - 1;
        match self.roll(8) {
            0 | 1 => {
                let op = self.pick(&["==", "!=", "<", "<=", ">", ">="]);
                let (left, right) = (self.int(depth), self.int(depth));
                format!("({left} {op} {right})")
            }
            2 => {
                let op = self.pick(&["&&", "||"]);
                let (left, right) = (self.flag(depth), self.flag(depth));
                format!("({left} {op} {right})")
            }
            3 => format!("!{}", self.flag(0)),
            4 => {
                let op = self.pick(&["==", "!="]);
                format!("({} {op} {})", self.text(0), self.text(0))
            }
            5 => {
                let maps: Vec<(String, MapKind)> =
                    self.maps.iter().filter(|(_, map)| !map.keys.is_empty()).cloned().collect();
                if maps.is_empty() {
                    return self.flag(0);
                }
                let (name, map) = self.pick(&maps);
                let key = self.key(&map, 1);
                let key = if map.keys.len() == 1 { key } else { format!("({key})") };
                format!("has_key({name}, {key})")
            }
            6 if self.has(Feature::Strings) => {
                format!("strcontains({}, \"{}\")", self.text(0), self.pick(&["a", "cat", ""]))
            }
            6 => self.pick(&["true", "false"]).to_owned(),
            _ => self.flag(0),
        }
    }
}
