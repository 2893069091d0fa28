//! Whether a document is in cipher ([MS-OFFCRYPTO] 2.3 and 2.4): then nothing of it was read that matters.

/// Whether a stream, by its name and its first bytes, says that it is, or that its document is.
pub(super) fn is_encrypted(stream: &str, head: &[u8]) -> bool {
    match stream {
        // A document of Office 2007 or later, whole.
        "EncryptedPackage" => true,
        // [MS-DOC] 2.5.1 and 2.5.2: the identifier, and the flag `fEncrypted`.
        "WordDocument" => head.starts_with(&[0xec, 0xa5]) && head.get(11).is_some_and(|flags| flags & 1 != 0),
        // [MS-XLS] 2.4.117: a record behind the first one.
        "Workbook" | "Book" => has_file_pass(head),
        // [MS-PPT] 2.3.2, `headerToken`.
        "Current User" => head.get(12..16) == Some(&[0xdf, 0xc4, 0xd1, 0xf3]),
        _ => false,
    }
}

fn has_file_pass(mut records: &[u8]) -> bool {
    // Few may stand before it: the version of the file, and who may write it.
    for _ in 0..4 {
        let [kind, 0 | 8, len, len_high, ..] = records else { return false };
        if [*kind, records.get(1).copied().unwrap_or_default()] == [0x2f, 0] {
            return true;
        }
        let len = usize::from(u16::from_le_bytes([*len, *len_high]));
        records = records.get(4 + len..).unwrap_or_default();
    }
    false
}
