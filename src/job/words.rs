//! Tables of words: what the user may write, what it stands for, and what it means.

/// One row: the word, its value, and a clause about its meaning.
pub(super) type WordOf<T> = (&'static str, T, &'static str);

/// The words and their meanings, without the values.
pub(super) const fn words<T: Copy, const N: usize>(
    table: &[WordOf<T>],
) -> [(&'static str, &'static str); N] {
    assert!(table.len() == N, "the list is as long as its table");
    let mut words = [("", ""); N];
    let mut index = 0;
    while index < N {
        words[index] = (table[index].0, table[index].2);
        index += 1;
    }
    words
}
