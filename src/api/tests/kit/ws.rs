//! A WebSocket client.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::{ADMIN, Api, soon};

pub(in crate::api::tests) struct Ws(WebSocketStream<TcpStream>);

impl Ws {
    /// Opens the stream with a token in the header and reads `welcome`.
    pub(in crate::api::tests) async fn open(api: &Api, token: &str) -> Self {
        let (ws, welcome) = Self::try_open(api, "", Some(token)).await.expect("a socket");
        assert_eq!(welcome["type"], "welcome");
        ws
    }

    /// Opens it as the admin and subscribes; gives the `subscribed` frame too.
    pub(in crate::api::tests) async fn subscribed(api: &Api, subscribe: Value) -> (Self, Value) {
        let mut ws = Self::open(api, ADMIN).await;
        let mut frame = json!({"type": "subscribe", "id": "s"});
        frame.as_object_mut().unwrap().extend(subscribe.as_object().unwrap().clone());
        ws.send(&frame).await;
        let answer = ws.frame().await;
        assert_eq!((&answer["type"], &answer["id"]), (&json!("subscribed"), &json!("s")), "{answer}");
        (ws, answer)
    }

    /// Opens the stream, or gives the status and body of the refusal.
    pub(in crate::api::tests) async fn try_open(
        api: &Api,
        query: &str,
        token: Option<&str>,
    ) -> Result<(Self, Value), (u16, Value)> {
        // A small window, so that a client that does not read stalls soon.
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(16 * 1024).unwrap();
        let stream = socket.connect(api.address).await.unwrap();
        let mut request = format!("ws://{}/api/v1/events{query}", api.address).into_client_request().unwrap();
        if let Some(token) = token {
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        match soon("a handshake", client_async(request, stream)).await {
            Ok((stream, _)) => {
                let mut ws = Self(stream);
                let welcome = ws.frame().await;
                Ok((ws, welcome))
            }
            Err(Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                Err((response.status().as_u16(), serde_json::from_slice(body).unwrap_or_default()))
            }
            Err(error) => panic!("{error}"),
        }
    }

    pub(in crate::api::tests) async fn send(&mut self, frame: &Value) {
        self.send_text(&frame.to_string()).await;
    }

    pub(in crate::api::tests) async fn send_text(&mut self, text: &str) {
        self.0.send(Message::Text(text.into())).await.unwrap();
    }

    pub(in crate::api::tests) async fn send_binary(&mut self, bytes: Vec<u8>) {
        self.0.send(Message::Binary(bytes.into())).await.unwrap();
    }

    /// The next message of any kind.
    async fn message(&mut self) -> Message {
        soon("a frame", self.0.next()).await.expect("the socket is open").unwrap()
    }

    /// The next frame as text; pings are answered on the way.
    pub(in crate::api::tests) async fn text(&mut self) -> String {
        loop {
            match self.message().await {
                Message::Text(text) => return text.as_str().to_owned(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("a text, not {other:?}"),
            }
        }
    }

    pub(in crate::api::tests) async fn frame(&mut self) -> Value {
        serde_json::from_str(&self.text().await).unwrap()
    }

    /// The next frame of a type; others are skipped.
    pub(in crate::api::tests) async fn frame_of(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.frame().await;
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    /// The code with which the server closes; what comes before is skipped.
    pub(in crate::api::tests) async fn close_code(&mut self) -> u16 {
        loop {
            match soon("a close frame", self.0.next()).await {
                Some(Ok(Message::Close(frame))) => return frame.expect("a reason").code.into(),
                Some(Ok(_)) => {}
                other => panic!("a close frame, not {other:?}"),
            }
        }
    }

    /// Asks for a pong: everything that was due before it has come.
    pub(in crate::api::tests) async fn ping(&mut self) -> Value {
        self.send(&json!({"type": "ping", "id": "p"})).await;
        self.frame_of("pong").await
    }

    /// Carries a request out on the socket.
    pub(in crate::api::tests) async fn request(&mut self, frame: Value) -> Value {
        let mut whole = json!({"type": "request", "id": "r"});
        whole.as_object_mut().unwrap().extend(frame.as_object().unwrap().clone());
        self.send(&whole).await;
        let answer = self.frame_of("response").await;
        assert_eq!(answer["id"], "r");
        answer
    }
}
