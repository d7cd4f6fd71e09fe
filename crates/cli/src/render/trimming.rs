//! What trimming gave back, or would have.

use super::bytes;
use diecast_api::operator::template::TrimmingView;

/// `412 MiB given back: disk0 partition 1 (ext4): trimmed`
pub(crate) fn sentence(trimming: Option<&TrimmingView>) -> String {
    let Some(TrimmingView { trimmed, bytes: count, places }) = trimming else { return String::new() };
    let said = match (trimmed, count) {
        (true, count) => format!("{} given back", bytes(*count)),
        (false, 0) => "not trimmed; nothing is known that it would have spared".to_owned(),
        (false, count) => format!("not trimmed; it would have spared {}", bytes(*count)),
    };
    if places.is_empty() { said } else { format!("{said}: {}", places.join("; ")) }
}

/// What to say when a version was published: nothing, if there is nothing to gain.
pub(crate) fn advice(trimming: Option<&TrimmingView>) -> Option<String> {
    let it = trimming?;
    match (it.trimmed, it.bytes) {
        (true, count) => Some(format!("trimmed: {} were given back", bytes(count))),
        (false, 0) => None,
        (false, count) => Some(format!("trimming (`--trim`) would have spared at least {}", bytes(count))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_was_spared_or_would_have_been_and_where_one_looked() {
        let places = vec!["disk0 partition 1 (ext4): trimmed".to_owned()];
        let view =
            |trimmed, bytes, places: &[String]| TrimmingView { trimmed, bytes, places: places.to_vec() };
        let said = |view: &TrimmingView| (sentence(Some(view)), advice(Some(view)));
        assert_eq!(
            said(&view(true, 3 << 20, &places)),
            (
                "3.00 MiB given back: disk0 partition 1 (ext4): trimmed".to_owned(),
                Some("trimmed: 3.00 MiB were given back".to_owned())
            )
        );
        assert_eq!(
            said(&view(false, 3 << 20, &[])),
            (
                "not trimmed; it would have spared 3.00 MiB".to_owned(),
                Some("trimming (`--trim`) would have spared at least 3.00 MiB".to_owned())
            )
        );
        assert_eq!(said(&view(false, 0, &[])).1, None, "nobody is bothered with nothing");
        assert_eq!((sentence(None), advice(None)), (String::new(), None));
    }
}
