// SPDX-License-Identifier: MIT
//! The client's end of a connection to a server. The protocol is that of docs/control.md.
use crate::error::Error;
use crate::json::{self, Value};
use crate::process::{locked, process};
use crate::ways::way_in;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::process::id;
use std::sync::{Arc, Mutex};

const NOT_YOURS: &str = "the socket is another user's, or its group's, which you are not in (see minderbinder serve --group)";
const VERSION: u32 = 1;

pub struct Connection {
    streams: Mutex<Streams>,
    /// The process whose connection it is, and not one that it has forked.
    pid: u32,
    why_lost: &'static str,
    pub seed: String,
    /// Whether the server can fault system calls.
    pub has_engine: bool,
}

/// Both may be one socket.
struct Streams {
    input: BufReader<UnixStream>,
    output: UnixStream,
    is_lost: bool,
}

impl Connection {
    /// To the socket that the tests were given, or else to that of this process's own filter, which it installs. Its last user
    /// closes it.
    pub fn join(reach: &str) -> Result<Arc<Connection>, Error> {
        let mut shared = locked(&process().connection);
        if let Some(connection) = shared.upgrade() {
            return Ok(connection);
        }
        let connection = Arc::new(Connection::open(reach)?);
        *shared = Arc::downgrade(&connection);
        Ok(connection)
    }

    fn open(reach: &str) -> Result<Connection, Error> {
        let (path, why_lost) = way_in(reach)?;
        let cannot = |error: io::Error| {
            let message = format!("cannot connect to {}: {error}", path.display());
            let is_forbidden = error.kind() == io::ErrorKind::PermissionDenied;
            let hint = if is_forbidden { NOT_YOURS } else { why_lost };
            Error::new("MB_CONTROL", message).with_hint(hint)
        };
        let input = UnixStream::connect(&path).map_err(cannot)?;
        let output = input.try_clone().map_err(cannot)?;
        Connection::over(input, output, why_lost)
    }

    /// To a server that is at the other end already. `why_lost`: the hint, if it closes the connection.
    pub fn over(
        input: UnixStream,
        output: UnixStream,
        why_lost: &'static str,
    ) -> Result<Connection, Error> {
        let streams = Streams {
            input: BufReader::new(input),
            output,
            is_lost: false,
        };
        let connection = Connection {
            streams: Mutex::new(streams),
            pid: id(),
            why_lost,
            seed: String::new(),
            has_engine: false,
        };
        let hello = connection.ask(&format!(r#""type":"hello","version":{VERSION}"#))?;
        Ok(Connection {
            seed: hello.text("seed").unwrap_or_default(),
            has_engine: hello.text("engine").is_some(),
            ..connection
        })
    }

    /// This process was forked from the one whose connection it is.
    pub fn is_inherited(&self) -> bool {
        self.pid != id()
    }

    /// The answer to one request, which is given as the fields of an object.
    pub fn ask(&self, request: &str) -> Result<Value, Error> {
        if self.is_inherited() {
            let message = "these faults are those of the process that this one was forked from";
            return Err(Error::new("MB_CONTROL", message.into())
                .with_hint("count and lift them there, or inject others here"));
        }
        let answer = locked(&self.streams).exchange(request).map_err(|_| {
            let message = "minderbinder has closed the connection";
            Error::new("MB_CONTROL", message.into()).with_hint(self.why_lost)
        })?;
        if answer.text("type").as_deref() == Some("error") {
            return Err(Error::of(&answer));
        }
        Ok(answer)
    }
}

impl Streams {
    fn exchange(&mut self, request: &str) -> io::Result<Value> {
        if self.is_lost {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        // Until the answer is here: the next one that asks must not take it for its own.
        self.is_lost = true;
        self.output
            .write_all(format!("{{{request}}}\n").as_bytes())?;
        let mut line = String::new();
        self.input.read_line(&mut line)?;
        let answer = json::parse(&line).ok_or(ErrorKind::UnexpectedEof)?;
        self.is_lost = false;
        Ok(answer)
    }
}
