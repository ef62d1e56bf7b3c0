// SPDX-License-Identifier: MIT
//! What test/cli/rust-own-filter.test.ts runs, part by part and without minderbinder in front: each needs a process of its own.
mod common;

use common::*;
use minderbinder::{available, failures, failures_within, unavailable, Error, Other, Scope, Way};
use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Write};
use std::os::raw::{c_int, c_long};
use std::path::Path;
use std::process::{exit, id};
use std::sync::mpsc::channel;
use std::sync::{atomic::AtomicUsize, atomic::Ordering, Barrier};
use std::thread;

const EIO: Option<i32> = Some(5);

/// The error in place of the guard.
fn refused(fault: &str, scope: Scope, reach: &str) -> Error {
    failures_within(reach, fault, scope).map(drop).unwrap_err()
}

#[test]
#[ignore = "a part of its own"]
fn covers() {
    assert_eq!(unavailable(), None);
    let (tell, told) = channel::<()>();
    let started_before = thread::spawn(move || {
        told.recv().unwrap();
        fails(FILE)
    });
    {
        let faults = failures(FAULT, Scope::Tree).unwrap();
        tell.send(()).unwrap();
        assert_eq!(started_before.join().unwrap(), EIO);
        assert_eq!(everyone_opens(), [false; 4]);
        assert!(opens(OTHER));
        assert_eq!(faults.counts().unwrap()[0].fired, 5);
    }
    assert_eq!(everyone_opens(), [true; 4]);
    assert_eq!(unavailable(), None);
}

#[test]
#[ignore = "a part of its own"]
fn ways() {
    let found = available();
    let ways: Vec<Way> = found.others.iter().map(|other| other.way).collect();
    assert_eq!(found.way, Some(Way::OwnFilter), "{found:?}");
    assert_eq!(ways, [Way::Control, Way::Serve]);
    assert!(
        found.others[0]
            .why
            .contains("MINDERBINDER_CONTROL is not set"),
        "{found:?}"
    );
    assert!(
        found.others[1]
            .why
            .contains("minderbinder serve needs root"),
        "{found:?}"
    );
    drop(failures(FAULT, Scope::Thread).unwrap().may_miss());
    assert_eq!(available(), found);
}

#[test]
#[ignore = "a part of its own"]
fn scopes() {
    for (scope, expected) in [
        (Scope::Tree, [false, false, false, false]),
        (Scope::Process, [false, false, true, true]),
        (Scope::Children, [true, true, false, false]),
        (Scope::Thread, [false, true, true, true]),
    ] {
        let faults = failures(FAULT, scope).unwrap();
        assert_eq!(everyone_opens(), expected, "{scope:?}");
        drop(faults);
        assert_eq!(everyone_opens(), [true; 4]);
    }
}

/// The supervisor or its node is killed in a block: the block fails, and all calls go on.
#[test]
#[ignore = "a part of its own"]
fn killed() {
    let delay = format!("openat=delay:100s,path={OTHER}");
    let faults = failures([FAULT, &delay], Scope::Tree).unwrap();
    assert_eq!(fails(FILE), EIO);
    // It waits for an answer of the one that dies.
    let delayed = thread::spawn(|| opens(OTHER));
    while faults.counts().unwrap()[1].fired == 0 {}
    let (go_on, told) = (pipe(), pipe());
    let child = Fork::of(|| {
        (&go_on.0).read_exact(&mut [0]).unwrap();
        let opened = u8::from(opens(FILE)) + u8::from(cat_opens(FILE));
        (&told.1).write_all(&[opened]).unwrap();
        0
    });
    let victim = usize::from(argument("VICTIM") == "node");
    send_signal(helpers()[victim], SIGKILL);
    assert!(delayed.join().unwrap());
    assert!((0..1000).all(|_| opens("/dev/null")));
    let error = faults.end().unwrap_err();
    assert_eq!(error.code, "MB_CONTROL");
    assert!(
        error.hint.as_ref().unwrap().contains("was killed"),
        "{error}"
    );
    assert_eq!(everyone_opens(), [true; 4]);
    (&go_on.1).write_all(b"x").unwrap();
    let mut opened = [0];
    (&told.0).read_exact(&mut opened).unwrap();
    assert_eq!((opened, child.end()), ([2], 0));
    assert_eq!(refused(FAULT, Scope::Tree, "").code, "MB_CONTROL");
    // One of its threads has yet to notice.
    let is_lost = |other: Other| {
        other.way == Way::OwnFilter
            && other
                .why
                .contains("was killed: its calls go on, without faults")
    };
    while !available().others.into_iter().any(is_lost) {}
}

/// For both ends of the other processes, which are not there when the first one is opened.
fn pipe() -> (File, File) {
    extern "C" {
        fn pipe(ends: *mut c_int) -> c_int;
    }
    use std::os::unix::io::FromRawFd;
    let mut ends = [0; 2];
    // SAFETY: there is room for two descriptors, which nothing else owns.
    unsafe {
        assert_eq!(pipe(ends.as_mut_ptr()), 0);
        (File::from_raw_fd(ends[0]), File::from_raw_fd(ends[1]))
    }
}

#[test]
#[ignore = "a part of its own"]
fn reach() {
    assert_eq!(
        refused(FAULT, Scope::Thread, "opena").code,
        "MB_UNKNOWN_NAME"
    );
    drop(
        failures_within("openat", FAULT, Scope::Thread)
            .unwrap()
            .may_miss(),
    );
    let error = refused("connect=EIO", Scope::Thread, "connect");
    assert_eq!(error.code, "MB_NO_ENGINE");
    assert!(
        error.message.contains("connect is beyond the reach"),
        "{error}"
    );
    assert!(
        error
            .hint
            .as_ref()
            .unwrap()
            .contains("the option reach, with connect in it"),
        "{error}"
    );
    let error = refused("--drop-net 100%", Scope::Tree, "");
    assert_eq!(error.code, "MB_NO_ENGINE");
    assert!(error.message.contains("not packets"), "{error}");
    let faults = failures(FAULT, Scope::Thread).unwrap();
    assert_eq!((fails(FILE), faults.end().unwrap()[0].fired), (EIO, 1));
}

/// Many blocks one after the other leave no descriptor, and no thread.
#[test]
#[ignore = "a part of its own"]
fn many() {
    let measure = || ["fd", "task"].map(|folder| entries(&format!("/proc/self/{folder}")).len());
    let block = || {
        let _faults = failures(FAULT, Scope::Thread).unwrap();
        assert_eq!(fails(FILE), EIO);
    };
    block();
    let before = measure();
    (0..1000).for_each(|_| block());
    assert_eq!(measure(), before);
}

/// Threads that begin at the same moment share one filter, and each has its own faults.
#[test]
#[ignore = "a part of its own"]
fn threads() {
    const COUNT: usize = 8;
    let gate = Barrier::new(COUNT);
    let block = || {
        gate.wait();
        let faults = failures(FAULT, Scope::Thread).unwrap();
        let found = fails(FILE);
        (found, faults.end().unwrap()[0].fired)
    };
    thread::scope(|scope| {
        let started: Vec<_> = (0..COUNT).map(|_| scope.spawn(block)).collect();
        for thread in started {
            assert_eq!(thread.join().unwrap(), (EIO, 1));
        }
    });
    assert!(opens(FILE));
}

/// Tests that cargo's harness runs at the same time, each in a thread of its own, with the faults of both in force.
static BESIDE: AtomicUsize = AtomicUsize::new(0);

fn beside(mine: &str, others: &str) {
    let meet = |count| {
        BESIDE.fetch_add(1, Ordering::SeqCst);
        while BESIDE.load(Ordering::SeqCst) < count {
            thread::yield_now();
        }
    };
    meet(2);
    let faults = failures(&format!("openat=EIO,path={mine}"), Scope::Thread).unwrap();
    meet(4);
    assert_eq!((fails(mine), fails(others)), (EIO, None));
    meet(6);
    assert_eq!(faults.end().unwrap()[0].fired, 1);
    assert!(opens(mine));
}

#[test]
#[ignore = "a part of its own"]
fn beside_one() {
    beside(FILE, OTHER);
}

#[test]
#[ignore = "a part of its own"]
fn beside_another() {
    beside(OTHER, FILE);
}

/// Processes that wait for each other, with the faults of both in force: each is hit by its own only.
#[test]
#[ignore = "a part of its own"]
fn neighbours() {
    let (mine, others, folder) = (argument("MINE"), argument("OTHERS"), argument("FOLDER"));
    let meet = |what| {
        File::create(format!("{folder}/{what}-{mine}")).unwrap();
        while !Path::new(&format!("{folder}/{what}-{others}")).exists() {
            thread::yield_now();
        }
    };
    let faults = failures(&format!("openat=EIO,path=/etc/{mine}"), Scope::Tree).unwrap();
    meet("in-force");
    let found = (
        fails(&format!("/etc/{mine}")),
        fails(&format!("/etc/{others}")),
    );
    assert_eq!(found, (EIO, None));
    meet("looked");
    assert_eq!(faults.end().unwrap()[0].fired, 1);
}

/// A signal handler without SA_RESTART interrupts calls that no fault hits: the standard library repeats them.
#[test]
#[ignore = "a part of its own"]
fn signals() {
    const SIGALRM: c_int = 14;
    const ITIMER_REAL: c_int = 0;
    extern "C" {
        fn signal(number: c_int, handler: extern "C" fn(c_int)) -> usize;
        fn siginterrupt(number: c_int, flag: c_int) -> c_int;
        fn setitimer(which: c_int, new: *const [c_long; 4], old: *mut [c_long; 4]) -> c_int;
    }
    static CAUGHT: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn count(_: c_int) {
        CAUGHT.fetch_add(1, Ordering::Relaxed);
    }
    let every = |microseconds| {
        let timer = [0, microseconds, 0, microseconds];
        // SAFETY: struct itimerval has these four fields, and what was set before is not asked for.
        assert_eq!(
            unsafe { setitimer(ITIMER_REAL, &timer, std::ptr::null_mut()) },
            0
        );
    };
    let faults = failures_within("openat", FAULT, Scope::Tree).unwrap();
    // SAFETY: the handler changes an atomic number only.
    unsafe {
        signal(SIGALRM, count);
        assert_eq!(siginterrupt(SIGALRM, 1), 0);
    }
    every(1000);
    let mut found = HashSet::new();
    while CAUGHT.load(Ordering::Relaxed) < 200 {
        found.insert(fails(OTHER));
    }
    every(0);
    assert_eq!(found, HashSet::from([None]));
    assert_eq!((fails(FILE), faults.end().unwrap()[0].fired), (EIO, 1));
}

/// The process ends in a block.
#[test]
#[ignore = "a part of its own"]
fn leaves() {
    let _faults = failures(FAULT, Scope::Tree).unwrap();
    let [supervisor, node] = helpers();
    println!("helpers: {supervisor} {node}");
    if argument("HOW") == "exit" {
        exit(3);
    }
    send_signal(id(), SIGKILL);
}

/// Where there is no way: the error, and what available() says.
#[test]
#[ignore = "a part of its own"]
fn why() {
    let error = refused(FAULT, Scope::Tree, "");
    let found = available();
    let last = found.others.last().unwrap();
    assert_eq!((found.way, last.way), (None, Way::OwnFilter));
    assert_eq!(last.why, error.to_string());
    let whys: Vec<&str> = found
        .others
        .iter()
        .map(|other| other.why.as_str())
        .collect();
    assert_eq!(unavailable().unwrap(), whys.join("; "));
    println!("why: {error}");
}
