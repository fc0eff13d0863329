//! Data of programs in the `data` of the gateway's calls.

use data_encoding::BASE64;
use serde_json::{Map, Value, json};

use super::requests_line::or_null;

/// Members of `data` that are TAPI's.
const CALL_DATA: &str = "tapi_call_data";
const APP_SPECIFIC: &str = "tapi_app_specific";

/// What the calls of a program carry at the gateway.
pub(super) fn write_data(app_specific: u32, call_data: &[u8]) -> Value {
    let mut data = Map::new();
    if app_specific != 0 {
        data.insert(APP_SPECIFIC.to_owned(), json!(app_specific));
    }
    if !call_data.is_empty() {
        data.insert(CALL_DATA.to_owned(), json!(BASE64.encode(call_data)));
    }
    Value::Object(data)
}

/// The same as a merge patch: what is empty is taken away, what others put there stays.
pub(super) fn patch_data(app_specific: u32, call_data: &[u8]) -> Value {
    let data = write_data(app_specific, call_data);
    json!({APP_SPECIFIC: or_null(data.get(APP_SPECIFIC).cloned()), CALL_DATA: or_null(data.get(CALL_DATA).cloned())})
}

/// App specific value and call data.
pub(super) fn read_data(data: &Value) -> (u32, Vec<u8>) {
    let app_specific = data.get(APP_SPECIFIC).and_then(Value::as_u64).and_then(|value| u32::try_from(value).ok());
    let call_data = data.get(CALL_DATA).and_then(Value::as_str);
    let call_data = call_data.and_then(|text| BASE64.decode(text.as_bytes()).ok());
    (app_specific.unwrap_or(0), call_data.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn data_comes_back_as_it_went(value in any::<u32>(), bytes in prop::collection::vec(any::<u8>(), 0..50)) {
            prop_assert_eq!(read_data(&write_data(value, &bytes)), (value, bytes));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,40}") {
            prop_assert_eq!(read_data(&json!({CALL_DATA: text.as_str(), APP_SPECIFIC: text})).0, 0);
        }
    }
}
