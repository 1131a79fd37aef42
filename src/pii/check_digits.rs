//! Check digits: arithmetic that most numbers of a random origin fail.

/// The check digit of an individual number from its first 11 digits: 11 − (Σ Pₙ·Qₙ mod 11), or 0 where the remainder is at most 1;
/// Pₙ is the n-th digit from the right, Qₙ = n + 1 for n ≤ 6, else n − 5. Article 5 of ordinance 85 of 2014 of the Ministry of Internal
/// Affairs and Communications (平成26年総務省令第85号), as the agency that issues the numbers reprinted it (月刊J-LIS, 2015): a
/// secondary source.
fn my_number_check(digits: &[u8]) -> u32 {
    let sum: u32 = digits.iter().rev().zip(1..).map(|(&p, n)| u32::from(p) * if n <= 6 { n + 1 } else { n - 5 }).sum();
    match sum % 11 {
        0 | 1 => 0,
        remainder => 11 - remainder,
    }
}

/// Is this an individual number (12 digits)?
pub(super) fn is_my_number(digits: &[u8]) -> bool {
    digits.len() == 12 && digits.split_last().is_some_and(|(&check, rest)| my_number_check(rest) == u32::from(check))
}

/// May this be the number of a driver's licence (12 digits)? The 11th digit follows from S = Σ weights 5432765432 × the first ten: for
/// S mod 11 ≥ 2 it is 11 − (S mod 11); 1 gives 0; for 0 sources say 1 or 0, both pass. No ordinance is published: secondary sources.
pub(super) fn is_driver_license(digits: &[u8]) -> bool {
    const WEIGHTS: [u32; 10] = [5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
    let (12, Some(&check)) = (digits.len(), digits.get(10)) else { return false };
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(&digit, weight)| u32::from(digit) * weight).sum();
    match sum % 11 {
        0 => check <= 1,
        1 => check == 0,
        remainder => u32::from(check) == 11 - remainder,
    }
}

/// Luhn's formula (ISO/IEC 7812-1).
pub(super) fn is_luhn(digits: &[u8]) -> bool {
    let value = |(place, &digit): (usize, &u8)| match u32::from(digit) * if place % 2 == 1 { 2 } else { 1 } {
        value if value > 9 => value - 9,
        value => value,
    };
    digits.iter().rev().enumerate().map(value).sum::<u32>() % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Vec<u8> {
        text.bytes().map(|byte| byte - b'0').collect()
    }

    #[test]
    fn published_examples_pass_and_their_neighbours_fail() {
        for good in ["123456789018", "465281266333"] {
            assert!(is_my_number(&digits(good)));
            for last in 0..10 {
                let other = format!("{}{last}", good.get(..11).unwrap());
                assert_eq!(is_my_number(&digits(&other)), other == good, "{other}");
            }
        }
        assert!(!is_my_number(&digits("12345678901")) && !is_my_number(&[]));
        // Test numbers of the card issuers.
        for good in ["4111111111111111", "5555555555554444", "378282246310005", "3530111333300000", "30569309025904"] {
            assert!(is_luhn(&digits(good)), "{good}");
        }
        assert!(!is_luhn(&digits("4111111111111112")));
    }

    #[test]
    fn one_check_digit_of_a_licence_passes_but_for_remainder_0() {
        for ten in ["0123456789", "3000000001", "9999999999", "1200345678"] {
            let passing = (0..10).filter(|check| is_driver_license(&digits(&format!("{ten}{check}0")))).count();
            assert!((1..=2).contains(&passing), "{ten}");
        }
        assert!(!is_driver_license(&digits("0123456789")));
    }
}
