// SPDX-License-Identifier: MIT
//! Breaks the code under test for as long as a guard lives: the kernel's calls fail, in the calling thread or in this process
//! and all that it starts.
//!
//! `cargo test` needs nothing in front: [`available`] says how faults get into the process. The standard library only; the few
//! lines of JSON that the protocol takes are written and read in `json.rs`.

mod connection;
mod error;
mod failures;
mod filter_owner;
mod inject;
mod installed;
mod json;
mod own_filter;
mod own_serve;
mod process;
mod system;
mod ways;

pub use error::Error;
pub use failures::{failures, failures_within, Counts, Failures, Faults, Scope};
pub use ways::{available, unavailable, Availability, Other, Way};
