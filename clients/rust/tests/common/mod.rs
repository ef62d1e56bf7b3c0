// SPDX-License-Identifier: MIT
//! What several of these programs do to see faults: `true` is always that the call succeeds.
#![allow(dead_code)] // none of them needs all of it
use std::env;
use std::fs::{self, File};
use std::os::raw::c_int;
use std::process::{id, Command};

pub const FILE: &str = "/etc/hostname";
pub const OTHER: &str = "/etc/passwd";
pub const FAULT: &str = "openat=EIO,path=/etc/hostname";
/// Children of these programs fault the one file, and the programs the other.
pub const OTHER_FAULT: &str = "openat=EACCES,path=/etc/passwd";

extern "C" {
    fn fork() -> c_int;
    fn waitpid(pid: c_int, status: *mut c_int, options: c_int) -> c_int;
    fn _exit(status: c_int) -> !;
    fn kill(pid: c_int, signal: c_int) -> c_int;
}

pub const SIGKILL: c_int = 9;

pub fn opens(path: &str) -> bool {
    File::open(path).is_ok()
}

/// The errno.
pub fn fails(path: &str) -> Option<i32> {
    File::open(path).err()?.raw_os_error()
}

pub fn thread_opens(path: &str) -> bool {
    let path = path.to_string();
    std::thread::spawn(move || opens(&path)).join().unwrap()
}

/// What `block` returns in a forked child; 101: it panics.
pub fn in_fork(block: impl FnOnce() -> u8) -> u8 {
    Fork::of(block).end()
}

pub fn fork_opens(path: &str) -> bool {
    in_fork(|| opens(path).into()) == 1
}

pub struct Fork(c_int);

impl Fork {
    pub fn of(block: impl FnOnce() -> u8) -> Fork {
        // SAFETY: the child has this thread alone, and allocates memory, which glibc and musl allow.
        let pid = unsafe { fork() };
        assert!(pid >= 0);
        if pid == 0 {
            let status = std::panic::catch_unwind(std::panic::AssertUnwindSafe(block));
            // SAFETY: it does not return.
            unsafe { _exit(status.map_or(101, c_int::from)) };
        }
        Fork(pid)
    }

    /// Its exit status.
    pub fn end(self) -> u8 {
        let mut status = 0;
        // SAFETY: `status` outlives the call.
        let ended = unsafe { waitpid(self.0, &mut status, 0) };
        assert_eq!((ended, status & 0x7f), (self.0, 0));
        (status >> 8) as u8
    }
}

pub fn cat_opens(path: &str) -> bool {
    Command::new("cat")
        .arg(path)
        .output()
        .unwrap()
        .status
        .success()
}

/// This thread, another one, a forked child and a program.
pub fn everyone_opens() -> [bool; 4] {
    [
        opens(FILE),
        thread_opens(FILE),
        fork_opens(FILE),
        cat_opens(FILE),
    ]
}

pub fn send_signal(pid: u32, signal: c_int) {
    // SAFETY: kill(2) touches no memory.
    assert_eq!(unsafe { kill(pid as c_int, signal) }, 0);
}

/// What the test that runs this part gives it.
pub fn argument(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

/// This program, for another part of it.
pub fn part(name: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", name]);
    command
}

pub fn text_of(path: &str) -> String {
    fs::read(path).map_or_else(
        |_| String::new(),
        |bytes| String::from_utf8_lossy(&bytes).into(),
    )
}

/// A field of /proc/PID/status or fdinfo.
pub fn field(path: &str, name: &str) -> Option<String> {
    let text = text_of(path);
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(value.trim().into())
}

pub fn entries(folder: &str) -> Vec<String> {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into())
        .collect()
}

fn processes() -> impl Iterator<Item = u32> {
    entries("/proc")
        .into_iter()
        .filter_map(|name| name.parse().ok())
}

/// The supervisor of this process, which has its pidfd, and its node.
pub fn helpers() -> [u32; 2] {
    let own = Some(id().to_string());
    let is_ours = |pid: &u32| {
        let folder = format!("/proc/{pid}/fdinfo");
        entries(&folder)
            .iter()
            .any(|number| field(&format!("{folder}/{number}"), "Pid") == own)
    };
    let supervisor = processes()
        .filter(|pid| text_of(&format!("/proc/{pid}/comm")) == "mb-supervisor\n")
        .find(is_ours)
        .expect("a supervisor");
    let node = field(&format!("/proc/{supervisor}/status"), "PPid").unwrap();
    [supervisor, node.parse().unwrap()]
}

/// The `minderbinder serve --stdio` that this process has started and that still run.
pub fn serves() -> Vec<u32> {
    let own = Some(id().to_string());
    processes()
        .filter(|pid| {
            let status = format!("/proc/{pid}/status");
            field(&status, "PPid") == own
                && !field(&status, "State").unwrap_or_default().starts_with('Z')
                && text_of(&format!("/proc/{pid}/cmdline")).contains("--stdio")
        })
        .collect()
}
