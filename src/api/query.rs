//! Query parameters: each is taken by name, what is left over is refused by name.

use std::str::FromStr;

use axum::extract::Query;
use axum::http::Uri;

use super::problem::Problem;
use crate::domain::Timestamp;

/// The parameters of one request.
#[derive(Debug, Clone, Default)]
pub(super) struct Params {
    pairs: Vec<(String, String)>,
}

impl Params {
    /// Reads the query string.
    ///
    /// # Errors
    /// 400 when it is no `application/x-www-form-urlencoded` text.
    pub(super) fn read(uri: &Uri) -> Result<Self, Problem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|_| {
            Problem::new("malformed_request", "The query string cannot be read.")
                .hint("Write parameters as name=value, joined by & and percent-encoded.")
        })?;
        Ok(Self { pairs })
    }

    /// The value of a parameter; the last one counts when it stands several times.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let mut found = None;
        self.pairs.retain_mut(|(key, value)| {
            if key == name {
                found = Some(std::mem::take(value));
                false
            } else {
                true
            }
        });
        found
    }

    /// The first value of a parameter that may stand several times; the others stay.
    pub(super) fn take_first(&mut self, name: &str) -> Option<String> {
        let index = self.pairs.iter().position(|(key, _)| key == name)?;
        Some(self.pairs.remove(index).1)
    }

    /// All values of a parameter that may stand several times; each may be a list with commas.
    pub(super) fn take_list(&mut self, name: &str) -> Vec<String> {
        let mut found = Vec::new();
        self.pairs.retain(|(key, value)| {
            if key == name {
                found.extend(value.split(',').filter(|part| !part.is_empty()).map(str::to_owned));
                false
            } else {
                true
            }
        });
        found
    }

    /// A parameter of a type; `expected` is the sentence for the caller.
    ///
    /// # Errors
    /// 422 that names the parameter.
    pub(super) fn parse<T: FromStr>(&mut self, name: &str, expected: &str) -> Result<Option<T>, Problem> {
        self.take(name).map(|text| text.parse().map_err(|_| wrong(name, expected))).transpose()
    }

    /// A parameter that is one of some words.
    ///
    /// # Errors
    /// 422 that names the parameter and the words.
    pub(super) fn word<T: serde::de::DeserializeOwned>(
        &mut self,
        name: &str,
        words: &str,
    ) -> Result<Option<T>, Problem> {
        self.take(name)
            .map(|text| {
                serde_json::from_value(serde_json::Value::String(text))
                    .map_err(|_| wrong(name, &format!("One of {words}.")))
            })
            .transpose()
    }

    /// A parameter that is a time.
    ///
    /// # Errors
    /// 422 that names the parameter.
    pub(super) fn time(&mut self, name: &str) -> Result<Option<Timestamp>, Problem> {
        let read = |text: String| {
            // A plus that was not percent-encoded has come as a blank.
            let offset = |text: &str| text.rfind(' ').map(|at| format!("{}+{}", &text[..at], &text[at + 1..]));
            Timestamp::parse(&text)
                .or_else(|| Timestamp::parse(&offset(&text)?))
                .ok_or_else(|| wrong(name, "Write it like 2026-11-25T21:00:00Z (RFC 3339)."))
        };
        self.take(name).map(read).transpose()
    }

    /// Refuses what nobody took.
    ///
    /// # Errors
    /// 422 that names the first unknown parameter.
    pub(super) fn finish(self) -> Result<(), Problem> {
        match self.pairs.first() {
            None => Ok(()),
            Some((name, _)) => {
                let shown: String = name.chars().take(64).collect();
                Err(Problem::new("unknown_field", format!("There is no query parameter “{shown}” here."))
                    .hint("The parameters of every route stand in /openapi.json and /docs.")
                    .parameter(&shown, "This parameter does not exist."))
            }
        }
    }
}

/// The refusal of a parameter's value.
pub(super) fn wrong(name: &str, expected: &str) -> Problem {
    Problem::new("invalid_value", format!("The query parameter “{name}” is wrong. {expected}"))
        .parameter(name, expected)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_left_over_is_named() {
        let mut params = Params::read(&Uri::from_static("/x?limit=5&lines=a,b&lines=c&bogus=1")).unwrap();
        assert_eq!(params.parse::<u32>("limit", "").unwrap(), Some(5));
        assert_eq!(params.take_list("lines"), ["a", "b", "c"]);
        let problem = params.finish().unwrap_err();
        assert_eq!(problem.code(), "unknown_field");
        assert_eq!(problem.body().errors[0].pointer.as_deref().unwrap_or_default(), "/bogus");
    }

    #[test]
    fn a_time_is_read_also_with_a_plus_that_was_not_encoded() {
        let uri = "/x?a=2026-11-25T21:00:00%2B01:00&b=2026-11-25T21:00:00+01:00&c=2026-11-25T20:00:00.000Z&d=today";
        let mut params = Params::read(&Uri::from_static(uri)).unwrap();
        let time = params.time("a").unwrap();
        assert!(time.is_some() && time == params.time("b").unwrap() && time == params.time("c").unwrap());
        assert_eq!(params.time("d").unwrap_err().body().errors[0].pointer.as_deref(), Some("/d"));
        assert_eq!(params.time("e").unwrap(), None);
    }
}
