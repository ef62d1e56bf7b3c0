// SPDX-License-Identifier: MIT
//! What test/cli/rust-own-filter.test.ts runs, part by part and without minderbinder in front: processes with faults of their
//! own whose parent has a filter, too.
mod common;

use common::*;
use minderbinder::{available, failures, unavailable, Scope};
use std::io::{stdin, Read, Write};
use std::process::{id, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

const EIO: Option<i32> = Some(5);
const EACCES: Option<i32> = Some(13);

/// A forked child is hit, has guards of its own, and cannot lift its parent's.
#[test]
#[ignore = "a part of its own"]
fn forks() {
    let faults = failures(FAULT, Scope::Tree).unwrap();
    let mut inherited = Some(faults);
    let status = in_fork(|| {
        assert_eq!(fails(FILE), EIO);
        {
            let _own = failures(OTHER_FAULT, Scope::Process).unwrap();
            assert_eq!((fails(FILE), fails(OTHER)), (EIO, EACCES));
            assert!(fork_opens(OTHER));
        }
        assert!(opens(OTHER));
        let error = inherited.as_ref().unwrap().counts().unwrap_err();
        assert_eq!(error.code, "MB_CONTROL");
        assert!(error.message.contains("forked from"), "{error}");
        drop(inherited.take());
        assert_eq!(fails(FILE), EIO);
        7
    });
    assert_eq!((status, fails(FILE)), (7, EIO));
    assert_eq!(inherited.take().unwrap().end().unwrap()[0].fired, 4);
    assert_eq!(everyone_opens(), [true; 4]);
}

/// A child that is forked while another thread starts the helper has faults of its own, whichever was first.
#[test]
#[ignore = "a part of its own"]
fn forks_meanwhile() {
    assert_eq!(unavailable(), None);
    let (tell, told) = channel();
    let first = thread::spawn(move || {
        tell.send(()).unwrap();
        let _faults = failures(FAULT, Scope::Thread).unwrap();
        fails(FILE)
    });
    told.recv().unwrap();
    thread::sleep(Duration::from_millis(argument("AFTER").parse().unwrap())); // any moment of the start will do
    let status = in_fork(|| match failures(OTHER_FAULT, Scope::Process) {
        Ok(_own) => (fails(OTHER) == EACCES).into(),
        // The filter came with the fork, and its helper was not ready.
        Err(error) => 2 * u8::from(error.code == "MB_SECCOMP"),
    });
    assert!([1, 2].contains(&status), "{status}");
    assert_eq!((first.join().unwrap(), opens(OTHER)), (EIO, true));
}

/// A program that the test starts has the test's faults, and with faults of its own it gets an error with the filter's owner.
#[test]
#[ignore = "a part of its own"]
fn execs() {
    let mut before = part("reason")
        .env("WAITS", "yes")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    {
        let _faults = failures(FAULT, Scope::Tree).unwrap();
        let child = part("reason").output().unwrap();
        let said = String::from_utf8(child.stdout).unwrap();
        let owner = format!("it is that of process {}, a test", id());
        assert!(child.status.success() && said.contains(&owner), "{said}");
        assert_eq!(fails(FILE), EIO);
        // It was there before the filter, and is hit by its own faults only.
        before.stdin.take().unwrap().write_all(b"\n").unwrap();
        let told = before.wait_with_output().unwrap();
        let said = String::from_utf8(told.stdout).unwrap();
        assert!(
            told.status.success() && said.contains("reason: none"),
            "{said}"
        );
    }
    assert_eq!(everyone_opens(), [true; 4]);
}

#[test]
#[ignore = "a part of its own"]
fn reason() {
    if argument("WAITS") == "yes" {
        assert_eq!(stdin().read(&mut [0]).unwrap(), 1);
        assert!(opens(FILE));
    }
    match failures(FAULT, Scope::Tree) {
        Ok(_faults) => {
            assert_eq!(fails(FILE), EIO);
            println!("reason: none");
        }
        Err(error) => {
            assert_eq!(error.code, "MB_SECCOMP");
            assert_eq!(available().others.pop().unwrap().why, error.to_string());
            println!("reason: {error}");
        }
    }
}
