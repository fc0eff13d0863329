//! What a load learns about one router, to be stored with its PBX and given to the next load.

use serde::{Deserialize, Serialize};

use crate::axl::inventory::Mobility;

/// Which form of list keywords the router takes (section 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Generation {
    /// 8.5 and later: `ISKeyword`.
    Keyword,
    /// The 2008 guide: the keyword as the value of the name element.
    NameKeyword,
}

/// How a list is best read (section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListHint {
    /// Not tried.
    #[default]
    Unknown,
    /// `all` gives the whole list.
    AllWorks,
    /// `all` does not; tag by tag.
    AllFails,
    /// The router does not know the request.
    Absent,
}

/// Memory between loads of one router.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LoadHints {
    /// Form of list keywords.
    pub generation: Option<Generation>,
    /// `ISVersion` for which all this holds; another version makes the load forget it.
    pub version: Option<String>,
    /// Phones.
    pub devices: ListHint,
    /// Directory numbers.
    pub extensions: ListHint,
    /// Templates.
    pub templates: ListHint,
    /// Extension mobility users.
    pub user_profiles: ListHint,
    /// Session servers.
    pub session_servers: ListHint,
    /// Mobility users where the router does not list them.
    pub mobility: Mobility,
}

impl LoadHints {
    /// Another release may take other forms; its users are the same people.
    pub(super) fn of_another_release(&mut self) -> Self {
        Self { mobility: std::mem::take(&mut self.mobility), ..Self::default() }
    }

    /// Forgets that `all` failed or that a request was unknown: to be called once a day (section 6).
    pub fn forget_failures(&mut self) {
        for hint in [
            &mut self.devices,
            &mut self.extensions,
            &mut self.templates,
            &mut self.user_profiles,
            &mut self.session_servers,
        ] {
            if *hint != ListHint::AllWorks {
                *hint = ListHint::Unknown;
            }
        }
        self.mobility.forget_phone_users();
    }
}
