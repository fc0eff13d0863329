//! The threads of a link: one reads, one writes.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream, ToSocketAddrs as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use linegate_tsp_core::model::Frame;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::http::{HeaderValue, header};

use crate::enrol::enrol_unless;
use crate::session::Session;
use crate::{LinkError, LinkSettings, tls};

/// Shortest and longest pause before the next attempt.
pub const RETRY_MIN: Duration = Duration::from_millis(500);
/// The longest.
pub const RETRY_MAX: Duration = Duration::from_secs(30);
/// How long connecting and the handshakes may take, each.
pub(crate) const PATIENCE: Duration = Duration::from_secs(8);
/// How often a reader that hears nothing looks up.
const GLANCE: Duration = Duration::from_millis(500);
/// Silence is suspicious after so many keep-alive rounds.
const SILENT_ROUNDS: u32 = 3;
/// A gateway that does not say when it gives signs of life does so at least this often.
const ROUND: Duration = Duration::from_secs(15);
/// A thread that panics so often in a minute is not started again.
const MOST_PANICS: usize = 3;
/// Stacks are modest: nothing here is deep.
const STACK: usize = 512 * 1024;

/// Who uses a link.
pub trait Handler: Send + Sync + 'static {
    /// A socket stands; gives the first frame to send.
    fn opened(&self) -> String;
    /// A frame of the gateway.
    fn frame(&self, frame: Frame);
    /// The socket is gone, or could not be made.
    fn closed(&self, reason: &str);
    /// The next frame for the gateway.
    fn next_frame(&self) -> Option<String>;
    /// A token was fetched for the enrolment code. It must be kept: the code does not give it again.
    fn enrolled(&self, token: &str);
    /// Something to be noted; never a secret.
    fn note(&self, text: &str);
    /// The link gives up after too many failures of its own: no thread of it goes on, and nothing comes any more. It is
    /// called on one of these threads.
    fn given_up(&self);
}

/// A connection that stands.
struct Standing {
    session: Session,
    socket: TcpStream,
}

struct Shared {
    /// As they were given; the token may have been fetched since.
    settings: Mutex<LinkSettings>,
    address: String,
    handler: Arc<dyn Handler>,
    standing: Mutex<Option<Standing>>,
    /// Wakes the writer; the flag is what it waits for.
    work: (Mutex<bool>, Condvar),
    stop: AtomicBool,
    /// Wakes a reader that waits for its next attempt.
    pause: (Mutex<()>, Condvar),
}

/// A link with its threads.
pub struct Link {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A thread that panicked with it leaves a state that the next attempt replaces.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Link {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(settings: LinkSettings, handler: Arc<dyn Handler>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            address: settings.address.to_string(),
            settings: Mutex::new(settings),
            handler,
            standing: Mutex::new(None),
            work: (Mutex::new(false), Condvar::new()),
            stop: AtomicBool::new(false),
            pause: (Mutex::new(()), Condvar::new()),
        });
        let mut link = Self { shared: Arc::clone(&shared), threads: Vec::new() };
        let reader = Arc::clone(&shared);
        let spawned = Builder::new()
            .name("linegate-reader".to_owned())
            .stack_size(STACK)
            .spawn(move || guarded(&reader, read_for_ever));
        link.threads.push(spawned?);
        let writer = Arc::clone(&shared);
        let spawned = Builder::new()
            .name("linegate-writer".to_owned())
            .stack_size(STACK)
            .spawn(move || guarded(&writer, write_for_ever));
        match spawned {
            Ok(thread) => link.threads.push(thread),
            Err(error) => {
                link.stop(PATIENCE);
                return Err(error);
            }
        }
        Ok(link)
    }

    /// There are frames to send.
    pub fn wake(&self) {
        self.shared.wake();
    }

    /// Cuts the present connection, as a broken network would; it is made anew.
    pub fn cut(&self) {
        if let Some(standing) = lock(&self.shared.standing).as_ref() {
            let _ = standing.socket.shutdown(Shutdown::Both);
        }
    }

    /// Lets the threads end without waiting for them.
    pub fn give_up(&self) {
        self.shared.end();
        self.shared.hang_up();
    }

    /// Ends the threads; says whether they ended in time.
    pub fn stop(&mut self, within: Duration) -> bool {
        self.shared.end();
        let farewell = {
            let mut standing = lock(&self.shared.standing);
            standing.as_mut().and_then(|standing| {
                standing.session.close();
                let bytes = standing.session.outgoing().ok()?;
                Some((bytes, standing.socket.try_clone().ok()?))
            })
        };
        if let Some((bytes, mut socket)) = farewell {
            // A gateway that does not take it any more finds out by itself.
            let _ = socket.set_write_timeout(Some(Duration::from_millis(200)));
            let _ = socket.write_all(&bytes);
            let _ = socket.shutdown(Shutdown::Both);
        }
        let deadline = Instant::now() + within;
        while self.threads.iter().any(|thread| !thread.is_finished()) {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        for thread in self.threads.drain(..) {
            // What it panicked with was caught and noted inside.
            let _ = thread.join();
        }
        true
    }
}

impl Drop for Link {
    /// Whoever lets a link go without ending it does not leave threads behind that nobody can reach.
    fn drop(&mut self) {
        self.give_up();
    }
}

impl Shared {
    fn wake(&self) {
        *lock(&self.work.0) = true;
        self.work.1.notify_one();
    }

    /// No thread begins anything new.
    fn end(&self) {
        self.stop.store(true, Ordering::SeqCst);
        {
            let _waiting = lock(&self.pause.0);
            self.pause.1.notify_all();
        }
        self.wake();
    }

    /// Ends the present connection; a reader that waits for bytes of it hears of that.
    fn hang_up(&self) {
        if let Some(standing) = lock(&self.standing).take() {
            let _ = standing.socket.shutdown(Shutdown::Both);
        }
    }

    fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Waits before the next attempt; ends early when the link is being ended.
    fn rest(&self, pause: Duration) {
        let guard = lock(&self.pause.0);
        if !self.is_stopping() {
            drop(self.pause.1.wait_timeout(guard, pause).unwrap_or_else(PoisonError::into_inner));
        }
    }
}

/// Runs a thread's work; a panic is noted and the work begins anew, unless it happens too often: then the other thread
/// ends too, for half a link would take requests that are never answered.
fn guarded(shared: &Arc<Shared>, work: fn(&Arc<Shared>)) {
    let mut panics: Vec<Instant> = Vec::new();
    loop {
        if catch_unwind(AssertUnwindSafe(|| work(shared))).is_ok() || shared.is_stopping() {
            return;
        }
        shared.hang_up();
        panics.retain(|at| at.elapsed() < Duration::from_secs(60));
        panics.push(Instant::now());
        let told = catch_unwind(AssertUnwindSafe(|| {
            shared.handler.closed("a thread of the bridge failed and was started again");
        }));
        if panics.len() >= MOST_PANICS || told.is_err() {
            shared.end();
            // Nothing is left that could be done about a panic here.
            let _ = catch_unwind(AssertUnwindSafe(|| shared.handler.given_up()));
            return;
        }
    }
}

fn read_for_ever(shared: &Arc<Shared>) {
    let mut pause = RETRY_MIN;
    while !shared.is_stopping() {
        let mut was_open = false;
        let end = serve(shared, &mut was_open);
        *lock(&shared.standing) = None;
        if shared.is_stopping() {
            return;
        }
        if let Err(error) = end {
            let reason = error.to_string();
            shared.handler.note(&format!("no link to {}: {reason}", shared.address));
            shared.handler.closed(&reason);
            // What is refused does not become valid soon; asking on would only fill the gateway's log.
            if matches!(error, LinkError::Token | LinkError::NoToken | LinkError::Code) {
                pause = RETRY_MAX;
            }
        }
        if was_open {
            pause = RETRY_MIN;
        }
        shared.rest(jittered(pause));
        pause = (pause * 2).min(RETRY_MAX);
    }
}

/// Between half and all of a pause, so that many machines do not come back at the same instant.
fn jittered(pause: Duration) -> Duration {
    use std::hash::{BuildHasher as _, Hasher as _};
    let dice = std::collections::hash_map::RandomState::new().build_hasher().finish();
    let part = u32::try_from(dice % 512).unwrap_or(0) + 512;
    pause * part / 1024
}

/// The settings with a token, which is fetched at the first contact when there is none yet.
fn with_token(shared: &Arc<Shared>) -> Result<LinkSettings, LinkError> {
    let mut settings = lock(&shared.settings).clone();
    if !settings.token.is_empty() {
        return Ok(settings);
    }
    let Some(enrolment) = settings.enrolment.take() else { return Err(LinkError::NoToken) };
    settings.token = enrol_unless(&settings, &enrolment, || shared.is_stopping())?;
    shared.handler.note(&format!("this machine is enrolled at {} as {}", shared.address, enrolment.machine));
    *lock(&shared.settings) = settings.clone();
    shared.handler.enrolled(&settings.token);
    Ok(settings)
}

/// One connection from its making to its end.
fn serve(shared: &Arc<Shared>, was_open: &mut bool) -> Result<(), LinkError> {
    let settings = with_token(shared)?;
    let (mut session, mut socket) = connect(&settings, || shared.is_stopping())?;
    *was_open = true;
    shared.handler.note(&format!("linked to {}", shared.address));
    session.send(shared.handler.opened())?;
    let broken = |error: std::io::Error| LinkError::Socket(error.to_string());
    let first = session.outgoing()?;
    socket.write_all(&first).map_err(broken)?;
    let early = session.received(&[])?;
    let writing = socket.try_clone().map_err(broken)?;
    *lock(&shared.standing) = Some(Standing { session, socket: writing });
    shared.wake();
    let mut heard = Instant::now();
    let mut round = ROUND;
    for text in early {
        take(shared, &text, &mut round);
    }
    let mut buffer = vec![0_u8; 32 * 1024];
    loop {
        if shared.is_stopping() {
            return Ok(());
        }
        let count = match socket.read(&mut buffer) {
            Ok(0) => return Err(LinkError::Socket("the gateway closed it".to_owned())),
            Ok(count) => count,
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) =>
            {
                if heard.elapsed() > round * SILENT_ROUNDS {
                    return Err(LinkError::Silent);
                }
                continue;
            }
            Err(error) => return Err(broken(error)),
        };
        heard = Instant::now();
        let texts = match lock(&shared.standing).as_mut() {
            Some(standing) => standing.session.received(buffer.get(..count).unwrap_or_default())?,
            None => return Err(LinkError::Stopped),
        };
        // Answers to pings may be waiting.
        shared.wake();
        for text in texts {
            take(shared, &text, &mut round);
        }
    }
}

fn take(shared: &Arc<Shared>, text: &str, round: &mut Duration) {
    let Some(frame) = Frame::read(text) else {
        shared.handler.note("a frame of the gateway could not be read");
        return;
    };
    match &frame {
        Frame::Welcome { keep_alive_s, version } => {
            *round = Duration::from_secs((*keep_alive_s).clamp(1, 300));
            shared.handler.note(&format!("the gateway is release {version}"));
        }
        Frame::Error { code, detail } => shared.handler.note(&format!("the gateway refused a frame: {code}: {detail}")),
        _ => {}
    }
    shared.handler.frame(frame);
}

fn write_for_ever(shared: &Arc<Shared>) {
    while !shared.is_stopping() {
        {
            let mut work = lock(&shared.work.0);
            while !*work {
                work = shared.work.1.wait(work).unwrap_or_else(PoisonError::into_inner);
            }
            *work = false;
        }
        if shared.is_stopping() {
            return;
        }
        let (bytes, socket) = {
            let mut guard = lock(&shared.standing);
            let Some(standing) = guard.as_mut() else { continue };
            // Only this thread takes bytes out, so their order on the socket is the order of the protocol.
            let filled = fill(standing, &*shared.handler);
            match (filled, standing.socket.try_clone()) {
                (Ok(bytes), Ok(socket)) => (bytes, socket),
                _ => {
                    let _ = standing.socket.shutdown(Shutdown::Both);
                    continue;
                }
            }
        };
        let mut socket = socket;
        if !bytes.is_empty() && socket.write_all(&bytes).is_err() {
            // The reader notices and begins anew.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

fn fill(standing: &mut Standing, handler: &dyn Handler) -> Result<Vec<u8>, LinkError> {
    while let Some(frame) = handler.next_frame() {
        standing.session.send(frame)?;
    }
    standing.session.outgoing()
}

/// Makes a socket with its handshakes done.
pub(crate) fn connect(
    settings: &LinkSettings,
    is_stopping: impl Fn() -> bool,
) -> Result<(Session, TcpStream), LinkError> {
    if settings.token.is_empty() {
        return Err(LinkError::NoToken);
    }
    let address = &settings.address;
    let tls = if address.is_secure { Some(tls::client(address, &settings.trust)?) } else { None };
    let mut socket = open_socket(address)?;
    let scheme = if address.is_secure { "wss" } else { "ws" };
    let mut request = format!("{scheme}://{}/api/v1/events", address.authority())
        .into_client_request()
        .map_err(|_| LinkError::Address("The address of the gateway cannot be used."))?;
    let bearer = HeaderValue::from_str(&format!("Bearer {}", settings.token)).map_err(|_| LinkError::Token)?;
    request.headers_mut().insert(header::AUTHORIZATION, bearer);
    if let Ok(agent) = HeaderValue::from_str(&settings.user_agent) {
        request.headers_mut().insert(header::USER_AGENT, agent);
    }
    let mut session = Session::new(tls, request)?;
    let deadline = Instant::now() + PATIENCE;
    let mut buffer = vec![0_u8; 16 * 1024];
    let unreachable = |cause| LinkError::Unreachable { host: address.authority(), cause };
    while !session.is_open() {
        if is_stopping() {
            return Err(LinkError::Stopped);
        }
        let bytes = session.outgoing()?;
        socket.write_all(&bytes).map_err(unreachable)?;
        match socket.read(&mut buffer) {
            Ok(0) => return Err(unreachable(ErrorKind::UnexpectedEof.into())),
            Ok(count) => {
                match session.received(buffer.get(..count).unwrap_or_default()) {
                    // The greeting may come together with the end of the handshake.
                    Ok(texts) => session.keep(texts),
                    Err(error) => {
                        // A refusal of the certificate is told to the other end before the socket closes.
                        if let Ok(bytes) = session.outgoing() {
                            let _ = socket.write_all(&bytes);
                        }
                        return Err(error);
                    }
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(unreachable(error)),
        }
        if Instant::now() > deadline {
            return Err(unreachable(ErrorKind::TimedOut.into()));
        }
    }
    Ok((session, socket))
}

pub(crate) fn open_socket(address: &crate::Address) -> Result<TcpStream, LinkError> {
    let found = (address.host.as_str(), address.port)
        .to_socket_addrs()
        .map_err(|_| LinkError::UnknownHost(address.host.clone()))?;
    let mut last = ErrorKind::AddrNotAvailable.into();
    for one in found {
        match TcpStream::connect_timeout(&one, PATIENCE) {
            Ok(socket) => {
                let set = socket
                    .set_nodelay(true)
                    .and_then(|()| socket.set_read_timeout(Some(GLANCE)))
                    .and_then(|()| socket.set_write_timeout(Some(PATIENCE)));
                match set {
                    Ok(()) => return Ok(socket),
                    Err(error) => last = error,
                }
            }
            Err(error) => last = error,
        }
    }
    Err(LinkError::Unreachable { host: address.authority(), cause: last })
}
