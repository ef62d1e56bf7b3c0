// SPDX-License-Identifier: MIT
//! What test/system/rust-own-serve.test.ts runs as root, part by part and without minderbinder in front.
mod common;

use common::*;
use minderbinder::{available, failures, failures_within, unavailable, Counts, Scope, Way};
use std::io::{stdin, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::process::{exit, Stdio};
use std::sync::Barrier;
use std::thread;

const DROP: &str = "--drop-net 100%,to=127.0.0.9";
const EIO: Option<i32> = Some(5);

/// Whether a packet to that address arrives: what is sent after it has come, so it has come, too, or is lost.
fn sends_to(address: &str) -> bool {
    let receiver = UdpSocket::bind("0.0.0.0:0").unwrap();
    let port = receiver.local_addr().unwrap().port();
    let sender = UdpSocket::bind("0.0.0.0:0").unwrap();
    sender.send_to(b"packet", (address, port)).unwrap();
    sender.send_to(b"mark", ("127.0.0.1", port)).unwrap();
    let mut received = [0; 8];
    let size = receiver.recv(&mut received).unwrap();
    &received[..size] == b"packet"
}

fn sends() -> bool {
    sends_to("127.0.0.9")
}

/// The same of a process that is started for it.
fn child_sends() -> bool {
    let done = part("sending").output().unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{said}");
    said.contains("arrives: true")
}

fn is_refused() -> bool {
    let connected = TcpStream::connect("127.0.0.9:1");
    connected.map(drop).unwrap_err().kind() == ErrorKind::ConnectionRefused
}

fn filters_of(pid: &str) -> u32 {
    let filters = field(&format!("/proc/{pid}/status"), "Seccomp_filters");
    filters.unwrap().parse().unwrap()
}

fn fired(counts: &[Counts]) -> Vec<(&str, u64)> {
    counts
        .iter()
        .map(|fault| (fault.label.as_str(), fault.fired))
        .collect()
}

#[test]
#[ignore = "a part of its own"]
fn sending() {
    println!("arrives: {}", sends());
}

/// Packets are lost in the block, of this process and what it starts; not after it, and not those of its parent.
#[test]
#[ignore = "a part of its own"]
fn network() {
    let mut below = part("network_below")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(below.stdout.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().contains("in force")));
    let arrived = [sends(), child_sends()];
    below.stdin.take().unwrap().write_all(b"\n").unwrap();
    for line in said {
        println!("{}", line.unwrap());
    }
    assert!(below.wait().unwrap().success());
    assert_eq!((arrived, serves().len()), ([true, true], 0));
}

#[test]
#[ignore = "a part of its own"]
fn network_below() {
    let filters = filters_of("self");
    assert_eq!(unavailable(), None);
    let found = available();
    let ways: Vec<Way> = found.others.iter().map(|other| other.way).collect();
    assert_eq!(
        (found.way, ways),
        (Some(Way::Serve), vec![Way::Control, Way::OwnFilter])
    );
    assert_eq!((sends(), child_sends(), serves().len()), (true, true, 0));
    let seed = {
        let faults = failures(DROP, Scope::Tree).unwrap();
        let lost = (sends(), child_sends(), sends_to("127.0.0.8"));
        assert_eq!(lost, (false, false, true));
        println!("in force");
        assert_eq!(stdin().read(&mut [0]).unwrap(), 1);
        assert_eq!(faults.counts().unwrap()[0].fired, 2);
        faults.seed().to_string()
    };
    assert_eq!((sends(), child_sends()), (true, true));
    let serve = serves();
    assert_eq!((serve.len(), filters_of("self")), (1, filters));
    // The next block has the same one, and the same seed.
    let faults = failures("--refuse-net 100%", Scope::Tree).unwrap();
    assert!(is_refused());
    assert_eq!((serves(), faults.seed()), (serve, seed.as_str()));
}

/// Both kinds in one block, in any order: the counts are in that order, and one that never fired is named.
#[test]
#[ignore = "a part of its own"]
fn both() {
    let packets = format!("{DROP},name=packets");
    let calls = format!("{FAULT},name=calls");
    let second = format!("{DROP},name=second");
    for (faults, expected) in [
        (vec![&calls, &packets], vec![("calls", 1), ("packets", 1)]),
        (vec![&packets, &calls], vec![("packets", 1), ("calls", 1)]),
        (
            vec![&packets, &calls, &second],
            vec![("packets", 1), ("calls", 1), ("second", 0)],
        ),
    ] {
        let block = failures(&faults[..], Scope::Tree).unwrap().may_miss();
        assert_eq!((fails(FILE), sends()), (EIO, false));
        assert_eq!(fired(&block.counts().unwrap()), expected);
        assert_eq!(fired(&block.end().unwrap()), expected);
        assert!(opens(FILE) && sends());
    }
    for faults in [
        [FAULT, "--drop-net 100%,to=127.0.0.7,name=unhit"],
        [DROP, "openat=EIO,path=/nowhere,name=unhit"],
    ] {
        let block = failures(faults, Scope::Tree).unwrap();
        let _ = (fails(FILE), sends());
        let error = block.end().unwrap_err();
        assert_eq!(error.code, "MB_NEVER_FIRED");
        assert!(error.message.starts_with("unhit never fired: "), "{error}");
        assert!(!error.message.contains(';'), "{error}");
    }
}

/// If one cannot be injected, none is.
#[test]
#[ignore = "a part of its own"]
fn all_or_none() {
    let code = |faults, scope| failures(faults, scope).map(drop).unwrap_err().code;
    let filters = filters_of("self");
    assert_eq!(code([DROP, "opena=EIO"], Scope::Tree), "MB_UNKNOWN_NAME");
    assert_eq!(filters_of("self"), filters);
    let open = failures_within("openat", FAULT, Scope::Thread).unwrap();
    // No way to it: the filter has openat alone, and serve has no delays.
    assert_eq!(code([DROP, "mkdir=delay:1s"], Scope::Tree), "MB_NO_ENGINE");
    let error = failures([DROP, "openat=ENOSPC"], Scope::Thread)
        .map(drop)
        .unwrap_err();
    assert_eq!(error.code, "MB_NO_ENGINE");
    let (_, why) = error
        .message
        .split_once("serve cannot do it either: ")
        .unwrap();
    assert!(why.contains("sockets belong to a process"), "{error}");
    assert!(sends());
    assert_eq!((fails(FILE), open.end().unwrap()[0].fired), (EIO, 1));
    assert!(opens(FILE));
}

/// Calls and connections of a thread fail by the filter.
#[test]
#[ignore = "a part of its own"]
fn thread() {
    let faults = failures([FAULT, "--refuse-net 100%"], Scope::Thread).unwrap();
    assert_eq!((fails(FILE), is_refused()), (EIO, true));
    assert!(thread_opens(FILE));
    let counts = faults.end().unwrap();
    assert_eq!((counts[0].fired, counts[1].fired), (1, 1));
}

/// Whatever the filter faults, the connection to serve goes on, and serve itself is not hit.
#[test]
#[ignore = "a part of its own"]
fn channel() {
    {
        let own = [
            "write=EIO,name=w",
            "writev=EIO",
            "read=EIO,name=r",
            "%net=EIO",
        ];
        let _own = failures(own, Scope::Thread).unwrap().may_miss();
        let packets = failures(DROP, Scope::Tree).unwrap().may_miss();
        for _ in 0..20 {
            packets.counts().unwrap();
        }
    }
    let calls = failures("openat=EIO", Scope::Tree).unwrap();
    assert_eq!(fails(FILE), EIO);
    {
        let _refused = failures("--refuse-net 100%", Scope::Tree).unwrap();
        assert!(is_refused());
    }
    assert_eq!(calls.end().unwrap()[0].fired, 1);
    let parent = std::os::unix::process::parent_id().to_string();
    let filters = filters_of(&parent);
    // Of serve it is the one that its launcher installs (shield.c).
    let serve = serves()[0].to_string();
    assert_eq!(
        (filters_of(&serve), filters_of("self")),
        (filters + 1, filters + 1)
    );
}

/// serve is killed in a block.
#[test]
#[ignore = "a part of its own"]
fn killed() {
    let filter = argument("FILTER") == "yes";
    if filter {
        let _faults = failures(FAULT, Scope::Thread).unwrap();
        assert_eq!(fails(FILE), EIO);
    }
    let faults = failures(DROP, Scope::Tree).unwrap();
    assert!(!sends());
    let before = serves();
    send_signal(before[0], SIGKILL);
    while !serves().is_empty() || !sends() {}
    let error = faults.end().unwrap_err();
    assert_eq!(error.code, "MB_CONTROL");
    let hint = "serve, which this process had started, has ended or was killed";
    assert!(error.hint.as_ref().unwrap().contains(hint), "{error}");
    if !filter {
        let block = |before| {
            let _faults = failures(DROP, Scope::Tree).unwrap();
            assert!(!sends());
            assert!(serves().len() == 1 && serves() != before);
        };
        block(before);
        // The same between blocks, where no answer says that it is gone.
        let before = serves();
        send_signal(before[0], SIGKILL);
        while !serves().is_empty() {}
        block(before);
        return;
    }
    {
        let _faults = failures(FAULT, Scope::Tree).unwrap();
        assert_eq!(fails(FILE), EIO);
    }
    let error = failures(DROP, Scope::Tree).map(drop).unwrap_err();
    let why = "was killed, and cannot start any more: this process has installed a filter";
    assert_eq!(error.code, "MB_NO_ENGINE");
    assert!(error.message.contains(why), "{error}");
    let found = available();
    assert_eq!(found.way, Some(Way::OwnFilter));
    assert!(found.others[1].why.contains(why), "{found:?}");
}

/// Threads whose first faults come at the same moment share one serve, and a filter that is installed after its start.
#[test]
#[ignore = "a part of its own"]
fn threads() {
    const COUNT: usize = 6;
    let gate = Barrier::new(COUNT);
    let block = |number: usize| {
        gate.wait();
        if number % 2 == 0 {
            let _faults = failures(FAULT, Scope::Thread).unwrap();
            assert_eq!(fails(FILE), EIO);
        } else {
            let address = format!("127.0.0.{}", 10 + number);
            let fault = format!("--drop-net 100%,to={address}");
            let _faults = failures(&fault, Scope::Tree).unwrap();
            assert!(!sends_to(&address));
        }
    };
    thread::scope(|scope| {
        for number in 0..COUNT {
            let block = &block;
            scope.spawn(move || block(number));
        }
    });
    assert_eq!(serves().len(), 1);
    assert!(opens(FILE) && sends());
}

/// On a kernel with the engine override or hook, serve faults system calls, too.
#[test]
#[ignore = "a part of its own"]
fn calls() {
    let filters = filters_of("self");
    let block = |scope| {
        let faults = failures(FAULT, scope).unwrap();
        assert_eq!(fails(FILE), EIO);
        assert_eq!(faults.end().unwrap()[0].fired, 1);
        assert!(opens(FILE));
    };
    block(Scope::Tree);
    assert_eq!((filters_of("self"), serves().len()), (filters, 1));
    block(Scope::Thread);
    assert_eq!(filters_of("self"), filters + 1);
    let faults = failures([FAULT, DROP], Scope::Tree).unwrap();
    assert_eq!((fails(FILE), sends()), (EIO, false));
    drop(faults);
    assert!(opens(FILE) && sends());
}

/// Ends in a block.
#[test]
#[ignore = "a part of its own"]
fn exits() {
    let _faults = failures([DROP, FAULT], Scope::Tree).unwrap();
    println!("arrives: {}", sends());
    exit(3);
}
