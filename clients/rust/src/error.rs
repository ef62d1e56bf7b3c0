// SPDX-License-Identifier: MIT
use crate::json::Value;
use std::fmt;

/// What minderbinder refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Stable, and one of those in minderbinder(1), section ERRORS.
    pub code: String,
    pub message: String,
    /// What to do, if that is known.
    pub hint: Option<String>,
}

impl Error {
    pub(crate) fn new(code: &str, message: String) -> Error {
        Error {
            code: code.into(),
            message,
            hint: None,
        }
    }

    /// A part of minderbinder cannot be found, loaded or started.
    pub(crate) fn launcher(message: String) -> Error {
        Error::new("MB_LAUNCHER", message)
    }

    /// As minderbinder writes it.
    pub(crate) fn of(message: &Value) -> Error {
        Error {
            code: message.text("code").unwrap_or_default(),
            message: message.text("message").unwrap_or_default(),
            hint: message.text("hint"),
        }
    }

    pub(crate) fn with_hint(self, hint: &str) -> Error {
        Error {
            hint: Some(hint.into()),
            ..self
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hint {
            Some(hint) => write!(f, "{} ({hint}) [{}]", self.message, self.code),
            None => write!(f, "{} [{}]", self.message, self.code),
        }
    }
}

impl std::error::Error for Error {}
