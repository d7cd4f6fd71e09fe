//! A network that delays, loses, repeats and reorders, and cuts some off.

use crate::dice::Dice;
use diecast_domain::{assignment::Assignment, ids::ProviderId, report::Report, units::Timestamp};
use std::collections::BTreeMap;

/// Something under way between the server and an agent.
#[derive(Clone, Debug)]
pub enum Message {
    Assignment(Box<Assignment>),
    Report(Box<Report>),
}

impl Message {
    pub fn provider(&self) -> ProviderId {
        match self {
            Self::Assignment(assignment) => assignment.orders.provider,
            Self::Report(report) => report.provider,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct Network {
    under_way: Vec<(Timestamp, Message)>,
    /// Providers that do not reach the server, and until when.
    pub cut_off: BTreeMap<ProviderId, Timestamp>,
    /// Pairs that do not reach each other.
    pub apart: BTreeMap<(ProviderId, ProviderId), Timestamp>,
    pub hostile: bool,
}

impl Network {
    pub fn send(&mut self, message: Message, now: Timestamp, dice: &mut Dice) {
        if self.cut_off.contains_key(&message.provider()) {
            return;
        }
        if !self.hostile {
            self.under_way.push((Timestamp(now.0 + 1000), message));
            return;
        }
        if dice.once_in(8) {
            return;
        }
        let times = if dice.once_in(10) { 2 } else { 1 };
        for _ in 0..times {
            let seconds = if dice.once_in(30) { dice.below(40) } else { dice.below(4) };
            self.under_way.push((Timestamp(now.0 + 1000 * seconds as i64), message.clone()));
        }
    }

    /// What arrives now, in any order.
    pub fn arrived(&mut self, now: Timestamp, dice: &mut Dice) -> Vec<Message> {
        let mut arrived = Vec::new();
        let mut index = 0;
        while index < self.under_way.len() {
            if self.under_way[index].0 <= now {
                arrived.push(self.under_way.swap_remove(index).1);
            } else {
                index += 1;
            }
        }
        if self.hostile && arrived.len() > 1 {
            let shift = dice.below(arrived.len() as u64) as usize;
            arrived.rotate_left(shift);
        }
        arrived
    }

    pub fn together(&self, one: ProviderId, other: ProviderId) -> bool {
        !self.apart.contains_key(&(one.min(other), one.max(other)))
    }

    /// Ends every cut that is over.
    pub fn heal(&mut self, now: Timestamp) {
        self.cut_off.retain(|_, until| *until > now);
        self.apart.retain(|_, until| *until > now);
    }
}
