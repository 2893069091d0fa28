//! Numbers for people.

/// A number with a comma before every three digits: `1,500`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// So many of what is called `one` or `many`: `1 alert`, `1,500 alerts`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one_and_thousands_are_told_apart() {
        let told = |number| counted(number, "alert", "alerts");
        assert_eq!([0, 1, 2].map(told), ["0 alerts", "1 alert", "2 alerts"]);
        assert_eq!([999, 1100, 1_234_567].map(told), ["999 alerts", "1,100 alerts", "1,234,567 alerts"]);
    }
}
