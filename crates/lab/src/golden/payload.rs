//! Data that is worth sending: half of it compresses, no page of it is zero or like another.

/// The unit of the mixture: a page of a file system.
const PAGE: usize = 4096;

/// `bytes` of data drawn from `seed`, the same on every machine.
pub fn draw(bytes: u64, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        // xorshift64*: no dependency, and nothing here needs secrecy.
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    };
    let length = usize::try_from(bytes).unwrap_or(usize::MAX);
    let mut data = Vec::with_capacity(length.next_multiple_of(PAGE));
    while data.len() < length {
        let page_end = data.len() + PAGE;
        while data.len() < page_end - PAGE / 2 {
            data.extend_from_slice(&next().to_le_bytes());
        }
        let phrase = format!("page {:>20} ", next());
        while data.len() < page_end {
            data.extend_from_slice(phrase.as_bytes());
        }
        data.truncate(page_end);
    }
    data.truncate(length);
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload_is_the_same_again_and_no_page_repeats() {
        let data = draw(1 << 20, 7);
        assert_eq!(data, draw(1 << 20, 7));
        assert_ne!(data, draw(1 << 20, 8));
        let pages: std::collections::BTreeSet<&[u8]> = data.chunks(PAGE).collect();
        assert_eq!(pages.len(), (1 << 20) / PAGE);
    }
}
