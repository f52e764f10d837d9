//! Generated programs under the real verifier. Where bpf(2) is not permitted these tests do nothing.

mod calls;
mod histograms;
mod loops;
mod machine;
mod maps;
mod memory;
mod programs;
mod random;
mod system;
mod text;

use probebook_lang::ir::builder::FunctionBuilder;
use probebook_lang::ir::{self, Module, Op, Program, Value};
use probebook_lang::opt;
use probebook_lang::probes::AttachPoint;
use probebook_lang::source::Span;
use probebook_lang::types::layout::Layout;
use probebook_lang::types::{MapType, MapValue, Type};

use super::{Target, generate};
use machine::Machine;

pub const S: Span = Span { start: 0, end: 0 };

/// Whether programs can be loaded here.
pub fn is_live() -> bool {
    // SAFETY: no memory is passed.
    let root = unsafe { libc::geteuid() } == 0;
    let live = root && std::path::Path::new("/sys/kernel/btf/vmlinux").exists();
    assert!(live || std::env::var_os("REQUIRE_LIVE").is_none(), "REQUIRE_LIVE: not root or no BTF");
    live
}

pub fn map(name: &str, key: Option<Vec<Type>>, value: MapValue) -> ir::Map {
    let ty = MapType { key, value, unit: None };
    let key = ty.key_type().map(|ty| Layout::of(&ty));
    let value = match &ty.value {
        MapValue::Plain(ty) => Some(Layout::of(ty)),
        _ => None,
    };
    ir::Map { name: name.into(), ty, key, value, max_entries: 64, evicts: false }
}

pub fn program_at(point: AttachPoint, build: impl FnOnce(&mut FunctionBuilder) -> Value) -> Program {
    let mut builder = FunctionBuilder::new();
    let result = build(&mut builder);
    builder.ret(result);
    let function = builder.finish();
    Program { name: "p".into(), points: vec![point], function, subprograms: Vec::new(), shared: 0, span: S }
}

pub fn begin(build: impl FnOnce(&mut FunctionBuilder) -> Value) -> Program {
    program_at(AttachPoint::Begin, build)
}

pub fn module(maps: Vec<ir::Map>, records: Vec<ir::Record>, programs: Vec<Program>) -> Module {
    let mut programs = programs;
    for (index, program) in programs.iter_mut().enumerate() {
        program.name = format!("p{index}");
    }
    Module { maps, records, programs, ..Module::default() }
}

/// Optimises, generates and loads.
pub fn load_for(mut module: Module, target: &Target) -> Machine {
    opt::optimise(&mut module);
    let object = match generate(&module, target) {
        Ok(object) => object,
        Err(unsupported) => panic!("{}\n{}", unsupported.message, ir::print::print(&module)),
    };
    if std::env::var_os("SHOW").is_some() {
        println!("{}", ir::print::print(&module));
        object.programs.iter().for_each(|program| println!("{}", crate::isa::disassemble(program)));
    }
    Machine::load(object)
}

pub fn load(module: Module) -> Machine {
    load_for(module, &machine::target())
}

pub fn constant(builder: &mut FunctionBuilder, value: i64) -> Value {
    builder.value(Op::Const(value), S)
}
