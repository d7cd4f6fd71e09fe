//! The event stream: server-sent events, taken up again where a break left them.

use super::{Client, ClientError};
use crate::operator::event::EventView;
use reqwest::{Method, Response};
use std::{collections::VecDeque, time::Duration};

/// Between attempts to reach a server that went away: soon enough for a person, no burden on it.
const RECONNECT_PAUSE: Duration = Duration::from_secs(2);
/// The longest unfinished event. Events are sentences; more than this is not our server.
const EVENT_BYTES_MAX: usize = 1 << 20;

/// What the stream has to say.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamItem {
    Event(EventView),
    /// Some events are no longer kept: read everything again.
    Reset,
    /// The server went away; it is being tried again. Said once a break.
    Interrupted,
}

/// Events as they happen. Ends only with an error that trying again does not help.
pub struct EventStream {
    client: Client,
    last_id: Option<String>,
    response: Option<Response>,
    parser: Parser,
    waiting: VecDeque<StreamItem>,
    interrupted: bool,
    /// This connection has said something.
    heard: bool,
}

impl Client {
    /// Follows what happens from now on, or after the event numbered `after`.
    pub fn events(&self, after: Option<i64>) -> EventStream {
        EventStream {
            client: self.clone(),
            last_id: after.map(|id| id.to_string()),
            response: None,
            parser: Parser::default(),
            waiting: VecDeque::new(),
            interrupted: false,
            heard: false,
        }
    }
}

impl EventStream {
    pub async fn next(&mut self) -> Result<StreamItem, ClientError> {
        loop {
            if let Some(item) = self.waiting.pop_front() {
                return Ok(item);
            }
            let Some(response) = &mut self.response else {
                if let Some(item) = self.connect().await? {
                    return Ok(item);
                }
                continue;
            };
            match response.chunk().await {
                Ok(Some(bytes)) => {
                    self.heard = true;
                    self.take(&bytes)?;
                }
                // The server ended it, or the way to it broke: the same thing to who reads on.
                Ok(None) | Err(_) => {
                    self.response = None;
                    if !self.heard {
                        tokio::time::sleep(RECONNECT_PAUSE).await;
                    }
                }
            }
        }
    }

    async fn connect(&mut self) -> Result<Option<StreamItem>, ClientError> {
        let mut ask = self.client.ask(Method::GET, &["events"]).header("Accept", "text/event-stream");
        if let Some(id) = &self.last_id {
            ask = ask.header("Last-Event-ID", id);
        }
        match ask.send().await {
            Ok((response, _)) => {
                self.response = Some(response);
                self.parser = Parser::default();
                self.interrupted = false;
                self.heard = false;
                Ok(None)
            }
            Err(error) if error.is_unreachable() => {
                tokio::time::sleep(RECONNECT_PAUSE).await;
                Ok((!std::mem::replace(&mut self.interrupted, true)).then_some(StreamItem::Interrupted))
            }
            Err(error) => Err(error),
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        let unexpected = |what: String| ClientError::Unexpected {
            url: self.client.url().to_owned(),
            request: "GET /api/v1/events".into(),
            what,
        };
        for message in self.parser.feed(bytes).map_err(|TooLong| unexpected("an endless event".into()))? {
            self.last_id = message.id.or(self.last_id.take());
            if message.event == "reset" {
                self.waiting.push_back(StreamItem::Reset);
            } else if message.event.is_empty() && !message.data.is_empty() {
                // Under a name comes what is no event, such as `changed`: for pages that are looked at.
                let event = serde_json::from_str(&message.data)
                    .map_err(|source| unexpected(format!("an event that is not understood ({source})")))?;
                self.waiting.push_back(StreamItem::Event(event));
            }
        }
        Ok(())
    }
}

/// One message of the stream, as the format has it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Message {
    id: Option<String>,
    event: String,
    data: String,
}

#[derive(Debug, PartialEq, Eq)]
struct TooLong;

/// The messages in `bytes` if they arrive in pieces of `size`: the names, and what they say.
#[cfg(any(test, feature = "doors"))]
pub(crate) fn messages(bytes: &[u8], size: usize) -> Option<Vec<(Option<String>, String, String)>> {
    let mut parser = Parser::default();
    let mut messages = Vec::new();
    for piece in bytes.chunks(size) {
        let whole = parser.feed(piece).ok()?;
        messages.extend(whole.into_iter().map(|message| (message.id, message.event, message.data)));
    }
    Some(messages)
}

/// Cuts bytes into messages, however they arrive.
#[derive(Default)]
struct Parser {
    pending: Vec<u8>,
    message: Message,
}

impl Parser {
    fn feed(&mut self, bytes: &[u8]) -> Result<Vec<Message>, TooLong> {
        let mut messages = Vec::new();
        self.pending.extend_from_slice(bytes);
        while let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.pending.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\n', '\r']);
            if line.is_empty() {
                let message = std::mem::take(&mut self.message);
                if message != Message::default() {
                    messages.push(message);
                }
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "id" => self.message.id = Some(value.to_owned()),
                "event" => self.message.event = value.to_owned(),
                "data" => {
                    if !self.message.data.is_empty() {
                        self.message.data.push('\n');
                    }
                    self.message.data.push_str(value);
                }
                // A comment keeps the connection alive; anything else is for later releases.
                _ => {}
            }
        }
        if self.pending.len() + self.message.data.len() > EVENT_BYTES_MAX {
            return Err(TooLong);
        }
        Ok(messages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_whole_however_the_bytes_arrive() {
        let text = b": hello\n\nid: 7\nevent: replica.ready\ndata: {\"a\":\ndata: 1}\r\n\r\nevent: reset\n\n";
        for size in 1..text.len() {
            let mut parser = Parser::default();
            let messages: Vec<_> = text.chunks(size).flat_map(|piece| parser.feed(piece).unwrap()).collect();
            assert_eq!(messages.len(), 2, "in pieces of {size}");
            assert_eq!(messages[0].id.as_deref(), Some("7"));
            assert_eq!(messages[0].data, "{\"a\":\n1}");
            assert_eq!(messages[1].event, "reset");
        }
    }

    #[test]
    fn an_event_without_end_is_refused() {
        let mut parser = Parser::default();
        assert_eq!(parser.feed(&vec![b'x'; EVENT_BYTES_MAX + 1]), Err(TooLong));
    }
}
