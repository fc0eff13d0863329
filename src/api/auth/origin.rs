//! Which web pages may use the API: the own origin and those of `cors.origins`, compared exactly.

use axum::http::{HeaderMap, Uri, header};

use super::super::state::ApiSettings;

/// Whether the request comes from no page at all, from the own origin, or from one that is configured. The origin of a
/// sandboxed page (`null`), another scheme, port or subdomain are foreign.
pub(in crate::api) fn is_allowed_origin(headers: &HeaderMap, uri: &Uri, settings: &ApiSettings) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    if origins.next().is_some() {
        return false;
    }
    if settings.cors_origins.iter().any(|known| known == origin) {
        return true;
    }
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| uri.authority().map(|authority| authority.as_str()));
    let scheme = if settings.tls { "https://" } else { "http://" };
    match (origin.strip_prefix(scheme), host) {
        (Some(from), Some(host)) => !host.is_empty() && from.eq_ignore_ascii_case(host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_exact_origins_are_allowed() {
        let settings =
            ApiSettings { cors_origins: vec!["https://crm.example.com".to_owned()], ..ApiSettings::default() };
        let check = |origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "gateway:8080".parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            is_allowed_origin(&headers, &Uri::from_static("/"), &settings)
        };
        assert!(check(None) && check(Some("http://gateway:8080")) && check(Some("https://crm.example.com")));
        for foreign in [
            "null",
            "https://gateway:8080",
            "http://gateway",
            "http://evil.gateway:8080",
            "https://crm.example.com.evil.org",
            "http://crm.example.com",
            "",
        ] {
            assert!(!check(Some(foreign)), "{foreign}");
        }
    }
}
