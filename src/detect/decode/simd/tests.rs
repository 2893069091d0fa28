use proptest::prelude::*;

use super::super::alphabet::{VALUES, is_base64_or_break, is_character};
use super::*;

/// Runs a check with each set of instructions that this machine has.
fn with_each(check: impl Fn(&dyn Answers) -> Result<(), TestCaseError>) -> Result<(), TestCaseError> {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = avx2::Avx2::detected() {
        check(&avx2)?;
    }
    check(&portable::Portable)
}

/// What vectors answer, for any set of instructions.
trait Answers {
    fn blocks(&self, blocks: &[Block]) -> u32;
    fn ascii(&self, block: &Block) -> bool;
    fn alignments(&self, block: &Block) -> u32;
    fn header(&self, bytes: &[u8; BEFORE + BLOCK]) -> bool;
    fn trailing(&self, bytes: &[u8; BEFORE]) -> usize;
    fn leading(&self, bytes: &[u8; BEFORE]) -> usize;
}

impl<V: Vectors> Answers for V {
    fn blocks(&self, blocks: &[Block]) -> u32 {
        self.blocks_may_be_base64(|n| &blocks[n])
    }

    fn ascii(&self, block: &Block) -> bool {
        self.may_encode_ascii(block)
    }

    fn alignments(&self, block: &Block) -> u32 {
        self.ascii_alignments(block)
    }

    fn header(&self, bytes: &[u8; BEFORE + BLOCK]) -> bool {
        self.any_compressed_header(bytes)
    }

    fn trailing(&self, bytes: &[u8; BEFORE]) -> usize {
        self.trailing_base64(bytes)
    }

    fn leading(&self, bytes: &[u8; BEFORE]) -> usize {
        self.leading_base64(bytes)
    }
}

/// Whether characters decode to nothing beyond ASCII when a group starts at `start`, one of the first four.
fn fits(characters: &[u8], start: usize) -> bool {
    characters.iter().enumerate().all(|(n, character)| {
        let high_bit = [32, 8, 2, 0][(n + 4 - start) % 4];
        VALUES[usize::from(*character)] & high_bit == 0
    })
}

/// Whether the first fifteen characters do, wherever a group starts.
fn some_group_fits(block: &Block) -> bool {
    (0..4).any(|start| fits(&block[..BLOCK - 1], start))
}

fn bytes_like_base64(length: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![40 => b'A'..=b'z', 9 => b'+'..=b'9', 1 => any::<u8>()], length)
}

#[test]
fn blocks_are_classified_as_bytes_are() {
    for byte in 0..=u8::MAX {
        let block = [byte; BLOCK];
        assert_eq!(base64_characters(&block) == u16::MAX, is_character(byte), "{byte}");
        let control = (b'\n'..=b'\r').contains(&byte);
        assert_eq!(base64_or_break(&block) == u16::MAX, is_base64_or_break(byte) || control, "{byte}");
        assert_eq!(any_capital(&block), byte.is_ascii_uppercase(), "{byte}");
        let classified = with_each(|vectors| {
            let may_be = vectors.blocks(&[block; GROUP]);
            prop_assert!(may_be == 0 || may_be == u32::MAX);
            prop_assert!(may_be != 0 || !is_base64_or_break(byte));
            prop_assert!(!is_character(byte) || vectors.ascii(&block) == some_group_fits(&block));
            prop_assert_eq!(vectors.trailing(&[byte; BEFORE]) == BEFORE, is_character(byte));
            Ok(())
        });
        assert!(classified.is_ok(), "{byte}: {classified:?}");
    }
}

proptest! {
    #[test]
    fn bytes_are_counted_as_one_by_one(bytes in bytes_like_base64(90), length in 0_usize..90) {
        let bytes = &bytes[..length];
        let is_one = |byte: &&u8| is_character(**byte);
        prop_assert_eq!(leading(bytes, base64_characters), bytes.iter().take_while(is_one).count());
        prop_assert_eq!(leading_base64(bytes), bytes.iter().take_while(is_one).count());
        prop_assert_eq!(trailing(bytes, base64_characters), bytes.iter().rev().take_while(is_one).count());
        prop_assert_eq!(any_capital(bytes), bytes.iter().any(u8::is_ascii_uppercase));
    }

    #[test]
    fn no_block_of_base64_is_missed(bytes in bytes_like_base64(GROUP * BLOCK)) {
        let (blocks, _) = bytes.as_chunks::<BLOCK>();
        with_each(|vectors| {
            let may_be = vectors.blocks(blocks);
            for (n, block) in blocks.iter().enumerate() {
                prop_assert!(may_be >> n & 1 == 1 || !block.iter().all(|byte| is_base64_or_break(*byte)), "{}", n);
                if block.iter().all(|byte| is_character(*byte)) {
                    prop_assert_eq!(vectors.ascii(block), some_group_fits(block));
                    for start in 0..4 {
                        let fitting = vectors.alignments(block) >> ((start + 2) % 4) & 1 == 1;
                        prop_assert_eq!(fitting, fits(block, start), "{}", start);
                    }
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn base64_of_ascii_may_be_just_that(bytes in "[\\x00-\\x7f]{15}", start in 0_usize..4, break_at in 0_usize..40) {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(bytes).into_bytes();
        let mut block = *text[start..].first_chunk().expect("twenty characters");
        with_each(|vectors| {
            prop_assert!(vectors.alignments(&block) >> ((4 - start + 2) % 4) & 1 == 1);
            Ok(())
        })?;
        // The last character is not asked.
        block[BLOCK - 1] = b'/';
        with_each(|vectors| {
            prop_assert!(vectors.ascii(&block));
            Ok(())
        })?;
        if let Some(byte) = block.get_mut(break_at) {
            *byte = b'\n';
            block[0] = b'_';
            with_each(|vectors| {
                prop_assert!(vectors.ascii(&block) || break_at == 0);
                Ok(())
            })?;
        }
    }

    #[test]
    fn headers_are_found_wherever_they_are(bytes in bytes_like_base64(BEFORE + BLOCK), at in 0..BEFORE) {
        let mut bytes: [u8; BEFORE + BLOCK] = *bytes.first_chunk().expect("as many");
        let header = |pair: &[u8]| matches!(pair, [b'e', b'A' | b'F' | b'J' | b'N'] | [b'H', b'4']);
        let before = *bytes.first_chunk().expect("fewer");
        let is_one = |byte: &&u8| is_character(**byte);
        let has_one = bytes.windows(2).any(header);
        let headers: Vec<_> = compressed_headers(&bytes).collect();
        prop_assert_eq!(headers, (0..bytes.len()).filter(|at| header(&bytes[*at..bytes.len().min(at + 2)])).collect::<Vec<_>>());
        with_each(|vectors| {
            prop_assert!(has_one || !vectors.header(&bytes));
            prop_assert_eq!(vectors.trailing(&before), before.iter().rev().take_while(is_one).count());
            prop_assert_eq!(vectors.leading(&before), before.iter().take_while(is_one).count());
            Ok(())
        })?;
        for pair in [b"eA", b"eF", b"eJ", b"eN", b"H4"] {
            bytes[at..at + 2].copy_from_slice(pair);
            with_each(|vectors| {
                prop_assert!(vectors.header(&bytes));
                Ok(())
            })?;
        }
    }
}
