// SPDX-License-Identifier: MIT
//! The minderbinder that is on PATH: it says itself where its parts are, whatever leads to it.
use crate::error::Error;
use crate::json::{self, Value};
use crate::process::{once, process};
use std::env;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const VERSION: u64 = 1;
/// Its exit status for a command that it does not have.
const USAGE: i32 = 2;

#[derive(Clone)]
pub struct Installed {
    /// Starts the helpers.
    pub launcher: String,
    /// What this process loads.
    pub library: String,
    /// The PATH by which both were found.
    pub path: OsString,
}

pub fn installed() -> Result<Installed, Error> {
    once(&process().installed, find)
}

fn find() -> Result<Installed, Error> {
    let path = env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
    let program = which(&path).ok_or_else(|| {
        Error::launcher("there is no minderbinder on PATH".into()).with_hint(
            "install its npm package for all users: npm install --global minderbinder-*.tgz, the file that npm pack makes",
        )
    })?;
    let said = ask(&program)?;
    let version = said.number("version").unwrap_or_default();
    if version != VERSION {
        let why = format!("its parts have version {version}, and not {VERSION}");
        return Err(other_version(&program, &why));
    }
    Ok(Installed {
        launcher: said.text("launcher").unwrap_or_default(),
        library: said.text("library").unwrap_or_default(),
        path,
    })
}

fn which(path: &OsString) -> Option<PathBuf> {
    let is_program = |candidate: &PathBuf| {
        candidate.metadata().map_or(false, |file| {
            file.is_file() && file.permissions().mode() & 0o111 != 0
        })
    };
    env::split_paths(path)
        .map(|folder| folder.join("minderbinder"))
        .find(is_program)
}

fn ask(program: &Path) -> Result<Value, Error> {
    let shown = program.display();
    let done = Command::new(program)
        .arg("own-filter")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Error::launcher(format!("cannot start {shown}: {error}")))?;
    if done.status.code() == Some(USAGE) {
        return Err(other_version(
            program,
            "it has no filter for the tests' own process",
        ));
    }
    if !done.status.success() {
        let notices = String::from_utf8_lossy(&done.stderr);
        let why = match notices.trim() {
            "" => format!("it ends with {}", done.status),
            notices => notices.into(),
        };
        return Err(Error::launcher(format!("{shown} own-filter fails: {why}")));
    }
    match json::parse(&String::from_utf8_lossy(&done.stdout)) {
        Some(said @ Value::Object(_)) => Ok(said),
        _ => Err(Error::launcher(format!(
            "{shown} is not minderbinder, or is broken: what it prints is not a JSON object"
        ))),
    }
}

fn other_version(program: &Path, why: &str) -> Error {
    let shown = program.display();
    Error::launcher(format!(
        "{shown} is of another version than this client: {why}"
    ))
    .with_hint("install both from the same package: the client is its folder clients/rust")
}
