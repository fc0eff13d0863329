//! Dialling without TAPI: links with `tel:` and `callto:`; and Outlook's choice of TAPI.

use std::ptr::{null, null_mut};

use linegate_tsp_link::request;
use linegate_tsp_machine::MachineError;
use linegate_tsp_machine::config::Config;
use linegate_tsp_machine::text::{narrow, wide};
use serde_json::{Value, json};
use windows_sys::Win32::System::Registry::{
    HKEY, HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE, REG_DWORD, REG_SZ, RRF_RT_REG_SZ, RegDeleteTreeW, RegGetValueW,
    RegSetKeyValueW,
};

use crate::arguments::Arguments;
use crate::code;
use crate::install::{Failure, ours, report};

const SETTINGS: &str = "Software\\Linegate\\TAPI";
const CLASSES: [&str; 2] = ["Software\\Classes\\tel", "Software\\Classes\\callto"];

/// The number in a link.
fn number_of(link: &str) -> String {
    let text = link.strip_prefix("tel:").or_else(|| link.strip_prefix("callto:")).unwrap_or(link);
    let text = text.trim_start_matches('/').split([';', '?', '&']).next().unwrap_or_default();
    text.replace("%20", " ").replace("%2B", "+").replace("%2b", "+").replace("%28", "(").replace("%29", ")")
}

pub(crate) fn dial_link(link: &str) -> u8 {
    let arguments = Arguments::default();
    report(&arguments, place_call(&number_of(link), None, None))
}

pub(crate) fn dial(arguments: &Arguments) -> u8 {
    let work = || {
        let number =
            arguments.word().ok_or(Failure(code::USAGE, "whom to dial? linegate-tapi dial NUMBER".to_owned()))?;
        let provider = arguments.provider().map_err(|error| Failure(code::USAGE, error.0))?;
        place_call(&number_of(number), arguments.value("line"), provider)
    };
    report(arguments, work())
}

fn place_call(number: &str, line: Option<&str>, provider: Option<u32>) -> Result<String, Failure> {
    let line = match line {
        Some(line) => line.to_owned(),
        None => stored_line().ok_or(Failure(
            code::USAGE,
            "from which line? linegate-tapi tel-handler --line NUMBER sets the line of this user".to_owned(),
        ))?,
    };
    let failed = |text: String| Failure(code::FAILED, text);
    let known = ours()?;
    let id = provider.or_else(|| known.first().map(|provider| provider.id));
    let id = id.ok_or(Failure(code::NOT_INSTALLED, "no provider is registered".to_owned()))?;
    let settings = Config::read(id)?.link_settings().map_err(|error| failed(error.to_string()))?;
    let get = |path: &str| request(&settings, "GET", path, &Value::Null).map_err(|error| failed(error.to_string()));
    let digits: String = line.chars().filter(char::is_ascii_digit).collect();
    let (_, lines) = get(&format!("/api/v1/lines?number={digits}"))?;
    let line_id = lines.pointer("/items/0/id").and_then(Value::as_str);
    let line_id = line_id.ok_or_else(|| failed(format!("the gateway has no line {line} for this machine")))?;
    let path = format!("/api/v1/lines/{line_id}/calls");
    let (status, answer) =
        request(&settings, "POST", &path, &json!({"to": number})).map_err(|error| failed(error.to_string()))?;
    if status == 201 {
        return Ok(format!("{line} dials"));
    }
    let detail = answer.get("detail").and_then(Value::as_str).unwrap_or("no reason was given");
    Err(failed(format!("the gateway refused: {detail}")))
}

fn set_text(root: HKEY, path: &str, name: Option<&str>, value: &str) -> Result<(), MachineError> {
    let (path, value) = (wide(path), wide(value));
    let name = name.map(wide);
    let name = name.as_ref().map_or(null(), |name| name.as_ptr());
    let size = u32::try_from(value.len() * 2).unwrap_or(0);
    // SAFETY: all texts end with NUL, the value has the size that is said.
    match unsafe { RegSetKeyValueW(root, path.as_ptr(), name, REG_SZ, value.as_ptr().cast(), size) } {
        0 => Ok(()),
        code => Err(MachineError::Windows { what: "writing the registry", code }),
    }
}

fn stored_line() -> Option<String> {
    let (path, name) = (wide(SETTINGS), wide("Line"));
    let mut units = [0_u16; 64];
    let mut size = 128;
    // SAFETY: the buffer has the size that is said.
    let code = unsafe {
        RegGetValueW(
            HKEY_CURRENT_USER,
            path.as_ptr(),
            name.as_ptr(),
            RRF_RT_REG_SZ,
            null_mut(),
            units.as_mut_ptr().cast(),
            &mut size,
        )
    };
    (code == 0).then(|| narrow(&units)).filter(|line| !line.is_empty())
}

pub(crate) fn handler(arguments: &Arguments) -> u8 {
    let work = || -> Result<String, Failure> {
        if arguments.flag("remove") {
            for path in CLASSES {
                let path = wide(path);
                // SAFETY: the path ends with NUL. A key that is not there needs no deletion.
                unsafe { RegDeleteTreeW(HKEY_CURRENT_USER, path.as_ptr()) };
            }
            return Ok("tel: and callto: are handled by nobody of ours any more".to_owned());
        }
        if let Some(line) = arguments.value("line") {
            set_text(HKEY_CURRENT_USER, SETTINGS, Some("Line"), line)?;
        }
        let program = std::env::current_exe().map_err(|error| Failure(code::FAILED, error.to_string()))?;
        for path in CLASSES {
            set_text(HKEY_CURRENT_USER, path, None, "URL: telephone number")?;
            set_text(HKEY_CURRENT_USER, path, Some("URL Protocol"), "")?;
            let command = format!("\"{}\" \"%1\"", program.display());
            set_text(HKEY_CURRENT_USER, &format!("{path}\\shell\\open\\command"), None, &command)?;
        }
        Ok("links with tel: and callto: are dialled through the gateway".to_owned())
    };
    report(arguments, work())
}

/// Makes Outlook dial through TAPI and not through a communicator.
pub(crate) fn outlook() -> Result<(), MachineError> {
    for path in [
        "Software\\Microsoft\\Office\\Outlook\\Call Integration",
        "Software\\Wow6432Node\\Microsoft\\Office\\Outlook\\Call Integration",
    ] {
        let (path, name, value) = (wide(path), wide("TAPIOVERRIDE"), 1_u32.to_le_bytes());
        // SAFETY: both texts end with NUL, the value has four bytes.
        let code = unsafe {
            RegSetKeyValueW(HKEY_LOCAL_MACHINE, path.as_ptr(), name.as_ptr(), REG_DWORD, value.as_ptr().cast(), 4)
        };
        if code != 0 {
            return Err(MachineError::Windows { what: "writing Outlook's settings", code });
        }
    }
    Ok(())
}
