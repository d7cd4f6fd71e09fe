//! What is done inside a guest, through its own agent: commands run, files read, users sign in and out.

use crate::{lab::Lab, process::until, run::run_with_input};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::time::Duration;

/// What a command in a guest gets; guests are slow where there is no KVM.
const COMMAND_PATIENCE: Duration = Duration::from_secs(60);
/// Who signs in on the small golden machines.
pub const USER: &str = "anna";

impl Lab {
    /// What a guest's own agent answers; none while it does not.
    pub fn ask_guest(&self, provider: &str, vm: &str, command: &str) -> Option<Value> {
        self.tell_guest(provider, vm, &json!({ "execute": command })).ok()
    }

    fn tell_guest(&self, provider: &str, vm: &str, command: &Value) -> Result<Value> {
        let said = self.virsh(provider)?.run(&["qemu-agent-command", vm, &command.to_string()])?;
        let mut said: Value = serde_json::from_str(&said).context("reading what the guest agent says")?;
        Ok(said["return"].take())
    }

    /// Runs a shell line in a guest, to its end; it must succeed, and what it printed is given.
    pub fn in_guest(&self, provider: &str, vm: &str, line: &str) -> Result<String> {
        let arguments = json!({ "path": "/bin/sh", "arg": ["-c", line], "capture-output": true });
        let begun =
            self.tell_guest(provider, vm, &json!({ "execute": "guest-exec", "arguments": arguments }))?;
        let asked = json!({ "execute": "guest-exec-status", "arguments": { "pid": begun["pid"] } });
        let mut ended = Value::Null;
        let over = until(COMMAND_PATIENCE, || {
            // The agent forgets a command once it has told of its end: asked no more.
            ended = self.tell_guest(provider, vm, &asked).unwrap_or_default();
            ended["exited"] == true
        });
        ensure!(over, "`{line}` in the guest {vm} on {provider} does not end");
        let printed = |key: &str| -> Result<String> {
            let data = ended[key].as_str().unwrap_or_default();
            Ok(run_with_input(&["base64", "--decode"], data)?)
        };
        if ended["exitcode"] != 0 {
            bail!("`{line}` in the guest {vm} on {provider} failed: {ended} {}", printed("err-data")?);
        }
        printed("out-data")
    }

    /// What the golden machine's maintainer wrote down there; none while the guest does not answer.
    pub fn release_note(&self, provider: &str, vm: &str) -> Option<String> {
        self.in_guest(provider, vm, "cat /etc/release-note").ok()
    }

    /// [`USER`] signs in on the guest's second terminal: a real login, in `utmp`.
    pub fn sign_in(&self, provider: &str, vm: &str) -> Result<()> {
        self.in_guest(provider, vm, &format!("echo {USER} > /run/sits-down"))?;
        self.await_users(provider, vm, 1)
    }

    /// Ends that session.
    pub fn sign_out(&self, provider: &str, vm: &str) -> Result<()> {
        self.in_guest(provider, vm, "kill -9 $(cat /run/session)")?;
        self.await_users(provider, vm, 0)
    }

    fn await_users(&self, provider: &str, vm: &str, count: usize) -> Result<()> {
        let there =
            || self.ask_guest(provider, vm, "guest-get-users").and_then(|it| Some(it.as_array()?.len()));
        ensure!(
            until(COMMAND_PATIENCE, || there() == Some(count)),
            "{vm} on {provider}: {count} users awaited"
        );
        Ok(())
    }
}
