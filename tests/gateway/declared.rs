//! Settings as code: out of a gateway, compared with it, into it and into another.

use std::io::Write as _;
use std::process::{Command, Stdio};

use axum::body::Body;
use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;
use cme_twin::TwinConfig;
use serde_json::{Value, json};

use crate::kit::{Gateway, House, PATIENCE, text};

/// Runs `linegate config …` with a file at its standard input: exit code, output, and what it told.
async fn config(gateway: &Gateway, args: &[&str], file: &str, password: Option<&str>) -> (i32, String, String) {
    config_at(gateway.url(), args, file, password).await
}

/// As [`config`], with the gateway at an address of one's own.
async fn config_at(url: &str, args: &[&str], file: &str, password: Option<&str>) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_linegate"));
    command.arg("config").args(args).env("LINEGATE_URL", url).env("LINEGATE_TOKEN", crate::kit::TOKEN);
    command.env_remove("LINEGATE_PBX_HQ_PASSWORD");
    if let Some(password) = password {
        command.env("LINEGATE_PBX_HQ_PASSWORD", password);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let file = file.to_owned();
    let run = move || {
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(file.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let out = tokio::task::spawn_blocking(run).await.unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.code().unwrap_or(-1), said(&out.stdout), said(&out.stderr))
}

/// A site with something of everything that a person can set.
async fn furnished() -> House {
    let settings = json!({
        "location": {"enabled": true, "country_code": "49", "area_code": "89", "prefix": "1234"},
        "internal_numbers": [{"from": "200", "to": "299"}], "emergency_numbers": ["112"],
        "dialect": {"keepalive.tcp_interval": 200},
    });
    let house = House::with(TwinConfig::default(), settings).await;
    let client = house.client();
    let rules = json!({
        "incoming": [{"search": "^0(.*)", "replace": "\\1", "comment": "outside line"},
                     {"match": "text", "search": "100", "replace": "", "enabled": false}],
        "samples": [{"direction": "incoming", "input": "0301", "expect": "301"}],
    });
    client.put_again(&format!("/pbxs/{}/number-rules", house.pbx), "", &rules).await.unwrap();
    let entered = json!({"pbx_id": house.pbx, "number": "+49(89)1234-290", "name": "Door", "device_id": "0000.0000.0290", "buttons": ["291"]});
    let door = client.post("/lines", &entered).await.unwrap();
    client.patch(&format!("/lines/{}", text(&door, "/id")), &json!({"enabled": false})).await.unwrap();
    let anna = house.line_id("201").await;
    client.patch(&format!("/lines/{anna}"), &json!({"labels": {"crm_user": "anna"}})).await.unwrap();
    let ben = house.line_id("202").await;
    client.patch(&format!("/lines/{ben}"), &json!({"name": "The Boss"})).await.unwrap();
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_changes_nothing_and_what_is_edited_is_applied() {
    let mut house = furnished().await;
    let password = house.twin.system().xml_password.clone();
    let (code, file, told) = config(&house.gateway, &["export"], "", None).await;
    assert_eq!(code, 0, "{told}");
    assert!(!file.contains(&password) && file.contains("password_env = \"LINEGATE_PBX_HQ_PASSWORD\""), "{file}");
    assert!(!file.contains("Gus Hart"), "what the router gives stands there: {file}");
    for how in [&["plan", "--exit-code"][..], &["plan", "--exit-code", "--prune"], &["apply"]] {
        let (code, out, told) = config(&house.gateway, how, &file, None).await;
        assert_eq!((code, out.as_str(), told.as_str()), (0, "Nothing to change.\n", ""), "{file}");
    }
    assert_eq!(config(&house.gateway, &["validate"], &file, Some("x")).await.1, "The file is good: 1 PBX, 3 lines.\n");

    let edited = file
        .replace("crm_user = \"anna\"", "crm_user = \"anna.berg\"")
        .replace("name = \"The Boss\"\n", "enabled = false\n")
        .replace("emergency_numbers = [\"112\"]", "emergency_numbers = [\"112\", \"110\"]")
        .replace("replace = '\\1'", "replace = '+49\\1'")
        .replace("expect = \"301\"", "expect = \"+49301\"");
    let edited =
        format!("{edited}\n[[pbx.line]]\nnumber = \"295\"\nsource = \"manual\"\nlabels = {{ place = \"hall\" }}\n");
    let (code, plan, told) = config(&house.gateway, &["plan", "--exit-code"], &edited, None).await;
    assert_eq!(code, 1, "{edited}\n{told}");
    for part in [
        "PBX hq: change\n  ~ emergency_numbers: [\"112\"] → [\"112\",\"110\"]\n",
        "PBX hq, number rules: change\n  - incoming[0]: ^0(.*) → \\1\n  + incoming[0]: ^0(.*) → +49\\1\n",
        "PBX hq, line 201 at 00AA11BB0001: change\n  ~ labels.crm_user: \"anna\" → \"anna.berg\"\n",
        "  ~ enabled: true → false\n  - name: \"The Boss\"\n",
        "PBX hq, line 295 without a phone of its own: create\n  + labels.place: \"hall\"\n",
        "1 to create, 4 to change, 0 to delete.\n",
    ] {
        assert!(plan.contains(part), "{part} is not in {plan}");
    }
    assert_eq!(house.line("202").await["name"], "The Boss", "a plan changes nothing");
    let (code, _, told) = config(&house.gateway, &["apply"], &edited, None).await;
    assert!(code == 64 && told.contains("--yes"), "{told}");
    let (code, out, told) = config(&house.gateway, &["apply", "--yes"], &edited, None).await;
    assert!(code == 0 && out.ends_with("Done.\n"), "{out}{told}");
    let ben = house.line("202").await;
    assert_eq!((text(&ben, "/name"), &ben["enabled"]), ("Ben Cole", &json!(false)), "the router's name is back");
    assert_eq!(house.line("295").await["labels"]["place"], "hall");
    let (_, out, _) = config(&house.gateway, &["plan"], &edited, None).await;
    assert_eq!(out, "Nothing to change.\n");

    // What was entered and is not named any more goes only when that is said.
    let (_, out, told) = config(&house.gateway, &["plan"], &file, None).await;
    assert!(
        told.contains("entered lines that are not in the file stay: 1.") && out.contains("0 to delete"),
        "{out}{told}"
    );
    let (code, out, told) = config(&house.gateway, &["apply", "--yes", "--prune"], &file, None).await;
    assert!(code == 0, "{out}{told}");
    assert!(house.lines().await.iter().all(|line| line["number"] != "295"));
    assert_eq!(config(&house.gateway, &["export"], "", None).await.1, file);
    house.until_settled().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_makes_an_empty_gateway_the_same() {
    let house = furnished().await;
    let file = config(&house.gateway, &["export"], "", None).await.1;
    let password = house.twin.system().xml_password.clone();
    let House { twin, gateway, .. } = house;
    gateway.stop().await;

    let empty = Gateway::open().await;
    // Without its password nothing begins.
    let (code, _, told) = config(&empty, &["apply", "--yes"], &file, None).await;
    assert!(code == 78 && told.contains("LINEGATE_PBX_HQ_PASSWORD is not set"), "{told}");
    assert_eq!(empty.client.list("/pbxs").await.unwrap(), Vec::<Value>::new());
    let (code, out, told) = config(&empty, &["apply", "--yes"], &file, Some(&password)).await;
    assert!(code == 0 && !out.contains(&password) && !told.contains(&password), "{out}{told}");
    assert_eq!(config(&empty, &["export"], "", None).await.1, file);
    let lines = empty.client.list("/lines?label=crm_user:anna").await.unwrap();
    assert_eq!(text(&lines[0], "/number"), "201");
    empty.stop().await;
    drop(twin);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_one_thing_fails_everything_is_taken_back() {
    let mut house = furnished().await;
    let file = config(&house.gateway, &["export"], "", None).await.1;
    // The same router a second time: only the gateway can know that.
    let (head, table) = file.split_once("[[pbx]]").unwrap();
    let settings = table.split("[[pbx.line]]").next().unwrap().split("[[pbx.number_rules").next().unwrap();
    let copy = settings.replace("name = \"hq\"", "name = \"copy\"").replace("LINEGATE_PBX_HQ_PASSWORD", "LINEGATE_URL");
    let changed = table
        .replace("crm_user = \"anna\"", "crm_user = \"bert\"")
        .replace("emergency_numbers = [\"112\"]", "emergency_numbers = []")
        .replace("comment = \"outside line\"", "comment = \"\"");
    let both = format!("{head}[[pbx]]{changed}\n[[pbx]]{copy}");
    let (code, out, told) = config(&house.gateway, &["apply", "--yes"], &both, None).await;
    assert_eq!(code, 69, "{out}{told}");
    assert!(out.contains("1 to create, 3 to change"), "{out}");
    assert!(told.contains("PBX copy cannot be done") && told.contains("Everything is as it was before."), "{told}");
    assert_eq!(config(&house.gateway, &["export"], "", None).await.1, file);

    for (wrong, part) in [
        (
            file.replace("search = \"^0(.*)\"", "search = \"^0(.*\"").replace("search = '^0(.*)'", "search = '^0(.*'"),
            "unclosed",
        ),
        (file.replace("[[pbx]]", "[[pbx]]\ncolour = 1"), "colour"),
        (file.replace("number = \"201\"", "number = \"2o1\""), "ephone-dn"),
        (file.replace("expect = \"301\"", "expect = \"302\""), "/number_rules/samples/0/expect"),
        (format!("{file}\n[[pbx.line]]\nnumber = \"+49 89 1234-201\"\ndevice_id = \"00aa.11bb.0001\"\n"), "already"),
        (format!("listen = 1\n{file}"), "listen"),
        (format!("{file}\n[[pbx]]\nname = \"hq\"\nhost = \"192.0.2.1\"\n"), "has this name"),
    ] {
        let (code, _, told) = config(&house.gateway, &["validate"], &wrong, None).await;
        assert!(code == 78 && told.contains(part) && told.contains("nothing was changed"), "{part}: {told}");
    }
    house.until_settled().await;
    house.close().await;
}

/// Stands before a gateway; when rules are about to be written, somebody else is quicker.
async fn somebody_quicker(house: &House, theirs: Value) -> String {
    let (client, pbx, there) = (house.client().clone(), house.pbx.clone(), house.gateway.url().to_owned());
    let http = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
    let pass = move |request: Request| {
        let (client, pbx, there, theirs) = (client.clone(), pbx.clone(), there.clone(), theirs.clone());
        let http = http.clone();
        async move {
            let (head, body) = request.into_parts();
            if head.method == Method::PUT {
                client.put_again(&format!("/pbxs/{pbx}/number-rules"), "", &theirs).await.unwrap();
            }
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let mut ours = http.request(head.method, format!("{there}{}", head.uri)).body(body);
            for name in ["authorization", "content-type", "if-match"] {
                if let Some(value) = head.headers.get(name) {
                    ours = ours.header(name, value);
                }
            }
            let answer = ours.send().await.unwrap();
            let mut response = Response::builder().status(answer.status());
            for name in ["content-type", "etag"] {
                if let Some(value) = answer.headers().get(name) {
                    response = response.header(name, value);
                }
            }
            response.body(Body::from(answer.bytes().await.unwrap())).unwrap()
        }
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(pass)).await });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_changed_since_the_plan_stays_and_so_does_everything_else() {
    let mut house = furnished().await;
    let file = config(&house.gateway, &["export"], "", None).await.1;
    let theirs = json!({"incoming": [{"search": "^9", "replace": ""}], "outgoing": [], "dialing": [], "samples": []});
    let url = somebody_quicker(&house, theirs).await;
    let edited = file
        .replace("emergency_numbers = [\"112\"]", "emergency_numbers = [\"112\", \"110\"]")
        .replace("replace = '\\1'", "replace = '+49\\1'")
        .replace("expect = \"301\"", "expect = \"+49301\"");
    let (code, out, told) = config_at(&url, &["apply", "--yes"], &edited, None).await;
    assert_eq!(code, 69, "{out}{told}");
    assert!(told.contains("PBX hq: change done") && told.contains("number rules cannot be done: "), "{told}");
    assert!(told.contains("PBX hq: taken back") && told.contains("Everything is as it was before."), "{told}");
    // The rules are theirs, and what was written before them is taken back.
    let rules = house.client().get(&format!("/pbxs/{}/number-rules", house.pbx)).await.unwrap();
    assert_eq!((text(&rules, "/incoming/0/search"), rules["incoming"].as_array().unwrap().len()), ("^9", 1));
    let pbx = house.client().get(&format!("/pbxs/{}", house.pbx)).await.unwrap();
    assert_eq!(pbx["emergency_numbers"], json!(["112"]));
    // A plan of today can be applied.
    let (code, out, told) = config(&house.gateway, &["apply", "--yes"], &edited, None).await;
    assert!(code == 0, "{out}{told}");
    house.until_settled().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_are_stored_in_full_stay_so() {
    let location = json!({"enabled": true, "country_code": "49", "area_code": "89", "prefix": "1234"});
    let pbx = json!({"name": "hq", "host": "192.0.2.10", "enabled": false, "location": location});
    let first = Gateway::open().await;
    let id = first.create(&pbx).await;
    let door = json!({"pbx_id": id, "number": "+49891234290", "name": "Door", "device_id": "0000.0000.0290", "buttons": ["+49891234291"]});
    let hall = json!({"pbx_id": id, "number": "292", "name": "Hall", "device_id": "0000.0000.0292"});
    for line in [&door, &hall] {
        first.client.post("/lines", line).await.unwrap();
    }
    let (_, file, told) = config(&first, &["export"], "", None).await;
    assert!(file.contains("\"+49891234290\"") && file.contains("\"+49891234291\""), "{file}{told}");
    assert_eq!(config(&first, &["plan", "--exit-code", "--prune"], &file, None).await.0, 0);
    // A person may write a line in full that is stored as an extension: it is the same one.
    for written in ["+49891234292", "+49(89)1234-292"] {
        let edited = file.replace("\"292\"", &format!("\"{written}\""));
        let (code, out, told) = config(&first, &["plan", "--exit-code", "--prune"], &edited, None).await;
        assert_eq!((code, out.as_str()), (0, "Nothing to change.\n"), "{told}");
    }

    // Into an empty gateway, as a file and as a list.
    let second = Gateway::open().await;
    let (code, out, told) = config(&second, &["apply", "--yes"], &file, None).await;
    assert_eq!(code, 0, "{out}{told}");
    assert_eq!(config(&second, &["export"], "", None).await.1, file);
    let list = first.client.text(&format!("/lines/export?pbx={id}"), "text/plain").await.unwrap();
    assert!(list.starts_with("+49891234290;Door;000000000290;+49891234291\n"), "{list}");
    let mut other = pbx;
    other["name"] = json!("copy");
    other["host"] = json!("192.0.2.11");
    let copy = second.create(&other).await;
    let path = format!("/lines/import?pbx={copy}&dry_run=false");
    second.client.post_bytes(&path, "text/plain", list.clone().into_bytes()).await.unwrap();
    assert_eq!(second.client.text(&format!("/lines/export?pbx={copy}"), "text/plain").await.unwrap(), list);
    first.stop().await;
    second.stop().await;
}
