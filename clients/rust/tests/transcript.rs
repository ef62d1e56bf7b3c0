// SPDX-License-Identifier: MIT
//! The conversations of clients/transcript.jsonl, in their order. Another process plays the server: no call fails.
use minderbinder::{failures, Scope};

const FAULT: &str = "openat=EIO,path=/etc/hostname";

#[test]
#[ignore = "needs a server that has the transcript"]
fn transcript() {
    one_fault();
    two_blocks_at_once();
    drop(failures(FAULT, Scope::Thread).unwrap());
    for (fault, code, message, hint) in [
        (
            "openat=EIO,path=/etc/hostnamex",
            "MB_NEVER_FIRED",
            "none with path=/etc/hostnamex; the nearest path was: /etc/hostname (seed 11)",
            "may_miss",
        ),
        (
            "open=EIO",
            "MB_NEVER_FIRED",
            "open=EIO never fired: open was never called",
            "openat",
        ),
        (
            "opena=EIO",
            "MB_UNKNOWN_NAME",
            "unknown system call 'opena'",
            "open?",
        ),
        (
            "futex=EIO",
            "MB_NO_ENGINE",
            "futex is beyond the reach",
            "--control=futex",
        ),
        (
            "openat=EIO,path=/nowhere",
            "MB_CONTROL",
            "minderbinder has closed the connection",
            "killed",
        ),
    ] {
        let error = failures(fault, Scope::Tree)
            .and_then(|faults| faults.end())
            .unwrap_err();
        assert_eq!(error.code, code);
        assert!(error.message.contains(message), "{error}");
        assert!(error.hint.as_ref().unwrap().contains(hint), "{error}");
    }
}

fn one_fault() {
    let faults = failures(FAULT, Scope::Tree).unwrap();
    assert_eq!(faults.seed(), "11");
    let counts = faults.counts().unwrap();
    assert_eq!(
        (counts[0].seen, counts[0].matched, counts[0].fired),
        (2, 1, 1)
    );
    let counts = faults.end().unwrap();
    assert_eq!(
        (
            counts[0].label.as_str(),
            counts[0].seen,
            counts[0].matched,
            counts[0].fired
        ),
        (FAULT, 3, 2, 2)
    );
}

fn two_blocks_at_once() {
    let both = [
        "openat=EIO,path=/etc/hostname,name=one",
        "openat=EACCES,path=/etc/passwd,name=two",
    ];
    let first = failures(both, Scope::Process).unwrap();
    let second = failures("openat=EMFILE,path=/etc/group", Scope::Tree).unwrap();
    let labels: Vec<String> = first
        .end()
        .unwrap()
        .into_iter()
        .map(|fault| fault.label)
        .collect();
    assert_eq!(labels, ["one", "two"]);
    assert_eq!(second.end().unwrap()[0].fired, 2);
}
