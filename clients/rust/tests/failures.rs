// SPDX-License-Identifier: MIT
//! With minderbinder exec --control in front, or with nothing.
use minderbinder::{available, failures, unavailable, Failures, Scope, Way};
use std::env::var_os;
use std::fs::File;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::process::Command;
use std::sync::{Barrier, Mutex, MutexGuard};
use std::thread;

const FILE: &str = "/etc/hostname";
const FAULT: &str = "openat=EIO,path=/etc/hostname";

/// Some tests put faults into the whole process: those that open files take turns.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn opens(path: &str) -> bool {
    File::open(path).is_ok()
}

fn thread_opens() -> bool {
    thread::spawn(|| opens(FILE)).join().unwrap()
}

fn child_opens() -> bool {
    Command::new("cat")
        .arg(FILE)
        .output()
        .unwrap()
        .status
        .success()
}

fn all_open() -> [bool; 3] {
    [opens(FILE), thread_opens(), child_opens()]
}

fn panic_of(block: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(block)).unwrap_err();
    match panic.downcast_ref::<String>() {
        Some(text) => text.clone(),
        None => panic.downcast_ref::<&str>().unwrap().to_string(),
    }
}

#[test]
fn a_guard_puts_faults_in_force_and_lifts_them() {
    let _turn = turn();
    {
        let faults = failures(
            [FAULT, "openat=EACCES,path=/etc/passwd,name=second"],
            Scope::Thread,
        )
        .unwrap();
        assert_eq!((opens(FILE), opens("/etc/passwd")), (false, false));
        let counts = faults.counts().unwrap();
        assert_eq!(
            (counts[0].fired, counts[1].label.as_str(), counts[1].fired),
            (1, "second", 1)
        );
        assert!(faults.seed().parse::<u64>().is_ok());
    }
    assert_eq!(all_open(), [true; 3]);
}

#[test]
fn scopes() {
    let _turn = turn();
    for (scope, expected) in [
        (Scope::Thread, [false, true, true]),
        (Scope::Tree, [false, false, false]),
        (Scope::Process, [false, false, true]),
        (Scope::Children, [true, true, false]),
    ] {
        let faults = failures(FAULT, scope).unwrap();
        assert_eq!(all_open(), expected, "{scope:?}");
        let hits = expected.iter().filter(|opened| !**opened).count();
        assert_eq!(faults.end().unwrap()[0].fired, hits as u64);
        assert_eq!(all_open(), [true; 3]);
    }
}

#[test]
fn threads_do_not_hit_each_other() {
    let _turn = turn();
    let meeting = Barrier::new(2);
    let test = |mine: &str, others: &str| {
        let _faults = failures(&format!("openat=EIO,path={mine}"), Scope::Thread).unwrap();
        meeting.wait();
        assert_eq!((opens(mine), opens(others)), (false, true));
        meeting.wait();
    };
    thread::scope(|threads| {
        threads.spawn(|| test(FILE, "/etc/passwd"));
        test("/etc/passwd", FILE);
    });
}

#[test]
fn a_fault_that_never_fired_is_a_panic() {
    let _turn = turn();
    let near: &str = "openat=EIO,path=/etc/hostnamex";
    let inject = || failures(near, Scope::Thread).unwrap();
    let said = panic_of(|| {
        let _faults = inject();
        opens(FILE);
    });
    assert!(
        said.contains("hostnamex never fired: 1 call, none with"),
        "{said}"
    );
    assert!(
        said.contains("(may_miss() allows it) [MB_NEVER_FIRED]"),
        "{said}"
    );
    let missed = inject();
    assert_eq!(missed.end().unwrap_err().code, "MB_NEVER_FIRED");
    drop(inject().may_miss());
    assert_eq!(inject().may_miss().end().unwrap()[0].fired, 0);
}

#[test]
fn a_panic_lifts_them_and_is_the_one_that_is_seen() {
    let _turn = turn();
    let said = panic_of(|| {
        let _faults = failures(&[FAULT, "openat=EIO,path=/nowhere"][..], Scope::Thread).unwrap();
        assert!(!opens(FILE));
        panic!("its own");
    });
    assert_eq!((said.as_str(), opens(FILE)), ("its own", true));
}

#[test]
fn a_fault_that_is_wrong_is_an_error() {
    for (fault, code) in [
        ("opena=EIO", "MB_UNKNOWN_NAME"),
        ("futex=EIO", "MB_NO_ENGINE"),
        ("--refuse-net 5%,interface=lo", "MB_NO_ENGINE"),
    ] {
        assert_eq!(failures(fault, Scope::Thread).err().unwrap().code, code);
    }
}

#[test]
fn guards_may_overlap_whatever_they_fault() {
    let _turn = turn();
    let outer: Failures = failures(["%net=EIO", "write=EIO", "read=EIO"], Scope::Thread)
        .unwrap()
        .may_miss();
    let inner = failures(FAULT, Scope::Thread).unwrap();
    assert!(!opens(FILE));
    drop(outer);
    assert!(!opens(FILE));
    drop(inner);
    assert!(opens(FILE));
}

#[test]
fn a_guard_that_another_thread_drops_is_lifted() {
    let _turn = turn();
    let faults = failures(FAULT, Scope::Thread).unwrap();
    assert!(!opens(FILE));
    thread::spawn(move || drop(faults)).join().unwrap();
    assert!(opens(FILE));
}

#[test]
fn it_is_available() {
    assert_eq!(unavailable(), None);
    let has_socket = var_os("MINDERBINDER_CONTROL").is_some();
    assert_eq!(available().way == Some(Way::Control), has_socket);
}
