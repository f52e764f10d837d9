//! [`ir::Module`] × [`Target`] → [`Object`]: operations become helper calls and instructions, registers are
//! allocated, bytes come out.
//!
//! In order: `select` writes virtual code, `frame` gives memory a place, `liveness` and `regalloc` give
//! registers, `emit` writes words. Each step is private; only [`print_vcode`] shows what lies between.
//!
//! *Invariant:* the verifier of the target accepts every program. Where an operation has no form that it
//! would accept, generation says so as [`Unsupported`].
//!
//! *Not here:* making maps and loading programs (`load`), the instruction set itself ([`crate::isa`]).

mod emit;
mod frame;
mod liveness;
mod print;
mod regalloc;
mod select;
mod sites;
mod spill;
mod target;
mod vcode;

pub use target::Target;

use probebook_lang::ir;
use probebook_lang::source::Span;

use crate::object::{MapSpec, Object, ProgramSpec};
use emit::Emitted;
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

/// Stack that slots may use at first, and with ever more spilled registers.
const BUDGETS: [u32; 5] = [416, 320, 192, 96, 0];

/// Generates the code of a verified module.
///
/// # Errors
/// [`Unsupported`].
pub fn generate(module: &ir::Module, target: &Target) -> Result<Object, Unsupported> {
    let maps: Vec<MapSpec> = module.maps.iter().map(MapSpec::new).collect();
    let object =
        Object { maps, records: module.records.clone(), programs: vec![], scratch_size: 0, sites: vec![] };
    let mut sites = Sites::new(object.notices());
    let mut scratch_size = 0;
    let mut programs = Vec::new();
    for (index, program) in module.programs.iter().enumerate() {
        let code = select::select(module, program, &object.maps, target, &mut sites)?;
        let (emitted, scratch) = finish(&code, scratch_size, program.span, target)?;
        scratch_size += scratch;
        programs.push(ProgramSpec {
            name: name(index, &program.name),
            points: program.points.clone(),
            code: emitted.code,
            relocations: emitted.relocations,
            spans: emitted.spans,
            span: program.span,
        });
    }
    Ok(Object { programs, scratch_size, sites: sites.finish(), ..object })
}

/// The virtual code of every program as text.
///
/// # Errors
/// As [`generate`].
pub fn print_vcode(module: &ir::Module, target: &Target) -> Result<String, Unsupported> {
    let maps: Vec<MapSpec> = module.maps.iter().map(MapSpec::new).collect();
    let mut out = String::new();
    let mut sites = Sites::new(0);
    for program in &module.programs {
        let code = select::select(module, program, &maps, target, &mut sites)?;
        out.push_str(&format!("program {}:\n{}", program.name, print::print(&code)));
    }
    Ok(out)
}

/// Places memory, allocates registers and emits, again with less memory on the stack if it overflows.
fn finish(code: &VCode, region: u32, span: Span, target: &Target) -> Result<(Emitted, u32), Unsupported> {
    for budget in BUDGETS {
        let mut code = code.clone();
        let scratch = frame::place_scratch(&mut code, budget, region, span);
        if !regalloc::allocate(&mut code) {
            continue;
        }
        let frame = frame::lay_out(&code);
        if frame.used > frame::STACK {
            continue;
        }
        let message = "the program is too large for BPF's jumps and offsets";
        let emitted =
            emit::emit(code, &frame, target).ok_or_else(|| Unsupported { span, message: message.into() })?;
        return Ok((emitted, scratch));
    }
    Err(Unsupported { span, message: "the program needs more than the stack of 512 bytes".into() })
}

/// A name that Linux takes: at most 15 letters, digits or underscores.
fn name(index: usize, name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let short: String = name.chars().map(safe).take(15).collect();
    if short.is_empty() { format!("p{index}") } else { short }
}

#[cfg(test)]
pub(crate) mod tests;
