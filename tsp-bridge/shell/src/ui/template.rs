//! A dialog template in memory: no resource compiler is needed, and both widths share it.

use linegate_tsp_machine::text::wide;
use windows_sys::Win32::UI::WindowsAndMessaging::{
    DS_MODALFRAME, DS_SETFONT, WS_BORDER, WS_CAPTION, WS_CHILD, WS_POPUP, WS_SYSMENU, WS_TABSTOP, WS_VISIBLE,
    WS_VSCROLL,
};

/// Predefined classes.
const BUTTON: u16 = 0x80;
const EDIT: u16 = 0x81;
const STATIC: u16 = 0x82;
const COMBO: u16 = 0x85;

/// Styles that windows-sys spreads over several modules.
const ES_AUTOHSCROLL: u32 = 0x80;
const ES_PASSWORD: u32 = 0x20;
const BS_DEFPUSHBUTTON: u32 = 0x01;
const BS_AUTOCHECKBOX: u32 = 0x03;
const CBS_DROPDOWNLIST: u32 = 0x03;

/// Place and size in dialog units: x, y, width, height.
pub(crate) type Area = [u16; 4];

/// A dialog being composed.
pub(crate) struct Template {
    bytes: Vec<u8>,
    count: u16,
}

impl Template {
    pub(crate) fn new(title: &str, width: u16, height: u16) -> Self {
        let mut template = Self { bytes: Vec::new(), count: 0 };
        let style = WS_POPUP | WS_CAPTION | WS_SYSMENU | DS_MODALFRAME as u32 | DS_SETFONT as u32;
        template.double(style);
        template.double(0);
        template.word(0);
        for part in [0, 0, width, height, 0, 0] {
            template.word(part);
        }
        template.text(title);
        template.word(8);
        template.text("MS Shell Dlg");
        template
    }

    fn word(&mut self, value: u16) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    fn double(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        for unit in wide(text) {
            self.word(unit);
        }
    }

    fn item(mut self, class: u16, style: u32, id: u16, text: &str, area: Area) -> Self {
        while !self.bytes.len().is_multiple_of(4) {
            self.bytes.push(0);
        }
        self.double(style | WS_CHILD | WS_VISIBLE);
        self.double(0);
        for part in area {
            self.word(part);
        }
        self.word(id);
        self.word(0xFFFF);
        self.word(class);
        self.text(text);
        self.word(0);
        self.count += 1;
        self
    }

    pub(crate) fn label(self, id: u16, text: &str, area: Area) -> Self {
        self.item(STATIC, 0, id, text, area)
    }

    pub(crate) fn edit(self, id: u16, area: Area) -> Self {
        self.item(EDIT, WS_BORDER | WS_TABSTOP | ES_AUTOHSCROLL, id, "", area)
    }

    pub(crate) fn password(self, id: u16, area: Area) -> Self {
        self.item(EDIT, WS_BORDER | WS_TABSTOP | ES_AUTOHSCROLL | ES_PASSWORD, id, "", area)
    }

    pub(crate) fn button(self, id: u16, text: &str, area: Area) -> Self {
        self.item(BUTTON, WS_TABSTOP, id, text, area)
    }

    pub(crate) fn default_button(self, id: u16, text: &str, area: Area) -> Self {
        self.item(BUTTON, WS_TABSTOP | BS_DEFPUSHBUTTON, id, text, area)
    }

    pub(crate) fn check(self, id: u16, text: &str, area: Area) -> Self {
        self.item(BUTTON, WS_TABSTOP | BS_AUTOCHECKBOX, id, text, area)
    }

    pub(crate) fn choice(self, id: u16, area: Area) -> Self {
        self.item(COMBO, WS_TABSTOP | WS_VSCROLL | CBS_DROPDOWNLIST, id, "", area)
    }

    /// The template, aligned as Windows wants it.
    pub(crate) fn finish(mut self) -> Vec<u32> {
        if let Some(place) = self.bytes.get_mut(8..10) {
            place.copy_from_slice(&self.count.to_le_bytes());
        }
        while !self.bytes.len().is_multiple_of(4) {
            self.bytes.push(0);
        }
        self.bytes.chunks_exact(4).filter_map(|four| Some(u32::from_le_bytes(four.try_into().ok()?))).collect()
    }
}
