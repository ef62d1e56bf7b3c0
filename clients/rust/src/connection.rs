// SPDX-License-Identifier: MIT
use crate::error::Error;
use crate::json::{self, Value};
use std::env;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

const VARIABLE: &str = "MINDERBINDER_CONTROL";
/// Of the protocol: docs/control.md.
const VERSION: u32 = 1;

/// Why faults cannot be injected from here; `None`: they can be.
pub fn unavailable() -> Option<Error> {
    match env::var_os(VARIABLE) {
        Some(path) if !path.is_empty() => None,
        _ => Some(Error::control(
            format!("{VARIABLE} is not set: minderbinder does not run this"),
            "start the tests with it: minderbinder exec --control -- cargo test",
        )),
    }
}

/// One for all guards that live in this process, so that no fault of one is in the way of another.
pub struct Connection {
    lines: Mutex<BufReader<UnixStream>>,
    pub seed: String,
}

static SHARED: Mutex<Option<Weak<Connection>>> = Mutex::new(None);

/// A test that panics leaves nothing half done here.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Connection {
    /// Its last user closes it.
    pub fn join() -> Result<Arc<Connection>, Error> {
        let mut shared = locked(&SHARED);
        if let Some(connection) = shared.as_ref().and_then(Weak::upgrade) {
            return Ok(connection);
        }
        let connection = Arc::new(Connection::open()?);
        *shared = Some(Arc::downgrade(&connection));
        Ok(connection)
    }

    fn open() -> Result<Connection, Error> {
        if let Some(why) = unavailable() {
            return Err(why);
        }
        let path = env::var_os(VARIABLE).unwrap_or_default();
        let stream = UnixStream::connect(&path).map_err(|error| {
            Error::control(
                format!("cannot connect to {}: {error}", path.to_string_lossy()),
                "MINDERBINDER_CONTROL has the path from minderbinder exec --control, which may have ended",
            )
        })?;
        let lines = Mutex::new(BufReader::new(stream));
        let hello = ask(
            &lines,
            &format!(r#"{{"type":"hello","version":{VERSION}}}"#),
        )?;
        Ok(Connection {
            lines,
            seed: hello.text("seed").unwrap_or_default(),
        })
    }

    /// The answer to one request, a line of JSON.
    pub fn ask(&self, request: &str) -> Result<Value, Error> {
        ask(&self.lines, request)
    }
}

fn ask(lines: &Mutex<BufReader<UnixStream>>, request: &str) -> Result<Value, Error> {
    let answer = exchange(&mut locked(lines), request).map_err(|error| {
        Error::control(
            format!("minderbinder has closed the control socket: {error}"),
            "the command that it was started with has ended, or minderbinder was killed",
        )
    })?;
    if answer.text("type").as_deref() != Some("error") {
        return Ok(answer);
    }
    Err(Error {
        code: answer.text("code").unwrap_or_default(),
        message: answer.text("message").unwrap_or_default(),
        hint: answer.text("hint"),
    })
}

fn exchange(lines: &mut BufReader<UnixStream>, request: &str) -> std::io::Result<Value> {
    lines
        .get_mut()
        .write_all(format!("{request}\n").as_bytes())?;
    let mut line = String::new();
    lines.read_line(&mut line)?;
    json::parse(&line).ok_or_else(|| ErrorKind::UnexpectedEof.into())
}
