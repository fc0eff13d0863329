//! What `scutil` prints of macOS's dynamic store: the options of each DHCP lease (`SCDynamicStoreCopyDHCPInfo` gives the
//! same dictionary), and the interface that has it. Text only, so that it is tested everywhere.

use std::net::Ipv4Addr;

use super::options::{self, TFTP_ADDRESSES, TFTP_NAME};
use crate::service::locate::DhcpAnswer;

/// Option 54: the server.
const SERVER: u8 = 54;

/// The command that lists the leases.
pub(super) const LIST: &str = "list State:/Network/Service/[^/]+/DHCP\n";

/// The services that have a lease, from the answer to [`LIST`].
pub(super) fn services(listed: &str) -> Vec<&str> {
    listed
        .lines()
        .filter_map(|line| {
            line.split_once(" = ")?.1.trim().strip_prefix("State:/Network/Service/")?.strip_suffix("/DHCP")
        })
        .collect()
}

/// The commands that show a service.
pub(super) fn show(service: &str) -> String {
    format!("show State:/Network/Service/{service}/IPv4\nshow State:/Network/Service/{service}/DHCP\n")
}

/// The answer to [`show`]; `None` when it names no interface.
pub(super) fn answer(shown: &str) -> Option<DhcpAnswer> {
    let value = |name: &str| {
        shown
            .lines()
            .find_map(|line| line.trim().split_once(" : ").filter(|(key, _)| *key == name))
            .map(|(_, value)| value)
    };
    let option = |code: u8| value(&format!("Option_{code}")).and_then(data);
    Some(DhcpAnswer {
        interface: value("InterfaceName")?.trim().to_owned(),
        server: option(SERVER).and_then(|value| options::address(&value)),
        addresses: option(TFTP_ADDRESSES).iter().flat_map(|value| options::addresses(value)).collect::<Vec<Ipv4Addr>>(),
        name: option(TFTP_NAME).and_then(|value| options::host(&value)),
        next_server: None,
    })
}

/// `<data> 0xc000020a`, which newer systems write as `{length = 4, bytes = 0xc000020a}`.
fn data(text: &str) -> Option<Vec<u8>> {
    let hex = text.split_once("0x")?.1;
    let hex: Vec<char> = hex.chars().take_while(char::is_ascii_hexdigit).collect();
    let digit = |c: char| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    hex.chunks_exact(2).map(|pair| Some(digit(pair[0])? * 16 + digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    const LISTED: &str = "  subKey [0] = State:/Network/Service/0D3A5C1E-0000-4000-8000-00000000000A/DHCP\n  \
                          subKey [1] = State:/Network/Service/0D3A5C1E-0000-4000-8000-00000000000B/DHCP\n";

    const SHOWN: &str = "<dictionary> {\n  Addresses : <array> {\n    0 : 192.0.2.50\n  }\n  InterfaceName : en0\n  \
                         Router : 192.0.2.1\n}\n<dictionary> {\n  LeaseStartTime : 11/26/2026 02:00:00\n  \
                         Option_150 : <data> 0xc000020ac000020b\n  Option_54 : <data> 0xc0000201\n  \
                         Option_66 : <data> 0x636d652d6c61622e6578616d706c65\n}\n";

    #[test]
    fn leases_are_found_and_read() {
        let services = services(LISTED);
        assert_eq!(services.len(), 2);
        assert!(show(services[0]).ends_with("0A/DHCP\n") && services[1].ends_with("0B"));
        let answer = answer(SHOWN).unwrap();
        assert_eq!((answer.interface.as_str(), answer.name.as_deref()), ("en0", Some("cme-lab.example")));
        assert_eq!(answer.addresses, [Ipv4Addr::new(192, 0, 2, 10), Ipv4Addr::new(192, 0, 2, 11)]);
        assert_eq!(answer.server, Some(Ipv4Addr::new(192, 0, 2, 1)));
    }

    #[test]
    fn the_newer_form_of_data_is_read_and_nothing_is_made_up() {
        let newer = SHOWN.replace("<data> 0xc000020ac000020b", "{length = 8, bytes = 0xc000020ac000020b}");
        assert_eq!(answer(&newer), answer(SHOWN));
        assert!(LIST.starts_with("list State:/Network/Service/") && LIST.ends_with("/DHCP\n"));
        assert_eq!(services("  no such key\n"), Vec::<&str>::new());
        assert_eq!(answer("  No such key\n  No such key\n"), None);
        let bare = answer("<dictionary> {\n  InterfaceName : en1\n}\n  No such key\n").unwrap();
        assert!(bare.addresses.is_empty() && bare.name.is_none() && bare.server.is_none());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(Option_150|Option_66|InterfaceName| : |<data> |0x|[0-9a-f]|\n|subKey = |State:/Network/Service/|/DHCP){0,30}") {
            let _ = (services(&text), answer(&text));
        }
    }
}
