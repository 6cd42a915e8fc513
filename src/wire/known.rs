//! The tokens that a run came across, of which there are thousands: only their hashes are kept, or a server that
//! issues long ones would fill the memory. Found in time that grows with the length of the text, wherever they stand
//! and whatever characters they are made of.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

/// Texts shorter than this are not kept: they would eat the text that they are searched in.
pub(super) const SHORTEST: usize = 6;
/// Tokens of this length and more are recognised by so many of their last bytes, which differ most: JWTs begin
/// alike and end with the signature.
const TAIL: usize = 16;
/// So many lengths are told apart for one tail; a server that issues more is answered by hiding the word.
const LENGTHS: usize = 64;

/// Hashes of known tokens, by the hash of what they end in.
#[derive(Clone, Default)]
pub(super) struct Known {
    long: HashMap<u64, HashSet<(usize, u64)>>,
    short: HashMap<u64, HashSet<(usize, u64)>>,
}

impl Known {
    pub(super) fn is_empty(&self) -> bool {
        self.long.is_empty() && self.short.is_empty()
    }

    /// Keeps the hash of a token.
    pub(super) fn insert(&mut self, token: &str) {
        let length = token.len();
        if length < SHORTEST {
            return;
        }
        let hashes = Hashes::of(token.as_bytes());
        let (kind, tail) = if length >= TAIL { (&mut self.long, TAIL) } else { (&mut self.short, SHORTEST) };
        let whole = hashes.of_range(0..length);
        let lengths = kind.entry(hashes.of_range(length - tail..length)).or_default();
        if lengths.len() < LENGTHS {
            lengths.insert((length, whole));
        }
    }

    /// Where known tokens stand: ranges in ascending order that do not overlap.
    pub(super) fn find(&self, text: &str) -> Vec<Range<usize>> {
        if self.is_empty() || text.len() < SHORTEST {
            return Vec::new();
        }
        let hashes = Hashes::of(text.as_bytes());
        let mut found: Vec<Range<usize>> = Vec::new();
        for end in SHORTEST..=text.len() {
            if !text.is_char_boundary(end) {
                continue;
            }
            let long = end.checked_sub(TAIL).and_then(|from| self.long.get(&hashes.of_range(from..end)));
            let short = self.short.get(&hashes.of_range(end - SHORTEST..end));
            let start = long
                .and_then(|lengths| {
                    let full = (lengths.len() >= LENGTHS).then(|| word_start(text, end - TAIL));
                    full.or_else(|| longest(lengths, &hashes, end, |from| text.is_char_boundary(from)))
                })
                .or_else(|| {
                    short.and_then(|lengths| {
                        // A short one may be a part of any other word.
                        longest(lengths, &hashes, end, |from| stands_alone(text, from..end))
                    })
                });
            let Some(start) = start else { continue };
            while found.last().is_some_and(|last| last.start >= start) {
                found.pop();
            }
            match found.last_mut() {
                Some(last) if last.end > start => last.end = end,
                _ => found.push(start..end),
            }
        }
        found
    }
}

fn longest(
    lengths: &HashSet<(usize, u64)>,
    hashes: &Hashes,
    end: usize,
    fits: impl Fn(usize) -> bool,
) -> Option<usize> {
    lengths
        .iter()
        .filter_map(|(length, whole)| {
            let start = end.checked_sub(*length)?;
            (hashes.of_range(start..end) == *whole && fits(start)).then_some(start)
        })
        .min()
}

fn word_start(text: &str, mut at: usize) -> usize {
    let bytes = text.as_bytes();
    while at > 0 && !bytes[at - 1].is_ascii_whitespace() && !b"\"&=".contains(&bytes[at - 1]) {
        at -= 1;
    }
    // Never within a character: those bytes are none of the above.
    at
}

/// Whether the bytes on both sides belong to other words.
pub(super) fn stands_alone(text: &str, range: Range<usize>) -> bool {
    let bytes = text.as_bytes();
    let word = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || b"-_".contains(b));
    text.is_char_boundary(range.start)
        && !word(range.start.checked_sub(1).and_then(|i| bytes.get(i)))
        && !word(bytes.get(range.end))
}

/// Polynomial hashes of all beginnings of a text, modulo the Mersenne prime 2^61 - 1: the hash of any part follows in
/// constant time.
struct Hashes {
    heads: Vec<u64>,
    powers: Vec<u64>,
}

const PRIME: u64 = (1 << 61) - 1;
const BASE: u64 = 0x0b5f_9d1e_37c4_a6e3;

fn times(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    // Both halves are below 2^61 by construction.
    let low = u64::try_from(product & u128::from(PRIME)).unwrap_or(0);
    let high = u64::try_from(product >> 61).unwrap_or(0);
    reduced(low + high)
}

fn reduced(sum: u64) -> u64 {
    if sum >= PRIME { sum - PRIME } else { sum }
}

impl Hashes {
    fn of(bytes: &[u8]) -> Self {
        let mut heads = Vec::with_capacity(bytes.len() + 1);
        let mut powers = Vec::with_capacity(bytes.len() + 1);
        let (mut head, mut power) = (0, 1);
        heads.push(head);
        powers.push(power);
        for byte in bytes {
            head = reduced(times(head, BASE) + u64::from(*byte) + 1);
            power = times(power, BASE);
            heads.push(head);
            powers.push(power);
        }
        Self { heads, powers }
    }

    fn of_range(&self, range: Range<usize>) -> u64 {
        let before = times(self.heads[range.start], self.powers[range.len()]);
        reduced(self.heads[range.end] + PRIME - before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'a>(tokens: &[&str], text: &'a str) -> Vec<&'a str> {
        let mut known = Known::default();
        for token in tokens {
            known.insert(token);
        }
        known.find(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn tokens_of_any_characters_are_found_wherever_they_stand() {
        for token in
            ["a:b=c$d,e f{g}\"h\\i", "été-été-été-été-été=", "one\ntwo three four five==", "!§$%&/()=?"]
        {
            assert_eq!(found(&[token], &format!("before {token}.")), [token]);
            assert_eq!(found(&[token], &format!("({token})({token})")), [token, token]);
        }
        let glued = "prefix0123456789abcdef0123suffix";
        assert_eq!(found(&["0123456789abcdef0123"], glued), ["0123456789abcdef0123"]);
    }

    #[test]
    fn a_short_one_is_a_word_of_its_own() {
        assert_eq!(found(&["abcdef"], "abcdef xabcdef abcdefx 'abcdef'"), ["abcdef", "abcdef"]);
        assert_eq!(found(&["abc"], "abc"), Vec::<&str>::new());
    }

    #[test]
    fn the_longest_wins_and_what_overlaps_is_one() {
        let (short, long) = ("fedcba9876543210", "0123456789-fedcba9876543210");
        assert_eq!(found(&[short, long], &format!("x{long}y{short}")), [long, short]);
        let (first, second) = ("aaaaaaaaaabbbbbbbbbb", "bbbbbbbbbbcccccccccc");
        assert_eq!(
            found(&[first, second], "aaaaaaaaaabbbbbbbbbbcccccccccc."),
            ["aaaaaaaaaabbbbbbbbbbcccccccccc"]
        );
    }

    #[test]
    fn many_tokens_with_one_tail_cost_no_more() {
        let mut known = Known::default();
        for length in 0..2000 {
            known.insert(&format!("{}0123456789abcdef", "x".repeat(length)));
        }
        assert!(known.long.values().all(|lengths| lengths.len() <= LENGTHS));
        let text = format!("see \"{}0123456789abcdef\" there", "x".repeat(1500));
        assert_eq!(known.find(&text).first(), Some(&(5..1521)));
        assert!(!known.find(&"0123456789abcdef".repeat(4000)).is_empty());
    }
}
