//! Bodies of `/enrolments` and `/enrol`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{EnrolmentId, LineId, Timestamp};
use crate::store::{EnrolmentRow, Scope};

/// A new code by which machines fetch tokens of their own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "roll-out of the second floor", "uses": 40, "expires_at": "2030-01-31T00:00:00.000Z"}))]
pub(super) struct NewEnrolmentBody {
    /// What it is for.
    #[schema(min_length = 1, max_length = 64)]
    pub(super) name: String,
    /// What its tokens may do: `read` or `control`, which is what they get without this.
    #[serde(default)]
    #[schema(min_items = 1)]
    pub(super) scopes: Option<Vec<Scope>>,
    /// The only lines that its tokens may see; without it all.
    #[serde(default)]
    pub(super) lines: Option<Vec<LineId>>,
    /// How many machines may use it.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 100_000, default = 1)]
    pub(super) uses: u32,
    /// When it ends; without it a week from now. The tokens that it gave live on.
    #[serde(default)]
    pub(super) expires_at: Option<Timestamp>,
}

fn one() -> u32 {
    1
}

/// What became of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum EnrolmentState {
    /// It gives tokens.
    Open,
    /// All its uses are used.
    UsedUp,
    /// Its time is over.
    Expired,
}

/// An enrolment, without its code.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EnrolmentInfo {
    /// Its id.
    pub(super) id: EnrolmentId,
    /// What it is for.
    pub(super) name: String,
    /// The highest scope of its tokens, as a list.
    pub(super) scopes: Vec<Scope>,
    /// The only lines that its tokens may see; `null` means all.
    pub(super) lines: Option<Vec<LineId>>,
    /// How many machines may use it.
    #[schema(minimum = 1)]
    pub(super) uses: u32,
    /// How many did.
    #[schema(minimum = 0)]
    pub(super) used: u32,
    /// Whether it gives tokens now.
    pub(super) state: EnrolmentState,
    /// When it was made.
    pub(super) created_at: Timestamp,
    /// When it ends.
    pub(super) expires_at: Timestamp,
}

impl EnrolmentInfo {
    pub(super) fn of(row: EnrolmentRow, now: Timestamp) -> Self {
        let state = match () {
            () if row.is_open(now) => EnrolmentState::Open,
            () if row.used >= row.uses => EnrolmentState::UsedUp,
            () => EnrolmentState::Expired,
        };
        Self {
            id: row.id,
            name: row.name,
            scopes: vec![row.scope],
            lines: row.lines,
            uses: row.uses,
            used: row.used,
            state,
            created_at: row.created_at,
            expires_at: row.expires_at,
        }
    }
}

/// A new enrolment with its code.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NewEnrolment {
    #[serde(flatten)]
    pub(super) info: EnrolmentInfo,
    /// The code: shown this once. Small letters, spaces and other separators do not matter when it is used.
    #[schema(example = "LGE-7QK2M-0D9XV-4TREB-H1N6C-W3J8P")]
    pub(super) code: String,
}

/// A machine that wants a token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "LGE-7QK2M-0D9XV-4TREB-H1N6C-W3J8P", "machine": "PC-17"}))]
pub(super) struct EnrolBody {
    /// The code.
    #[schema(min_length = 1, max_length = 100)]
    pub(super) code: String,
    /// What the machine is called: the name of its token, and so the `actor` of its events.
    #[schema(min_length = 1, max_length = 64)]
    pub(super) machine: String,
}
