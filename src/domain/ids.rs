//! Ids of the contract: opaque strings with a type prefix, stable over restarts (api.md, "Conventions").

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is no id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{text}” is no id of this kind; such ids begin with {prefix}")]
pub struct IdError {
    /// What was given.
    pub text: String,
    /// How ids of this kind begin.
    pub prefix: &'static str,
}

/// Where new ids come from: chance is an argument.
pub trait IdSource {
    /// Sixteen bytes that never come twice, rising with time.
    fn next(&mut self) -> [u8; 16];
}

/// Ids from the clock and the system's randomness (UUID version 7).
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl IdSource for RandomIds {
    fn next(&mut self) -> [u8; 16] {
        uuid::Uuid::now_v7().into_bytes()
    }
}

fn hex(bytes: [u8; 16]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(32);
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// How ids of this kind begin.
            pub const PREFIX: &'static str = $prefix;

            /// A new id.
            pub fn new(source: &mut dyn IdSource) -> Self {
                Self(format!("{}{}", $prefix, hex(source.next())).into())
            }

            /// Reads an id.
            ///
            /// # Errors
            /// When the text does not begin like one, is too long or holds anything but letters and digits.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let rest = text.strip_prefix($prefix).unwrap_or_default();
                let sound = (1..=64).contains(&rest.len())
                    && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
                if sound {
                    Ok(Self(text.into()))
                } else {
                    Err(IdError { text: text.chars().take(80).collect(), prefix: $prefix })
                }
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .pattern(Some(concat!("^", $prefix, "[A-Za-z0-9_-]{1,64}$")))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}

id!(
    /// A PBX.
    PbxId, "pbx_"
);
id!(
    /// A line.
    LineId, "line_"
);
id!(
    /// A call of one line.
    CallId, "call_"
);
id!(
    /// What the legs of one conversation share.
    ConversationId, "conv_"
);
id!(
    /// A command given through the API.
    CommandId, "cmd_"
);
id!(
    /// A participant of a conference.
    PartyId, "party_"
);
id!(
    /// A token.
    TokenId, "tok_"
);
id!(
    /// A code by which machines fetch tokens.
    EnrolmentId, "enr_"
);
id!(
    /// A webhook.
    WebhookId, "hook_"
);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ids_are_read_back_and_others_are_refused() {
        let id = LineId::new(&mut RandomIds);
        assert_eq!(LineId::parse(id.as_str()).unwrap(), id);
        assert!(LineId::parse("call_0123").is_err());
        assert!(LineId::parse("line_").is_err());
        assert!(LineId::parse("line_a b").is_err());
    }
}
