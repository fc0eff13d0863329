//! How exactly a message has to keep to the grammar: the verdicts of RFC 4475, or the tolerance for routers.

use std::fmt;

/// The grammar that a parse holds a message to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Strictness {
    /// RFC 3261 to the letter, every known header checked: the 49 verdicts of RFC 4475.
    Rfc,
    /// The link to routers: every [`Leniency`] applies.
    Router,
}

impl Strictness {
    /// Whether this strictness forgives the given deviation.
    #[must_use]
    pub const fn forgives(self, _leniency: Leniency) -> bool {
        matches!(self, Self::Router)
    }
}

/// The named deviations that [`Strictness::Router`] forgives (dossier 3.8). What is not named here is not forgiven.
/// Compact names, folding, blanks before the colon and unknown URI schemes are no deviations: RFC 3261 allows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Leniency {
    /// Blanks at the end of the start line, and more than one between its parts.
    BlanksInStartLine,
    /// A status line that ends after the code, without the blank of an empty reason.
    ReasonMissing,
    /// A header line without colon or with an odd name is passed over.
    OddHeaderLine,
    /// A malformed header other than Via, From, To, Call-ID, CSeq, Content-Length, Contact and Max-Forwards is as good as absent.
    BadOptionalHeader,
    /// Date in any form, also as a quoted `expires` of Contact (IOS).
    DateInAnyForm,
    /// Timestamp in any form.
    TimestampInAnyForm,
    /// Contact, From or To without angle brackets although the URI has `?` or `,`.
    ContactWithoutBrackets,
    /// Blanks inside the angle brackets.
    BlanksInBrackets,
    /// Display names with characters that need quotes.
    DisplayNameUnquoted,
    /// Empty parameters (`;;`) and a semicolon at the end.
    EmptyParameters,
    /// Octets outside the grammar in URI user parts and parameters.
    OddUriCharacters,
    /// Call-ID with characters outside `word`.
    OddCallId,
    /// A tag that is missing in To of 100 and of some failures.
    TagMissing,
    /// An unquoted `rport` without value in answers, or none at all.
    RportMissing,
}

impl Leniency {
    /// Every leniency, in documentation order.
    pub const ALL: [Self; 14] = [
        Self::BlanksInStartLine,
        Self::ReasonMissing,
        Self::OddHeaderLine,
        Self::BadOptionalHeader,
        Self::DateInAnyForm,
        Self::TimestampInAnyForm,
        Self::ContactWithoutBrackets,
        Self::BlanksInBrackets,
        Self::DisplayNameUnquoted,
        Self::EmptyParameters,
        Self::OddUriCharacters,
        Self::OddCallId,
        Self::TagMissing,
        Self::RportMissing,
    ];

    /// One sentence on what is forgiven.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::BlanksInStartLine => "extra blanks in or after the start line",
            Self::ReasonMissing => "no blank after the status code",
            Self::OddHeaderLine => "a line that is no header is passed over",
            Self::BadOptionalHeader => "a malformed optional header counts as absent",
            Self::DateInAnyForm => "dates in any form",
            Self::TimestampInAnyForm => "Timestamp in any form",
            Self::ContactWithoutBrackets => "addresses without the brackets they need",
            Self::BlanksInBrackets => "blanks between brackets and URI",
            Self::DisplayNameUnquoted => "display names without the quotes they need",
            Self::EmptyParameters => "empty parameters",
            Self::OddUriCharacters => "unescaped characters in URIs",
            Self::OddCallId => "odd characters in Call-ID",
            Self::TagMissing => "no tag in To of an answer",
            Self::RportMissing => "rport without value, or not repeated",
        }
    }
}

impl fmt::Display for Leniency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}
