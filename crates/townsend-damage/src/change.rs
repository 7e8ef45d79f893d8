//! Seeded changes of the bytes of files.

/// The generator `SplitMix64`: damage is the same each time.
#[derive(Debug)]
pub struct Random(pub u64);

impl Random {
    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number from 0 to `limit − 1`, and 0 if there is none.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.bits() % limit.max(1) as u64) as usize
    }
}

/// What is put in somewhere: what separates, opens and closes in texts, and numbers that are too large.
const WORDS: [&[u8]; 24] = [
    b"\n",
    b",",
    b" ",
    b"#",
    b"\0",
    b"-",
    b"e",
    b"nan",
    b"inf",
    b"[",
    b"]",
    b"{",
    b"}",
    b"\"",
    b"=",
    b"../",
    b"/dev/zero",
    b"1e308",
    b"-1",
    b"0",
    b"4294967296",
    b"99999999999999999999",
    b"\xff\xff\xff\xff",
    b"\xc3\x28",
];

/// Numbers of extreme size, for those that files hold in binary.
const EXTREMES: [u64; 10] =
    [0, 1, 2, u64::MAX, 1 << 63, (1 << 63) - 1, 1 << 31, (1 << 31) - 1, 0xffff_ffff, 1 << 40];

/// Change number `case` of one of the whole files.
pub fn changed(wholes: &[Vec<u8>], case: u64) -> Vec<u8> {
    let mut random = Random(case.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let mut bytes = wholes[random.below(wholes.len())].clone();
    for _ in 0..=random.below(4) {
        if bytes.is_empty() {
            break;
        }
        change(&mut bytes, wholes, &mut random);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, wholes: &[Vec<u8>], random: &mut Random) {
    let at = place(bytes.len(), random);
    let end = (at + 1 + random.below(40)).min(bytes.len());
    match random.below(12) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..end)),
        2 => {
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        // Much of the same: deep nesting, long lines and names.
        3 if random.below(8) == 0 => {
            let end = (at + 1 + random.below(3)).min(bytes.len());
            let again = bytes[at..end].repeat(1 << random.below(12));
            bytes.splice(at..at, again);
        }
        3 | 4 => {
            let word = WORDS[random.below(WORDS.len())].iter().copied();
            bytes.splice(at..at, word);
        }
        5 => number(bytes, at, random),
        6 | 7 => extreme(bytes, at, random),
        8 => {
            let other = &wholes[random.below(wholes.len())];
            let from = random.below(other.len());
            let length = (1 + random.below(200)).min(other.len() - from);
            let replaced = if random.below(2) == 0 { at } else { bytes.len().min(at + length) };
            bytes.splice(at..replaced, other[from..from + length].iter().copied());
        }
        _ => {
            let few = 1 + random.below(2);
            bytes[at..end].iter_mut().take(few).for_each(|byte| *byte ^= 1 << random.below(8));
        }
    }
}

/// Half of the damage goes where the structure of binary files is: their start and their end.
fn place(length: usize, random: &mut Random) -> usize {
    match random.below(4) {
        0 => random.below(length.min(400)),
        1 => length - 1 - random.below(length.min(800)),
        _ => random.below(length),
    }
}

/// Puts another number in the place of the first one of a text after `at`.
fn number(bytes: &mut Vec<u8>, at: usize, random: &mut Random) {
    let of_number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'-');
    let Some(start) = bytes[at..].iter().position(u8::is_ascii_digit).map(|start| at + start) else { return };
    let end = bytes[start..].iter().position(|byte| !of_number(byte)).map_or(bytes.len(), |end| start + end);
    let word = WORDS[17 + random.below(5)].iter().copied();
    bytes.splice(start..end, word);
}

/// Puts a number of extreme size in 1, 2, 4 or 8 bytes, in either order, or changes one a little.
fn extreme(bytes: &mut [u8], at: usize, random: &mut Random) {
    let length = [1, 2, 4, 8][random.below(4)].min(bytes.len() - at);
    let place = &mut bytes[at..at + length];
    let mut number = EXTREMES[random.below(EXTREMES.len())].to_le_bytes();
    if random.below(3) == 0 {
        number = [0; 8];
        number[..length].copy_from_slice(place);
        let step = random.below(9) as u64;
        number = u64::from_le_bytes(number).wrapping_add(step.wrapping_sub(4)).to_le_bytes();
    }
    place.copy_from_slice(&number[..length]);
    if random.below(2) == 0 {
        place.reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_many_and_the_same_each_time() {
        let wholes = [b"x,z,t\n1,2,3\n".to_vec(), vec![7; 300]];
        let all = |cases: u64| (0..cases).map(|case| changed(&wholes, case)).collect::<Vec<_>>();
        let first = all(500);
        assert_eq!(first, all(500));
        let different: std::collections::BTreeSet<_> = first.iter().collect();
        assert!(different.len() > 450, "{}", different.len());
    }
}
