//! One connection to libvirt, and a deadline on everything that is asked over it.
//!
//! libvirt's calls block, some of them for as long as a guest or a disk pleases. So each runs on a
//! thread of its own that nobody joins: at the deadline the caller goes on without the answer, the
//! connection is given up, and the next call opens a new one. A thread that hangs keeps one permit
//! until libvirt lets go of it; once all are kept, calls fail at once in place of piling up.
//! These are plain threads rather than the runtime's, so that a hung one does not keep the agent
//! from ending.

use diecast_domain::code::{Code, Problem};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use virt::{
    connect::Connect,
    error::{Error, ErrorNumber},
};

/// Calls under way at once, hung ones included. libvirtd answers 20 clients' workers by default.
const CALLS_MAX: usize = 32;
/// A question that libvirt answers from memory.
pub const ASK_DEADLINE: Duration = Duration::from_secs(15);
/// Work that reads a disk or makes libvirt look anew at every QEMU binary: refreshing a pool, defining
/// a machine. Beside a `/dev/kvm` that does not work, a definition was seen to take 50 s.
pub const WORK_DEADLINE: Duration = Duration::from_secs(180);
/// Starting or destroying a machine: QEMU must come up, or go, on a busy provider.
pub const POWER_DEADLINE: Duration = Duration::from_secs(120);

/// Why a call brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("libvirt did not answer within {seconds} s while {doing}")]
    Deadline { doing: &'static str, seconds: u64 },
    #[error("{CALLS_MAX} earlier calls to libvirt still hang; {doing} was not tried")]
    Busy { doing: &'static str },
    #[error("libvirt cannot be reached at {uri}: {message}")]
    Unreachable { uri: String, message: String },
    #[error("{doing}: {}", source.message())]
    Refused { doing: &'static str, source: Error },
}

impl CallError {
    /// What libvirt says does not exist.
    pub fn is_missing(&self) -> bool {
        let missing = |number| {
            matches!(
                number,
                ErrorNumber::NoDomain
                    | ErrorNumber::NoStoragePool
                    | ErrorNumber::NoStorageVolume
                    | ErrorNumber::NoNetwork
            )
        };
        matches!(self, Self::Refused { source, .. } if missing(source.code()))
    }

    /// With `code` if libvirt itself refused; else the hypervisor is silent.
    pub fn problem(&self, code: Code, whose: &str) -> Problem {
        match self {
            Self::Refused { .. } => Problem::new(code, format!("{whose}: {self}")),
            _ => Problem::new(Code::P0002, format!("{whose}: {self}")),
        }
    }
}

/// Cheap to clone; all clones share the connection.
#[derive(Clone)]
pub struct Session {
    uri: Arc<str>,
    current: Arc<Mutex<Option<Shared>>>,
    permits: Arc<Semaphore>,
}

/// Closes the connection when the last call that uses it is over.
type Shared = Arc<Closing>;

struct Closing(Connect);

impl Drop for Closing {
    fn drop(&mut self) {
        // Nothing is left to be done about a connection that does not close.
        let _ = self.0.close();
    }
}

impl Session {
    pub fn new(uri: &str) -> Self {
        virt::error::clear_error_callback();
        Self { uri: uri.into(), current: Arc::default(), permits: Arc::new(Semaphore::new(CALLS_MAX)) }
    }

    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Asks, and asks once more over a new connection if the old one turned out to be dead. So
    /// whatever `ask` does must be harmless to do twice.
    pub async fn call<T, F>(&self, doing: &'static str, deadline: Duration, ask: F) -> Result<T, CallError>
    where
        T: Send + 'static,
        F: Fn(&Connect) -> Result<T, Error> + Send + 'static,
    {
        let answer = self.within(doing, deadline, ask).await;
        if matches!(answer, Err(CallError::Deadline { .. })) {
            self.give_up(None);
        }
        answer
    }

    async fn within<T, F>(&self, doing: &'static str, deadline: Duration, ask: F) -> Result<T, CallError>
    where
        T: Send + 'static,
        F: Fn(&Connect) -> Result<T, Error> + Send + 'static,
    {
        let Ok(permit) = self.permits.clone().try_acquire_owned() else {
            return Err(CallError::Busy { doing });
        };
        let (answer, answered) = oneshot::channel();
        let session = self.clone();
        let work = move || {
            let _permit: OwnedSemaphorePermit = permit;
            // Nobody listens any more after the deadline.
            let _ = answer.send(session.ask(doing, &ask));
        };
        let spawned = std::thread::Builder::new().name("libvirt".to_owned()).spawn(work);
        if spawned.is_err() {
            return Err(CallError::Busy { doing });
        }
        match tokio::time::timeout(deadline, answered).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => Err(CallError::Deadline { doing, seconds: deadline.as_secs() }),
        }
    }

    /// Asks a guest: one that hangs says nothing about libvirt, whose connection stays.
    pub async fn ask_guest<T, F>(
        &self,
        doing: &'static str,
        deadline: Duration,
        ask: F,
    ) -> Result<T, CallError>
    where
        T: Send + 'static,
        F: Fn(&Connect) -> Result<T, Error> + Send + 'static,
    {
        self.within(doing, deadline, ask).await
    }

    fn ask<T>(
        &self,
        doing: &'static str,
        ask: &impl Fn(&Connect) -> Result<T, Error>,
    ) -> Result<T, CallError> {
        let connection = self.connection()?;
        let source = match ask(&connection.0) {
            Ok(answer) => return Ok(answer),
            Err(source) => source,
        };
        if connection.0.is_alive().unwrap_or(false) {
            return Err(CallError::Refused { doing, source });
        }
        self.give_up(Some(&connection));
        let connection = self.connection()?;
        ask(&connection.0).map_err(|source| CallError::Refused { doing, source })
    }

    /// The open connection, or a new one. Opening is done outside the lock: it may hang.
    fn connection(&self) -> Result<Shared, CallError> {
        if let Some(open) = self.lock().as_ref() {
            return Ok(open.clone());
        }
        let opened = Connect::open(Some(&self.uri)).map_err(|error| CallError::Unreachable {
            uri: self.uri.to_string(),
            message: error.message().to_owned(),
        })?;
        let opened = Arc::new(Closing(opened));
        *self.lock() = Some(opened.clone());
        Ok(opened)
    }

    /// Forgets the connection, or only this one if another has taken its place.
    fn give_up(&self, which: Option<&Shared>) {
        let mut current = self.lock();
        let same = |open: &Shared| which.is_none_or(|which| Arc::ptr_eq(which, open));
        let dropped = if current.as_ref().is_some_and(same) { current.take() } else { None };
        drop(current);
        // Closing talks to libvirtd, so it is not for whoever waits here.
        if let Some(connection) = dropped {
            std::thread::spawn(move || drop(connection));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Shared>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn driver(connection: &Connect) -> Result<String, Error> {
        connection.get_type()
    }

    #[tokio::test]
    async fn a_call_that_hangs_costs_its_deadline_and_no_other_call() {
        let session = Session::new("test:///default");
        let hung = session.call("hanging", Duration::from_millis(50), |_| {
            std::thread::sleep(Duration::from_secs(600));
            Ok(())
        });
        let next = session.call("asking", ASK_DEADLINE, driver);
        let (hung, next) = tokio::join!(hung, next);
        assert!(matches!(hung, Err(CallError::Deadline { .. })));
        assert_eq!(next.unwrap(), "TEST");
        assert_eq!(session.call("asking", ASK_DEADLINE, driver).await.unwrap(), "TEST");
    }

    #[tokio::test]
    async fn hung_calls_do_not_pile_up() {
        let session = Session::new("test:///default");
        let hang = || {
            session.call("hanging", Duration::from_millis(10), |_| {
                std::thread::sleep(Duration::from_secs(600));
                Ok(())
            })
        };
        for _ in 0..CALLS_MAX {
            assert!(hang().await.is_err());
        }
        assert!(matches!(hang().await, Err(CallError::Busy { .. })));
    }

    #[tokio::test]
    async fn nobody_there_is_said_with_the_address() {
        let session = Session::new("qemu+unix:///system?socket=/nonexistent/sock");
        let error = session.call("asking", ASK_DEADLINE, driver).await.unwrap_err();
        assert!(matches!(error, CallError::Unreachable { .. }));
        let problem = error.problem(Code::H0001, "provider");
        assert_eq!(problem.code, Code::P0002);
        assert!(problem.cause.contains("/nonexistent/sock"), "{problem}");
    }
}
