//! Events as they happen, for a script that reads along.

// Outside `#[test]` functions too: a story ends where something is not as it must be.
#![allow(clippy::unwrap_used)]

mod server;

use serde_json::Value;
use server::{Server, talk};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

/// How long an event may take on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

/// `diecast event list --follow`, ended with the story.
struct Follower {
    child: Child,
    lines: Receiver<String>,
}

impl Follower {
    fn start(server: &Server, words: &[&str]) -> Self {
        let words = [&["event", "list", "--follow", "--json"], words].concat();
        let mut child = server.typed(&words).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines }
    }

    /// The kind of the next event, and whom it is about.
    fn next(&self) -> (String, String) {
        let line = self.lines.recv_timeout(PATIENCE).expect("an event comes");
        let event: Value = serde_json::from_str(&line).unwrap();
        let text = |field: &str| event[field].as_str().unwrap().to_owned();
        (text("kind"), text("name"))
    }

    /// What else it said until it was ended.
    fn end(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        // The sender goes with its thread, which ends with what it reads.
        self.lines.iter().collect()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn who_follows_reads_what_was_and_what_comes_each_once_and_only_what_was_asked_for() {
    let server = Server::start();
    let does = |words: &[&str]| {
        let output = server.diecast(words);
        assert!(output.status.success(), "{words:?}: {}", talk(&output));
    };
    let ca = server.ca();
    does(&["login", "--url", &server.url, "--ca", ca.to_str().unwrap()]);
    does(&["token", "create", "before"]);

    let follower = Follower::start(&server, &["--kind", "token"]);
    let created = |name: &str| ("token.created".to_owned(), name.to_owned());
    assert_eq!(follower.next(), created("before"));
    // The past has been read: what comes now comes as it happens.
    does(&["token", "create", "during"]);
    assert_eq!(follower.next(), created("during"));
    does(&["provider", "add", "kvm-a"]);
    does(&["token", "create", "after"]);
    assert_eq!(follower.next(), created("after"), "of the provider nothing was asked");
    assert_eq!(follower.end(), Vec::<String>::new());
}
