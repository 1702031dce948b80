//! From what a graph gives for the tokens of a text to one vector.

/// The mean over the tokens that the mask shows, `width` numbers each; all 0 where it shows none.
pub(super) fn mean(tokens: &[f32], mask: &[i64], width: usize, vector: &mut Vec<f32>) {
    vector.clear();
    vector.resize(width, 0.0);
    let mut shown = 0.0f32;
    for (token, is_shown) in tokens.chunks_exact(width).zip(mask) {
        if *is_shown == 0 {
            continue;
        }
        shown += 1.0;
        for (sum, value) in vector.iter_mut().zip(token) {
            *sum += value;
        }
    }
    if shown > 0.0 {
        vector.iter_mut().for_each(|sum| *sum /= shown);
    }
}

/// Brings a vector to length 1; one of zeros stays as it is.
pub(super) fn normalise(vector: &mut [f32]) {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_over_the_tokens_that_are_shown() {
        let tokens = [1.0, 2.0, 3.0, 6.0, 100.0, 100.0];
        let mut vector = vec![9.0; 5];
        mean(&tokens, &[1, 1, 0], 2, &mut vector);
        assert_eq!(vector, [2.0, 4.0]);
        mean(&tokens, &[0, 0, 0], 2, &mut vector);
        assert_eq!(vector, [0.0, 0.0]);
    }

    #[test]
    fn vectors_have_length_one() {
        let mut vector = [3.0, 4.0];
        normalise(&mut vector);
        assert_eq!(vector, [0.6, 0.8]);
        let mut nothing = [0.0, 0.0];
        normalise(&mut nothing);
        assert_eq!(nothing, [0.0, 0.0]);
    }
}
