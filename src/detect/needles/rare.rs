//! The needles of the second pass, over small texts and what was decoded: false candidates cost little there.

use super::kind::{BUCKETS, Mark, Needle, NeedleKind};
use crate::detect::decode::CharEncoding;
use crate::detect::decode::base85::Base85;

const FULL_WIDTH: NeedleKind = NeedleKind::Encoded(CharEncoding::FullWidth);
const ROT13: NeedleKind = NeedleKind::Encoded(CharEncoding::Rot13);
const MARKED: NeedleKind = NeedleKind::Mark(Mark::Ascii85);
const BEGIN: NeedleKind = NeedleKind::Mark(Mark::Begin);
const UUENCODED: NeedleKind = NeedleKind::Mark(Mark::UuencodedPrefix);
const PATCH: NeedleKind = NeedleKind::Mark(Mark::Patch);
const ASCII85: NeedleKind = NeedleKind::Mark(Mark::Base85Prefix(Base85::Ascii85));
const RFC_1924: NeedleKind = NeedleKind::Mark(Mark::Base85Prefix(Base85::Rfc1924));
const Z85: NeedleKind = NeedleKind::Mark(Mark::Base85Prefix(Base85::Z85));

/// Of a prefix in uuencode there are three forms, by how many bytes of its group of three are in front of it; of one in base85,
/// the one that a group of four bytes begins with. A row for each bucket, as in the first pass: there is one false candidate every
/// 800 bytes of source; in any order there was one every three.
pub(super) const RARE_NEEDLES: [&[Needle]; BUCKETS] = [
    &[
        (b"g\xe2\x80\x8b", NeedleKind::TokenStart),
        (b"g\xc2\xad", NeedleKind::TokenStart),
        (b"g+AG", NeedleKind::TokenStart),
        (b"git=", NeedleKind::TokenStart),
        (b"gith=", NeedleKind::TokenStart),
        (b"\nliteral ", PATCH),
        (b"\ndelta ", PATCH),
    ],
    &[
        ("\u{1d488}".as_bytes(), FULL_WIDTH),
        ("\u{1d4f0}".as_bytes(), FULL_WIDTH),
        ("\u{1d524}".as_bytes(), FULL_WIDTH),
        ("\u{1d558}".as_bytes(), FULL_WIDTH),
        ("\u{1d58c}".as_bytes(), FULL_WIDTH),
        ("\u{1d5c0}".as_bytes(), FULL_WIDTH),
        ("\u{1d5f4}".as_bytes(), FULL_WIDTH),
        ("\u{1d690}".as_bytes(), FULL_WIDTH),
        (b"g=68", NeedleKind::TokenStart),
        (b"g=69", NeedleKind::TokenStart),
        (b"g=\nh", NeedleKind::TokenStart),
        (b"g=\ni", NeedleKind::TokenStart),
        (b"\xffH\xff", NeedleKind::FullWidthUtf16),
        (b"\xe2\x93\x96\xe2", FULL_WIDTH),
        (b"n 64", BEGIN),
        (b"n 60", BEGIN),
        (b"n 66", BEGIN),
        (b"n 75", BEGIN),
    ],
    &[(b"tub_", ROT13), (b"tuh_", ROT13), (b"buhtig", NeedleKind::Reversed), (b"B5)I$F^e]s", ASCII85)],
    &[
        (b"ohg", NeedleKind::Reversed),
        (b"rhg", NeedleKind::Reversed),
        (b"shg", NeedleKind::Reversed),
        (b"uhg", NeedleKind::Reversed),
        (b"phg", NeedleKind::Reversed),
        (b"gh\n", NeedleKind::TokenStart),
        (b"gh\"", NeedleKind::TokenStart),
        (b"gh'", NeedleKind::TokenStart),
        (b"gh\xe2\x80\x8b", NeedleKind::TokenStart),
        (b"gh\xc2\xad", NeedleKind::TokenStart),
        (b"g\x08g", NeedleKind::TokenStart),
    ],
    &[
        ("\u{1d420}".as_bytes(), FULL_WIDTH),
        ("\u{1d628}".as_bytes(), FULL_WIDTH),
        ("\u{1d65c}".as_bytes(), FULL_WIDTH),
        (b"b_pat_", NeedleKind::PrefixMiddle),
        (b"g=\r\n", NeedleKind::TokenStart),
        (b"'<~", MARKED),
        (b"\"<~", MARKED),
        (b" <~", MARKED),
        (b"(<~", MARKED),
        (b"B4u6k", ASCII85),
        (b"B4u3j", ASCII85),
        (b"B4uEp", ASCII85),
        (b"B4u?n", ASCII85),
        (b"B4u<m", ASCII85),
        (b"XJ~L=", RFC_1924),
        (b"XJ~I<", RFC_1924),
        (b"XJ~a_", RFC_1924),
        (b"XJ~U@", RFC_1924),
        (b"XJ~R?", RFC_1924),
    ],
    &[
        (b"tuc_", ROT13),
        (b"tuf_", ROT13),
        (b"tue_", ROT13),
        (b"tvguho", ROT13),
        (b"G:'", UUENCODED),
        (b"G:&", UUENCODED),
        (b"G:7", UUENCODED),
    ],
    &[
        (b"gh\r", NeedleKind::TokenStart),
        (b"gh<", NeedleKind::TokenStart),
        (b"9VET:'5B", UUENCODED),
        (b"=H<%", UUENCODED),
        (b"=H;U", UUENCODED),
        (b"=H=5", UUENCODED),
        (b"=H<U", UUENCODED),
        (b"=H<E", UUENCODED),
        (b"=I=&AU", UUENCODED),
        (b"gi=7", NeedleKind::TokenStart),
        (b"gi=\n", NeedleKind::TokenStart),
        (b"gi=\r", NeedleKind::TokenStart),
        (b"gh+A", NeedleKind::TokenStart),
        (b"xj#", Z85),
        (b"9VA", UUENCODED),
        (b"XK8e3bz)y|", RFC_1924),
        (b"xk8E3BZ!Y%", Z85),
    ],
    &[
        ("\u{1d454}".as_bytes(), FULL_WIDTH),
        (b"01100111", NeedleKind::Number),
        (b"\n<~", MARKED),
        (b"=<~", MARKED),
        (b"><~", MARKED),
        (b":<~", MARKED),
    ],
];
