//! The service itself: what the service manager starts, is told by, and stops.

use std::ffi::OsString;
use std::sync::OnceLock;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use windows_service::define_windows_service;
use windows_service::service::{
    ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{self, ServiceControlHandlerResult, ServiceStatusHandle};
use windows_service::service_dispatcher;

use super::super::{Failure, server};
use super::install::RunArgs;
use super::tools::NAME;

/// How long the manager waits for the next sign of life.
const HINT: Duration = Duration::from_secs(20);
/// How often it gets one while the gateway starts.
const SIGN: Duration = Duration::from_secs(5);

/// The manager calls a function that knows nothing; the command line is kept for it here.
static ARGS: OnceLock<RunArgs> = OnceLock::new();

define_windows_service!(entry, main);

/// Runs until the service manager ends it.
pub(in crate::cli) fn run(args: RunArgs) -> Result<(), Failure> {
    ARGS.get_or_init(|| args);
    service_dispatcher::start(NAME, entry).map_err(|error| {
        Failure::new(
            Failure::USAGE,
            format!("This is started by the service manager of Windows; in a window use `linegate serve`. ({error})"),
        )
    })
}

/// What the manager is told.
#[derive(Clone, Copy)]
struct Manager(ServiceStatusHandle);

impl Manager {
    fn tell(self, state: ServiceState, checkpoint: u32, exit_code: u32) {
        let is_pending = matches!(state, ServiceState::StartPending | ServiceState::StopPending);
        let told = self.0.set_service_status(ServiceStatus {
            service_type: ServiceType::OWN_PROCESS,
            current_state: state,
            controls_accepted: if state == ServiceState::Running {
                ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN
            } else {
                ServiceControlAccept::empty()
            },
            exit_code: if exit_code == 0 {
                ServiceExitCode::NO_ERROR
            } else {
                ServiceExitCode::ServiceSpecific(exit_code)
            },
            checkpoint,
            wait_hint: if is_pending { HINT } else { Duration::ZERO },
            process_id: None,
        });
        if let Err(error) = told {
            tracing::warn!(%error, ?state, "the service manager cannot be told");
        }
    }

    /// Says again and again that the start goes on, until the task is ended.
    async fn starts(self) {
        for checkpoint in 1.. {
            self.tell(ServiceState::StartPending, checkpoint, 0);
            tokio::time::sleep(SIGN).await;
        }
    }
}

fn main(_: Vec<OsString>) {
    let end = CancellationToken::new();
    let asked = end.clone();
    let handler = move |control| match control {
        ServiceControl::Stop | ServiceControl::Shutdown => {
            asked.cancel();
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        _ => ServiceControlHandlerResult::NotImplemented,
    };
    // Without it there is nobody to tell that there is none.
    let Ok(handle) = service_control_handler::register(NAME, handler) else { return };
    let manager = Manager(handle);
    manager.tell(ServiceState::StartPending, 0, 0);
    let code = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let done = runtime.block_on(serve(manager, end));
            runtime.shutdown_timeout(Duration::from_secs(2));
            done.err().map_or(0, |failure| u32::from(failure.code))
        }
        Err(_) => u32::from(Failure::SOFTWARE),
    };
    manager.tell(ServiceState::Stopped, 0, code);
}

async fn serve(manager: Manager, end: CancellationToken) -> Result<(), Failure> {
    let starts = tokio::spawn(manager.starts());
    let args = ARGS.get().cloned().unwrap_or_default();
    let started = server::start_unattended(&args.flags, args.home).await;
    starts.abort();
    // After the abort no sign of the start may overtake what is told now.
    let _ = starts.await;
    let running = started?;
    manager.tell(ServiceState::Running, 0, 0);
    let ended = running
        .until(async {
            end.cancelled().await;
            manager.tell(ServiceState::StopPending, 1, 0);
        })
        .await;
    if let Err(error) = &ended {
        tracing::error!(%error, "the gateway ends");
    }
    Ok(ended?)
}
