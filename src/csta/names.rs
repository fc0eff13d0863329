//! Enumerations of the standard written as one list of pairs: the Rust name and the text on the wire.

/// An enumeration that mirrors one of the standard's and keeps texts it does not know in `Other`.
///
/// The wire text is the only difference between the members, so it is their documentation.
macro_rules! open_names {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $(
                #[doc = concat!("`", $text, "`")]
                $variant,
            )+
            /// A text that the standard does not list, kept as it came (dossier section 5.2).
            Other(Box<str>),
        }

        impl $name {
            /// Every member that the standard lists, in the order of its list.
            pub const LISTED: &'static [Self] = &[$(Self::$variant),+];

            /// Reads a wire text: exact spelling first, then any case, else `Other`.
            #[must_use]
            pub fn parse(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    other => Self::LISTED
                        .iter()
                        .find(|member| member.as_str().eq_ignore_ascii_case(other))
                        .cloned()
                        .unwrap_or_else(|| Self::Other(other.into())),
                }
            }

            /// The wire text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

/// An enumeration of names this code knows; anything else is `None`.
macro_rules! closed_names {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $name {
            $(
                #[doc = concat!("`", $text, "`")]
                $variant,
            )+
        }

        impl $name {
            /// Every member, in the order of the list.
            pub const LISTED: &'static [Self] = &[$(Self::$variant),+];

            /// Reads a wire text; `None` where it is not in the list.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The wire text.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(super) use closed_names;
pub(super) use open_names;
