// SPDX-License-Identifier: MIT
//! `minderbinder serve --stdio`, which this process starts for itself if it may. It ends with this process.
use crate::connection::Connection;
use crate::error::Error;
use crate::installed::installed;
use crate::own_filter;
use crate::process::{locked, process};
use crate::system;
use std::fs;
use std::io;
use std::os::unix::io::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

const WHY_LOST: &str =
    "minderbinder serve, which this process had started, has ended or was killed";
/// include/linux/proc_ns.h: PROC_PID_INIT_INO
const FIRST_PID_NAMESPACE: &str = "pid:[4026531836]";

/// The one that was started last, and why it does not start.
#[derive(Default)]
pub struct Serve {
    started: Option<(Child, Arc<Connection>)>,
    failure: Option<Error>,
}

impl Serve {
    /// One that was killed may end as long as it likes: whether it answers is what counts.
    fn running(&self) -> Option<Arc<Connection>> {
        let (_, connection) = self.started.as_ref()?;
        let answers = connection.ask(r#""type":"counts","rules":[]"#).is_ok();
        answers.then(|| connection.clone())
    }

    fn why_not_start(&self) -> Option<Error> {
        let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        if namespace != Path::new(FIRST_PID_NAMESPACE) {
            let message = "minderbinder serve needs all process ids of the machine, and this pid namespace shows a part of them";
            return Some(Error::new("MB_NAMESPACE", message.into()));
        }
        // It would inherit the filter, and faults of this process would hit it.
        if !own_filter::is_there() {
            return installed().err();
        }
        let before = match self.started {
            Some(_) => format!("{WHY_LOST}, and"),
            None => "minderbinder serve".into(),
        };
        let message = format!(
            "{before} cannot start any more: this process has installed a filter on itself"
        );
        Some(
            Error::new("MB_CONTROL", message)
                .with_hint("start the tests with minderbinder exec --control -- instead"),
        )
    }

    fn start(&mut self) -> Result<Arc<Connection>, Error> {
        if let Some(why) = self.why_not_start() {
            return Err(why);
        }
        if let Some((before, _)) = &mut self.started {
            let _ = before.try_wait(); // no zombie is left of it, unless it is still ending
        }
        let (child, input, output) = start()?;
        let connection = Arc::new(Connection::over(input, output, WHY_LOST)?);
        self.started = Some((child, connection.clone()));
        Ok(connection)
    }
}

/// Why there can be none; `None`: there is one, or can be.
pub fn refusal() -> Option<Error> {
    if !system::is_root() {
        let message = "minderbinder serve needs root";
        return Some(Error::new("MB_NO_PERMISSION", message.into()));
    }
    let serve = locked(&process().serve);
    if serve.failure.is_some() {
        return serve.failure.clone();
    }
    match serve.running() {
        Some(_) => None,
        None => serve.why_not_start(),
    }
}

/// The one of this process. Other threads wait for its start, so that none of them installs a filter before.
pub fn join() -> Result<Arc<Connection>, Error> {
    let mut serve = locked(&process().serve);
    if let Some(failure) = &serve.failure {
        return Err(failure.clone());
    }
    if let Some(connection) = serve.running() {
        return Ok(connection);
    }
    let started = serve.start();
    serve.failure = started.as_ref().err().cloned();
    started
}

/// With what it says, and what it is told. Calls on sockets of these two are not faulted, as those on pipes would be.
fn start() -> Result<(Child, UnixStream, UnixStream), Error> {
    let cannot =
        |error: io::Error| Error::launcher(format!("cannot start minderbinder serve: {error}"));
    let parts = installed()?;
    let (output, its_input) = UnixStream::pair().map_err(cannot)?;
    let (input, its_output) = UnixStream::pair().map_err(cannot)?;
    let mut command = Command::new(parts.launcher);
    command
        .args(["serve", "--stdio", "--seed", &own_filter::seed()])
        .env("PATH", parts.path)
        .current_dir("/")
        .stdin(Stdio::from(OwnedFd::from(its_input)))
        .stdout(Stdio::from(OwnedFd::from(its_output)));
    // Not in the terminal's foreground group, so that ^C does not end it before this process.
    // SAFETY: what runs between fork and exec is one system call.
    unsafe {
        command.pre_exec(|| {
            system::begin_session();
            Ok(())
        });
    }
    let child = command.spawn().map_err(cannot)?;
    Ok((child, input, output))
}
