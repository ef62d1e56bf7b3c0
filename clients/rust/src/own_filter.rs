// SPDX-License-Identifier: MIT
//! A filter of this process's own, for tests without `minderbinder exec` in front. A shared library of the npm package
//! (src/own-filter) installs it, and holds all of its state.
use crate::error::Error;
use crate::filter_owner::filter_owner;
use crate::installed::installed;
use crate::json;
use crate::process::{once, process};
use std::collections::hash_map::RandomState;
use std::ffi::{CString, OsString};
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::os::raw::{c_char, c_int};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

// enum own_filter_state and enum own_filter_failure of own-filter.h
const NONE: c_int = 0;
const STARTING: c_int = 1;
const READY: c_int = 2;
const FAILED: c_int = 3;
const LOST: c_int = 4;
const REFUSED: c_int = 3;
const ENDED: c_int = 4;
const SECCOMP: c_int = 5;

const TEXT_SIZE: usize = 8192;
const EBUSY: c_int = 16;
const ESRCH: c_int = 3;

pub const WHY_LOST: &str = "the supervisor of this process was killed: its calls go on without faults, and there can be no other";

// Functions of own-filter.h. A change of one changes the version that installed.rs compares.
type State = unsafe extern "C" fn() -> c_int;
type Start = unsafe extern "C" fn(
    launcher: *const c_char,
    path: *const c_char,
    reach: *const c_char,
    seed: *const c_char,
    text: *mut c_char,
    size: u32,
) -> c_int;
type Seed = unsafe extern "C" fn(proposed: u32) -> u32;
type Trial = unsafe extern "C" fn() -> c_int;

#[derive(Clone, Copy)]
pub struct Library {
    state: State,
    start: Start,
    seed: Seed,
    trial: Trial,
}

impl Library {
    /// enum own_filter_state
    fn state(self) -> c_int {
        // SAFETY: it takes nothing, and any thread may call it.
        unsafe { (self.state)() }
    }
}

fn library() -> Result<Library, Error> {
    once(&process().library, loading::load)
}

/// dlopen(3) of a C library that is linked statically finds nothing.
#[cfg(target_feature = "crt-static")]
mod loading {
    use super::{Error, Library};

    pub fn load() -> Result<Library, Error> {
        let message = "this program is linked statically, and cannot load the library that installs a filter on it";
        Err(Error::launcher(message.into()).with_hint(
            "build the tests with -C target-feature=-crt-static, or start them with minderbinder exec --control --",
        ))
    }
}

#[cfg(not(target_feature = "crt-static"))]
mod loading {
    use super::*;
    use std::ffi::CStr;
    use std::mem::transmute;
    use std::os::raw::c_void;

    const RTLD_NOW: c_int = 2;

    extern "C" {
        fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void;
        fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
        fn dlerror() -> *const c_char;
    }

    pub fn load() -> Result<Library, Error> {
        let path = installed()?.library;
        let name = c_string(path.as_bytes())?;
        let refused = || Error::launcher(format!("cannot load {path}: {}", reason()));
        // SAFETY: the path ends with a NUL. The library has no constructors, and is never unloaded.
        let library = unsafe { dlopen(name.as_ptr(), RTLD_NOW) };
        if library.is_null() {
            return Err(refused());
        }
        let function = |name: &str| {
            let name = c_string(name.as_bytes())?;
            // SAFETY: the library is loaded, and the name ends with a NUL.
            let found = unsafe { dlsym(library, name.as_ptr()) };
            if found.is_null() {
                Err(refused())
            } else {
                Ok(found)
            }
        };
        // SAFETY: these are the types that own-filter.h declares.
        unsafe {
            Ok(Library {
                state: transmute::<*mut c_void, State>(function("own_filter_state")?),
                start: transmute::<*mut c_void, Start>(function("own_filter_start")?),
                seed: transmute::<*mut c_void, Seed>(function("own_filter_seed")?),
                trial: transmute::<*mut c_void, Trial>(function("own_filter_trial")?),
            })
        }
    }

    fn reason() -> String {
        // SAFETY: dlerror(3) returns null, or a text that stays until this thread's next call of its family.
        unsafe {
            let text = dlerror();
            if text.is_null() {
                return "unknown".into();
            }
            CStr::from_ptr(text).to_string_lossy().into_owned()
        }
    }
}

/// Why this process can have none; `None`: it has one, or can.
pub fn refusal() -> Option<Error> {
    let library = match library() {
        Ok(library) => library,
        Err(error) => return Some(error),
    };
    match library.state() {
        STARTING | READY => None,
        LOST => Some(lost()),
        _ => {
            // SAFETY: it takes nothing, and any thread may call it.
            let trial = once(&process().trial, || Ok(unsafe { (library.trial)() }));
            match trial {
                Ok(0) => None,
                Ok(errno) => Some(refused_by_seccomp(errno)),
                Err(error) => Some(error),
            }
        }
    }
}

/// This process has one, or gets one, of whichever thread.
pub fn is_there() -> bool {
    library().map_or(false, |library| !matches!(library.state(), NONE | FAILED))
}

/// For all that injects faults into this process, as far as a filter is possible. Decimal.
pub fn seed() -> String {
    // What the standard library has of chance.
    let random = RandomState::new().build_hasher().finish() as u32;
    let proposed = random.max(1);
    // SAFETY: any thread may call it.
    let seed = library().map_or(proposed, |library| unsafe { (library.seed)(proposed) });
    seed.to_string()
}

/// Installs it, unless it is there already, and returns the path of the control socket. `reach` is a SET, or empty; it is of no
/// account if the filter is there.
pub fn start(reach: &str) -> Result<PathBuf, Error> {
    let library = library()?;
    let parts = installed()?;
    let launcher = c_string(parts.launcher.as_bytes())?;
    let path = c_string(&parts.path.into_vec())?;
    let reach = c_string(reach.as_bytes())?;
    let seed = c_string(seed().as_bytes())?;
    let mut text = vec![0_u8; TEXT_SIZE];
    // SAFETY: the texts end with a NUL and live until it returns, and it writes no more than TEXT_SIZE bytes.
    let state = unsafe {
        (library.start)(
            launcher.as_ptr(),
            path.as_ptr(),
            reach.as_ptr(),
            seed.as_ptr(),
            text.as_mut_ptr().cast(),
            TEXT_SIZE as u32,
        )
    };
    text.truncate(text.iter().position(|byte| *byte == 0).unwrap_or_default());
    match state {
        READY => Ok(OsString::from_vec(text).into()),
        LOST => Err(lost()),
        _ => Err(failure_of(&String::from_utf8_lossy(&text))),
    }
}

fn c_string(text: &[u8]) -> Result<CString, Error> {
    CString::new(text).map_err(|error| cannot_start(&error.to_string()))
}

fn cannot_start(why: &str) -> Error {
    Error::launcher(format!("cannot start the helper of this process: {why}"))
}

fn lost() -> Error {
    let message = "the supervisor of this process was killed: its calls go on, without faults";
    Error::new("MB_CONTROL", message.into())
        .with_hint("a filter cannot be replaced: start the tests again")
}

/// `said`: a failure, an errno and a text, with blanks between.
fn failure_of(said: &str) -> Error {
    let mut fields = said.splitn(3, ' ');
    let mut number = || fields.next().and_then(|field| field.parse().ok());
    let (failure, errno) = (number().unwrap_or_default(), number().unwrap_or_default());
    let text = fields.next().unwrap_or_default();
    match failure {
        SECCOMP => refused_by_seccomp(errno),
        REFUSED => match json::parse(text) {
            Some(refused) => Error::of(&refused),
            None => cannot_start(text),
        },
        ENDED => cannot_start("it ended without a message"),
        _ => cannot_start(&io::Error::from_raw_os_error(errno).to_string()),
    }
}

fn refused_by_seccomp(errno: c_int) -> Error {
    let (message, hint) = match errno {
        EBUSY => {
            let library = installed().map(|parts| parts.library).unwrap_or_default();
            let owner = filter_owner(&library);
            (
                format!("this process has a seccomp listener already, and the kernel allows only one: {owner}"),
                "start the tests with minderbinder exec --control -- instead",
            )
        }
        ESRCH => (
            "a thread of this process has a seccomp filter that the others do not have".into(),
            "use faults before it gets one, or start the tests with minderbinder exec --control --",
        ),
        _ => {
            let why = io::Error::from_raw_os_error(errno);
            (
                format!("the kernel refuses a seccomp listener: {why}"),
                "it needs Linux 5.9 with CONFIG_SECCOMP_FILTER",
            )
        }
    };
    Error::new("MB_SECCOMP", message).with_hint(hint)
}
