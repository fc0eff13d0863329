//! What can be done before any gateway runs: print a router's configuration, and look for routers.

use crate::service::assistant;
use crate::service::error::ServiceError;
use crate::service::locate;

/// What a configuration to paste is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// `register-id` of the session server.
    pub register_id: String,
    /// `keepalive` of the session server in seconds.
    pub keepalive_s: u32,
    /// Tag of the session server.
    pub session_server: u32,
    /// User of the XML API.
    pub username: String,
    /// Its password.
    pub password: String,
    /// Tags of the ephone-dns to control.
    pub dns: Vec<u32>,
    /// With `authenticate register`.
    pub authenticate: bool,
}

/// The complete IOS configuration of the manual's 2.5 and 2.6, ready to paste.
///
/// # Errors
/// A sentence that names what IOS would not take.
pub fn cme_config(site: &Site) -> Result<String, String> {
    let word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '?');
    if !(1..=30).contains(&site.register_id.len())
        || !site.register_id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    {
        return Err("The register-id has 1 to 30 letters, digits and underscores.".to_owned());
    }
    if !(60..=3600).contains(&site.keepalive_s) {
        return Err("The keepalive lies between 60 and 3600 s.".to_owned());
    }
    for (what, text) in [("user", &site.username), ("password", &site.password)] {
        if !word(text) || text.len() > 19 {
            return Err(format!("IOS takes 1 to 19 characters without blanks as the {what} of `xml user`."));
        }
    }
    if site.session_server == 0 || site.dns.contains(&0) {
        return Err("Tags begin with 1.".to_owned());
    }
    Ok(assistant::cme_config(
        (&site.register_id, site.keepalive_s),
        (&site.username, &site.password),
        site.session_server,
        &site.dns,
        site.authenticate,
    ))
}

/// The lines of `voice service voip` that a running configuration lacks: the XML interface does not show this block.
pub fn missing_of_voice_service(running_config: &str) -> Vec<&'static str> {
    assistant::missing_of_voice_service(running_config)
}

/// A router that DHCP names.
pub type Candidate = locate::Candidate;

/// Looks for routers from this machine.
///
/// # Errors
/// When this system or this process cannot ask.
pub async fn locate(interface: Option<&str>) -> Result<Vec<Candidate>, ServiceError> {
    locate::locate(crate::io::dhcp::port().as_deref(), interface).await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_the_router_would_not_take_is_refused() {
        let site = Site {
            register_id: "ss_ecsta".to_owned(),
            keepalive_s: 600,
            session_server: 2,
            username: "ctigw".to_owned(),
            password: "secret".to_owned(),
            dns: Vec::new(),
            authenticate: false,
        };
        assert!(cme_config(&site).unwrap().contains("xml user ctigw password secret 15"));
        assert!(cme_config(&Site { password: "p".repeat(20), ..site.clone() }).is_err());
        assert!(cme_config(&Site { username: "a b".to_owned(), ..site.clone() }).is_err());
        assert!(cme_config(&Site { register_id: "a b".to_owned(), ..site.clone() }).is_err());
        assert!(cme_config(&Site { keepalive_s: 30, ..site }).is_err());
    }
}
