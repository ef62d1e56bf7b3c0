// SPDX-License-Identifier: MIT
//! Breaks the code under test for as long as a guard lives: the kernel's calls fail, in the calling thread or in this process
//! and all that it starts. Start the tests with minderbinder in front:
//!
//! ```text
//! minderbinder exec --control -- cargo test
//! ```
//!
//! The standard library only; the few lines of JSON that the protocol takes are written and read in `json.rs`.

mod connection;
mod error;
mod failures;
mod json;

pub use connection::unavailable;
pub use error::Error;
pub use failures::{failures, Counts, Failures, Faults, Scope};
