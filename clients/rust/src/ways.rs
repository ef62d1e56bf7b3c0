// SPDX-License-Identifier: MIT
//! The ways in which faults get into this process. The first that there is, is taken.
use crate::error::Error;
use crate::{own_filter, own_serve};
use std::env;
use std::path::PathBuf;

/// How faults get into this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The socket of `minderbinder exec --control`, which runs the tests, or of `minderbinder serve`.
    Control,
    /// As root: a `minderbinder serve --stdio` that this process starts when the first fault comes.
    Serve,
    /// This process installs a filter on itself when the first fault comes, for system calls only; as root, for those that
    /// `serve` cannot fault.
    OwnFilter,
}

/// What [`available`] finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Availability {
    /// The one that is taken first; `None`: there is none.
    pub way: Option<Way>,
    /// The ways that are not.
    pub others: Vec<Other>,
}

/// A way that is not taken, or not first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    pub way: Way,
    pub why: String,
}

const VARIABLE: &str = "MINDERBINDER_CONTROL";

/// Path of the socket that the tests were given.
pub fn given_socket() -> Option<PathBuf> {
    env::var_os(VARIABLE)
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
}

/// The path of the control socket, and what has happened if it is there no more.
pub fn way_in(reach: &str) -> Result<(PathBuf, &'static str), Error> {
    match given_socket() {
        Some(path) => Ok((
            path,
            "the minderbinder exec --control or serve that made the socket has ended or was killed",
        )),
        None => Ok((own_filter::start(reach)?, own_filter::WHY_LOST)),
    }
}

/// Which way faults get into this process, and why not the others. Installs and starts nothing.
pub fn available() -> Availability {
    let other = |way: Way, why: &str| Other {
        way,
        why: why.into(),
    };
    if given_socket().is_some() {
        let why =
            "the control socket comes first: whatever runs the tests has the faults of all of them";
        return Availability {
            way: Some(Way::Control),
            others: vec![other(Way::Serve, why), other(Way::OwnFilter, why)],
        };
    }
    let mut others = vec![other(
        Way::Control,
        &format!("{VARIABLE} is not set: minderbinder does not run this"),
    )];
    let mut way = None;
    match own_serve::refusal() {
        None => way = Some(Way::Serve),
        Some(why) => others.push(other(Way::Serve, &why.to_string())),
    }
    match (own_filter::refusal(), way) {
        (None, None) => way = Some(Way::OwnFilter),
        (None, Some(_)) => others.push(other(
            Way::OwnFilter,
            "minderbinder serve comes first, and leaves to it what it cannot fault",
        )),
        (Some(why), _) => others.push(other(Way::OwnFilter, &why.to_string())),
    }
    Availability { way, others }
}

/// Why faults cannot be injected from here; `None`: they can be.
pub fn unavailable() -> Option<String> {
    let Availability { way, others } = available();
    let whys: Vec<String> = others.into_iter().map(|other| other.why).collect();
    match way {
        Some(_) => None,
        None => Some(whys.join("; ")),
    }
}
