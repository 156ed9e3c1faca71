//! Inputs out of inputs: a small deterministic mutator. The same seed makes the same inputs on every machine, so that
//! a failure of CI is a failure at a desk.

/// Longest input; limits of the wire are beyond what a mutation finds by length alone.
const MOST_BYTES: usize = 4096;
/// What breaks readers of text and numbers.
const WORDS: [&str; 28] = [
    "",
    "0",
    "-1",
    "-0",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "1e309",
    "0.0000000001",
    "NaN",
    "null",
    "true",
    "\"",
    "\\u0000",
    "\\ud800",
    "{}",
    "[]",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "((((((((((((((((((((((((((((((((",
    "\u{0}",
    "\u{feff}",
    "Ａ",
    "ß",
    "陈",
    "\u{202e}",
    "%00",
    "\r\n",
    "𝟙",
];

/// Numbers by chance that are the same each time (splitmix64).
pub struct Chance(u64);

impl Chance {
    /// Begins a sequence.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if there is none.
    pub fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { usize::try_from(self.next() % end as u64).unwrap() }
    }

    /// One of a list.
    pub fn of<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len())]
    }

    /// A range within a length, mostly short.
    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        let most = [1, 4, 16, length][self.below(4)];
        start..(start + self.below(most + 1)).min(length)
    }
}

/// A relative of one of `pool`, with words of the target's own language. Often it is changed in one place only: most of
/// what is changed in many is refused at the first.
pub fn mutated(pool: &[Vec<u8>], own_words: &[&str], chance: &mut Chance) -> Vec<u8> {
    let mut input = pool[chance.below(pool.len())].clone();
    for _ in 0..[1, 1, 2, 5][chance.below(4)] {
        step(&mut input, pool, own_words, chance);
    }
    input.truncate(MOST_BYTES);
    input
}

fn step(input: &mut Vec<u8>, pool: &[Vec<u8>], own_words: &[&str], chance: &mut Chance) {
    let place = chance.below(input.len() + 1);
    match chance.below(9) {
        0 if place < input.len() => input[place] ^= 1 << chance.below(8),
        1 if place < input.len() => input[place] = u8::try_from(chance.below(256)).unwrap(),
        2 => input.insert(place, u8::try_from(chance.below(256)).unwrap()),
        3 => drop(input.drain(chance.range(input.len()))),
        4 => {
            // The same again, once or many times.
            let range = chance.range(input.len());
            let times = [1, 2, 64][chance.below(3)];
            let again = input[range.clone()].repeat(times);
            input.splice(range.end..range.end, again);
        }
        5 => drop(input.splice(place..place, chance.of(&WORDS).bytes())),
        6 if !own_words.is_empty() => drop(input.splice(place..place, chance.of(own_words).bytes())),
        7 => {
            // A piece of another input, in place of a piece of this one.
            let other = &pool[chance.below(pool.len())];
            let piece = other[chance.range(other.len())].to_vec();
            let range = chance.range(input.len());
            input.splice(range, piece);
        }
        _ => {
            // A number becomes another one.
            let Some(start) = input.iter().skip(place).position(u8::is_ascii_digit).map(|at| at + place) else {
                return;
            };
            let digits = input[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            input.splice(start..start + digits, chance.of(&WORDS[1..9]).bytes());
        }
    }
}
