//! Sockets ↔ messages: the Jupyter messaging protocol, version 5.5, from the connection file to bytes.
//!
//! Requests and replies travel over the ROUTER and REP sockets of the `zeromq` crate. What is broadcast
//! travels over a [`Publisher`] of our own, because one stalled subscriber must neither delay the others
//! nor make memory grow.
//!
//! *Not here:* what requests mean (`shell`), the order in which they are handled (`serve`).

mod channels;
mod clock;
mod connection;
mod message;
mod publisher;
mod queue;
mod zmtp;

pub use channels::{Channels, Replier, bind};
pub use connection::Connection;
pub use message::{Malformed, Message, Parent, Signer};
pub use publisher::{Kind, Publisher};

/// The version of the protocol that we speak.
pub const PROTOCOL_VERSION: &str = "5.5";
