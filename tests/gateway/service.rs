//! The program as an administrator has it: under a service manager, and with its data copied while it works.

use std::path::Path;
use std::process::{Command, Output};
#[cfg(target_os = "linux")]
use std::time::Duration;

use cme_twin::TwinConfig;
use serde_json::Value;

use crate::kit::{Gateway, House, patiently, text};

/// Runs the program on a data folder until it ends.
async fn linegate(words: &[&str], data: &Path, path: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_linegate"));
    command.args(words).arg("--data-dir").arg(data).arg(path);
    patiently("the command ends", tokio::task::spawn_blocking(move || command.output().unwrap())).await.unwrap()
}

/// Everything in the journal, without the epoch.
async fn journal(gateway: &Gateway, after: u64) -> Vec<Value> {
    let epoch = text(&gateway.client.get("/snapshot").await.unwrap(), "/epoch").to_owned();
    let (mut events, mut after) = (Vec::new(), format!("{epoch}:{after}"));
    loop {
        let page = gateway.client.get(&format!("/events?after={after}&limit=1000")).await.unwrap();
        assert_eq!(page["gap"], false, "{page}");
        let found = page["events"].as_array().unwrap();
        if found.is_empty() {
            return events;
        }
        for event in found {
            assert_eq!(text(event, "/epoch"), epoch, "each event tells the epoch that it is in");
            events.push(without_epoch(event));
        }
        after = text(&page, "/next").to_owned();
    }
}

fn without_epoch(event: &Value) -> Value {
    let mut event = event.clone();
    event.as_object_mut().unwrap().remove("epoch");
    event
}

/// 201 calls 202, they talk and hang up.
async fn call(house: &mut House) {
    house.twin.dial("201", "202").await.unwrap();
    let calling = house.until_call("201", "ringback").await;
    let called = house.until_call("202", "offering").await;
    house.twin.answer("202").await.unwrap();
    house.until_call("202", "connected").await;
    house.twin.hang_up("201").await.unwrap();
    house.until_ended(&called).await;
    house.until_ended(&calling).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_taken_in_the_middle_of_calls_comes_back_without_losing_an_event() {
    let mut house = House::process(TwinConfig::default()).await;
    let parent = tempfile::tempdir().unwrap();
    let (copy, there) = (parent.path().join("copy"), tempfile::tempdir().unwrap());
    call(&mut house).await;
    let before = house.stream.seen().last().unwrap()["seq"].as_u64().unwrap();
    let (data, to) = (house.gateway.data.path().to_owned(), copy.clone());
    let making = tokio::spawn(async move { linegate(&["backup"], &data, &to).await });
    // People go on calling each other until it is made, and once more.
    while !making.is_finished() {
        call(&mut house).await;
    }
    let made = making.await.unwrap();
    assert!(made.status.success(), "{made:?}");
    call(&mut house).await;
    let busy = linegate(&["restore"], house.gateway.data.path(), &copy).await;
    assert_eq!(busy.status.code(), Some(78), "a running gateway keeps its data: {busy:?}");
    assert!(String::from_utf8_lossy(&busy.stderr).contains("stop it"), "{busy:?}");
    let seen: Vec<Value> = house.stream.seen().iter().map(without_epoch).collect();
    let first_seq = seen[0]["seq"].as_u64().unwrap();
    let House { twin, gateway, .. } = house;
    drop(gateway.kill());

    let restored = linegate(&["restore"], there.path(), &copy).await;
    assert!(restored.status.success(), "{restored:?}");
    let gateway = Gateway::process(there).await;
    let back = journal(&gateway, first_seq - 1).await;
    let copied = back.iter().zip(&seen).take_while(|(one, other)| one == other).count();
    let last = seen[copied - 1]["seq"].as_u64().unwrap();
    assert!(last >= before, "the copy ends at {last}; {before} was shown before it was made");
    drop(gateway.kill());
    twin.stop().await;
}

/// A program of ours that does not outlive its test.
#[cfg(target_os = "linux")]
struct Own(std::process::Child);

#[cfg(target_os = "linux")]
impl Drop for Own {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until the service manager is told a word.
#[cfg(target_os = "linux")]
async fn hear(manager: &tokio::net::UnixDatagram, word: &str) -> String {
    patiently(word, async {
        loop {
            let mut said = vec![0; 4096];
            let length = manager.recv(&mut said).await.unwrap();
            let said = String::from_utf8(said[..length].to_vec()).unwrap();
            if said.lines().any(|line| line == word) {
                return said;
            }
        }
    })
    .await
}

#[cfg(target_os = "linux")]
async fn is_silent(manager: &tokio::net::UnixDatagram) {
    let silent = async {
        let mut said = vec![0; 4096];
        // What was said before may still lie here.
        while tokio::time::timeout(Duration::from_millis(900), manager.recv(&mut said)).await.is_ok() {}
    };
    patiently("it is silent for three times as long as it may be", silent).await;
}

/// A gateway under a service manager that wants to hear it every 0.3 s.
#[cfg(target_os = "linux")]
fn managed(folder: &Path, socket: &Path) -> Own {
    let child = Command::new(env!("CARGO_BIN_EXE_linegate"))
        .args(["serve", "--listen", "127.0.0.1:0", "--log", "warn", "--data-dir"])
        .arg(folder)
        .env("NOTIFY_SOCKET", socket)
        .env("WATCHDOG_USEC", "300000")
        .spawn()
        .unwrap();
    Own(child)
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn the_service_manager_hears_when_it_answers_that_it_lives_and_when_it_ends() {
    use linegate::client::Client;
    use tokio::net::UnixDatagram;

    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    let mut child = managed(&folder.path().join("data"), &socket);
    let ready = hear(&manager, "READY=1").await;
    let url = ready.lines().find_map(|line| line.strip_prefix("STATUS=answers at ")).unwrap();
    // Not a moment later: who is started after the gateway may rely on it.
    assert_eq!(Client::new(url, "").unwrap().probe("/healthz").await.unwrap().0, 200);
    for _ in 0..3 {
        hear(&manager, "WATCHDOG=1").await;
    }
    let pid = child.0.id().to_string();
    let signal = |name: &str| assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    // A gateway that hangs says nothing any more, and the manager would start it again after WATCHDOG_USEC.
    signal("-STOP");
    is_silent(&manager).await;
    signal("-CONT");
    hear(&manager, "WATCHDOG=1").await;
    signal("-TERM");
    hear(&manager, "STOPPING=1").await;
    let status = patiently("it ends", tokio::task::spawn_blocking(move || child.0.wait().unwrap())).await.unwrap();
    assert!(status.success(), "{status}");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_not_ready_and_only_a_destroyed_database_is_a_reason_to_start_again() {
    use linegate::client::Client;
    use sqlx::{ConnectOptions as _, Connection as _};
    use tokio::net::UnixDatagram;

    async fn until_ready_is(client: &Client, status: u16, reason: &str) {
        let asked = async {
            loop {
                let (found, body) = client.probe("/readyz").await.unwrap();
                if found == status && body.contains(reason) {
                    return;
                }
                // Looked at again after some seconds only, which nothing tells.
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        patiently(reason, asked).await;
    }

    let folder = tempfile::tempdir().unwrap();
    let (data, socket) = (folder.path().join("data"), folder.path().join("notify"));
    let manager = UnixDatagram::bind(&socket).unwrap();
    let _child = managed(&data, &socket);
    let ready = hear(&manager, "READY=1").await;
    let url = ready.lines().find_map(|line| line.strip_prefix("STATUS=answers at ")).unwrap();
    let client = Client::new(url, "").unwrap();
    until_ready_is(&client, 200, "ready").await;

    // Writing fails, as on a full disk; a second process may change the schema.
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(data.join("linegate.db"));
    let mut beside = options.connect().await.unwrap();
    let full = "create trigger full before insert on meta begin select raise(fail, 'no room'); end";
    sqlx::raw_sql(full).execute(&mut beside).await.unwrap();
    until_ready_is(&client, 503, "The database cannot be written: no room.").await;
    // What was said before may still lie here.
    while manager.try_recv(&mut [0; 4096]).is_ok() {}
    for _ in 0..3 {
        hear(&manager, "WATCHDOG=1").await;
    }
    sqlx::raw_sql("drop trigger full").execute(&mut beside).await.unwrap();
    beside.close().await.unwrap();
    until_ready_is(&client, 200, "ready").await;

    std::fs::write(data.join("linegate.db"), "").unwrap();
    is_silent(&manager).await;
    until_ready_is(&client, 503, "The database cannot be read: its file is empty.").await;
}
