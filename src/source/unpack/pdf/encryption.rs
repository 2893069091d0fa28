//! Whether and how a document is encrypted, and what its strings and streams are decrypted with (ISO 32000-1, 7.6).

use memchr::memmem;

use super::cipher::{BLOCK, decrypt_cbc, md5, rc4};
use super::lexer::{Lexer, Value, Word};
use super::security::{self, Secrets};

/// How a document can be read.
pub(super) enum Protection {
    /// As it is.
    None,
    /// With this key: its user password is empty.
    Unlocked(Key),
    /// With a password that nobody gave, or in a way that is not known here.
    Locked,
}

/// What strings and streams are decrypted with.
pub(super) struct Key {
    bytes: Vec<u8>,
    strings: Cipher,
    streams: Cipher,
    encrypts_metadata: bool,
}

#[derive(Clone, Copy)]
enum Cipher {
    /// `Identity`: they are not encrypted.
    None,
    Rc4,
    /// With a key for each object.
    Aes128,
    /// With the document's key.
    Aes256,
}

/// The number and the generation of an object.
pub(super) type Id = (u32, u16);

/// Whether a trailer refers to how the document is encrypted (7.6.1).
pub(super) fn is_encrypted(bytes: &[u8]) -> bool {
    references(bytes).next().is_some()
}

/// What stands behind the name in a trailer: a dictionary, or a reference to one.
fn references(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    memmem::find_iter(bytes, b"/Encrypt").filter_map(|at| {
        let rest = bytes.get(at + 8..)?;
        let value = rest.get(..16).unwrap_or(rest).trim_ascii_start();
        let is_value = value.starts_with(b"<<") || value.first().is_some_and(u8::is_ascii_digit);
        is_value.then(|| rest.trim_ascii_start())
    })
}

impl Protection {
    /// How the document with these bytes can be read, all of them.
    pub(super) fn of(bytes: &[u8]) -> Self {
        /// A document has few revisions.
        const MAX_TRIED: usize = 16;
        let mut is_encrypted = false;
        for reference in references(bytes).take(MAX_TRIED) {
            is_encrypted = true;
            let dictionary =
                if reference.starts_with(b"<<") { Some(reference) } else { object(bytes, reference) };
            if let Some(key) = dictionary.and_then(|dictionary| Key::of(dictionary, bytes)) {
                return Protection::Unlocked(key);
            }
        }
        if is_encrypted { Protection::Locked } else { Protection::None }
    }
}

/// The last object with the number that a reference begins with.
fn object<'b>(bytes: &'b [u8], reference: &[u8]) -> Option<&'b [u8]> {
    let digits = reference.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let name = [&reference[..digits], b" "].concat();
    memmem::rfind_iter(bytes, &name).find_map(|at| {
        let is_number = at == 0 || !bytes[at - 1].is_ascii_digit();
        let rest = bytes.get(at + name.len()..)?.trim_ascii_start();
        let generation = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let rest = rest.get(generation..)?.trim_ascii_start().strip_prefix(b"obj")?;
        (is_number && generation > 0).then(|| rest.trim_ascii_start())
    })
}

impl Key {
    /// The key of a document with this encryption dictionary, if the empty user password opens it.
    fn of(dictionary: &[u8], document: &[u8]) -> Option<Self> {
        let value = Lexer::new(dictionary, 0).value(&mut |_| {})?;
        if !value.is(b"Filter", b"Standard") {
            return None;
        }
        let fields = Fields::of(dictionary);
        let version = value.number(b"V")?;
        let length = value.number(b"Length").unwrap_or(40);
        let secrets = Secrets {
            revision: value.number(b"R")?,
            // Bits, and with crypt filters always as many.
            key_len: if version == 4 { 16 } else { usize::try_from(length / 8).ok()? },
            owner: fields.owner,
            user: fields.user,
            user_key: fields.user_key,
            permissions: u32::try_from(value.number(b"P")? & 0xffff_ffff).ok()?,
            encrypts_metadata: fields.encrypts_metadata,
        };
        let cipher = |name: &[u8]| match version {
            1 | 2 => Some(Cipher::Rc4),
            4 | 5 => crypt_filter(&value, name),
            _ => None,
        };
        let (strings, streams) = (cipher(b"StrF")?, cipher(b"StmF")?);
        // Since version 5 the document's ID is no part of it.
        let ids = if version == 5 { vec![Vec::new()] } else { ids(document) };
        let bytes = ids.iter().find_map(|id| security::key(&secrets, id))?;
        Some(Key { bytes, strings, streams, encrypts_metadata: secrets.encrypts_metadata })
    }

    /// Decrypts a string of an object.
    pub(super) fn string(&self, id: Id, string: &[u8]) -> Vec<u8> {
        self.decrypt(self.strings, id, string)
    }

    /// Decrypts a stream; none where it is as it is.
    pub(super) fn stream(&self, id: Id, dictionary: &Value, data: &[u8]) -> Option<Vec<u8>> {
        let is_plain = matches!(self.streams, Cipher::None)
            || dictionary.is(b"Type", b"Metadata") && !self.encrypts_metadata
            || has_identity(dictionary);
        (!is_plain).then(|| self.decrypt(self.streams, id, data))
    }

    fn decrypt(&self, cipher: Cipher, id: Id, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        match cipher {
            Cipher::None => {}
            Cipher::Rc4 => rc4(&self.own_key(id, b""), &mut bytes),
            Cipher::Aes128 => undo_aes(&self.own_key(id, b"sAlT"), &mut bytes),
            Cipher::Aes256 => undo_aes(&self.bytes, &mut bytes),
        }
        bytes
    }

    /// The key of one object (Algorithm 1).
    fn own_key(&self, (number, generation): Id, salt: &[u8]) -> Vec<u8> {
        let [number @ .., _] = number.to_le_bytes();
        let key = md5(&[&self.bytes, &number, &generation.to_le_bytes(), salt]);
        key[..(self.bytes.len() + 5).min(16)].to_vec()
    }
}

/// Decrypts what begins with an initialization vector, and ends in as many bytes of padding as each of those says.
fn undo_aes(key: &[u8], bytes: &mut Vec<u8>) {
    let Some(vector) = bytes.first_chunk().copied() else { return };
    bytes.drain(..BLOCK);
    decrypt_cbc(key, vector, bytes);
    let padding = bytes.last().map_or(0, |last| usize::from(*last));
    if (1..=BLOCK).contains(&padding) {
        bytes.truncate(bytes.len().saturating_sub(padding));
    }
}

/// What a crypt filter does (Table 25).
fn crypt_filter(dictionary: &Value, name: &[u8]) -> Option<Cipher> {
    let Some(Value::Name(name)) = dictionary.get([name; 2]) else { return Some(Cipher::None) };
    if name == b"Identity" {
        return Some(Cipher::None);
    }
    let filter = dictionary.get([b"CF"; 2])?.get([name; 2])?;
    let Some(Value::Name(method)) = filter.get([b"CFM"; 2]) else { return Some(Cipher::None) };
    match method.as_slice() {
        b"None" => Some(Cipher::None),
        b"V2" => Some(Cipher::Rc4),
        b"AESV2" => Some(Cipher::Aes128),
        b"AESV3" => Some(Cipher::Aes256),
        _ => None,
    }
}

/// Whether a stream says for itself that it is not encrypted (7.4.10).
fn has_identity(dictionary: &Value) -> bool {
    let is_crypt = |filter: &Value| *filter == Value::Name(b"Crypt".to_vec());
    match dictionary.get([b"Filter", b"F"]) {
        Some(Value::Array(filters)) => filters.iter().any(is_crypt),
        Some(filter) => is_crypt(filter),
        None => false,
    }
}

/// The entries of an encryption dictionary that are strings, or words.
struct Fields {
    owner: Vec<u8>,
    user: Vec<u8>,
    user_key: Vec<u8>,
    encrypts_metadata: bool,
}

impl Fields {
    fn of(dictionary: &[u8]) -> Self {
        let mut fields =
            Fields { owner: Vec::new(), user: Vec::new(), user_key: Vec::new(), encrypts_metadata: true };
        let (mut lexer, mut depth, mut name) = (Lexer::new(dictionary, 0), 0, Vec::new());
        while let Some(word) = lexer.next_word() {
            match word {
                Word::Keyword(b"<<") => depth += 1,
                Word::Keyword(b">>") if depth == 1 => break,
                Word::Keyword(b">>") => depth -= 1,
                Word::Keyword(b"false") if name == b"EncryptMetadata" => fields.encrypts_metadata = false,
                Word::Name(found) => name = found,
                Word::String(found) => match name.as_slice() {
                    b"O" => fields.owner = found,
                    b"U" => fields.user = found,
                    b"UE" => fields.user_key = found,
                    _ => {}
                },
                Word::Keyword(_) | Word::Number(_) => {}
            }
        }
        fields
    }
}

/// What may be the first half of the document's `ID`, which its key is made of; there need not be one (14.4).
fn ids(document: &[u8]) -> Vec<Vec<u8>> {
    /// A document has few revisions, and all of them the same.
    const MAX_IDS: usize = 16;
    /// More bytes than an array of two short strings has.
    const MAX_LEN: usize = 512;
    let mut ids = vec![Vec::new()];
    for at in memmem::find_iter(document, b"/ID") {
        let rest = document.get(at + 3..).unwrap_or_default();
        let mut lexer = Lexer::new(rest.get(..MAX_LEN).unwrap_or(rest), 0);
        if lexer.next_word() == Some(Word::Keyword(b"["))
            && let Some(Word::String(id)) = lexer.next_word()
            && !ids.contains(&id)
            && ids.len() < MAX_IDS
        {
            ids.push(id);
        }
    }
    ids
}

/// What bytes of an object are encrypted to in a document with this trailer and dictionary.
#[cfg(test)]
pub(in crate::source::unpack) fn encrypt(document: &[u8], id: Id, plain: &[u8]) -> Vec<u8> {
    use super::cipher::{encrypt_cbc, encrypt_cbc_256};

    let Protection::Unlocked(key) = Protection::of(document) else { panic!("it cannot be opened") };
    let vector = [7; BLOCK];
    let padding = u8::try_from(BLOCK - plain.len() % BLOCK).expect("a block");
    let mut padded = [plain, &vec![padding; usize::from(padding)]].concat();
    match key.streams {
        Cipher::None => return plain.to_vec(),
        Cipher::Rc4 => return key.decrypt(Cipher::Rc4, id, plain),
        Cipher::Aes128 => {
            let own = key.own_key(id, b"sAlT");
            encrypt_cbc(own.first_chunk().expect("16 bytes"), vector, &mut padded);
        }
        Cipher::Aes256 => {
            encrypt_cbc_256(key.bytes.first_chunk().expect("32 bytes"), vector, &mut padded);
        }
    }
    [&vector[..], &padded].concat()
}
