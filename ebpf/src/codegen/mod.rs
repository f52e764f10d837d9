//! [`ir::Module`] × [`Target`] → [`Object`]: operations become helper calls and instructions, registers are
//! allocated, bytes come out.
//!
//! In order: `select` writes virtual code, `frame` gives memory a place, `liveness` and `regalloc` give
//! registers, `emit` writes words, `link` joins the functions of a program, `regions` divides the scratch memory
//! among programs. Each step is private; only [`print_vcode`] shows what lies between.
//!
//! *Invariant:* the verifier of the target accepts every program. Where an operation has no form that it
//! would accept, generation says so as [`Unsupported`].
//!
//! *Not here:* making maps and loading programs (`load`), the instruction set itself ([`crate::isa`]).

mod emit;
mod frame;
mod link;
mod liveness;
mod names;
mod print;
mod regalloc;
mod regions;
mod select;
mod sites;
mod spill;
mod target;
mod vcode;

pub use target::Target;

use std::collections::HashMap;

use probebook_lang::ir::{self, Names};
use probebook_lang::source::Span;

use crate::object::{MapSpec, Object, ProgramSpec};
use emit::Emitted;
use link::Linked;
use names::Table;
use regions::Regions;
use sites::Sites;
use vcode::VCode;

/// Why no code can be generated: an operation that the target has no means for, or a program too large.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// Where.
    pub span: Span,
    /// One sentence, lower case, no full stop.
    pub message: String,
}

/// What is gathered while programs are selected.
struct Found {
    constants: Constants,
    sites: Sites,
}

/// Constant data that programs read.
#[derive(Default)]
struct Constants {
    bytes: Vec<u8>,
    /// Where each table of names begins.
    tables: HashMap<Names, u32>,
}

impl Constants {
    /// Where a table begins.
    fn table(&mut self, names: Names) -> u32 {
        *self.tables.entry(names).or_insert_with(|| {
            let start = self.bytes.len() as u32;
            self.bytes.extend(Table::of(names).bytes());
            start
        })
    }
}

/// Stack that slots may use at first, of the 512 bytes, and with ever more spilled registers.
const BUDGETS: [u32; 5] = [416, 320, 192, 96, 0];

/// Functions that may be called one inside the other (`MAX_CALL_FRAMES`).
const MOST_FRAMES: usize = 8;

/// Generates the code of a verified module.
///
/// # Errors
/// [`Unsupported`].
pub fn generate(module: &ir::Module, target: &Target) -> Result<Object, Unsupported> {
    let maps: Vec<MapSpec> = module.maps.iter().map(MapSpec::new).collect();
    let object = Object {
        maps,
        records: module.records.clone(),
        programs: vec![],
        scratch_size: 0,
        constants: vec![],
        sites: vec![],
    };
    let mut found = Found { constants: Constants::default(), sites: Sites::new(object.notices()) };
    let mut programs = Vec::new();
    let mut regions = Regions::default();
    for (index, program) in module.programs.iter().enumerate() {
        let code = select_all(module, program, &object.maps, target, &mut found)?;
        let Linked { code, spans, relocations, strides, functions, scratch } =
            finish(&code, program, target)?;
        regions.add(program, scratch, strides);
        programs.push(ProgramSpec {
            name: name(index, &program.name),
            points: program.points.clone(),
            code,
            relocations,
            spans,
            functions,
            span: program.span,
        });
    }
    let scratch_size = regions.assign(&mut programs);
    let Found { constants, sites } = found;
    Ok(Object { programs, scratch_size, constants: constants.bytes, sites: sites.finish(), ..object })
}

/// The virtual code of every program as text.
///
/// # Errors
/// As [`generate`].
pub fn print_vcode(module: &ir::Module, target: &Target) -> Result<String, Unsupported> {
    let maps: Vec<MapSpec> = module.maps.iter().map(MapSpec::new).collect();
    let mut out = String::new();
    let mut found = Found { constants: Constants::default(), sites: Sites::new(0) };
    for program in &module.programs {
        let code = select_all(module, program, &maps, target, &mut found)?;
        out.push_str(&format!("program {}:\n{}", program.name, print::print(&code[0])));
        for (sub, code) in program.subprograms.iter().zip(&code[1..]) {
            out.push_str(&format!("function {}:\n{}", sub.name, print::print(code)));
        }
    }
    Ok(out)
}

/// The virtual code of all functions of a program, that of the events first.
fn select_all(
    module: &ir::Module,
    program: &ir::Program,
    maps: &[MapSpec],
    target: &Target,
    found: &mut Found,
) -> Result<Vec<VCode>, Unsupported> {
    let functions = std::iter::once(None).chain(program.subprograms.iter().map(Some));
    functions.map(|function| select::select(module, program, function, maps, target, found)).collect()
}

/// Places memory, allocates registers and emits, again with less memory on the stack if it overflows.
fn finish(codes: &[VCode], program: &ir::Program, target: &Target) -> Result<Linked, Unsupported> {
    let span = program.span;
    let refused = |message: &str| Unsupported { span, message: message.into() };
    let calls: Vec<Vec<u32>> = codes.iter().map(VCode::callees).collect();
    let frames = link::deepest(&calls, 0, &|_| 1);
    if frames as usize > MOST_FRAMES {
        return Err(refused("Linux lets functions and loops over maps call each other only 8 deep"));
    }
    let share = frame::STACK / frames;
    let stack = |used: u32| if frames > 1 { used.max(1).next_multiple_of(link::FRAME) } else { used };
    for budget in BUDGETS {
        let mut region = program.shared.next_multiple_of(8);
        let mut placed = Vec::with_capacity(codes.len());
        for code in codes {
            let mut code = code.clone();
            region = frame::place(&mut code, budget * share / frame::STACK, region, target.cpus, span);
            if !regalloc::allocate(&mut code) {
                break;
            }
            let frame = frame::lay_out(&code);
            placed.push((code, frame));
        }
        if placed.len() < codes.len()
            || link::deepest(&calls, 0, &|index| stack(placed[index].1.used)) > frame::STACK
        {
            continue;
        }
        let too_long = "the program is too long for the jumps of this Linux; 6.6 and later have longer ones";
        let emitted = placed.into_iter().map(|(code, frame)| emit::emit(code, &frame, target));
        let emitted: Vec<Emitted> = emitted.collect::<Option<_>>().ok_or_else(|| refused(too_long))?;
        let used = emitted.iter().any(|part| !part.strides.is_empty());
        return Ok(link::link(emitted, program, if used { region } else { 0 }));
    }
    Err(refused("the program needs more than the stack of 512 bytes"))
}

/// A name that Linux takes: at most 15 letters, digits or underscores.
fn name(index: usize, name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let short: String = name.chars().map(safe).take(15).collect();
    if short.is_empty() { format!("p{index}") } else { short }
}

#[cfg(test)]
pub(crate) mod tests;
