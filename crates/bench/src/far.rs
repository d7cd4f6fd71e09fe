//! A provider that is far away: between its link and the bridge every packet waits, which `tc netem` would do
//! where the kernel has it.
//!
//! ```text
//!   kvm-a ══ bridge ══ tap ──[ a thread each way: half of the way there and back ]── tap ══ bridge ══ kvm-e
//! ```

use crate::tap;
use anyhow::{Context, Result};
use diecast_lab::run::{attempt, run};
use std::{
    collections::VecDeque,
    fs::File,
    io::{ErrorKind, Read, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How often a thread looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(100);
/// Bytes of a packet, and of several that the kernel sends as one.
const PACKET_MAX: usize = 64 << 10;

/// As long as this lives, somebody is far away.
pub struct Far {
    home: String,
    link: String,
    bridge: String,
    ended: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Far {
    /// Moves a link from its bridge behind a way that takes so long there and back.
    pub fn away(link: &str, home: &str, way: Duration) -> Result<Self> {
        let bridge = format!("{home}far");
        let names = [format!("{home}fa"), format!("{home}fb")];
        // A killed run leaves it.
        attempt(&["ip", "link", "del", &bridge]);
        run(&["ip", "link", "add", &bridge, "type", "bridge"])?;
        let mut far = Self {
            home: home.to_owned(),
            link: link.to_owned(),
            bridge,
            ended: Arc::default(),
            threads: Vec::new(),
        };
        run(&["ip", "link", "set", &far.bridge, "up"])?;
        let open = |name: &String| tap::open(name).with_context(|| format!("opening the device {name}"));
        let (near_end, far_end) = (open(&names[0])?, open(&names[1])?);
        for (from, to) in [(&near_end, &far_end), (&far_end, &near_end)] {
            let (from, to, ended) = (from.try_clone()?, to.try_clone()?, far.ended.clone());
            far.threads.push(thread::spawn(move || carry(from, to, way / 2, &ended)));
        }
        for (name, bridge) in names.iter().zip([home, &far.bridge]) {
            run(&["ip", "link", "set", name, "txqueuelen", "10000", "master", bridge, "up"])?;
        }
        run(&["ip", "link", "set", link, "master", &far.bridge])?;
        Ok(far)
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        attempt(&["ip", "link", "set", &self.link, "master", &self.home]);
        self.ended.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // What ended before was told already.
            let _ = thread.join();
        }
        attempt(&["ip", "link", "del", &self.bridge]);
    }
}

/// Hands on every packet when its time has come. What the other end does not take is lost, as on a real line.
fn carry(mut from: File, mut to: File, delay: Duration, ended: &AtomicBool) {
    let mut under_way: VecDeque<(Instant, Box<[u8]>)> = VecDeque::new();
    let mut packet = vec![0; PACKET_MAX];
    while !ended.load(Ordering::Relaxed) {
        let next = under_way.front().map_or(LOOK, |(due, _)| due.saturating_duration_since(Instant::now()));
        if let Err(error) = tap::wait(&from, next.min(LOOK)) {
            eprintln!("bench: waiting for packets to one that is far away: {error}");
            return;
        }
        loop {
            match from.read(&mut packet) {
                Ok(length) => under_way.push_back((Instant::now() + delay, packet[..length].into())),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => {
                    eprintln!("bench: carrying packets to one that is far away: {error}");
                    return;
                }
            }
        }
        while under_way.front().is_some_and(|(due, _)| *due <= Instant::now()) {
            if let Some((_, packet)) = under_way.pop_front() {
                let _ = to.write(&packet);
            }
        }
    }
}
