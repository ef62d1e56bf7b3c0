// SPDX-License-Identifier: MIT
//! Which connection injects which faults of a guard. As root there may be two: system calls that `serve` cannot fault are left to
//! the filter of this process. All of a guard's system call faults are at one place, since the first that fires wins.
use crate::connection::Connection;
use crate::error::Error;
use crate::json::Value;
use crate::ways::given_socket;
use crate::{own_serve, system};
use std::sync::Arc;

/// Rules of one guard that one connection has in force.
pub struct Part {
    pub connection: Arc<Connection>,
    /// Its place among the guard's rules, and its number at the server.
    pub rules: Vec<(u64, u64)>,
    /// Rules of the other kind, which the server was not to inject.
    left: u64,
}

impl Part {
    /// What each rule has done. With "lift", they hit nothing from here on.
    pub fn ask(&self, about: &str) -> Result<Vec<(u64, Value)>, Error> {
        let numbers: Vec<String> = self
            .rules
            .iter()
            .map(|(_, rule)| rule.to_string())
            .collect();
        let request = format!(r#""type":"{about}","rules":[{}]"#, numbers.join(","));
        let mut answer = self.connection.ask(&request)?;
        let places = self.rules.iter().map(|(place, _)| *place);
        Ok(places.zip(answer.take_list("rules")).collect())
    }
}

/// What the protocol has beside `faults` and `scope`: the kind of rules that are injected.
#[derive(Clone, Copy)]
enum Only {
    All,
    Network,
    Syscall,
}

/// All of them are in force, or none. `request` has the fields `faults` and `scope` of the protocol; `reach` is that of a filter
/// of this process.
pub fn inject(request: &str, reach: &str) -> Result<Vec<Part>, Error> {
    if given_socket().is_some() || !system::is_root() {
        return Ok(vec![by_socket(request, Only::All, reach)?]);
    }
    let filtered = |only, why: Option<&Error>| by_filter(request, only, reach, why);
    let serve = match own_serve::join() {
        Ok(serve) => serve,
        Err(why) => return Ok(vec![filtered(Only::All, Some(&why))?]),
    };
    let mut why = None;
    // Without such an engine it can fault no system call.
    if serve.has_engine {
        match possible(ask(&serve, request, Only::All))? {
            Ok(all) => return Ok(vec![all]),
            Err(error) => why = Some(error),
        }
    }
    let network = match possible(ask(&serve, request, Only::Network))? {
        Ok(network) => network,
        Err(error) => return Ok(vec![filtered(Only::All, Some(&error))?]),
    };
    if network.left == 0 {
        return Ok(vec![network]);
    }
    if network.rules.is_empty() {
        return Ok(vec![filtered(Only::All, why.as_ref())?]);
    }
    match filtered(Only::Syscall, why.as_ref()) {
        Ok(syscall) => Ok(vec![network, syscall]),
        Err(error) => {
            // If that fails, too, the caller must still hear why it has no guard.
            let _ = network.ask("lift");
            Err(error)
        }
    }
}

/// `why`: serve does not do it, if it was asked.
fn by_filter(request: &str, only: Only, reach: &str, why: Option<&Error>) -> Result<Part, Error> {
    let own = match (possible(by_socket(request, only, reach))?, why) {
        (Ok(part), _) => return Ok(part),
        (Err(own), None) => return Err(own),
        (Err(own), Some(why)) => Error {
            message: format!(
                "{}; minderbinder serve cannot do it either: {}",
                own.message, why.message
            ),
            ..own
        },
    };
    Err(own)
}

fn by_socket(request: &str, only: Only, reach: &str) -> Result<Part, Error> {
    ask(&Connection::join(reach)?, request, only)
}

fn ask(connection: &Arc<Connection>, request: &str, only: Only) -> Result<Part, Error> {
    let only = match only {
        Only::All => "",
        Only::Network => r#","only":"network""#,
        Only::Syscall => r#","only":"syscall""#,
    };
    let answer = connection.ask(&format!(r#""type":"inject",{request}{only}"#))?;
    let places = answer.list("places");
    let place = |at: usize| match places.get(at) {
        Some(Value::Number(place)) => *place,
        _ => at as u64,
    };
    let rules = answer.list("rules").iter().enumerate();
    Ok(Part {
        connection: connection.clone(),
        rules: rules
            .filter_map(|(at, rule)| Some((place(at), rule.number("rule")?)))
            .collect(),
        left: answer.number("left").unwrap_or_default(),
    })
}

/// The inner error: another way may do what this one cannot.
fn possible(asked: Result<Part, Error>) -> Result<Result<Part, Error>, Error> {
    match asked {
        Err(error) if error.code != "MB_NO_ENGINE" => Err(error),
        other => Ok(other),
    }
}
