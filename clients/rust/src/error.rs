// SPDX-License-Identifier: MIT
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
    pub(crate) fn control(message: String, hint: &str) -> Error {
        Error {
            code: "MB_CONTROL".into(),
            message,
            hint: Some(hint.into()),
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
