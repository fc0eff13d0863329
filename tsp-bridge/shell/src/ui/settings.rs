//! The dialog with the settings of a provider.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;

use linegate_tsp_link::{Address, fingerprint_of, format_fingerprint, parse_fingerprint, probe};
use linegate_tsp_machine::config::Config;
use linegate_tsp_machine::text::{narrow, wide};
use linegate_tsp_machine::{MachineError, access};
use windows_sys::Win32::Foundation::{HWND, LPARAM, WPARAM};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    CB_ADDSTRING, CB_GETCURSEL, CB_SETCURSEL, DialogBoxIndirectParamW, EndDialog, GetDlgItem, GetDlgItemTextW,
    GetWindowLongPtrW, IDC_WAIT, IDCANCEL, IDOK, IDYES, LoadCursorW, MB_ICONINFORMATION, MB_ICONQUESTION,
    MB_ICONWARNING, MB_OK, MB_YESNO, MessageBoxW, SendMessageW, SetCursor, SetDlgItemTextW, SetWindowLongPtrW,
    WM_COMMAND, WM_INITDIALOG,
};

use super::template::Template;

const GATEWAY: u16 = 101;
const TOKEN: u16 = 102;
const FINGERPRINT: u16 = 103;
const LINES: u16 = 104;
const LEVEL: u16 = 105;
const PLAIN: u16 = 106;
const FETCH: u16 = 107;
const TEST: u16 = 108;
const RESULT: u16 = 109;
/// DWLP_USER: behind the result and the procedure, each as wide as a pointer.
const USER_DATA: i32 = 2 * size_of::<usize>() as i32;
const BM_GETCHECK: u32 = 0xF0;
const BM_SETCHECK: u32 = 0xF1;

const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];
const TITLE: &str = "Linegate TAPI bridge";

/// What the dialog is about.
struct Work {
    config: Config,
    provider: u32,
    is_saved: bool,
}

fn template() -> Vec<u32> {
    Template::new("Linegate TAPI bridge: settings", 330, 196)
        .label(0, "&Gateway:", [8, 10, 70, 10])
        .edit(GATEWAY, [82, 8, 240, 13])
        .label(0, "&Token or code:", [8, 28, 70, 10])
        .password(TOKEN, [82, 26, 240, 13])
        .label(0, "&Fingerprint:", [8, 46, 70, 10])
        .edit(FINGERPRINT, [82, 44, 180, 13])
        .button(FETCH, "F&etch…", [268, 43, 54, 14])
        .label(0, "of the certificate; linegate fingerprint prints the same", [82, 60, 244, 10])
        .label(0, "&Lines:", [8, 78, 70, 10])
        .edit(LINES, [82, 76, 240, 13])
        .label(0, "such as 201 205 3*; empty means all", [82, 92, 244, 10])
        .label(0, "L&og:", [8, 110, 70, 10])
        .choice(LEVEL, [82, 108, 70, 70])
        .check(PLAIN, "Allow &HTTP without TLS (the token travels in the clear)", [82, 126, 244, 11])
        .button(TEST, "Te&st connection", [82, 142, 80, 14])
        .label(RESULT, "", [8, 160, 314, 12])
        .default_button(1, "OK", [212, 176, 52, 14])
        .button(2, "Cancel", [270, 176, 52, 14])
        .finish()
}

/// Shows the dialog; says whether new settings were stored.
pub(crate) fn show(owner: HWND, provider: u32) -> bool {
    let config = match Config::read(provider) {
        Ok(config) => config,
        Err(error) => {
            say(owner, &explain(&error), MB_ICONWARNING);
            return false;
        }
    };
    let mut work = Work { config, provider, is_saved: false };
    let template = template();
    // SAFETY: the template lives, and the dialog ends before `work` does.
    unsafe {
        DialogBoxIndirectParamW(
            null_mut(),
            template.as_ptr().cast(),
            owner,
            Some(procedure),
            (&raw mut work) as LPARAM,
        );
    }
    work.is_saved
}

unsafe extern "system" fn procedure(dialog: HWND, message: u32, word: WPARAM, long: LPARAM) -> isize {
    catch_unwind(AssertUnwindSafe(|| {
        if message == WM_INITDIALOG {
            // SAFETY: the parameter of `show`.
            unsafe { SetWindowLongPtrW(dialog, USER_DATA, long as _) };
        }
        // SAFETY: what was stored above, or nothing yet.
        let work = unsafe { (GetWindowLongPtrW(dialog, USER_DATA) as *mut Work).as_mut() };
        let Some(work) = work else { return 0 };
        match message {
            WM_INITDIALOG => {
                fill(dialog, &work.config);
                1
            }
            WM_COMMAND => command(dialog, work, (word & 0xFFFF) as u16),
            _ => 0,
        }
    }))
    .unwrap_or(0)
}

fn fill(dialog: HWND, config: &Config) {
    set_text(dialog, GATEWAY, &config.gateway);
    set_text(dialog, FINGERPRINT, config.fingerprint.as_deref().unwrap_or_default());
    set_text(dialog, LINES, &config.lines.join(" "));
    if !config.token.is_empty() {
        set_text(dialog, RESULT, "A token is stored; leave the field empty to keep it.");
    } else if config.waits_for_token() {
        set_text(dialog, RESULT, "An enrolment code is stored; it is used at the first contact with the gateway.");
    }
    for level in LEVELS {
        let text = wide(level);
        send(dialog, LEVEL, CB_ADDSTRING, 0, text.as_ptr() as LPARAM);
    }
    let place = LEVELS.iter().position(|level| *level == config.log_level).unwrap_or(2);
    send(dialog, LEVEL, CB_SETCURSEL, place, 0);
    send(dialog, PLAIN, BM_SETCHECK, usize::from(config.allow_plain), 0);
}

fn command(dialog: HWND, work: &mut Work, id: u16) -> isize {
    match id {
        FETCH => fetch(dialog),
        TEST => test(dialog, work),
        id if i32::from(id) == IDOK => {
            if save(dialog, work) {
                // SAFETY: the dialog is open.
                unsafe { EndDialog(dialog, 1) };
            }
        }
        id if i32::from(id) == IDCANCEL => {
            // SAFETY: the dialog is open.
            unsafe { EndDialog(dialog, 0) };
        }
        _ => return 0,
    }
    1
}

/// What the fields say; the token only when one was typed.
fn read(dialog: HWND, work: &Work) -> Result<Config, String> {
    let mut config = work.config.clone();
    config.gateway = Address::parse(&text(dialog, GATEWAY)).map_err(|error| error.to_string())?.to_string();
    let fingerprint = text(dialog, FINGERPRINT);
    config.fingerprint = if fingerprint.is_empty() {
        None
    } else {
        let bytes = parse_fingerprint(&fingerprint).ok_or("The fingerprint is no SHA-256 of 64 hex digits.")?;
        Some(format_fingerprint(&bytes))
    };
    config.lines =
        text(dialog, LINES).split([' ', ',', ';']).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let place = usize::try_from(send(dialog, LEVEL, CB_GETCURSEL, 0, 0)).unwrap_or(2);
    config.log_level = LEVELS.get(place).copied().unwrap_or("info").to_owned();
    config.allow_plain = send(dialog, PLAIN, BM_GETCHECK, 0, 0) == 1;
    let token = text(dialog, TOKEN);
    let token = token.trim();
    if Config::is_code(token) {
        config.set_enrolment(token).map_err(|error| error.to_string())?;
    } else if !token.is_empty() {
        config.set_token(token).map_err(|error| error.to_string())?;
    }
    Ok(config)
}

/// Shows the fingerprint of the certificate and takes it when the person confirms it.
fn fetch(dialog: HWND) {
    let address = match Address::parse(&text(dialog, GATEWAY)) {
        Ok(address) if address.is_secure => address,
        Ok(_) => return set_text(dialog, RESULT, "An http address has no certificate."),
        Err(error) => return set_text(dialog, RESULT, &error.to_string()),
    };
    wait_cursor();
    match fingerprint_of(&address) {
        Ok(bytes) => {
            let shown = format_fingerprint(&bytes);
            let question = format!(
                "{address} shows a certificate with this fingerprint:\n\n{shown}\n\nDoes \"linegate fingerprint\" on the \
                 gateway print the same?"
            );
            if ask(dialog, &question) {
                set_text(dialog, FINGERPRINT, &shown);
                set_text(dialog, RESULT, "The fingerprint was taken over.");
            }
        }
        Err(error) => set_text(dialog, RESULT, &error.to_string()),
    }
}

fn test(dialog: HWND, work: &Work) {
    let config = match read(dialog, work) {
        Ok(config) => config,
        Err(error) => return set_text(dialog, RESULT, &error),
    };
    if config.waits_for_token() {
        // A test must not use the code up.
        return set_text(dialog, RESULT, "The code fetches a token after OK; there is nothing to test before.");
    }
    set_text(dialog, RESULT, "Connecting…");
    wait_cursor();
    let outcome = config.link_settings().and_then(|settings| probe(&settings));
    let shown = match outcome {
        Ok(answer) if answer.can_control() => {
            format!("Gateway {}: token \"{}\" sees {} lines.", answer.version, answer.token_name, answer.lines)
        }
        Ok(answer) => format!(
            "Gateway {}: token \"{}\" sees {} lines, but may only read: calls cannot be made with it.",
            answer.version, answer.token_name, answer.lines
        ),
        Err(error) => error.to_string(),
    };
    set_text(dialog, RESULT, &shown);
}

fn save(dialog: HWND, work: &mut Work) -> bool {
    let config = match read(dialog, work) {
        Ok(config) => config,
        Err(error) => {
            say(dialog, &error, MB_ICONWARNING);
            return false;
        }
    };
    match access::claim().and_then(|()| config.write(work.provider)) {
        Ok(()) => {
            work.config = config;
            work.is_saved = true;
            true
        }
        Err(error) => {
            say(dialog, &explain(&error), MB_ICONWARNING);
            false
        }
    }
}

/// What an ordinary user is told.
const ADMINISTRATORS: &str = "Only administrators may see and change these settings. Start the program as an \
                              administrator, or use linegate-tapi.exe in an elevated command prompt.";

fn explain(error: &MachineError) -> String {
    match error {
        MachineError::Windows { code: 5 | 1_307 | 1_314, .. } => ADMINISTRATORS.to_owned(),
        MachineError::File { cause, .. } if cause.kind() == std::io::ErrorKind::PermissionDenied => {
            ADMINISTRATORS.to_owned()
        }
        other => other.to_string(),
    }
}

/// A message with one button.
pub(crate) fn say(owner: HWND, message: &str, icon: u32) {
    let (message, title) = (wide(message), wide(TITLE));
    // SAFETY: both texts end with NUL.
    unsafe { MessageBoxW(owner, message.as_ptr(), title.as_ptr(), MB_OK | icon) };
}

/// Something to be known.
pub(crate) fn inform(owner: HWND, message: &str) {
    say(owner, message, MB_ICONINFORMATION);
}

fn ask(owner: HWND, question: &str) -> bool {
    let (question, title) = (wide(question), wide(TITLE));
    // SAFETY: both texts end with NUL.
    unsafe { MessageBoxW(owner, question.as_ptr(), title.as_ptr(), MB_YESNO | MB_ICONQUESTION) == IDYES }
}

fn set_text(dialog: HWND, id: u16, text: &str) {
    let text = wide(text);
    // SAFETY: the text ends with NUL.
    unsafe { SetDlgItemTextW(dialog, i32::from(id), text.as_ptr()) };
}

fn text(dialog: HWND, id: u16) -> String {
    let mut units = [0_u16; 1_024];
    // SAFETY: the buffer has as many units as is said.
    unsafe { GetDlgItemTextW(dialog, i32::from(id), units.as_mut_ptr(), 1_024) };
    narrow(&units)
}

fn send(dialog: HWND, id: u16, message: u32, word: WPARAM, long: LPARAM) -> isize {
    // SAFETY: messages of controls of our own.
    unsafe {
        let item = GetDlgItem(dialog, i32::from(id));
        SendMessageW(item, message, word, long)
    }
}

fn wait_cursor() {
    // SAFETY: a cursor of the system.
    unsafe { SetCursor(LoadCursorW(null_mut(), IDC_WAIT)) };
}
