//! How much the rules and expressions of a configuration file may cost. A scanned tree brings its own, and whoever wrote it must
//! not be able to take the machine's memory or time.

/// The sizes that are tried for a compiled expression, in bytes: the first that is enough is what it is charged.
const SIZES: [usize; 5] = [16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20];

/// What a configuration file may bring.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Rules, and allowlists.
    pub count: usize,
    /// Bytes of one expression or glob, as it is written.
    pub pattern: usize,
    /// Bytes of all of one kind together, as they are written: globs, keywords, examples.
    pub text: usize,
    /// Bytes of one expression, compiled.
    pub compiled: usize,
    /// Bytes of all of them together, compiled.
    pub all_compiled: usize,
    /// Whether its rules may take any time.
    pub any_time: bool,
}

impl Bounds {
    /// For the user's own file.
    pub const USER: Bounds = Bounds {
        count: usize::MAX,
        pattern: usize::MAX,
        text: usize::MAX,
        compiled: 4 << 20,
        all_compiled: usize::MAX,
        any_time: true,
    };

    /// For a file of the scanned tree.
    pub const TREE: Bounds = Bounds {
        count: 1000,
        pattern: 4096,
        text: 256 << 10,
        compiled: 256 << 10,
        all_compiled: 8 << 20,
        any_time: false,
    };

    /// Refuses more than so many of `what`.
    pub fn check_count(&self, count: usize, what: &str) -> Result<(), String> {
        if count <= self.count {
            return Ok(());
        }
        Err(format!("{count} {what} are more than a scanned tree may bring ({})", self.count))
    }

    /// Refuses patterns that are longer than they may be, one by one or all together.
    pub fn check_text<'t>(&self, texts: impl Iterator<Item = &'t str>, what: &str) -> Result<(), String> {
        let mut all = 0;
        for text in texts {
            if text.len() > self.pattern {
                let (len, most) = (text.len(), self.pattern);
                return Err(format!(
                    "one of its {what} has {len} bytes: {most} is the most in a scanned tree"
                ));
            }
            all += text.len();
        }
        if all > self.text {
            return Err(format!("its {what} have {all} bytes: {} is the most in a scanned tree", self.text));
        }
        Ok(())
    }

    /// Room for compiled expressions.
    pub fn sizes(&self) -> SizeBudget {
        SizeBudget { each: self.compiled, left: self.all_compiled }
    }
}

/// How many bytes of compiled expressions a file may still bring.
#[derive(Debug)]
pub struct SizeBudget {
    each: usize,
    left: usize,
}

impl SizeBudget {
    /// Compiles an expression with the least size that is enough; `build` is given the most bytes that it may have.
    pub fn compile<T>(
        &mut self,
        build: impl Fn(usize) -> Result<T, regex::Error>,
    ) -> Result<T, regex::Error> {
        let most = self.each.min(self.left);
        let mut sizes = SIZES.into_iter().filter(|size| *size < most).chain([most]);
        loop {
            let size = sizes.next().unwrap_or(most);
            match build(size) {
                Err(regex::Error::CompiledTooBig(_)) if size < most => {}
                Err(error) => return Err(error),
                Ok(compiled) => {
                    self.left = self.left.saturating_sub(size);
                    return Ok(compiled);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::bytes::RegexBuilder;

    #[test]
    fn sizes_add_up() {
        let mut sizes = SizeBudget { each: 64 << 10, left: 40 << 10 };
        let mut compile = |text: &str| {
            sizes.compile(|size| RegexBuilder::new(text).unicode(false).size_limit(size).build())
        };
        assert!(compile("a").is_ok() && compile("[ab]{20}").is_ok());
        assert!(compile("a").is_ok(), "what is left of the last size");
        assert!(matches!(compile("[ab]{20}c"), Err(regex::Error::CompiledTooBig(_))));
    }

    #[test]
    fn texts_are_bounded_one_by_one_and_together() {
        let long = "x".repeat(Bounds::TREE.pattern + 1);
        assert!(Bounds::TREE.check_text([&*long].into_iter(), "globs").is_err());
        assert!(Bounds::USER.check_text([&*long].into_iter(), "globs").is_ok());
        let many = vec!["x".repeat(4000); 100];
        assert!(Bounds::TREE.check_text(many.iter().map(String::as_str), "globs").is_err());
        assert!(Bounds::TREE.check_count(1001, "rules").is_err_and(|error| error.contains("1001 rules")));
    }
}
