// SPDX-License-Identifier: MIT
use crate::error::Error;
use crate::inject::{inject, Part};
use crate::json::{quoted, Value};
use crate::system::thread_id;
use std::thread;

/// What the faults hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The calling thread, and nothing that it starts. `cargo test` runs each test in a thread of its own.
    Thread,
    /// This process and all that descend from it.
    Tree,
    /// This process.
    Process,
    /// What descends from this process and starts from now on.
    Children,
}

/// One fault, or several: texts as `minderbinder exec --syscall` takes them.
pub trait Faults {
    fn texts(&self) -> Vec<&str>;
}

impl Faults for &str {
    fn texts(&self) -> Vec<&str> {
        vec![self]
    }
}

impl Faults for &String {
    fn texts(&self) -> Vec<&str> {
        vec![self]
    }
}

impl<T: AsRef<str>> Faults for &[T] {
    fn texts(&self) -> Vec<&str> {
        self.iter().map(AsRef::as_ref).collect()
    }
}

impl<T: AsRef<str>, const N: usize> Faults for [T; N] {
    fn texts(&self) -> Vec<&str> {
        self.iter().map(AsRef::as_ref).collect()
    }
}

/// What one fault has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    pub label: String,
    /// The fault as it was written.
    pub source: String,
    /// Calls that it names.
    pub seen: u64,
    /// Those of them to which its keys apply.
    pub matched: u64,
    /// Those of them that it made fail.
    pub fired: u64,
    /// The reason, if it never fired.
    pub why_not_fired: Option<String>,
    /// There if it never fired, and something is known that helps.
    pub hint: Option<String>,
}

/// Faults in force, for as long as this lives.
///
/// When it is dropped, it lifts them, also while a panic unwinds; then it says on standard error what they did, and under which
/// seed. A fault that never fired is a panic of its own, unless [`Failures::may_miss`] allows it. A process that was forked
/// while they were in force does not lift them.
#[must_use = "the faults are lifted when this is dropped: give it a name, as in `let _faults = ...`"]
pub struct Failures {
    parts: Vec<Part>,
    may_miss: bool,
    is_lifted: bool,
}

/// Puts faults in force: `let _faults = failures("openat=ENOSPC,path=*.db", Scope::Thread)?;`
///
/// # Errors
/// The faults are wrong, or cannot be injected from here: none of them is in force.
pub fn failures(faults: impl Faults, scope: Scope) -> Result<Failures, Error> {
    failures_within("", faults, scope)
}

/// As [`failures`], with the reach of the filter that this process gets without `minderbinder exec --control`: the system calls
/// that faults may name, as `--control=SET` has them (`"%file+connect"`). The first faults of the process decide it, for a
/// filter cannot grow. Default: all calls but those that wait.
///
/// # Errors
/// As those of [`failures`].
pub fn failures_within(reach: &str, faults: impl Faults, scope: Scope) -> Result<Failures, Error> {
    let texts: Vec<String> = faults.texts().into_iter().map(quoted).collect();
    let request = format!(r#""faults":[{}],{}"#, texts.join(","), scope_fields(scope));
    Ok(Failures {
        parts: inject(&request, reach)?,
        may_miss: false,
        is_lifted: false,
    })
}

fn scope_fields(scope: Scope) -> String {
    match scope {
        Scope::Thread => format!(r#""scope":"thread","tid":{}"#, thread_id()),
        Scope::Tree => r#""scope":"tree""#.into(),
        Scope::Process => r#""scope":"process""#.into(),
        Scope::Children => r#""scope":"children""#.into(),
    }
}

impl Failures {
    /// A fault that never fires is no error.
    pub fn may_miss(mut self) -> Failures {
        self.may_miss = true;
        self
    }

    /// What choices by chance depend on: `minderbinder exec --seed` repeats them.
    pub fn seed(&self) -> &str {
        &self.parts[0].connection.seed
    }

    /// What each fault has done so far.
    pub fn counts(&self) -> Result<Vec<Counts>, Error> {
        self.ask("counts")
    }

    /// Lifts the faults, and says what each has done; one that never fired is an error, unless it may miss.
    pub fn end(mut self) -> Result<Vec<Counts>, Error> {
        let counts = self.lift()?;
        match self.never_fired(&counts) {
            Some(error) => Err(error),
            None => Ok(counts),
        }
    }

    fn lift(&mut self) -> Result<Vec<Counts>, Error> {
        self.is_lifted = true;
        self.ask("lift")
    }

    /// Of all parts, in the order of the faults. All are asked, whatever the first one answers.
    fn ask(&self, about: &str) -> Result<Vec<Counts>, Error> {
        let answers: Vec<_> = self.parts.iter().map(|part| part.ask(about)).collect();
        let mut rules = Vec::new();
        for answer in answers {
            rules.extend(answer?);
        }
        rules.sort_by_key(|(place, _)| *place);
        Ok(rules.iter().map(|(_, rule)| counts_of(rule)).collect())
    }

    /// This process was forked while they were in force.
    fn is_inherited(&self) -> bool {
        self.parts[0].connection.is_inherited()
    }

    fn never_fired(&self, counts: &[Counts]) -> Option<Error> {
        let missed: Vec<&Counts> = counts.iter().filter(|fault| fault.fired == 0).collect();
        if self.may_miss || missed.is_empty() {
            return None;
        }
        let each = |fault: &&Counts| {
            let why = fault.why_not_fired.as_deref().unwrap_or_default();
            format!("{} never fired: {why}", fault.label)
        };
        let whys: Vec<String> = missed.iter().map(each).collect();
        let hint = missed.iter().find_map(|fault| fault.hint.clone());
        Some(Error {
            code: "MB_NEVER_FIRED".into(),
            message: format!("{} (seed {})", whys.join("; "), self.seed()),
            hint: hint.or_else(|| Some("may_miss() allows it".into())),
        })
    }
}

impl Drop for Failures {
    fn drop(&mut self) {
        if self.is_lifted || self.is_inherited() {
            return;
        }
        let lifted = self.lift();
        if thread::panicking() {
            // A second panic would abort the process; the first one is what the test must hear of.
            if let Ok(counts) = lifted {
                let each: Vec<String> = counts
                    .iter()
                    .map(|fault| format!("{} fired {}x", fault.label, fault.fired))
                    .collect();
                eprintln!(
                    "minderbinder: the block failed under: {}; seed {}",
                    each.join(", "),
                    self.seed()
                );
            }
            return;
        }
        match lifted.map(|counts| self.never_fired(&counts)) {
            Ok(None) => {}
            Ok(Some(error)) | Err(error) => panic!("minderbinder: {error}"),
        }
    }
}

fn counts_of(rule: &Value) -> Counts {
    let number = |key| rule.number(key).unwrap_or_default();
    Counts {
        label: rule.text("label").unwrap_or_default(),
        source: rule.text("source").unwrap_or_default(),
        seen: number("seen"),
        matched: number("matched"),
        fired: number("fired"),
        why_not_fired: rule.text("whyNotFired"),
        hint: rule.text("hint"),
    }
}
