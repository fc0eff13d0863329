//! The process that plays the router.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::Value;
use tokio::sync::mpsc;

use crate::kit::patiently;

pub(super) struct Router {
    process: Child,
    input: ChildStdin,
    output: mpsc::UnboundedReceiver<String>,
    /// Where it listens.
    pub(super) ports: Value,
}

impl Drop for Router {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Router {
    /// `None` where there is no interpreter for it.
    pub(super) async fn start(arguments: &[&str]) -> Option<Self> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/cme.py");
        // -B: the tests leave nothing behind in the folder.
        let piped = Command::new("python3")
            .args(["-B", script])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut process) = piped else {
            eprintln!("left out: there is no python3");
            return None;
        };
        let input = process.stdin.take().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (sender, output) = mpsc::unbounded_channel();
        // It blocks, and ends with the router's output.
        tokio::task::spawn_blocking(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut router = Self { process, input, output, ports: Value::Null };
        router.ports = router.line().await;
        Some(router)
    }

    async fn line(&mut self) -> Value {
        let line = patiently("a line of the foreign router", self.output.recv()).await.expect("it runs");
        serde_json::from_str(&line).unwrap()
    }

    pub(super) async fn tell(&mut self, command: &str) -> Value {
        writeln!(self.input, "{command}").unwrap();
        let said = self.line().await;
        assert!(said["error"].is_null(), "{command}: {said}");
        said
    }
}
