//! Query parameters: each is taken by name, what is left over is refused by name.

use std::str::FromStr;

use axum::extract::Query;
use axum::http::Uri;

use super::problem::Problem;

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
}
