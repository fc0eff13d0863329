//! The log: one file of limited size. A token never comes here; a number only at the levels `debug` and `trace`.

use std::fmt::Arguments;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

use windows_sys::Win32::Foundation::SYSTEMTIME;
use windows_sys::Win32::System::SystemInformation::GetSystemTime;

use crate::files;

/// The file is put aside when it is this large; one older one is kept.
const LIMIT: u64 = 4 * 1024 * 1024;

/// How much is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Something does not work.
    Error,
    /// Something is odd.
    Warn,
    /// What an administrator wants to know.
    Info,
    /// What happens between the gateway and TAPI.
    Debug,
    /// Every call of TAPI and every callback.
    Trace,
}

impl Level {
    /// Reads a word; an unknown one means `info`.
    pub fn parse(word: &str) -> Self {
        match word {
            "error" => Self::Error,
            "warn" => Self::Warn,
            "debug" => Self::Debug,
            "trace" => Self::Trace,
            _ => Self::Info,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Warn => "WARN ",
            Self::Info => "INFO ",
            Self::Debug => "DEBUG",
            Self::Trace => "TRACE",
        }
    }
}

static LEVEL: AtomicU8 = AtomicU8::new(Level::Info as u8);
static FILE: Mutex<Option<Open>> = Mutex::new(None);
static FOLDER: Mutex<Option<PathBuf>> = Mutex::new(None);

struct Open {
    file: File,
    size: u64,
}

/// Sets how much is written. The log is the process's: of several providers the last one that started counts.
pub fn set_level(level: Level) {
    LEVEL.store(level as u8, Ordering::Relaxed);
}

/// Sets where the log is written: the given folder, or without one that of the settings. Of several providers the last one
/// that started counts.
pub fn set_folder(folder: Option<&str>) {
    let folder = folder.map(PathBuf::from);
    let mut known = FOLDER.lock().unwrap_or_else(PoisonError::into_inner);
    if *known != folder {
        *known = folder;
        *FILE.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Whether something of this level is written: ask before composing it.
pub fn is_on(level: Level) -> bool {
    level as u8 <= LEVEL.load(Ordering::Relaxed)
}

/// Writes a line.
pub fn write(level: Level, text: Arguments<'_>) {
    if !is_on(level) {
        return;
    }
    let mut now =
        SYSTEMTIME { wYear: 0, wMonth: 0, wDayOfWeek: 0, wDay: 0, wHour: 0, wMinute: 0, wSecond: 0, wMilliseconds: 0 };
    // SAFETY: fills the structure that it is given.
    unsafe { GetSystemTime(&mut now) };
    let line = format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z {} [{}] {text}\r\n",
        now.wYear,
        now.wMonth,
        now.wDay,
        now.wHour,
        now.wMinute,
        now.wSecond,
        now.wMilliseconds,
        level.word(),
        std::process::id(),
    );
    let mut guard = FILE.lock().unwrap_or_else(PoisonError::into_inner);
    if guard.as_ref().is_none_or(|open| open.size > LIMIT) {
        *guard = None;
        *guard = open();
    }
    if let Some(open) = guard.as_mut() {
        // A full disk must not stop anything.
        if open.file.write_all(line.as_bytes()).is_ok() {
            open.size += line.len() as u64;
        }
    }
}

fn open() -> Option<Open> {
    let chosen = FOLDER.lock().unwrap_or_else(PoisonError::into_inner).clone();
    // A folder that is gone or may not be written to must not cost the log. Our own one is never made here: it would belong
    // to whoever runs this program.
    let made = |folder: PathBuf| fs::create_dir_all(&folder).ok().map(|()| folder);
    chosen.and_then(made).and_then(|folder| open_in(&folder)).or_else(|| open_in(&files::folder()))
}

fn open_in(folder: &Path) -> Option<Open> {
    let path = folder.join("linegate-tapi.log");
    if fs::metadata(&path).is_ok_and(|known| known.len() > LIMIT) {
        let _ = fs::rename(&path, path.with_extension("log.1"));
    }
    let file = File::options().create(true).append(true).open(&path).ok()?;
    let size = file.metadata().map_or(0, |known| known.len());
    Some(Open { file, size })
}

/// Writes a line at a level: `log!(Info, "…")`.
#[macro_export]
macro_rules! log {
    ($level:ident, $($text:tt)+) => {
        if $crate::log::is_on($crate::log::Level::$level) {
            $crate::log::write($crate::log::Level::$level, format_args!($($text)+));
        }
    };
}
