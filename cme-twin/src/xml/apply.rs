//! Configuration commands at work on the model.

use super::commands::Setting;
use crate::router::Router;
use crate::system::{Dn, Phone, SessionServer};
use crate::telephony::{ForwardKind, Refusal};

type Applied = Result<(), &'static str>;

/// Applies one change.
///
/// # Errors
/// The words of the router.
pub(crate) fn apply(router: &mut Router, setting: Setting) -> Applied {
    let refused = |result: Result<(), Refusal>| result.map_err(|_| " % Command rejected");
    let uptime = router.exchange.uptime();
    let system = &mut router.exchange.system;
    match setting {
        Setting::Accepted => {}
        Setting::CtiShutdown(on) => router.cti_shutdown(on),
        Setting::CtiBasicMode(on) => system.basic_mode = on,
        Setting::SuppressConversion(on) => system.suppress_conversion = on,
        Setting::Gcid(on) => system.gcid = on,
        Setting::Registrar(range) => system.registrar = range,
        Setting::SipMode(mode) => mode.clone_into(&mut system.sip_mode),
        Setting::AuthenticateRegister(on) => system.authenticate_register = on,
        Setting::SessionServer { tag, present: false } => {
            if let Some(server) = system.session_servers.remove(&tag) {
                router.bindings.remove(&server.register_id);
            }
        }
        Setting::SessionServer { tag, present: true } => {
            system
                .session_servers
                .entry(tag)
                .or_insert_with(|| SessionServer { keepalive: 300, ..SessionServer::default() });
        }
        Setting::SessionCtiAware { tag, on } => system.session_servers.entry(tag).or_default().cti_aware = on,
        Setting::SessionRegisterId { tag, name } => system.session_servers.entry(tag).or_default().register_id = name,
        Setting::SessionKeepalive { tag, seconds } => {
            system.session_servers.entry(tag).or_default().keepalive = seconds
        }
        Setting::Dn { tag, present: false, .. } => {
            system.dns.remove(&tag);
            for phone in system.phones.values_mut() {
                phone.buttons.retain(|button| button.dn != tag);
            }
        }
        Setting::Dn { tag, channels, present: true } => {
            let fresh = Dn { channels: channels.unwrap_or(1), change_time: uptime, ..Dn::default() };
            let dn = system.dns.entry(tag).or_insert(fresh);
            if channels.is_some_and(|channels| channels != dn.channels) {
                return Err(" % Line mode cannot be changed; remove the ephone-dn first");
            }
        }
        Setting::DnWatch { tag, on } => dn(router, tag)?.watch = Some(on),
        Setting::DnNotify { tag, on } => dn(router, tag)?.notify = Some(on),
        Setting::DnNumber { tag, primary, secondary } => {
            let dn = dn(router, tag)?;
            dn.number = primary;
            dn.secondary = secondary;
        }
        Setting::DnName { tag, name } => dn(router, tag)?.name = name,
        Setting::DnLabel { tag, label } => dn(router, tag)?.label = label,
        Setting::DnDescription { tag, text } => dn(router, tag)?.description = text,
        Setting::DnTemplate { tag, template } => {
            if template != 0 && !system.templates.contains_key(&template) {
                return Err(" % ephone-dn-template does not exist");
            }
            dn(router, tag)?.template = template;
        }
        Setting::DnForwardAll { tag, number } => {
            return refused(router.exchange.set_forward(tag, ForwardKind::All, &number, None));
        }
        Setting::DnForwardBusy { tag, number } => {
            return refused(router.exchange.set_forward(tag, ForwardKind::Busy, &number, None));
        }
        Setting::DnForwardNoAnswer { tag, number, timeout } => {
            return refused(router.exchange.set_forward(tag, ForwardKind::NoAnswer, &number, Some(timeout)));
        }
        Setting::Template { tag, present: false } => {
            system.templates.remove(&tag);
        }
        Setting::Template { tag, present: true } => {
            system.templates.entry(tag).or_default();
        }
        Setting::TemplateWatch { tag, on } => system.templates.entry(tag).or_default().watch = on,
        Setting::TemplateNotify { tag, on } => system.templates.entry(tag).or_default().notify = on,
        Setting::Phone { tag, present: false } => {
            let _ = router.exchange.unregister_phone(tag, false);
            router.exchange.system.phones.remove(&tag);
            router.exchange.phones.remove(&tag);
        }
        Setting::Phone { tag, present: true } => {
            system.phones.entry(tag).or_insert_with(|| Phone { mac: "000000000000".to_owned(), ..Phone::default() });
            router.exchange.phones.entry(tag).or_default();
        }
        Setting::PhoneDescription { tag, text } => {
            if let Some(phone) = system.phones.get_mut(&tag) {
                phone.description = text;
            }
        }
        Setting::PhoneRestart { tag } => return refused(router.exchange.restart_phone(tag)),
        Setting::NameOrder { last_name_first } => system.last_name_first = last_name_first,
        Setting::XmlUser { name, password, level } => {
            system.xml_user = name;
            system.xml_password = password;
            system.xml_level = level;
        }
        Setting::Login { user, phone } => return refused(router.exchange.login(&user, phone)),
        Setting::Logout { user } => return refused(router.exchange.logout(&user)),
    }
    Ok(())
}

fn dn(router: &mut Router, tag: u32) -> Result<&mut Dn, &'static str> {
    router.exchange.system.dns.get_mut(&tag).ok_or(" % ephone-dn does not exist")
}
