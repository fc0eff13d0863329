//! Operations as a user of the API reads them: headers of the answers, and no refusal that cannot happen.

use serde_json::{Value, json};

/// What a body may be refused for.
const OF_BODIES: [&str; 3] = ["408", "413", "415"];
/// Operations whose answers carry a tag of the resource.
const TAGGED: [&str; 11] = [
    "create_pbx",
    "get_pbx",
    "update_pbx",
    "learn_from_probe",
    "create_line",
    "get_line",
    "update_line",
    "get_number_rules",
    "put_number_rules",
    "undo_number_rules",
    "import_number_rules",
];
/// Operations whose answers say where the change stands in the event stream.
const PLACED: [&str; 20] = [
    "forget_learned",
    "learn_from_probe",
    "create_pbx",
    "update_pbx",
    "delete_pbx",
    "create_line",
    "update_line",
    "delete_line",
    "refresh_line",
    "put_number_rules",
    "undo_number_rules",
    "import_number_rules",
    "update_call",
    "dial",
    "answer_call",
    "drop_call",
    "hold_call",
    "retrieve_call",
    "set_forwarding",
    "set_do_not_disturb",
];
/// Operations that are commands.
const COMMANDS: [&str; 7] =
    ["dial", "answer_call", "drop_call", "hold_call", "retrieve_call", "set_forwarding", "set_do_not_disturb"];

/// The groups of the operations.
pub(super) fn tags() -> Value {
    json!([
        {"name": "PBXs", "description": "One per CME router: its settings, its status, its lines."},
        {"name": "Lines", "description": "The numbers that are monitored and can be dialled from."},
        {"name": "Calls", "description": "One object per line and PBX call: what one phone sees."},
        {"name": "Numbers", "description": "Rules that change numbers on their way in, on their way out, and when programs dial."},
        {"name": "Events", "description": "One journal of every change: WebSocket, server-sent events or polling."},
        {"name": "Administration", "description": "Tokens, enrolments, readers, the log."},
        {"name": "Health", "description": "For supervisors and load balancers."},
        {"name": "Documents", "description": "They hold no data and are open."},
    ])
}

/// Completes all operations.
pub(super) fn complete(paths: &mut Value) {
    let items = paths.as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    for operation in items.filter_map(Value::as_object_mut).flat_map(|item| item.values_mut()) {
        complete_operation(operation);
    }
}

fn complete_operation(operation: &mut Value) {
    let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
    let has_body = operation.get("requestBody").is_some();
    if let Some(body) = operation.get_mut("requestBody") {
        complete_body(body);
    }
    complete_parameters(&id, operation);
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    if !has_body {
        for status in OF_BODIES {
            responses.remove(status);
        }
    }
    for (status, response) in responses {
        let headers = headers(&id, status);
        if headers.as_object().is_some_and(|headers| !headers.is_empty()) {
            response["headers"] = headers;
        }
    }
}

/// A body that may be left out is no `null`: that would be a body.
fn complete_body(body: &mut Value) {
    for media in
        body.get_mut("content").and_then(Value::as_object_mut).into_iter().flat_map(|content| content.values_mut())
    {
        let given = media
            .pointer("/schema/oneOf")
            .and_then(Value::as_array)
            .and_then(|choices| choices.iter().find(|one| one.get("$ref").is_some()));
        if let Some(schema) = given.cloned() {
            media["schema"] = schema;
        }
    }
}

fn complete_parameters(id: &str, operation: &mut Value) {
    if ["get_pbx", "get_line", "get_number_rules"].contains(&id)
        && let Some(parameters) = operation.get_mut("parameters").and_then(Value::as_array_mut)
    {
        parameters
            .push(json!({"name": "If-None-Match", "in": "header", "required": false, "schema": {"type": "string"},
                               "description": "The ETag that you have: 304 when nothing changed"}));
    }
    // By `get_mut`: indexing would add a null where there is none.
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        // A parameter is a text: what may be left out is never null.
        if parameter["schema"]["type"].is_array() {
            let kind = parameter["schema"]["type"][0].take();
            parameter["schema"]["type"] = kind;
        }
        match parameter["name"].as_str().unwrap_or_default() {
            "Idempotency-Key" => {
                parameter["schema"] =
                    json!({"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"});
            }
            "limit" => parameter["schema"]["default"] = json!(100),
            "label" => parameter["schema"]["pattern"] = json!(":"),
            "after" => parameter["schema"]["pattern"] = json!("^[^:]+:[0-9]{1,19}$"),
            "from" => parameter["schema"]["pattern"] = json!("^(snapshot|now|[^:]+:[0-9]{1,19})$"),
            _ => {}
        }
    }
}

fn headers(id: &str, status: &str) -> Value {
    let text = |description: &str| json!({"description": description, "schema": {"type": "string"}});
    let is_good = status.starts_with('2');
    let mut headers = json!({});
    if TAGGED.contains(&id) && (is_good || status == "304") {
        headers["ETag"] =
            text("Version of the settings and of this representation, for `If-Match` and `If-None-Match`");
    }
    if PLACED.contains(&id) && is_good && !(id == "dial" && status == "200") {
        headers["Event-Position"] = text("`<epoch>:<seq>`: the event stream up to here has the change");
    }
    if COMMANDS.contains(&id) && is_good && !(id == "dial" && status == "200") {
        headers["Command-Id"] = text("The command, as in its events");
    }
    if id == "list_finished_calls" && is_good {
        headers["Link"] = text("`<…>; rel=\"next\"`: the next page; absent on the last one");
    }
    match status {
        "201" if !["create_ticket", "create_token", "create_enrolment", "enrol"].contains(&id) => {
            headers["Location"] = text("Path of the new resource")
        }
        "401" => headers["WWW-Authenticate"] = text("`Bearer`"),
        "426" => headers["Sec-WebSocket-Version"] = text("13"),
        "429" | "503" if id != "readyz" => {
            headers["Retry-After"] =
                json!({"description": "Seconds after which asking again makes sense", "schema": {"type": "integer"}});
        }
        _ => {}
    }
    headers
}
