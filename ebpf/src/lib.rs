//! The BPF machine and Linux: IR in, events and map snapshots out. The only crate with system calls.
#![doc = include_str!("../README.md")]

pub mod codegen;
mod error;
pub mod event;
pub mod host;
pub mod isa;
pub mod live;
pub mod map;
pub mod object;
pub mod session;
pub mod tracer;
pub mod value;

mod attach;
mod cgroup;
pub mod clock;
mod handles;
mod load;
mod sys;

pub use error::Error;
