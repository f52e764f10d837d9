//! A Jupyter kernel for the bpftrace language: cells, magics, pictures, protocol, the command line.
#![doc = include_str!("../README.md")]

pub mod cell;
pub mod cli;
pub mod display;
pub mod interrupt;
pub mod magic;
pub mod outlet;
pub mod runs;
pub mod serve;
pub mod shell;
pub mod wire;
