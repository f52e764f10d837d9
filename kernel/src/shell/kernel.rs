//! `kernel_info_request` → who we are.
//!
//! <https://jupyter-client.readthedocs.io/en/stable/messaging.html#kernel-info>

use serde_json::{Value, json};

use crate::wire::PROTOCOL_VERSION;

/// The reply.
pub fn info() -> Value {
    json!({
        "status": "ok",
        "protocol_version": PROTOCOL_VERSION,
        "implementation": "probebook",
        "implementation_version": env!("CARGO_PKG_VERSION"),
        "language_info": {
            "name": "bpftrace",
            "version": env!("CARGO_PKG_VERSION"),
            "mimetype": "text/x-bpftrace",
            "file_extension": ".bt",
            "pygments_lexer": "c",
            // C's colours everywhere, bpftrace's own where an extension knows the name.
            "codemirror_mode": { "name": "bpftrace", "mime": "text/x-csrc" },
            "nbconvert_exporter": "script",
        },
        "banner": banner(),
        "debugger": false,
        "supported_features": ["iopub_welcome"],
        "help_links": [
            { "text": "bpftrace language", "url": "https://docs.bpftrace.org/latest/language" },
            { "text": "bpftrace standard library", "url": "https://docs.bpftrace.org/latest/stdlib" },
            { "text": "One-liner tutorial", "url": "https://bpftrace.org/tutorial-one-liners" },
        ],
    })
}

/// What a console shows first.
pub fn banner() -> String {
    format!(
        "Probebook {} — bpftrace in a notebook. `%help` explains, `name?` describes a name.",
        env!("CARGO_PKG_VERSION")
    )
}
