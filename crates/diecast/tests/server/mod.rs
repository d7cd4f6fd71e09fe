//! A server of its own for each story, and `diecast` as somebody types it.

// Each story uses a part of it.
#![allow(dead_code)]

use serde_json::Value;
use std::{
    io::Read,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};
use tempfile::TempDir;

pub const BINARY: &str = env!("CARGO_BIN_EXE_diecast");
const PASSWORD: &str = "a password for tests";

/// A server of its own, stopped when the story ends.
pub struct Server {
    child: Child,
    pub url: String,
    pub folder: TempDir,
}

impl Server {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let child = Command::new(BINARY)
            .args(["server", "run", "--name", "127.0.0.1", "--listen", &address.to_string(), "--data"])
            .arg(folder.path().join("data"))
            .env("DIECAST_ADMIN_PASSWORD", PASSWORD)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut server = Self { child, url: format!("https://{address}"), folder };
        server.until_it_answers(address);
        server
    }

    fn until_it_answers(&mut self, address: std::net::SocketAddr) {
        // It holds its port before it has made anything, and serves when its CA is there to be read.
        while !self.ca().exists() || std::net::TcpStream::connect(address).is_err() {
            if let Some(status) = self.child.try_wait().unwrap() {
                let mut said = String::new();
                self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
                panic!("the server ended with {status}: {said}");
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn ca(&self) -> PathBuf {
        self.folder.path().join("data/ca.pem")
    }

    /// As a person with a home of their own and nothing in the environment.
    pub fn diecast(&self, words: &[&str]) -> Output {
        self.typed(words).output().unwrap()
    }

    /// The same, for who wants to read along.
    pub fn typed(&self, words: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command
            .args(words)
            .env_clear()
            .env("XDG_CONFIG_HOME", self.folder.path())
            .env("DIECAST_PASSWORD", PASSWORD)
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn talk(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", talk(output)))
}
