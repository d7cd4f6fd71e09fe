//! The doors of this crate: what is typed, and files that are handed over. See `diecast_domain::doors`.

use crate::{
    args::{moment, parse},
    commands::apply::document,
};
use diecast_domain::doors::{Door, texts};
use diecast_support::Redactor;
use jiff::{Timestamp, Zoned};
use std::{cell::RefCell, fmt::Debug, time::Instant};

pub const DOORS: &[Door] = &[DOCUMENT, WORDS, WAVES, MOMENT, REDACTED];

/// The file of `diecast apply`.
pub const DOCUMENT: Door = Door {
    name: "document",
    seeds: || {
        texts(&[
            "[provider.kvm-a]\nsite = \"madrid\"\nlimit = \"2Mbit/s 08:00-18:00 Europe/Madrid; off\"\n\
             networks = { corp = \"br20\" }\nscrub = { on = true, every_seconds = 604800, window = \"any\" }\n\n\
             [template.win11]\ndistribution = [\"kvm-a\"]\nkeep = 3\nhost_defaults = { kind = \"linked\" }\n\n\
             [pool.desk]\ntemplate = \"win11\"\npattern = \"desk-{nnn}\"\nsize = 20\nweights = { kvm-a = 2 }\n\
             setup = { preparation = \"none\" }\nterms = { waves = \"1,10%,100%\" }\n",
            r#"{"pool":{"desk":{"template":"win11","pattern":"desk-{n}","min":1,"max":9}}}"#,
        ])
    },
    knock: |bytes| {
        let Some(document) = std::str::from_utf8(bytes).ok().and_then(|text| document::parse(text).ok())
        else {
            return;
        };
        for written in [document::toml(&document), document::json(&document)] {
            assert_eq!(document::parse(&written).as_ref(), Ok(&document), "{written}");
        }
    },
};

/// What stands behind a flag.
pub const WORDS: Door = Door {
    name: "words",
    seeds: || {
        texts(&[
            "1h 30m",
            "7d",
            "50MiB/s",
            "22:00-06:00 Europe/Madrid",
            "20GiB",
            "100 Mbit/s; off",
            "v2",
            "kvm-a=3",
            "127.0.0.1:5901",
            "desk-{nnn}",
            "/images/a.qcow2",
        ])
    },
    knock: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        // Whoever waits adds it to a clock.
        for time in [parse::duration(text), parse::days(text), parse::seconds(text)].into_iter().flatten() {
            assert!(Instant::now().checked_add(time).is_some(), "`{text}` is beyond every clock");
        }
        settled(text, parse::window);
        settled(text, parse::limit);
        settled(text, parse::version);
        settled(text, parse::name_pattern_or_none);
        settled(text, parse::remote_path);
        let _ = (parse::size(text), parse::byte_rate(text), parse::on_or_off(text));
        let _ = (parse::weight(text), parse::full_pair(text));
        if let Ok(address) = parse::loopback(text) {
            assert!(address.ip().is_loopback());
        }
    },
};

/// In which waves hosts are recreated.
pub const WAVES: Door = Door {
    name: "waves",
    seeds: || texts(&["1,10%,50%,100%", "5", " 1 , 3 , 50% "]),
    knock: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        settled(text, parse::waves);
    },
};

/// A time, from now on or before now.
pub const MOMENT: Door = Door {
    name: "moment",
    seeds: || texts(&["22:00", "2h", "2026-03-01T10:00:00+02:00", "2026-03-29T02:30", "1h 30m"]),
    knock: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let now: Zoned = "2026-03-28T21:30:00+01:00[Europe/Madrid]".parse().expect("it is a time");
        for read in [moment::read(text, &now), moment::read_past(text, &now)].into_iter().flatten() {
            let written = read.to_string();
            assert!(written.parse::<Timestamp>().is_ok(), "`{text}` is written as `{written}`");
        }
    },
};

/// Anything that a log or a document may say, on its way out of the house.
pub const REDACTED: Door = Door {
    name: "redacted",
    seeds: || {
        texts(&[
            "smtp_password: \"a b\" next, Authorization: Bearer abcd https://admin:x@example/ fe80::1%eth0",
            r#"{"name":"kvm-a","token":"x","tokens":[{"name":"x"}],"setup":{"user_data":"y"}}"#,
            "-----BEGIN EC PRIVATE KEY-----\nabc",
        ])
    },
    knock: |bytes| {
        const SECRET: &str = "dct_0123456789abcdef";
        thread_local!(static REDACTOR: RefCell<Redactor> = Redactor::new(true).into());
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let middle = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let (before, after) = text.split_at(middle);
        REDACTOR.with_borrow_mut(|redactor| {
            let left = redactor.text(&format!("{before} {SECRET} {after}"));
            assert!(!left.contains(SECRET), "{left}");
            if let Ok(mut document) = serde_json::from_str(text) {
                redactor.json(&mut document);
            }
        });
    },
};

/// What is sent is what would be sent if it were typed again.
fn settled<T: AsRef<str> + Debug>(text: &str, read: impl Fn(&str) -> Result<T, String>) {
    let Ok(first) = read(text) else { return };
    let again = read(first.as_ref());
    assert_eq!(again.as_ref().map(AsRef::as_ref), Ok(first.as_ref()), "of `{text}`");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_door_is_begun_with_is_let_in() {
        for seed in (DOCUMENT.seeds)() {
            document::parse(std::str::from_utf8(&seed).unwrap()).unwrap();
        }
        assert!((WAVES.seeds)().iter().all(|seed| parse::waves(std::str::from_utf8(seed).unwrap()).is_ok()));
    }

    diecast_domain::no_door_gives_way!(DOORS, 3000);
}
