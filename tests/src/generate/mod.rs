//! dice → a random program that should be accepted: names are declared before they are used, and operands
//! have the types that operators want.
//!
//! A program uses only some features of the language, drawn first, so that each is seen in many
//! neighbourhoods.
//!
//! *Not here:* programs that are wrong (`mutate`).

mod expr;
mod scope;
mod stmt;

use std::fmt::Write;

use scope::{Kind, MapKind, Scope, Variable};

/// Where choices come from: a seed, or the bytes of a fuzzer.
pub trait Dice {
    /// A number below `sides`.
    fn roll(&mut self, sides: u32) -> u32;
}

/// Choices from a seed, the same on every machine (SplitMix64).
#[derive(Clone, Debug)]
pub struct Seeded(u64);

impl Seeded {
    /// The choices of one seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }
}

impl Dice for Seeded {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % u64::from(sides.max(1))) as u32
    }
}

/// Choices from bytes; when they are used up, always the first.
#[derive(Clone, Debug)]
pub struct Bytes<'a>(pub &'a [u8]);

impl Dice for Bytes<'_> {
    fn roll(&mut self, sides: u32) -> u32 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        u32::from(*first) % sides.max(1)
    }
}

/// Groups of features that a program has or has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Feature {
    Loops,
    MapLoops,
    Tuples,
    Records,
    Strings,
    Aggregates,
    Series,
    Casts,
    Values,
    Printing,
    Macros,
    Functions,
    Declarations,
    Async,
}

const FEATURES: [Feature; 14] = [
    Feature::Loops,
    Feature::MapLoops,
    Feature::Tuples,
    Feature::Records,
    Feature::Strings,
    Feature::Aggregates,
    Feature::Series,
    Feature::Casts,
    Feature::Values,
    Feature::Printing,
    Feature::Macros,
    Feature::Functions,
    Feature::Declarations,
    Feature::Async,
];

/// Makes one program.
pub fn program(dice: &mut dyn Dice) -> String {
    let mut writer = Writer {
        features: FEATURES.into_iter().filter(|_| dice.roll(5) < 2).collect(),
        dice,
        out: String::new(),
        scope: Scope::default(),
        maps: Vec::new(),
        indent: 1,
        fuel: 0,
        loops: Vec::new(),
        context: Context::None,
        reads_maps: false,
        next_name: 0,
    };
    writer.program();
    writer.out
}

/// What the arguments of a probe are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Context {
    None,
    Read,
    Switch,
    Uprobe,
}

/// The kind of loop a statement stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loop {
    /// A callback: no arguments of the probe.
    Callback,
    /// Unrolled or bounded.
    Plain,
}

struct Writer<'d> {
    dice: &'d mut dyn Dice,
    features: Vec<Feature>,
    out: String,
    scope: Scope,
    maps: Vec<(String, MapKind)>,
    indent: usize,
    /// How many statements may still be written in this probe.
    fuel: u32,
    loops: Vec<Loop>,
    context: Context,
    /// Whether maps may be read: all of them have a type.
    reads_maps: bool,
    next_name: u32,
}

impl Writer<'_> {
    fn roll(&mut self, sides: u32) -> u32 {
        self.dice.roll(sides)
    }

    /// Whether, once in so many times.
    fn rarely(&mut self, times: u32) -> bool {
        self.roll(times) == times - 1
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len() as u32) as usize].clone()
    }

    fn has(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }

    fn fresh(&mut self, sigil: &str) -> String {
        self.next_name += 1;
        format!("{sigil}v{}", self.next_name)
    }

    fn line(&mut self, text: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.out, "{}{text}", "  ".repeat(self.indent));
    }

    fn program(&mut self) {
        for index in 0..1 + self.roll(4) {
            let kind = self.map_kind();
            self.maps.push((format!("@m{index}"), kind));
        }
        self.items();
        let probes = 1 + self.roll(3);
        for index in 0..probes {
            self.probe(index == 0);
        }
    }

    /// Map declarations, macros and functions.
    fn items(&mut self) {
        if self.has(Feature::Declarations) {
            for (name, kind) in self.maps.clone() {
                if self.roll(2) == 0 && !kind.keys.is_empty() {
                    let storage =
                        if kind.is_aggregate() { "percpuhash" } else { self.pick(&["hash", "lruhash"]) };
                    let entries = 1 + self.roll(2000);
                    let _ = writeln!(self.out, "let {name} = {storage}({entries});");
                }
            }
        }
        if self.has(Feature::Functions) {
            self.out.push_str("fn twice($a : int64) : int64 { return $a * 2; }\n");
        }
        if self.has(Feature::Macros) {
            self.out.push_str("macro larger(a, b) { let $a = a; let $b = b; $a > $b ? $a : $b }\n");
            self.out.push_str("macro bump($x) { $x += 1; }\n");
        }
    }

    fn probe(&mut self, is_first: bool) {
        const POINTS: [(&str, Context); 8] = [
            ("begin", Context::None),
            ("end", Context::None),
            ("interval:s:100", Context::None),
            ("tracepoint:syscalls:sys_enter_read", Context::Read),
            ("tracepoint:sched:sched_switch", Context::Switch),
            ("profile:s:100", Context::None),
            ("software:cpu-clock:1000000000", Context::None),
            ("uprobe:/proc/self/exe:main", Context::Uprobe),
        ];
        let (point, context) = if is_first { POINTS[0] } else { self.pick(&POINTS) };
        self.context = context;
        self.scope = Scope::default();
        self.fuel = 4 + self.roll(24);
        let predicate =
            if !is_first && self.rarely(4) { format!(" /{}/", self.flag(2)) } else { String::new() };
        let _ = writeln!(self.out, "{point}{predicate} {{");
        if is_first {
            for (name, kind) in self.maps.clone() {
                self.write_map(&name, &kind);
            }
        }
        self.reads_maps = true;
        self.statements(0);
        self.out.push_str("}\n");
    }

    fn map_kind(&mut self) -> MapKind {
        let keys = (0..self.roll(4)).map(|_| self.small_kind()).collect();
        let aggregates = ["count()", "sum", "min", "max", "avg", "stats"];
        let choice = self.roll(10);
        let (value, call) = match choice {
            0..=2 if self.has(Feature::Aggregates) => (Kind::Int, Some(self.pick(&aggregates).to_owned())),
            3 if self.has(Feature::Aggregates) => {
                let bits = self.roll(4);
                (Kind::Int, Some(format!("hist:{bits}")))
            }
            4 if self.has(Feature::Aggregates) => {
                let step = 1 + self.roll(100);
                (Kind::Int, Some(format!("lhist:0, {}, {step}", step * (1 + self.roll(50)))))
            }
            5 if self.has(Feature::Series) => (Kind::Int, Some("tseries:1s, 5".to_owned())),
            6 | 7 => (self.kind(1), None),
            _ => (Kind::Int, None),
        };
        MapKind { keys, value, call }
    }

    /// A type without parts.
    fn small_kind(&mut self) -> Kind {
        match self.roll(4) {
            0 | 1 => Kind::Int,
            2 => Kind::Text,
            _ => Kind::Flag,
        }
    }

    fn kind(&mut self, depth: u32) -> Kind {
        if depth > 0 && self.has(Feature::Tuples) && self.rarely(3) {
            let length = 2 + self.roll(3);
            return Kind::Tuple((0..length).map(|_| self.kind(depth - 1)).collect());
        }
        if depth > 0 && self.has(Feature::Records) && self.rarely(3) {
            let length = 1 + self.roll(3);
            return Kind::Record((0..length).map(|_| self.kind(depth - 1)).collect());
        }
        self.small_kind()
    }

    fn declare(&mut self, kind: Kind, is_fixed: bool) -> String {
        let name = self.fresh("$");
        self.scope.declare(Variable { name: name.clone(), kind, is_fixed });
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_gives_the_same_program() {
        assert_eq!(program(&mut Seeded::new(7)), program(&mut Seeded::new(7)));
        assert_ne!(program(&mut Seeded::new(7)), program(&mut Seeded::new(8)));
        assert!(program(&mut Bytes(&[])).starts_with("let @m0") || !program(&mut Bytes(&[])).is_empty());
    }
}
