// SPDX-License-Identifier: MIT
//! Whose seccomp listener this process has, if it is not its own: as far as /proc shows it.
use std::fs;
use std::os::unix::process::parent_id;
use std::path::Path;

/// For the end of a sentence.
pub fn filter_owner(own_library: &str) -> String {
    let own = fs::canonicalize(own_library).unwrap_or_else(|_| own_library.into());
    let libraries = libraries_of("self");
    if let Some(other) = libraries.iter().find(|path| Path::new(path) != own) {
        return format!("another copy of minderbinder in this process has installed it, {other}");
    }
    let mut pid = parent_id();
    while pid > 1 {
        if !libraries_of(pid).is_empty() {
            return format!("it is that of process {pid}, a test that this one descends from and that has faults of its own");
        }
        if is_launcher(pid) {
            return "minderbinder exec runs it, with faults and without --control".into();
        }
        pid = parent_of(pid);
    }
    "a container or another tool has installed it".into()
}

fn libraries_of(pid: impl std::fmt::Display) -> Vec<String> {
    text_of(&format!("/proc/{pid}/maps"))
        .lines()
        .filter_map(|line| line.find('/').map(|start| &line[start..]))
        .filter(|path| {
            path.strip_suffix(".so")
                .map_or(false, |path| is_part(path, "own-filter"))
        })
        .map(Into::into)
        .collect()
}

fn is_launcher(pid: u32) -> bool {
    // Another user's has no link that we can read.
    fs::read_link(format!("/proc/{pid}/exe"))
        .map_or(false, |path| is_part(&path.to_string_lossy(), "launcher"))
}

/// In the npm package, the names of parts end with a dash and the architecture.
fn is_part(path: &str, name: &str) -> bool {
    match path
        .rsplit('/')
        .next()
        .and_then(|last| last.strip_prefix(name))
    {
        Some(rest) => rest.is_empty() || rest.starts_with('-'),
        None => false,
    }
}

fn parent_of(pid: u32) -> u32 {
    text_of(&format!("/proc/{pid}/status"))
        .lines()
        .find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok())
        .unwrap_or_default()
}

/// Nothing, if it is another user's, or gone.
fn text_of(path: &str) -> String {
    fs::read(path).map_or_else(
        |_| String::new(),
        |bytes| String::from_utf8_lossy(&bytes).into_owned(),
    )
}
