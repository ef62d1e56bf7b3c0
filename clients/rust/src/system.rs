// SPDX-License-Identifier: MIT
//! What the standard library does not have, from the C library that it is linked with.
use std::os::raw::c_int;

mod c {
    use super::c_int;
    extern "C" {
        pub fn gettid() -> c_int; // glibc 2.30, musl 1.2.2
        pub fn geteuid() -> u32;
        pub fn setsid() -> c_int;
    }
}

/// The kernel's number of the calling thread.
pub fn thread_id() -> i32 {
    // SAFETY: gettid(2) takes nothing, cannot fail and changes nothing.
    unsafe { c::gettid() }
}

pub fn is_root() -> bool {
    // SAFETY: geteuid(2) takes nothing, cannot fail and changes nothing.
    unsafe { c::geteuid() == 0 }
}

/// The calling process gets a session of its own, if it leads no process group. May be called between fork and exec.
pub fn begin_session() {
    // SAFETY: setsid(2) takes nothing, and touches no memory.
    unsafe { c::setsid() };
}
