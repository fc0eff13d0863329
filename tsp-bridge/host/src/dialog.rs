//! Plays a person at the settings dialog: fills fields, presses buttons, reads what is shown.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use linegate_tsp_machine::config::Config;
use linegate_tsp_machine::secret;
use linegate_tsp_machine::text::narrow;
use serde_json::json;
use windows_sys::Win32::Foundation::HWND;
use windows_sys::Win32::UI::WindowsAndMessaging::{
    FindWindowW, GetDesktopWindow, GetDlgItemTextW, IDCANCEL, IDNO, IDOK, IDYES, PostMessageW, SetDlgItemTextW,
    WM_COMMAND,
};

use crate::control;
use crate::service::{PROVIDER, configure, wide};

const SETTINGS: &str = "Linegate TAPI bridge: settings";
const QUESTION: &str = "Linegate TAPI bridge";
const GATEWAY: i32 = 101;
const TOKEN: i32 = 102;
const FINGERPRINT: i32 = 103;
const LINES: i32 = 104;
const LEVEL: i32 = 105;
const FETCH: i32 = 107;
const TEST: i32 = 108;
const RESULT: i32 = 109;
/// The text of a message box.
const MESSAGE: i32 = 0xFFFF;

/// A window, as a number: handles of windows are the same for every thread.
#[derive(Clone, Copy)]
struct Window(usize);

impl Window {
    fn handle(self) -> HWND {
        self.0 as HWND
    }

    fn text(self, item: i32) -> String {
        let mut units = [0_u16; 1_024];
        // SAFETY: the buffer has as many units as is said.
        unsafe { GetDlgItemTextW(self.handle(), item, units.as_mut_ptr(), 1_024) };
        narrow(&units)
    }

    fn write(self, item: i32, text: &str) {
        // SAFETY: the text ends with NUL.
        unsafe { SetDlgItemTextW(self.handle(), item, wide(text).as_ptr()) };
    }

    /// Presses a button; what it does may show another window, which is not waited for.
    fn press(self, item: i32) {
        // SAFETY: a message of a dialog.
        unsafe { PostMessageW(self.handle(), WM_COMMAND, item as usize, 0) };
    }
}

fn find(title: &str) -> Option<Window> {
    // SAFETY: the title ends with NUL.
    let found = unsafe { FindWindowW(std::ptr::null(), wide(title).as_ptr()) };
    (!found.is_null()).then_some(Window(found as usize))
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Asks whoever runs this for a picture of the screen.
fn picture(name: &str) {
    println!("picture {name}");
    std::thread::sleep(Duration::from_secs(2));
}

/// Shows the settings; `person` sits before them.
fn show(person: impl FnOnce(Window) + Send + 'static) {
    type Dialog = unsafe extern "system" fn(usize, HWND, u32) -> i32;
    let sitting = std::thread::spawn(move || {
        let window = until("the settings are shown", || find(SETTINGS));
        // A window can be found before its fields are filled.
        until("the fields are filled", || (!window.text(LEVEL).is_empty()).then_some(()));
        person(window);
    });
    let address = crate::api::address(crate::api::module(), "TUISPI_providerConfig").expect("the export");
    // SAFETY: the export has this signature; the desktop is always a window.
    let result = unsafe { std::mem::transmute::<usize, Dialog>(address)(0, GetDesktopWindow(), PROVIDER) };
    assert_eq!(result, 0, "TUISPI_providerConfig");
    sitting.join().expect("the person at the dialog");
    until("the settings are gone", || find(SETTINGS).is_none().then_some(()));
}

/// Shows the settings of the provider until somebody closes them.
pub fn settings() -> ExitCode {
    configure(PROVIDER, |config| config.lines = vec!["201".to_owned(), "2*".to_owned()]);
    show(|window| until_closed(window));
    ExitCode::SUCCESS
}

fn until_closed(_: Window) {
    while find(SETTINGS).is_some() {
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Every button of the settings.
pub fn buttons() -> ExitCode {
    let secure = control::ask("/secure", &json!({}));
    let address = format!("https://127.0.0.1:{}", secure["port"]);
    let fingerprint = secure["fingerprint"].as_str().expect("a fingerprint").to_owned();
    configure(PROVIDER, |config| config.token.clear());
    let (at, shown) = (address.clone(), fingerprint.clone());
    show(move |window| {
        // Without trust nothing is sent.
        window.write(GATEWAY, &at);
        window.write(TOKEN, "a-wrong-token");
        window.press(TEST);
        until("no trust", || window.text(RESULT).contains("needs the fingerprint").then_some(()));
        // The fingerprint is shown, and taken over only after a yes.
        for (answer, taken) in [(IDNO, ""), (IDYES, shown.as_str())] {
            window.press(FETCH);
            let question = until("the fingerprint is shown", || find(QUESTION));
            let asked = question.text(MESSAGE);
            assert!(asked.contains(&shown) && asked.contains(&at), "{asked}");
            if answer == IDYES {
                picture("fingerprint");
            }
            question.press(answer);
            until("the question is gone", || find(QUESTION).is_none().then_some(()));
            until("the answer counts", || (window.text(FINGERPRINT) == taken).then_some(()));
        }
        window.press(TEST);
        until("a wrong token", || window.text(RESULT).contains("refuses the token").then_some(()));
        window.write(TOKEN, &control::ports().token);
        window.press(TEST);
        until("the gateway answers", || window.text(RESULT).contains("sees 0 lines").then_some(()));
        picture("tested");
        window.write(LINES, "201, 3*");
        // What cannot be is said, and the dialog stays.
        window.write(FINGERPRINT, "AB:CD");
        window.press(IDOK);
        let refusal = until("the refusal", || find(QUESTION));
        assert!(refusal.text(MESSAGE).contains("no SHA-256"), "{}", refusal.text(MESSAGE));
        refusal.press(IDOK);
        until("the refusal is gone", || find(QUESTION).is_none().then_some(()));
        window.write(FINGERPRINT, &shown);
        window.press(IDOK);
    });
    let config = Config::read(PROVIDER).expect("the settings");
    assert_eq!(
        (config.gateway.as_str(), config.fingerprint.as_deref()),
        (address.as_str(), Some(fingerprint.as_str()))
    );
    assert_eq!(config.lines, ["201", "3*"]);
    assert_eq!(secret::open(&config.token).expect("the token"), control::ports().token);
    // A field that stays empty keeps the token; cancelling changes nothing.
    show(|window| {
        assert_eq!(window.text(TOKEN), "", "the token is never shown");
        window.write(GATEWAY, "https://elsewhere:1");
        window.press(IDCANCEL);
    });
    assert_eq!(Config::read(PROVIDER).expect("the settings"), config);
    // A code in the place of a token.
    show(|window| {
        window.write(TOKEN, " lge-7qk2m-0d9xv-4treb-h1n6c-w3j8p ");
        window.press(TEST);
        until("a test does not use the code up", || window.text(RESULT).contains("after OK").then_some(()));
        window.press(IDOK);
    });
    let changed = Config::read(PROVIDER).expect("the settings");
    assert!(changed.waits_for_token() && secret::open(&changed.enrolment).is_ok_and(|code| code.starts_with("lge-")));
    println!("test the_buttons_of_the_settings_do_what_they_say ... ok");
    ExitCode::SUCCESS
}
