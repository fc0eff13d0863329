//! A small web server for tests: it answers each connection from a script, byte for byte.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// What one connection gets.
#[derive(Debug, Clone)]
pub(super) enum Script {
    /// These bytes after the request, then a clean close.
    Answer(Vec<u8>),
    /// Close without reading.
    CloseAtOnce,
    /// Close after the request.
    CloseAfterRequest,
    /// These bytes, then silence with the connection open.
    Hang(Vec<u8>),
    /// One byte at a time, for ever.
    Drip,
    /// These bytes at once, without reading a request.
    Raw(Vec<u8>),
}

/// The server; scripts are used in order, the last one again and again.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(super) async fn start(scripts: Vec<Script>) -> Self {
        Self::start_with(scripts, None).await
    }

    pub(super) async fn start_with(scripts: Vec<Script>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            let mut number = 0;
            while let Ok((stream, _)) = listener.accept().await {
                let script = scripts.get(number).or(scripts.last()).unwrap().clone();
                number += 1;
                tokio::spawn(connection(stream, script, tls.clone(), Arc::clone(&seen)));
            }
        });
        Self { address, requests, task }
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn connection(stream: TcpStream, script: Script, tls: Option<TlsAcceptor>, seen: Arc<Mutex<Vec<String>>>) {
    match tls {
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream, script, seen).await;
            }
        }
        None => serve(stream, script, seen).await,
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, script: Script, seen: Arc<Mutex<Vec<String>>>) {
    if matches!(script, Script::CloseAtOnce) {
        return;
    }
    if let Script::Raw(bytes) = &script {
        let _ = stream.write_all(bytes).await;
        let _ = stream.flush().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        return;
    }
    let request = read_request(&mut stream).await;
    seen.lock().unwrap().push(request);
    match script {
        Script::Answer(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Script::Hang(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.flush().await;
            std::future::pending::<()>().await;
        }
        Script::Drip => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n").await;
            while stream.write_all(b" ").await.is_ok() && stream.flush().await.is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        Script::CloseAfterRequest | Script::CloseAtOnce | Script::Raw(_) => {}
    }
}

async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0_u8; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some(end) = text.find("\r\n\r\n") {
            let length = text
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned))
                .and_then(|length| length.trim().parse::<usize>().ok())
                .unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                return text;
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return text,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}

/// A whole reply with its length.
pub(super) fn reply(status: &str, body: &str) -> Script {
    let length = body.len();
    Script::Answer(
        format!(
            "HTTP/1.1 {status}\r\nServer: cisco-IOS\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .into_bytes(),
    )
}
