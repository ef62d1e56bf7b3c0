// SPDX-License-Identifier: MIT
//! As much JSON as the protocol takes: it has no numbers but whole ones.

use std::collections::HashMap;
use std::iter::Peekable;
use std::str::Chars;

#[derive(Debug, PartialEq)]
pub enum Value {
    Object(HashMap<String, Value>),
    List(Vec<Value>),
    Text(String),
    Number(u64),
    /// null, true, false, and numbers that the protocol does not have.
    Other,
}

impl Value {
    /// What an object has under this key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Object(fields) => fields.get(key),
            _ => None,
        }
    }

    pub fn text(&self, key: &str) -> Option<String> {
        match self.get(key) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    pub fn number(&self, key: &str) -> Option<u64> {
        match self.get(key) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// The list itself, which the object has no more.
    pub fn take_list(&mut self, key: &str) -> Vec<Value> {
        match self {
            Value::Object(fields) => match fields.remove(key) {
                Some(Value::List(values)) => values,
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    pub fn list(&self, key: &str) -> &[Value] {
        match self.get(key) {
            Some(Value::List(values)) => values,
            _ => &[],
        }
    }
}

/// A text with its quotes.
pub fn quoted(text: &str) -> String {
    let mut result = String::from("\"");
    for each in text.chars() {
        match each {
            '"' | '\\' => result.extend(['\\', each]),
            '\0'..='\x1f' => result += &format!("\\u{:04x}", each as u32),
            _ => result.push(each),
        }
    }
    result + "\""
}

/// `None`: it is not JSON.
pub fn parse(text: &str) -> Option<Value> {
    let mut rest = text.chars().peekable();
    let value = parse_value(&mut rest)?;
    skip_space(&mut rest);
    rest.next().is_none().then_some(value)
}

type Rest<'a> = Peekable<Chars<'a>>;

fn skip_space(rest: &mut Rest) {
    while rest.next_if(|each| each.is_ascii_whitespace()).is_some() {}
}

fn parse_value(rest: &mut Rest) -> Option<Value> {
    skip_space(rest);
    match rest.peek()? {
        '{' => parse_object(rest),
        '[' => parse_list(rest),
        '"' => parse_text(rest).map(Value::Text),
        _ => parse_word(rest),
    }
}

/// Whether another element follows, behind the comma; `None`: neither that nor the end is there.
fn goes_on(rest: &mut Rest, end: char, first: bool) -> Option<bool> {
    skip_space(rest);
    if rest.next_if_eq(&end).is_some() {
        return Some(false);
    }
    if !first {
        rest.next_if_eq(&',')?;
        skip_space(rest);
    }
    Some(true)
}

fn parse_object(rest: &mut Rest) -> Option<Value> {
    rest.next();
    let mut fields = HashMap::new();
    while goes_on(rest, '}', fields.is_empty())? {
        let key = parse_text(rest)?;
        skip_space(rest);
        rest.next_if_eq(&':')?;
        fields.insert(key, parse_value(rest)?);
    }
    Some(Value::Object(fields))
}

fn parse_list(rest: &mut Rest) -> Option<Value> {
    rest.next();
    let mut values = Vec::new();
    while goes_on(rest, ']', values.is_empty())? {
        values.push(parse_value(rest)?);
    }
    Some(Value::List(values))
}

fn parse_word(rest: &mut Rest) -> Option<Value> {
    let mut word = String::new();
    while let Some(each) =
        rest.next_if(|each| each.is_ascii_alphanumeric() || "+-.".contains(*each))
    {
        word.push(each);
    }
    if word.is_empty() {
        return None;
    }
    Some(word.parse().map_or(Value::Other, Value::Number))
}

fn parse_text(rest: &mut Rest) -> Option<String> {
    rest.next_if_eq(&'"')?;
    let mut units = Vec::new();
    loop {
        match rest.next()? {
            '"' => return String::from_utf16(&units).ok(),
            '\\' => units.push(parse_escape(rest)?),
            each => units.extend_from_slice(each.encode_utf16(&mut [0; 2])),
        }
    }
}

/// One unit of UTF-16: `\u` needs two for some characters.
fn parse_escape(rest: &mut Rest) -> Option<u16> {
    Some(match rest.next()? {
        'b' => 8,
        'f' => 12,
        'n' => 10,
        'r' => 13,
        't' => 9,
        'u' => {
            let digits: String = rest.by_ref().take(4).collect();
            u16::from_str_radix(&digits, 16).ok()?
        }
        each => each as u16,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_others_write() {
        let value = parse(
            r#" {"a" : [ 1, "x\"\\\n\u00e9\ud83d\ude00ü" , null, -2.5e3 ], "b":{ }, "c": [] } "#,
        )
        .unwrap();
        let expected = [
            Value::Number(1),
            Value::Text("x\"\\\né😀ü".into()),
            Value::Other,
            Value::Other,
        ];
        assert_eq!(value.list("a"), expected);
        assert_eq!(value.get("b"), Some(&Value::Object(HashMap::new())));
        assert!(value.list("c").is_empty());
    }

    #[test]
    fn reads_nothing_that_is_not_json() {
        for text in [
            "",
            "{",
            "[1,",
            "[1 2]",
            "{\"a\" 1}",
            "{a:1}",
            "\"",
            "\"\\u12\"",
            "\"\\ud83d\"",
            "1 1",
            "[1]]",
            ",",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn reads_what_it_writes() {
        for text in ["", "openat=EIO,path=/a \"b\"\\c", "\n\t\0\x1f", "ü😀"] {
            assert_eq!(parse(&quoted(text)), Some(Value::Text(text.into())));
        }
    }
}
