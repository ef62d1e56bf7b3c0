// SPDX-License-Identifier: MIT
//! What belongs to one process, and not to those that it forks: at a fork, any thread may hold a lock, which the child has then
//! and cannot get.
use crate::connection::Connection;
use crate::installed::Installed;
use crate::own_filter::Library;
use crate::own_serve::Serve;
use std::process::id;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, MutexGuard, Weak};

pub struct Process {
    pid: u32,
    /// To the control socket: one for all guards, so that no fault of one is in the way of another. The last of them closes it.
    pub connection: Mutex<Weak<Connection>>,
    pub serve: Mutex<Serve>,
    pub installed: Mutex<Option<Installed>>,
    pub library: Mutex<Option<Library>>,
    /// An errno of seccomp(2), or 0.
    pub trial: Mutex<Option<i32>>,
}

static PRESENT: AtomicPtr<Process> = AtomicPtr::new(ptr::null_mut());

/// The calling process's.
pub fn process() -> &'static Process {
    let found = PRESENT.load(Ordering::Acquire);
    // SAFETY: what PRESENT points to is never freed.
    match unsafe { found.as_ref() } {
        Some(process) if process.pid == id() => return process,
        _ => {}
    }
    let new = Box::into_raw(Box::new(Process {
        pid: id(),
        connection: Mutex::new(Weak::new()),
        serve: Mutex::default(),
        installed: Mutex::default(),
        library: Mutex::default(),
        trial: Mutex::default(),
    }));
    let stored = PRESENT.compare_exchange(found, new, Ordering::AcqRel, Ordering::Acquire);
    match stored {
        // SAFETY: it is never freed from here on.
        Ok(_) => unsafe { &*new },
        Err(others) => {
            // SAFETY: `new` came from a Box, and no other thread has seen it. The other one is never freed.
            unsafe {
                drop(Box::from_raw(new));
                &*others
            }
        }
    }
}

/// A test that panics leaves nothing half done here.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// What is there, or else is made now. Other threads wait for it; after a failure, the next one tries again.
pub fn once<T: Clone, E>(
    slot: &Mutex<Option<T>>,
    make: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    let mut slot = locked(slot);
    if let Some(there) = &*slot {
        return Ok(there.clone());
    }
    let made = make()?;
    *slot = Some(made.clone());
    Ok(made)
}
