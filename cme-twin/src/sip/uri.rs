//! Just enough of SIP URIs: the user, and where to connect.

use std::net::{IpAddr, SocketAddr};

/// The URI of a `From`, `To` or `Contact` value: inside `<…>`, or the whole up to the parameters.
pub(crate) fn of_header(value: &str) -> &str {
    match (value.find('<'), value.rfind('>')) {
        (Some(from), Some(to)) if from < to => value.get(from + 1..to).unwrap_or(""),
        _ => value.split(';').next().unwrap_or("").trim(),
    }
}

/// The user part.
pub(crate) fn user(uri: &str) -> &str {
    let rest = uri.split_once(':').map_or(uri, |(_, rest)| rest);
    rest.rsplit_once('@').map_or("", |(user, _)| user.split(':').next().unwrap_or(""))
}

/// The address to connect to, when the host is an address.
pub(crate) fn address(uri: &str) -> Option<SocketAddr> {
    let rest = uri.split_once(':').map_or(uri, |(_, rest)| rest);
    host_port(rest.rsplit_once('@').map_or(rest, |(_, host)| host).split([';', '?']).next()?)
}

/// The sent-by address of a Via value.
pub(crate) fn sent_by(via: &str) -> Option<SocketAddr> {
    host_port(via.split(',').next()?.split_whitespace().nth(1)?.split(';').next()?)
}

fn host_port(text: &str) -> Option<SocketAddr> {
    let text = text.trim();
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(address);
    }
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, 5060))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_addresses_are_found() {
        let value = "\"a <b>\" <sip:211_0A1B2C3D4E5F@192.0.2.50:5070;transport=tcp>;tag=1";
        let uri = of_header("<sip:211_0A1B2C3D4E5F@192.0.2.50:5070;transport=tcp>;tag=1");
        assert_eq!(user(uri), "211_0A1B2C3D4E5F");
        assert_eq!(address(uri), "192.0.2.50:5070".parse().ok());
        assert_eq!(address("sip:[2001:db8::1]:5070"), "[2001:db8::1]:5070".parse().ok());
        assert_eq!(address("sip:a@host"), None);
        assert_eq!(sent_by("SIP/2.0/TCP 192.0.2.50;branch=x"), "192.0.2.50:5060".parse().ok());
        assert!(!of_header(value).is_empty());
    }
}
