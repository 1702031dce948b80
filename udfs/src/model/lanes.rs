//! Sums of rows of small integers: the inner loop of every linear head.
//!
//! A row has one lane a class. The sums of a block of lanes stay in registers while all rows of a
//! text are added; a loop over the lanes of one row after the other takes four times as long.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_add_epi16, _mm256_cvtepi8_epi16, _mm256_loadu_si256,
    _mm256_storeu_si256,
};

/// Lanes come in groups of this many, as one register holds.
pub(super) const LANE_GROUP: usize = 16;

/// An integer of a row.
pub(super) trait Lane: Copy {
    /// What it adds to a sum.
    fn widened(self) -> i16;

    /// A group of lanes of a row.
    #[cfg(target_arch = "x86_64")]
    fn load(group: &[Self; LANE_GROUP]) -> __m256i;
}

/// Adds the rows of a table that begin at `starts` to `sums`; each is as long as these, a multiple
/// of [`LANE_GROUP`]. `wide` says that the processor has AVX2. What leaves 16 bits wraps around.
#[inline(always)]
pub(super) fn add_rows<L: Lane>(wide: bool, sums: &mut [i16], table: &[L], starts: &[usize]) {
    #[cfg(target_arch = "x86_64")]
    if wide {
        // SAFETY: the caller says that the processor has AVX2.
        return unsafe { add_rows_wide(sums, table, starts) };
    }
    let _ = wide;
    for start in starts {
        let row = &table[*start..*start + sums.len()];
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum = sum.wrapping_add(value.widened());
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn add_rows_wide<L: Lane>(sums: &mut [i16], table: &[L], starts: &[usize]) {
    let (groups, _) = sums.as_chunks_mut::<LANE_GROUP>();
    let (fours, rest) = groups.as_chunks_mut::<4>();
    let (twos, ones) = rest.as_chunks_mut::<2>();
    let mut at = 0;
    for block in fours {
        at = add_block(block, table, starts, at);
    }
    for block in twos {
        at = add_block(block, table, starts, at);
    }
    for group in ones {
        at = add_block(std::array::from_mut(group), table, starts, at);
    }
}

/// Adds the lanes from `at` on of some rows to a block of sums; returns the lane behind them.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
fn add_block<L: Lane, const GROUPS: usize>(
    block: &mut [[i16; LANE_GROUP]; GROUPS],
    table: &[L],
    starts: &[usize],
    at: usize,
) -> usize {
    let mut sums = block.each_ref().map(<i16 as Lane>::load);
    for start in starts {
        let (row, _) = table[start + at..][..GROUPS * LANE_GROUP].as_chunks::<LANE_GROUP>();
        for (sum, group) in sums.iter_mut().zip(row) {
            *sum = _mm256_add_epi16(*sum, L::load(group));
        }
    }
    for (group, sum) in block.iter_mut().zip(sums) {
        // SAFETY: a group has as many bytes as are stored, at any alignment.
        unsafe { _mm256_storeu_si256(group.as_mut_ptr().cast(), sum) };
    }
    at + GROUPS * LANE_GROUP
}

impl Lane for i16 {
    #[inline(always)]
    fn widened(self) -> i16 {
        self
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn load(group: &[i16; LANE_GROUP]) -> __m256i {
        // SAFETY: a group has as many bytes as are loaded, at any alignment; called where the
        // processor has AVX2 only.
        unsafe { _mm256_loadu_si256(group.as_ptr().cast()) }
    }
}

impl Lane for i8 {
    #[inline(always)]
    fn widened(self) -> i16 {
        i16::from(self)
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn load(group: &[i8; LANE_GROUP]) -> __m256i {
        // SAFETY: as above.
        unsafe { _mm256_cvtepi8_epi16(_mm_loadu_si128(group.as_ptr().cast())) }
    }
}

/// Makes a table of zeros that begins at a cache line, and tells where that is. Rows of a table of
/// megabytes are met in no order: the system is asked for large pages, of which the processor
/// remembers the places of all.
pub(super) fn table_of<T: Copy + Default>(length: usize) -> (Vec<T>, usize) {
    let table = vec![T::default(); length + CACHE_LINE];
    #[cfg(target_os = "linux")]
    {
        let page = table.as_ptr().addr().next_multiple_of(PAGE);
        let end = table.as_ptr_range().end.addr();
        if let Some(bytes) = end.checked_sub(page) {
            // SAFETY: an advice on memory that is the table's own; its contents stay as they are.
            // Where it is not followed, nothing but speed is lost.
            unsafe { libc::madvise(page as *mut libc::c_void, bytes, libc::MADV_HUGEPAGE) };
        }
    }
    let start = table.as_ptr().align_offset(CACHE_LINE).min(CACHE_LINE);
    (table, start)
}

/// Bytes of a page of the system.
#[cfg(target_os = "linux")]
const PAGE: usize = 4096;

/// Asks the processor for the cache lines of a row without waiting for them.
#[inline(always)]
pub(super) fn fetch<T>(row: &[T]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let start = row.as_ptr().cast::<i8>();
        for line in 0..size_of_val(row).div_ceil(CACHE_LINE) {
            // SAFETY: a prefetch reads nothing into the program, whatever the address.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(line * CACHE_LINE)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = row;
}

/// Bytes that the processor fetches at once.
pub(super) const CACHE_LINE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Both ways give what adding lane by lane gives.
        #[test]
        fn rows_are_added_lane_by_lane(
            groups in 1usize..12,
            rows in prop::collection::vec(any::<i8>(), 2048..2049),
            starts in prop::collection::vec(0usize..1024, 0..40),
        ) {
            let lanes = groups * LANE_GROUP;
            let words: Vec<i16> = rows.iter().map(|value| i16::from(*value).wrapping_mul(257)).collect();
            let mut expected = (vec![3i16; lanes], vec![5i16; lanes]);
            for start in &starts {
                for lane in 0..lanes {
                    expected.0[lane] = expected.0[lane].wrapping_add(words[start + lane]);
                    expected.1[lane] = expected.1[lane].wrapping_add(i16::from(rows[start + lane]));
                }
            }
            #[cfg(target_arch = "x86_64")]
            let ways = [false, is_x86_feature_detected!("avx2")];
            #[cfg(not(target_arch = "x86_64"))]
            let ways = [false];
            for wide in ways {
                let mut found = (vec![3i16; lanes], vec![5i16; lanes]);
                add_rows(wide, &mut found.0, &words, &starts);
                add_rows(wide, &mut found.1, &rows, &starts);
                prop_assert_eq!(&found, &expected);
            }
        }
    }
}
